"""The ASGI application of a simulated instance."""

from __future__ import annotations

from unlost_simulators.kit.http.app import SimulatorApp
from unlost_simulators.kit.orgs import OrgRegistry
from unlost_simulators.servicenow.admin.api import admin
from unlost_simulators.servicenow.http.dispatcher import Dispatcher
from unlost_simulators.servicenow.server import InstanceOptions, build
from unlost_simulators.servicenow.simulator import Simulator


class ServiceNowApp(SimulatorApp):
    """The simulated instance as an ASGI application; ``registry`` holds those beside it."""

    def __init__(
        self, sim: Simulator, registry: OrgRegistry[InstanceOptions, Simulator] | None = None
    ) -> None:
        super().__init__(sim, serve=Dispatcher(sim).serve, admin=admin(sim, registry).serve)
        self.sim = sim


class ServiceNow:
    """The system as the kit opens its instances."""

    def build(self, wanted: InstanceOptions, base_url: str) -> Simulator:
        """Make the instance of a scenario and the simulator around it."""
        return build(wanted, base_url=base_url)

    def app(
        self, sim: Simulator, registry: OrgRegistry[InstanceOptions, Simulator]
    ) -> ServiceNowApp:
        """Give the application of an instance that belongs to a registry."""
        return ServiceNowApp(sim, registry)
