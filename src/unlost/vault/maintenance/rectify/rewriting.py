"""Rewriting of a table's segments with other values in some versions."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost.vault.format.physical import U_BLOBS, U_ID, U_PREV, U_ROW_HASH, U_SNAP, UNKNOWN_PREV
from unlost.vault.maintenance.rectify.versions import OVER_ALIVE, CorrectedRow, VersionPlace
from unlost.vault.maintenance.rewrite.affected_segments import RowsToRemove
from unlost.vault.read.merge import MergeRange, cut
from unlost.vault.read.table_view import TableView


class ReplacedRows:
    """All rows of a table, with some versions corrected; see ``MergeChoice``."""

    def __init__(self, view: TableView, corrected: Mapping[VersionPlace, CorrectedRow]) -> None:
        self._view = view
        self._corrected = corrected
        self._ids = pa.array(sorted({record for record, _ in corrected}), pa.string())

    def id_ranges(self) -> Sequence[MergeRange]:
        """Cut the rewritten segments alone into ranges."""
        return cut(self._view)

    def staying(self, id_range: MergeRange, rows: pa.Table) -> pa.Table:  # noqa: ARG002 (the port's)
        """Return all rows, corrected where necessary."""
        mine = pc.is_in(rows.column(U_ID), value_set=self._ids).to_numpy()
        at = np.flatnonzero(mine)
        keys = rows.select([U_ID, U_SNAP]).take(pa.array(at))
        places = zip(keys.column(U_ID).to_pylist(), keys.column(U_SNAP).to_pylist(), strict=True)
        corrected_rows = {
            int(row): self._corrected[place]
            for row, place in zip(at, places, strict=True)
            if place in self._corrected
        }
        return _patched(rows, corrected_rows)


def _patched(rows: pa.Table, corrected_rows: Mapping[int, CorrectedRow]) -> pa.Table:
    """Replace the cells of some rows; ``corrected_rows``: by row number."""
    by_column: dict[str, dict[int, object]] = {}
    for row, corrected_row in corrected_rows.items():
        patched = {
            U_BLOBS: corrected_row.blobs,
            U_ROW_HASH: corrected_row.row_hash,
            U_PREV: corrected_row.prev,
        }
        for name, value in {**corrected_row.cells, **patched}.items():
            by_column.setdefault(name, {})[row] = value
    for name, values in by_column.items():
        at = rows.column_names.index(name)
        column = rows.column(name).combine_chunks()
        # One take replaces scattered cells: the new values are appended, and picked where they
        # belong.
        pick = np.arange(len(column))
        pick[list(values)] = len(column) + np.arange(len(values))
        whole = pa.concat_arrays([column, pa.array(values.values(), column.type)])
        rows = rows.set_column(at, rows.schema.field(name), whole.take(pa.array(pick)))
    return rows


def index_touched(keys: Sequence[str]) -> RowsToRemove:
    """Select the rows of ``$changes`` with these ids."""
    wanted = pa.array(keys, pa.string())
    return lambda rows: pc.is_in(rows.column(U_ID), value_set=wanted).combine_chunks()


def with_unknown_prev(rows: pa.Table) -> pa.Table:
    """Mark rows of ``$changes`` whose difference to the version before is now unknown."""
    prev = rows.column(U_PREV).combine_chunks()
    prev_ops = pc.if_else(pc.is_in(prev, value_set=pa.array(OVER_ALIVE)), UNKNOWN_PREV, prev)
    return rows.set_column(rows.column_names.index(U_PREV), rows.schema.field(U_PREV), prev_ops)
