"""Which versions of records stay. Pure: Arrow and NumPy in, NumPy out.

A version stays if a night that stays shows it: the night lies at or behind its commit, and before that
of the next version. The newest version always stays, but for the tombstone of a record that was deleted
before some limit, where nothing else of the record stays. What was archived has no limit, because nothing
else holds it. With a tombstone the last state before it stays, also where the tombstone has cells itself:
so that a look at the night before shows the record as it was last.
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
    """What stays of one table.

    ``nights``: the numbers of those that stay, None for all. ``deleted_before``: last states of
    records deleted before it go, but for those that a held night shows as deleted: whose tombstone is of
    a commit up to ``held_until``. ``held_ids``: ids of which everything stays, as of those that begin with
    one of ``held_beginnings``. ``gone``: ids of which nothing does, whatever else is said.
    """

    nights: tuple[int, ...] | None = None
    deleted_before: datetime | None = None
    held_until: int = 0
    held_ids: pa.Array = field(default_factory=_no_ids)
    held_beginnings: tuple[str, ...] = ()
    gone: pa.Array = field(default_factory=_no_ids)

    def without(self, ids: Sequence[pa.Array]) -> "TableRetention":
        """The same, but nothing of these ids."""
        return replace(self, gone=pa.concat_arrays([self.gone, *ids]))

    @property
    def everything(self) -> bool:
        """True if nothing can go."""
        return self.nights is None and not len(self.gone)


@dataclass(frozen=True, slots=True)
class VersionFates:
    """For each version: it goes; it stays, but what it says of the one before is true no more.

    ``whole``: it goes, and with it the record.
    """

    goes: Mask
    untold: Mask
    whole: Mask

    @property
    def nothing(self) -> bool:
        """True if all stays as it is."""
        return not (self.goes.any() or self.untold.any())


def fates(rows: pa.Table, keeping: TableRetention) -> VersionFates:
    """The fates of all versions of some ids: rows with ``KEYS``, by id and then oldest first."""
    ids = rows.column(U_ID)
    last = last_of_each(ids)
    records = _Records(last)
    goes = np.zeros(len(rows), dtype=np.bool_)
    if keeping.nights is not None and len(rows):
        goes = ~_stays(rows, keeping, records)
    if len(keeping.held_ids):
        goes &= ~_among(ids, keeping.held_ids)
    for beginning in keeping.held_beginnings:
        goes &= ~np.asarray(pc.starts_with(ids, beginning).to_numpy(), dtype=np.bool_)
    if len(keeping.gone):
        goes |= _among(ids, keeping.gone)
    after_one_that_goes = np.zeros(len(rows), dtype=np.bool_)
    after_one_that_goes[1:] = goes[:-1] & ~last[:-1]
    whole = goes & records.all_of(goes)
    return VersionFates(goes=goes, untold=after_one_that_goes & ~goes, whole=whole)


class _Records:
    """Versions by record: the rows of each lie together."""

    def __init__(self, last: Mask) -> None:
        self.last = last
        self.ends = np.flatnonzero(last)
        self.starts = np.append(0, self.ends[:-1] + 1)[: len(self.ends)]
        self._counts = self.ends - self.starts + 1

    def spread(self, mask: Mask) -> Mask:
        """What is true of each record, for all its versions."""
        return np.repeat(mask, self._counts)

    def all_of(self, mask: Mask) -> Mask:
        """True for the versions of records for all versions of which it is true."""
        return self.spread(np.logical_and.reduceat(mask, self.starts)) if len(mask) else mask

    def any_of(self, mask: Mask) -> Mask:
        """True for the versions of records for any version of which it is true."""
        return self.spread(np.logical_or.reduceat(mask, self.starts)) if len(mask) else mask

    def before(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each version what stands at the one before it; -1 at the first of a record."""
        positions_before = np.full(len(places), -1, dtype=np.int64)
        positions_before[1:] = np.where(self.last[:-1], -1, places[:-1])
        return positions_before

    def latest_where(self, mask: Mask) -> NDArray[np.int64]:
        """For each version the place of the newest one of its record, up to it, for which it is true.

        -1 where there is none.
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
    stays = _shown(snaps, keeping.nights or (), records)
    stays |= records.last & records.spread(~expired)
    stays |= records.last & records.any_of(stays)
    states = records.before(records.latest_where(np.isin(ops, _WITH_CELLS)))
    needed = states[stays & (ops != version_rules.U)]
    stays[needed[needed >= 0]] = True
    return stays


def _shown(snaps: NDArray[np.int64], nights: Sequence[int], records: _Records) -> Mask:
    """Whether a night that stays shows a version. Of the newest ones nothing is said: they have no end."""
    ends = np.append(snaps[1:], _FOREVER)
    ends[records.last] = _FOREVER
    ordered = np.append(np.array(sorted(nights), dtype=np.int64), _FOREVER)
    first = ordered[np.searchsorted(ordered, snaps, side="left")]
    shown = first < ends
    shown[records.last] = False
    return np.asarray(shown)


def _before(rows: pa.Table, limit: datetime | None) -> Mask:
    """Which versions were observed before an instant."""
    if limit is None:
        return np.zeros(len(rows), dtype=np.bool_)
    observed = rows.column(U_OBSERVED_AT)
    is_older = pc.less(observed, pa.scalar(limit, observed.type))
    return np.asarray(is_older.to_numpy(), dtype=np.bool_)


def _among(ids: pa.ChunkedArray, some: pa.Array) -> Mask:
    return np.asarray(pc.is_in(ids, value_set=some).to_numpy(), dtype=np.bool_)
