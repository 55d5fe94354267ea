"""Survey of one table: find the versions that go, by key columns alone, in bounded memory.

The decision about a version depends on all versions of its record, which may lie in several tiers.
The table is therefore read in ranges of ids across all tiers. A tier is rewritten later with the
same ranges, and the same decision is made again instead of being stored. See docs/adr/0022.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.errors import IntegrityError
from unlost.vault.format.physical import U_ID, U_PREV, U_SNAP, UNKNOWN_PREV
from unlost.vault.maintenance.retain.surviving import KEYS, TableRetention, VersionFates, fates
from unlost.vault.maintenance.rewrite.tiers import Tier, tiers_of
from unlost.vault.read.merge import MergeRange, RangeReader, cut, in_id_order, ranked
from unlost.vault.read.table_view import TableView, shown_of_each


@dataclass(frozen=True, slots=True)
class SurveyedVersions:
    """Shown versions of some ids (``KEYS``, ``_u_prev``), and the decision about each.

    ``lost``: rows that lost to another row of their own commit, of records that lose something;
    they go too. ``lost_but_stay``: rows that lost as well, but stay.
    """

    keys: pa.Table
    fates: VersionFates
    lost: pa.Table
    lost_but_stay: pa.Table

    @property
    def snaps(self) -> "np.typing.NDArray[np.int64]":
        """Commits of the versions."""
        return np.asarray(self.keys.column(U_SNAP).to_numpy())

    @property
    def going(self) -> pa.Table:
        """Versions that go, and rows that lost to a version of the same record."""
        return pa.concat_tables([self.keys.filter(pa.array(self.fates.goes)), self.lost])

    @property
    def staying(self) -> pa.Table:
        """Versions that stay, and rows that lost but stay."""
        return pa.concat_tables([self.keys.filter(pa.array(~self.fates.goes)), self.lost_but_stay])

    def within(self, tier: Tier) -> "np.typing.NDArray[np.bool_]":
        """Return a mask of the versions in a tier."""
        snaps = self.snaps
        return np.asarray((snaps >= tier.first) & (snaps <= tier.last))


class RetentionSurvey:
    """A table, and the rules for what stays of it."""

    def __init__(self, view: TableView, keeping: TableRetention) -> None:
        self.view = view
        self.keeping = keeping
        self.tiers: Sequence[Tier] = tiers_of(view.segments)

    def look(self, columns: Sequence[str] = ()) -> Iterator[SurveyedVersions]:
        """Iterate over all versions in ranges, in the order of ids; with further ``columns``."""
        keys = self._reader(columns)
        for id_range in cut(self.view, narrow=True):
            surveyed = self.look_at(keys, id_range)
            if surveyed is not None:
                yield surveyed

    def choice(self, tier: Tier) -> "Survivors":
        """Return the selection of the rows that stay of a tier."""
        return Survivors(self, tier, self._reader())

    def _reader(self, columns: Sequence[str] = ()) -> RangeReader:
        return RangeReader(self.view, lambda _: [*KEYS, U_PREV, *columns])

    def look_at(self, reader: RangeReader, id_range: MergeRange) -> SurveyedVersions | None:
        """Return the versions of one range; None if there are none."""
        parts = [ranked(rows, rank) for rank, rows in reader.read(id_range)]
        if not parts:
            return None
        rows = in_id_order(pa.concat_tables(parts), several=len(parts) > 1)
        shown = shown_of_each(rows.column(U_ID), rows.column(U_SNAP).to_numpy())
        keys = rows if shown.all() else rows.filter(pa.array(shown))
        version_fates = fates(keys, self.keeping)
        # Rows that are unknown already need no rewriting.
        silent = pc.equal(keys.column(U_PREV), UNKNOWN_PREV).fill_null(fill_value=False).to_numpy()
        version_fates = replace(
            version_fates, predecessor_goes=version_fates.predecessor_goes & ~silent
        )
        return SurveyedVersions(keys, version_fates, *_losers(rows, shown, keys, version_fates))


class Survivors:
    """Versions of a tier that stay; see ``MergeChoice``."""

    def __init__(self, survey: RetentionSurvey, tier: Tier, reader: RangeReader) -> None:
        self._survey = survey
        self._tier = tier
        self._reader = reader

    def id_ranges(self) -> Sequence[MergeRange]:
        """Return ranges of the whole table: the decision depends on all versions of a record."""
        return cut(self._survey.view)

    def staying(self, id_range: MergeRange, rows: pa.Table) -> pa.Table:
        """Return the versions that stay.

        If the predecessor of a version goes, its ``_u_prev`` becomes unknown.
        """
        surveyed = self._survey.look_at(self._reader, id_range)
        mine = np.zeros(0, dtype=np.bool_) if surveyed is None else surveyed.within(self._tier)
        if surveyed is None or int(np.count_nonzero(mine)) != len(rows):
            raise IntegrityError(
                "segment-disagrees",
                "Segments of “{table}” do not contain the versions that they list.",
                next_step="Run `unlost verify --level deep`. Nothing was changed.",
                table=self._survey.view.table,
            )
        predecessor_goes, goes = surveyed.fates.predecessor_goes[mine], surveyed.fates.goes[mine]
        if predecessor_goes.any():
            rows = rows.set_column(
                rows.column_names.index(U_PREV),
                rows.schema.field(U_PREV),
                _prev_ops(rows, predecessor_goes),
            )
        return rows.filter(pa.array(~goes)) if goes.any() else rows


def _losers(
    rows: pa.Table,
    shown: "np.typing.NDArray[np.bool_]",
    keys: pa.Table,
    version_fates: VersionFates,
) -> tuple[pa.Table, pa.Table]:
    """Split the rows that are not shown: of records that lose something, and of others."""
    losers = rows.slice(0, 0) if shown.all() else rows.filter(pa.array(~shown))
    if not len(losers):
        return losers, losers
    touched = keys.column(U_ID).filter(pa.array(version_fates.goes))
    mine = pc.is_in(losers.column(U_ID), value_set=touched.combine_chunks())
    return losers.filter(mine), losers.filter(pc.invert(mine))


def _prev_ops(rows: pa.Table, predecessor_goes: "np.typing.NDArray[np.bool_]") -> pa.ChunkedArray:
    return pc.if_else(
        pa.array(predecessor_goes), pa.scalar(UNKNOWN_PREV, pa.string()), rows.column(U_PREV)
    )
