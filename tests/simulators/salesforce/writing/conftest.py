"""A fresh org for each test, and the hands of two users."""

from collections.abc import Iterator

import pytest

from simulators.salesforce.writing.hand import CLERK, GONE, NOW, OBJECTS, WRITER, Hand
from unlost_simulators.salesforce.clock import VirtualClock
from unlost_simulators.salesforce.org import Org


@pytest.fixture
def org() -> Iterator[Org]:
    made = Org(OBJECTS, [WRITER, CLERK, GONE], clock=VirtualClock(NOW))
    rows = [
        {"Id": one.id, "LastName": "x", "Username": one.username, "IsActive": one.active}
        for one in (WRITER, CLERK, GONE)
    ]
    made.insert(WRITER, "User", rows)
    yield made
    made.close()


@pytest.fixture
def hand(org: Org) -> Hand:
    return Hand(org, WRITER)


@pytest.fixture
def clerk(org: Org) -> Hand:
    return Hand(org, CLERK)
