"""The connector against a real server on loopback: one simulated org for a module's tests."""

from collections.abc import Iterator

import pytest

from fakes.maker import Maker
from unlost_simulators.process import SimulatorProcess


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as sim:
        yield sim


@pytest.fixture
def maker(simulator: SimulatorProcess) -> Iterator[Maker]:
    """A test that plants a fault must also hit it."""
    simulator.admin.post("faults/clear")
    made = Maker(simulator)
    yield made
    assert simulator.admin.unhit_faults() == []
    simulator.admin.post("faults/clear")
