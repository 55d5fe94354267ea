"""A fresh org for each test, and the writers of two users."""

from collections.abc import Iterator

import pytest

from simulators.salesforce.writing.record_writer import (
    CLERK,
    GONE,
    NOW,
    OBJECTS,
    WRITER,
    RecordWriter,
)
from unlost_simulators.kit.clock import VirtualClock
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
def writer(org: Org) -> RecordWriter:
    return RecordWriter(org, WRITER)


@pytest.fixture
def clerk(org: Org) -> RecordWriter:
    return RecordWriter(org, CLERK)
