"""Putting a Salesforce simulator together: scenario, org, server settings."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc

from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.kit.moving import opening_before
from unlost_simulators.kit.orgs import OrgOptions
from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.oauth.apps import ConnectedApp
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.scenarios import scenario
from unlost_simulators.salesforce.scenarios.moving import MovedOrg
from unlost_simulators.salesforce.scenarios.scenario import Act, LoadableOrg, Scenario
from unlost_simulators.salesforce.server_settings import ServerSettings
from unlost_simulators.salesforce.simulator import Simulator

ORG_PREFIX = "00D"
ORGANIZATION = "Organization"
# For clients that know no other flow than user name and password.
THIRD_PARTY = ConnectedApp("third-party", "not-a-secret-third-party", password_flow=True)


class Identity(StrEnum):
    """Origin of the id of an org."""

    OF_SCENARIO = "scenario"
    OF_NAME = "name"  # made from the org's name: two orgs of one scenario are two tenants


@dataclass(frozen=True, slots=True)
class SimulatorOptions(OrgOptions):
    """The options of a Salesforce org.

    ``cache`` keeps rendered Bulk results. ``sandbox`` makes the org a sandbox: the state after a
    refresh, with the record ids of the org of the same scenario, scale and seed.
    """

    FLAGS: ClassVar[tuple[str, ...]] = ("sandbox", "same-id", "running-clock")
    MEMBERS: ClassVar[frozenset[str]] = OrgOptions.MEMBERS | {"sandbox"}

    cache: Path | None = None
    identity: Identity = Identity.OF_SCENARIO
    sandbox: bool = False

    def named(self, name: str, members: Mapping[str, Any]) -> Self:
        """Give the options of another org; without ``same_id`` its id is made from its name."""
        values = dict(members)
        same = values.pop("same_id", False)
        # Two orgs may come to the same revision of other rows: each has its own rendered results.
        return replace(
            OrgOptions.named(self, name, values),
            identity=Identity.OF_SCENARIO if same else Identity.OF_NAME,
            cache=None if self.cache is None else self.cache / name,
        )


def build(
    wanted: SimulatorOptions,
    *,
    base_url: str,
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Simulator:
    """Make the org of a scenario and the simulator around it."""
    chosen = scenario(wanted.scenario)
    opens = wanted.opens or opening_before(wall_clock(), chosen.opening)
    clock = VirtualClock(opens, running=wanted.running_clock)
    org = Org(
        chosen.objects(),
        chosen.users(),
        clock=clock,
        id18=org_id(wanted, chosen),
        settings=replace(chosen.settings(), sandbox=wanted.sandbox),
        db=wanted.db,
    )
    if org.store.is_empty():  # a database file keeps the rows of the run before
        other = org.id18 != chosen.org_id or wanted.sandbox
        into: LoadableOrg = Relabelled(org, chosen.org_id) if other else org
        into = MovedOrg(into, chosen.opening, opens)
        chosen.load(into, scale=wanted.scale, seed=wanted.seed)
    # Results are cached by the number of writes, which is the same whenever the org opens.
    cache = None if wanted.cache is None else wanted.cache / f"{opens:%Y-%m-%d}"
    return around(org, base_url=base_url, cache=cache, acts=chosen.acts())


def org_id(wanted: SimulatorOptions, chosen: Scenario) -> str:
    """Give the org's id of 18 characters."""
    if wanted.identity is Identity.OF_SCENARIO:
        return chosen.org_id
    return ids.make(ORG_PREFIX, zlib.crc32(wanted.name.encode()) + ids.FIRST_COUNTER)


@dataclass(frozen=True, slots=True)
class Relabelled:
    """Loads the rows of a scenario into an org that has another id, or is a sandbox."""

    org: Org
    old_id: str

    @property
    def store(self) -> Relabelled:
        """Destination of rows: this object."""
        return self

    def load(self, object_name: str, table: pa.Table) -> None:
        """Append rows in which the org's id is its own."""
        of = self.org.schema.get(object_name)
        named = object_name == ORGANIZATION
        keys = {field.name for field in of.fields if ORGANIZATION in field.targets} if of else set()
        for name in sorted(keys | ({"Id"} if named else set())):
            if name in table.column_names:
                table = self._with_own_id(table, name)
        if named and "IsSandbox" in table.column_names:
            flags = pa.array([self.org.settings.sandbox] * table.num_rows)
            table = table.set_column(table.column_names.index("IsSandbox"), "IsSandbox", flags)
        self.org.store.load(object_name, table)

    def _with_own_id(self, table: pa.Table, name: str) -> pa.Table:
        column = table.column(name)
        this_org = pa.scalar(self.org.id18, column.type)
        mine = pc.equal(column, pa.scalar(self.old_id, column.type))
        changed = pc.if_else(pc.fill_null(mine, fill_value=False), this_org, column)
        return table.set_column(table.column_names.index(name), name, changed)


def around(
    org: Org,
    *,
    base_url: str,
    cache: Path | None = None,
    acts: Mapping[str, Act] | None = None,
) -> Simulator:
    """Make a simulator around an org that exists already."""
    settings = ServerSettings(base_url=base_url)
    return Simulator(org, apps=[THIRD_PARTY], settings=settings, cache=cache, acts=acts)
