"""The ASGI application of a simulated org."""

from __future__ import annotations

from unlost_simulators.kit.http.app import SimulatorApp
from unlost_simulators.kit.orgs import OrgRegistry
from unlost_simulators.salesforce.admin.api import admin
from unlost_simulators.salesforce.http.dispatcher import Dispatcher
from unlost_simulators.salesforce.server import SimulatorOptions, build
from unlost_simulators.salesforce.simulator import Simulator


class SalesforceApp(SimulatorApp):
    """The simulated org as an ASGI application; ``registry`` holds the orgs beside it."""

    def __init__(
        self, sim: Simulator, registry: OrgRegistry[SimulatorOptions, Simulator] | None = None
    ) -> None:
        super().__init__(sim, serve=Dispatcher(sim).serve, admin=admin(sim, registry).serve)
        self.sim = sim


class Salesforce:
    """The system as the kit opens its orgs."""

    def build(self, wanted: SimulatorOptions, base_url: str) -> Simulator:
        """Make the org of a scenario and the simulator around it."""
        return build(wanted, base_url=base_url)

    def app(
        self, sim: Simulator, registry: OrgRegistry[SimulatorOptions, Simulator]
    ) -> SalesforceApp:
        """Give the application of an org that belongs to a registry."""
        return SalesforceApp(sim, registry)
