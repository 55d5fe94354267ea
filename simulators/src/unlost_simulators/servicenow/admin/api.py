"""The admin API of an instance: the calls that every system has, and those of this one."""

from __future__ import annotations

from unlost_simulators.kit.admin.actions import ClockActions, FaultActions, LogActions
from unlost_simulators.kit.admin.orgs import OrgActions
from unlost_simulators.kit.admin.server import Action, AdminServer, Routes
from unlost_simulators.kit.orgs import OrgRegistry
from unlost_simulators.servicenow.admin.edits import Edits
from unlost_simulators.servicenow.admin.switches import Switches
from unlost_simulators.servicenow.faults import ServiceNowRule
from unlost_simulators.servicenow.model.errors import ServiceNowError, error_answer
from unlost_simulators.servicenow.server import InstanceOptions
from unlost_simulators.servicenow.simulator import Act, Simulator

type Registry = OrgRegistry[InstanceOptions, Simulator]


def admin(sim: Simulator, registry: Registry | None = None) -> AdminServer[ServiceNowError]:
    """Give the admin API of a simulator; ``registry`` holds the instances beside it."""
    return AdminServer(routes(sim, registry), ServiceNowError, error_answer)


def routes(sim: Simulator, registry: Registry | None) -> Routes:
    """Give all calls of the admin API."""
    return {
        **ClockActions(sim.instance.clock).routes(),
        **FaultActions(sim.faults, ServiceNowRule).routes(),
        **LogActions(sim.log).routes(),
        **({} if registry is None else OrgActions(registry).routes()),
        **Edits(sim.instance).routes(),
        **Switches(sim).routes(),
        **{f"POST story/{name}": _played(sim, act) for name, act in sim.acts.items()},
    }


def _played(sim: Simulator, act: Act) -> Action:
    return lambda _wanted: dict(act(sim.instance))
