"""Data shared by all row makers: the seed, the sizes, the ids, owners, and times.

Row numbers become record ids by arithmetic alone, so that a child table finds its parents without
looking at their rows. Knows which tables refer to which by number; makes no names and no text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from unlost_simulators.salesforce import ids
from unlost_simulators.salesforce.scenarios.chocolate.draws import Numbers, Rows
from unlost_simulators.salesforce.scenarios.chocolate.frame import instants
from unlost_simulators.salesforce.scenarios.chocolate.sizes import ChocolateSizes
from unlost_simulators.salesforce.schema import ObjectDef

# Ids of written-out rows count from 0, those of generated rows from here; so neither moves the other.
FIXED_SPACE = 1_000
# Where ids of a further object with the same key prefix begin (CaseComment and IdeaComment share 00a).
_SHARED_STRIDE = 62**5
# Ids of at most this many parents are made once and then gathered.
_POOL_LIMIT = 4_000_000

# The org's evening on which the story opens; no record is younger.
OPENING = datetime(2026, 11, 2, 18, 0, tzinfo=UTC)
OPENING_SECONDS = int(OPENING.timestamp())
DAY = 86_400

# Country of an account, by its number: 4 Belgian, 5 German, 8 Japanese, 3 Brazilian in every 20.
_COUNTRY_OF = np.array([2, 1, 2, 0, 2, 3, 2, 1, 0, 2, 1, 3, 2, 0, 1, 2, 3, 2, 0, 1], dtype=np.int64)
TOWNS_PER_COUNTRY = 5


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
class World:
    """The made-up company at one seed and size."""

    seed: int
    sizes: ChocolateSizes
    keys: Keys
    owners: Mapping[int, Sequence[str]]
    """Ids of the active users of each country's office."""

    @property
    def accounts(self) -> int:
        """Generated accounts of both kinds."""
        return self.sizes.business_accounts + self.sizes.person_accounts

    @property
    def contacts(self) -> int:
        """Generated contacts, the paired ones of person accounts included."""
        return self.sizes.contacts + self.sizes.person_accounts

    def refer(self, name: str, numbers: Numbers, *, of: int) -> pa.Array:
        """Ids of generated rows `numbers` of `of`; the first written-out row where none are generated."""
        if of == 0:
            return pa.array([self.keys.fixed(name, 0)]).take(pa.array(np.zeros_like(numbers)))
        return self.keys.pooled(name, numbers, of=of)

    def account_of_contact(self, contact: Numbers) -> Numbers:
        """The account number of a contact: in turn, one in five anywhere."""
        business = max(self.sizes.business_accounts, 1)
        rows = Rows(self.seed, "ContactAccount", contact)
        paired = business + contact - self.sizes.contacts
        turn = np.where(
            rows.chance("stray", 20), rows.below("account", business), contact % business
        )
        return np.where(contact < self.sizes.contacts, turn, paired)

    def contact_at(self, account: Numbers, rows: Rows, column: str) -> Numbers:
        """A contact number, mostly of a person at that account."""
        business = max(self.sizes.business_accounts, 1)
        rounds = max(self.sizes.contacts // business, 1)
        contact = account % business + rows.below(column, rounds) * business
        return contact % max(self.sizes.contacts, 1)

    def owner_ids(self, rows: Rows, column: str, country: Numbers) -> pa.Array:
        """An active user of the country's office a row."""
        flat = [user for office in sorted(self.owners) for user in self.owners[office]]
        sizes = np.array(
            [len(self.owners[office]) for office in sorted(self.owners)], dtype=np.int64
        )
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        chosen = starts[country] + rows.below(column, sizes[country])
        return pa.array(flat, pa.string()).take(pa.array(chosen))


def country_of(account: Numbers) -> Numbers:
    """The country of an account, by its number."""
    return _COUNTRY_OF[account % len(_COUNTRY_OF)]


def town_of(account: Numbers) -> Numbers:
    """The town (0..4 within its country) of an account, by its number."""
    return (account // len(_COUNTRY_OF)) % TOWNS_PER_COUNTRY


def created_at(rows: Rows, *, days: int = 1_800) -> Numbers:
    """When a row was created: seconds since 1970, within the last `days` days before the opening."""
    return OPENING_SECONDS - 3_600 - rows.below("created", days * DAY)


def modified_at(rows: Rows, *, days: int = 1_800) -> Numbers:
    """When a row was last changed by a user: in four of ten rows, when it was created."""
    created = created_at(rows, days=days)
    remaining = np.maximum(OPENING_SECONDS - created, 1)
    return created + np.where(rows.chance("touched", 60), rows.below("modified", remaining), 0)


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


def batches(count: int, size: int) -> Iterator[tuple[int, int]]:
    """(first, count) of the runs of at most `size` rows that make up `count` rows."""
    for first in range(0, count, size):
        yield first, min(size, count - first)
