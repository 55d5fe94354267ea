"""Made-up orgs for the Salesforce simulator, found by name."""

from unlost_simulators.salesforce.scenarios.registry import scenario, scenario_names
from unlost_simulators.salesforce.scenarios.scenario import Scenario

__all__ = ["Scenario", "scenario", "scenario_names"]
