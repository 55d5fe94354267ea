"""A customer of two systems: the sales org, and a service desk of another connector."""

from dataclasses import replace

from homes import SECRET, MemoryConnector, World
from scenes import with_sales
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.model.source.schema import Column, ColumnTrait, WireKind
from unlost.testing.org import MemoryOrg

NUMBER = "0040017"
CUSTOMER = "Schoko Zürich"
"""The number and the name of a customer in both systems."""


class DeskConnector(MemoryConnector):
    """A system with a name that people write otherwise than commands do."""

    name = "desk"
    label = "ServiceDesk"

    def __init__(self, org: MemoryOrg) -> None:
        super().__init__({"desk": org})


def with_two_systems(world: World) -> None:
    """A backup of the sales org, and one of a desk that has the same customer and two tickets."""
    with_sales(world)
    desk = MemoryOrg(world.clock, tenant="D-1", label="Desk")
    desk.identity = replace(desk.identity, connector="desk")
    world.other_connectors.append(DeskConnector(desk))
    number = Column("Number", WireKind.TEXT, traits=frozenset({ColumnTrait.UNIQUE}))
    world.org.tables["Account"].columns["Number"] = number
    desk.add_table("company", {"Name": WireKind.TEXT, "Number": WireKind.TEXT})
    desk.tables["company"].columns["Number"] = number
    desk.add_table("ticket", {"Name": WireKind.TEXT})
    desk.create("company", {"Name": CUSTOMER, "Number": NUMBER}, record="c1")
    for place in (1, 2):
        desk.create("ticket", {"Name": f"Schoko printer {place}"}, record=f"t{place}")
    add_org(world.app, NewOrg("desk", "helpdesk", {"address": "desk"}, {"password": SECRET}))
    for org in ("sales", "helpdesk"):
        backup(world.app, org)
