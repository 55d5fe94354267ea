"""The rule which versions of records stay. Pure: Arrow and NumPy in, NumPy out.

A version stays if a remaining backup shows it: a backup at or after the version's commit, and
before the commit of the next version. With remaining backups 4 and 9:

    commits of a record's versions   2    5    6    10 (deleted)
    shown by backup                  4    -    9    -
    decision                         stay go   stay stay: the newest version

The newest version always stays, except the tombstone of a record that was deleted before a limit
and of which nothing else stays. Archived records have no limit, because the vault is the only place
that has them. A tombstone keeps the last state before it, even if the tombstone has cells itself,
so that the record can be shown as it was last. See docs/adr/0022.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unlost.vault.commits import version_rules
from unlost.vault.format.physical import U_ID, U_OBSERVED_AT, U_OP, U_SNAP
from unlost.vault.read.table_view import last_of_each

type Mask = NDArray[np.bool_]

KEYS = (U_ID, U_OP, U_OBSERVED_AT, U_SNAP)
_FOREVER = np.iinfo(np.int64).max
_WITH_CELLS = [version_rules.LETTERS.index(letter) for letter in version_rules.WITH_CELLS]
_DELETED = (version_rules.D, version_rules.P, version_rules.M)


def _no_ids() -> pa.Array:
    return pa.array([], pa.string())


@dataclass(frozen=True, slots=True)
class TableRetention:
    """The rules for one table.

    ``kept_numbers``: numbers of the backups that stay; None for all. ``deleted_before``: last
    states of records deleted before this time go, unless a backup under legal hold shows them as
    deleted, which is true of tombstones of commits up to ``held_until``. ``held_ids``: ids that
    stay completely, like all that begin with one of ``held_beginnings``. ``gone``: ids that go
    completely, with priority over all else.
    """

    kept_numbers: tuple[int, ...] | None = None
    deleted_before: datetime | None = None
    held_until: int = 0
    held_ids: pa.Array = field(default_factory=_no_ids)
    held_beginnings: tuple[str, ...] = ()
    gone: pa.Array = field(default_factory=_no_ids)

    def without(self, ids: Sequence[pa.Array]) -> "TableRetention":
        """Return the same rules, with these ids removed completely."""
        return replace(self, gone=pa.concat_arrays([self.gone, *ids]))

    @property
    def everything(self) -> bool:
        """True if nothing can go."""
        return self.kept_numbers is None and not len(self.gone)


@dataclass(frozen=True, slots=True)
class VersionFates:
    """The decision about each version: it goes (``goes``), or it stays and its predecessor goes.

    ``whole``: it goes, and so does the complete record.
    """

    goes: Mask
    predecessor_goes: Mask
    whole: Mask

    @property
    def nothing(self) -> bool:
        """True if nothing changes."""
        return not (self.goes.any() or self.predecessor_goes.any())


def fates(rows: pa.Table, keeping: TableRetention) -> VersionFates:
    """Decide about all versions of some ids: rows with ``KEYS``, by id and then oldest first."""
    ids = rows.column(U_ID)
    last = last_of_each(ids)
    records = _Records(last)
    goes = np.zeros(len(rows), dtype=np.bool_)
    if keeping.kept_numbers is not None and len(rows):
        goes = ~_stays(rows, keeping, records)
    if len(keeping.held_ids):
        goes &= ~_among(ids, keeping.held_ids)
    for beginning in keeping.held_beginnings:
        goes &= ~np.asarray(pc.starts_with(ids, beginning).to_numpy(), dtype=np.bool_)
    # After the holds: ids of ``$files`` in ``gone`` follow records that were decided before.
    if len(keeping.gone):
        goes |= _among(ids, keeping.gone)
    after_one_that_goes = np.zeros(len(rows), dtype=np.bool_)
    after_one_that_goes[1:] = goes[:-1] & ~last[:-1]
    whole = goes & records.all_of(goes)
    return VersionFates(goes=goes, predecessor_goes=after_one_that_goes & ~goes, whole=whole)


class _Records:
    """Boundaries of records in rows that are sorted by record."""

    def __init__(self, last: Mask) -> None:
        self.last = last
        self.ends = np.flatnonzero(last)
        self.starts = np.append(0, self.ends[:-1] + 1)[: len(self.ends)]
        self._counts = self.ends - self.starts + 1

    def spread(self, mask: Mask) -> Mask:
        """Repeat a value of each record for all its versions."""
        return np.repeat(mask, self._counts)

    def all_of(self, mask: Mask) -> Mask:
        """Return true for versions of records whose versions are all in ``mask``."""
        return self.spread(np.logical_and.reduceat(mask, self.starts)) if len(mask) else mask

    def any_of(self, mask: Mask) -> Mask:
        """Return true for versions of records with a version in ``mask``."""
        return self.spread(np.logical_or.reduceat(mask, self.starts)) if len(mask) else mask

    def before(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the value of each version's predecessor; -1 for the first of a record."""
        positions_before = np.full(len(places), -1, dtype=np.int64)
        positions_before[1:] = np.where(self.last[:-1], -1, places[:-1])
        return positions_before

    def latest_where(self, mask: Mask) -> NDArray[np.int64]:
        """Return, for each version, the place of the newest version up to it that is in ``mask``.

        -1 if its record has none.
        """
        places = np.maximum.accumulate(np.where(mask, np.arange(len(mask)), -1))
        starts = np.repeat(self.starts, self._counts)
        return np.where(places >= starts, places, -1)


def _stays(rows: pa.Table, keeping: TableRetention, records: _Records) -> Mask:
    ops = version_rules.ops_of(rows.column(U_OP))
    newest = ops[records.ends]
    snaps = rows.column(U_SNAP).to_numpy()
    expired = np.isin(newest, _DELETED) & _before(rows, keeping.deleted_before)[records.ends]
    expired &= snaps[records.ends] > keeping.held_until
    stays = _shown(snaps, keeping.kept_numbers or (), records)
    stays |= records.last & records.spread(~expired)
    # An expired tombstone stays after all if a backup still shows an earlier version of the record:
    # without it, the record would look alive afterwards.
    stays |= records.last & records.any_of(stays)
    # Each tombstone that stays needs the last state before it. Before an archived version there may be
    # a tombstone with cells, which is no state in which the record can come back.
    for states in (_WITH_CELLS, (version_rules.U,)):
        latest = records.before(records.latest_where(np.isin(ops, states)))
        needed = latest[stays & (ops != version_rules.U)]
        stays[needed[needed >= 0]] = True
    return stays


def _shown(snaps: NDArray[np.int64], kept_numbers: Sequence[int], records: _Records) -> Mask:
    """Return a mask of versions that a remaining backup shows; false for the newest ones.

    The newest versions have no end, and are decided by the caller.
    """
    ends = np.append(snaps[1:], _FOREVER)
    ends[records.last] = _FOREVER
    # The first remaining backup at or after each version must come before the next version.
    ordered = np.append(np.array(sorted(kept_numbers), dtype=np.int64), _FOREVER)
    first = ordered[np.searchsorted(ordered, snaps, side="left")]
    shown = first < ends
    shown[records.last] = False
    return np.asarray(shown)


def _before(rows: pa.Table, limit: datetime | None) -> Mask:
    """Return a mask of versions that were observed before an instant."""
    if limit is None:
        return np.zeros(len(rows), dtype=np.bool_)
    observed = rows.column(U_OBSERVED_AT)
    is_older = pc.less(observed, pa.scalar(limit, observed.type))
    return np.asarray(is_older.to_numpy(), dtype=np.bool_)


def _among(ids: pa.ChunkedArray, some: pa.Array) -> Mask:
    return np.asarray(pc.is_in(ids, value_set=some).to_numpy(), dtype=np.bool_)
