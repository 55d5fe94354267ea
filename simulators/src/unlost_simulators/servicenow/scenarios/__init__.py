"""Made-up instances, found by name."""

from unlost_simulators.servicenow.scenarios.registry import scenario, scenario_names
from unlost_simulators.servicenow.scenarios.scenario import Scenario, load

__all__ = ["Scenario", "load", "scenario", "scenario_names"]
