"""Putting a ServiceNow simulator together: scenario, instance, clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.kit.moving import opening_before
from unlost_simulators.kit.orgs import OrgOptions
from unlost_simulators.servicenow.access.defaults import DEFAULTS
from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.scenarios import load, scenario
from unlost_simulators.servicenow.simulator import Simulator


@dataclass(frozen=True, slots=True)
class InstanceOptions(OrgOptions):
    """The options of an instance; those of every system suffice."""


def build(
    wanted: InstanceOptions,
    *,
    base_url: str,
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Simulator:
    """Make the instance of a scenario and the simulator around it."""
    chosen = scenario(wanted.scenario)
    opens = wanted.opens or opening_before(wall_clock(), chosen.opening)
    instance = Instance(
        chosen.declared(),
        chosen.users(),
        chosen.clients(),
        clock=VirtualClock(opens, running=wanted.running_clock),
        transforms=chosen.transforms(),
        db=wanted.db,
    )
    instance.settings.change(chosen.switches())
    for rule in (*DEFAULTS, *chosen.acls()):
        instance.add_acl(rule)
    if instance.was_empty:  # a database file keeps the rows of the run before
        load(chosen, instance, opens=opens, scale=wanted.scale, seed=wanted.seed)
    return Simulator(instance, base_url=base_url, acts=chosen.acts())
