"""The connector against a real server on loopback: one simulated org for a module's tests."""

from collections.abc import Iterator

import pytest

from fakes.maker import Maker
from unlost_simulators.process import SimulatorProcess

OPENED = ("--opens", "2026-08-03T18:00:00")
"""Long ago: these tests move the org's clock by 45 days, and it must not overtake this machine's."""


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(*OPENED) as sim:
        yield sim


@pytest.fixture
def maker(simulator: SimulatorProcess) -> Iterator[Maker]:
    """A test that plants a fault must also hit it."""
    simulator.admin.post("faults/clear")
    made = Maker(simulator)
    yield made
    assert simulator.admin.unhit_faults() == []
    simulator.admin.post("faults/clear")
