"""Conversion of rows of several segments to rows of one. Pure: Arrow in, Arrow out."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost.vault.format.physical import (
    U_ID,
    U_PREV,
    U_SHAPE,
    U_SNAP,
    UNKNOWN_PREV,
)
from unlost.vault.maintenance.rewrite.shapes import SegmentShapes
from unlost.vault.read.table_view import RANK, shown_of_each


def alike(
    rows: pa.Table, rank: int, *, shapes: SegmentShapes, schema: pa.Schema, rebased: bool
) -> pa.Table:
    """Return rows of a segment with the columns of ``schema``, and ``_rank``.

    The ``_u_prev`` of a rebased commit is unreliable, because another commit came between; it
    becomes unknown.
    """
    columns_by_name = {name: rows.column(name) for name in rows.column_names}
    if U_SHAPE in schema.names:
        columns_by_name[U_SHAPE] = _shape(rows, shapes.places[rank])
    if rebased:
        columns_by_name[U_PREV] = pa.repeat(pa.scalar(UNKNOWN_PREV, pa.string()), len(rows))
    absent = pa.nulls(len(rows), pa.string())
    columns = [columns_by_name.get(field.name, absent) for field in schema]
    ranks = pa.array(np.full(len(rows), rank, dtype=np.int32))
    return pa.table([*columns, ranks], schema=schema.append(pa.field(RANK, pa.int32())))


def side_by_side(parts: Sequence[pa.Table]) -> pa.Table:
    """Sort the versions of each record together, oldest first; drop rows that no snapshot shows.

    If one commit has several versions of a record, only the one of the highest rank is shown.
    """
    rows = pa.concat_tables(parts)
    keys = rows.select([U_ID, RANK, U_SNAP])
    if len(parts) > 1:
        order = pc.sort_indices(keys, sort_keys=[(U_ID, "ascending"), (RANK, "ascending")])
        keys = keys.take(order)
    else:
        order = pa.array(np.arange(len(rows), dtype=np.uint64))
    snaps = keys.column(U_SNAP).to_numpy()
    shown = shown_of_each(keys.column(U_ID), snaps)
    rows = rows.drop_columns([RANK])
    # One segment, in order already: avoid a copy of all columns.
    if shown.all() and len(parts) == 1:
        return rows
    return rows.take(order.filter(pa.array(shown)))


def _shape(rows: pa.Table, places: Sequence[int]) -> pa.Array:
    """Translate shape numbers of a segment to numbers among all shapes."""
    own_shapes = rows.column(U_SHAPE).to_numpy()
    return pa.array(np.asarray(places, dtype=np.int32)[own_shapes])
