"""The company as an org: row numbers become record ids by arithmetic alone; owners and stamps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from unlost_simulators.company.columns import instants
from unlost_simulators.company.draws import Numbers, Rows
from unlost_simulators.company.times import OPENING_SECONDS, created_at, modified_at
from unlost_simulators.company.world import Company
from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.scenarios.chocolate.sizes import ChocolateSizes

# Ids of written-out rows count from 0, those of generated rows from here; so neither moves the other.
FIXED_SPACE = 1_000
# Where ids of a further object with the same key prefix begin (CaseComment and IdeaComment share 00a).
_SHARED_STRIDE = 62**5
# Ids of at most this many parents are made once and then gathered.
_POOL_LIMIT = 4_000_000


class Keys:
    """Record ids by object name and row number."""

    def __init__(self, objects: Sequence[ObjectDef]) -> None:
        seen: dict[str, int] = {}
        self._place: dict[str, tuple[str, int]] = {}
        self._pools: dict[tuple[str, int], pa.Array] = {}
        for definition in objects:
            shared = seen.get(definition.id_prefix, 0)
            seen[definition.id_prefix] = shared + 1
            self._place[definition.name] = (
                definition.id_prefix,
                ids.FIRST_COUNTER + shared * _SHARED_STRIDE,
            )

    def fixed(self, name: str, position: int) -> str:
        """The id of the written-out row at a position (from 0)."""
        prefix, start = self._place[name]
        return ids.make(prefix, start + position)

    def fixed_many(self, name: str, count: int) -> pa.Array:
        """The ids of the first written-out rows."""
        return self._make(name, np.arange(count, dtype=np.int64))

    def generated(self, name: str, numbers: Numbers) -> pa.Array:
        """The ids of generated rows by their numbers (from 0)."""
        return self._make(name, numbers + FIXED_SPACE)

    def pooled(self, name: str, numbers: Numbers, *, of: int) -> pa.Array:
        """As `generated`, for numbers below `of`: fast when many rows point to few parents."""
        if of > _POOL_LIMIT or of > 4 * len(numbers):
            return self.generated(name, numbers)
        pool = self._pools.get((name, of))
        if pool is None:
            pool = self.generated(name, np.arange(of, dtype=np.int64))
            self._pools[name, of] = pool
        return pool.take(pa.array(numbers))

    def _make(self, name: str, offsets: Numbers) -> pa.Array:
        prefix, start = self._place[name]
        return ids.make_many(prefix, offsets + start).cast(pa.string())


@dataclass(frozen=True, slots=True)
class World(Company[ChocolateSizes]):
    """The company as an org: with record ids and owners."""

    keys: Keys
    owners: Mapping[int, Sequence[str]]
    """Ids of the active users of each country's office."""

    def refer(self, name: str, numbers: Numbers, *, of: int) -> pa.Array:
        """Ids of generated rows `numbers` of `of`; the first written-out row where none are generated."""
        if of == 0:
            return pa.array([self.keys.fixed(name, 0)]).take(pa.array(np.zeros_like(numbers)))
        return self.keys.pooled(name, numbers, of=of)

    def owner_ids(self, rows: Rows, column: str, country: Numbers) -> pa.Array:
        """An active user of the country's office a row."""
        flat = [user for office in sorted(self.owners) for user in self.owners[office]]
        sizes = np.array(
            [len(self.owners[office]) for office in sorted(self.owners)], dtype=np.int64
        )
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        chosen = starts[country] + rows.below(column, sizes[country])
        return pa.array(flat, pa.string()).take(pa.array(chosen))


def audited(
    world: World, rows: Rows, country: Numbers, *, days: int = 1_800
) -> dict[str, pa.Array]:
    """The audit columns; the system's stamp is later than the last change in one row of eight."""
    created = created_at(rows, days=days)
    modified = modified_at(rows, days=days)
    swept = np.where(
        rows.chance("swept", 12),
        rows.below("stamp", np.maximum(OPENING_SECONDS - modified, 1)),
        0,
    )
    return {
        "CreatedDate": instants(created),
        "CreatedById": world.owner_ids(rows, "creator", country),
        "LastModifiedDate": instants(modified),
        "LastModifiedById": world.owner_ids(rows, "modifier", country),
        "SystemModstamp": instants(modified + swept),
    }


def along(world: World, rows: Rows, country: Numbers, created: Numbers) -> dict[str, pa.Array]:
    """The audit columns of what the platform writes along with `rows`, whose `country` is given."""
    at, by = instants(created), world.owner_ids(rows, "creator", country)
    return {
        "CreatedDate": at,
        "CreatedById": by,
        "LastModifiedDate": at,
        "LastModifiedById": by,
        "SystemModstamp": at,
    }
