"""The chocolate maker as a scenario: its objects, its users, and the loading of its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from unlost_simulators.company.draws import Rows
from unlost_simulators.company.employees import COMPANY
from unlost_simulators.company.times import OPENING
from unlost_simulators.company.world import batches
from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.model.settings import OrgSettings
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.scenarios.chocolate.acts import ACTS
from unlost_simulators.salesforce.scenarios.chocolate.objects import OBJECTS
from unlost_simulators.salesforce.scenarios.chocolate.sizes import ChocolateSizes
from unlost_simulators.salesforce.scenarios.chocolate.sources import SOURCES, Source
from unlost_simulators.salesforce.scenarios.chocolate.users import USERS
from unlost_simulators.salesforce.scenarios.chocolate.world import World
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed_rows import (
    FIXED_ROWS,
    KEYS,
    OWNERS,
)
from unlost_simulators.salesforce.scenarios.scenario import Act, LoadableOrg

ORG_ID = KEYS.fixed("Organization", 0)


def default_sizes(scale: int) -> ChocolateSizes:
    """The base mix, `scale` times."""
    return ChocolateSizes().times(scale)


@dataclass(frozen=True, slots=True)
class ChocolateScenario:
    """The maker of chocolate; `sizes` has the numbers of rows of a scale.

    With `fixed_objects` only the named objects get their written-out rows (measurements want exact
    counts); None means all.
    """

    name: str = "chocolate"
    sizes: Callable[[int], ChocolateSizes] = default_sizes
    declared: Sequence[ObjectDef] = OBJECTS
    sources: Sequence[Source] = SOURCES
    fixed_objects: frozenset[str] | None = None
    org_id: str = ORG_ID
    opening: datetime = field(default=OPENING)

    def settings(self) -> OrgSettings:
        """The company's name, otherwise the allocations of an Enterprise org."""
        return OrgSettings(name=COMPANY)

    def objects(self) -> Sequence[ObjectDef]:
        """All objects."""
        return self.declared

    def users(self) -> Sequence[SimUser]:
        """Users who may call the API."""
        return USERS

    def acts(self) -> Mapping[str, Act]:
        """The story; only where all of its records were written out."""
        return ACTS if self.fixed_objects is None else {}

    def tables(self, *, scale: int, seed: int) -> Iterator[tuple[str, pa.Table]]:
        """Written-out rows first, then generated ones."""
        declared = {definition.name: definition for definition in self.declared}
        yield from FIXED_ROWS.tables(declared, KEYS, only=self.fixed_objects)
        world = World(seed, self.sizes(scale), KEYS, OWNERS)
        for source in self.sources:
            yield from _generated(source, world)

    def load(self, org: LoadableOrg, *, scale: int, seed: int) -> None:
        """Load all rows."""
        for name, table in self.tables(scale=scale, seed=seed):
            org.store.load(name, table)


def _generated(source: Source, world: World) -> Iterator[tuple[str, pa.Table]]:
    for first, count in batches(source.count(world.sizes), source.batch_rows):
        rows = Rows.run(world.seed, source.label, first=first, count=count)
        yield source.object, pa.table(source.rows(world, rows))
