"""The scenarios of instances by name."""

from __future__ import annotations

from unlost_simulators.kit.scenarios import ScenarioRegistry
from unlost_simulators.servicenow.scenarios.chocolate.bench_incidents import BenchIncidents
from unlost_simulators.servicenow.scenarios.chocolate.bench_tables import BenchTables
from unlost_simulators.servicenow.scenarios.chocolate.scenario import ChocolateScenario
from unlost_simulators.servicenow.scenarios.scenario import Scenario

DOMAINS = "domains"


def _chocolate(argument: str | None) -> Scenario:
    if argument not in (None, DOMAINS):
        raise ValueError(f"the scenario chocolate knows {DOMAINS}, not {argument}")
    return ChocolateScenario(separated=argument == DOMAINS)


_SCENARIOS = ScenarioRegistry[Scenario](
    {
        "chocolate": _chocolate,
        "bench-incidents": lambda _argument: BenchIncidents(),
        "bench-tables": lambda _argument: BenchTables(),
    }
)


def scenario_names() -> tuple[str, ...]:
    """The names that `scenario` knows."""
    return _SCENARIOS.names()


def scenario(name: str) -> Scenario:
    """The scenario of that name; ValueError names the known ones."""
    return _SCENARIOS.get(name)
