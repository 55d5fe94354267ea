"""The connector against served instances on loopback: each test has an instance of its own."""

from collections.abc import Iterator
from itertools import count

import pytest

from fakes.instance import ServedInstance
from unlost_simulators.servicenow.process import ServiceNowProcess, SimulatedInstance

OPENED = ("--opens", "2026-08-03T18:00:00")
"""Long ago: tests move the clock of an instance, and it must not overtake this machine's."""
_numbers = count()


@pytest.fixture(scope="module")
def simulator() -> Iterator[ServiceNowProcess]:
    with ServiceNowProcess(*OPENED) as sim:
        yield sim


def fresh_instance(simulator: ServiceNowProcess, scenario: str = "chocolate") -> ServedInstance:
    name = f"org{next(_numbers)}"
    return ServedInstance(
        SimulatedInstance(simulator.admin.post("orgs", name=name, scenario=scenario))
    )


@pytest.fixture
def served(simulator: ServiceNowProcess) -> Iterator[ServedInstance]:
    """A test that plants a fault must also hit it."""
    instance = fresh_instance(simulator)
    yield instance
    assert instance.admin.unhit_faults() == []


@pytest.fixture
def separated(simulator: ServiceNowProcess) -> ServedInstance:
    """An instance with domain separation."""
    return fresh_instance(simulator, "chocolate:domains")
