"""The scenarios of Salesforce orgs by name."""

from __future__ import annotations

from unlost_simulators.kit.scenarios import ScenarioRegistry
from unlost_simulators.salesforce.scenarios.chocolate.bench import (
    DEFAULT_BODY,
    bench_contacts,
    bench_mails,
)
from unlost_simulators.salesforce.scenarios.chocolate.bench_graph import bench_graph
from unlost_simulators.salesforce.scenarios.chocolate.scenario import ChocolateScenario
from unlost_simulators.salesforce.scenarios.scenario import Scenario


def _chocolate(_argument: str | None) -> Scenario:
    return ChocolateScenario()


def _bench_contacts(_argument: str | None) -> Scenario:
    return bench_contacts()


def _bench_mails(argument: str | None) -> Scenario:
    return bench_mails(int(argument) if argument else DEFAULT_BODY)


def _bench_graph(_argument: str | None) -> Scenario:
    return bench_graph()


_SCENARIOS = ScenarioRegistry[Scenario](
    {
        "chocolate": _chocolate,
        "bench-contacts": _bench_contacts,
        "bench-mails": _bench_mails,
        "bench-graph": _bench_graph,
    }
)


def scenario_names() -> tuple[str, ...]:
    """The names that `scenario` knows."""
    return _SCENARIOS.names()


def scenario(name: str) -> Scenario:
    """The scenario of that name; ValueError names the known ones."""
    return _SCENARIOS.get(name)
