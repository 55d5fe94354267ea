"""Rows of bare tables without repetitions.

One id, for example a common word, may have millions of rows.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import polars as pl
import pyarrow as pa

from unlost.vault.format.rowhash import id_hashes
from unlost.vault.read.merge import MergeRange, RangeReader, between, cut, groups_in
from unlost.vault.read.table_view import TableView

SORT_ROWS = 262_144  # rows that are sorted at a time
AT_ONCE = 1 << 20  # rows that ``sorted_parts`` sorts at a time
_RECORD = "record"
_NEXT = "\0"  # behind an id: the first that could follow it


def bare_pieces(view: TableView, schema: pa.Schema, *, without: int = 0) -> Iterator[pa.Table]:
    """Read all rows in the order of their ids, without repetitions, in ranges of bounded size.

    Omits rows that also occur in the last ``without`` segments of the view. If an id has too many
    rows for one range, its rows come in parts. Equal rows are in the same part, and each part costs
    another reading.
    """
    reader = RangeReader(view, lambda _: schema.names)
    base_count = len(view.segments) - without
    for id_range in cut(view):
        # The bound comes from sidecars alone: nothing is read for it.
        if _rows_near(view, id_range) <= SORT_ROWS:
            yield from _once(reader.read(id_range), schema, base_count=base_count)
        else:
            for narrow in _narrowed(view, id_range):
                yield from _by_parts(view, narrow, schema, base_count=base_count)


def _narrowed(view: TableView, id_range: MergeRange) -> Iterator[MergeRange]:
    """Cut a range at the first ids of all row groups: each first id alone, and the ids between."""
    begins = {
        view.sidecar(rank).fences[group].first
        for rank in range(len(view.segments))
        for group, _ in groups_in(view, rank, id_range)
    }
    inside = sorted(first for first in begins if first >= id_range.low)
    for first, following in zip(inside, [*inside[1:], id_range.high], strict=True):
        behind = first + _NEXT
        yield MergeRange(first, behind)
        yield MergeRange(behind, following)


def _by_parts(
    view: TableView, id_range: MergeRange, schema: pa.Schema, *, base_count: int
) -> Iterator[pa.Table]:
    many = max(1, -(-_rows_near(view, id_range) // SORT_ROWS))
    if id_range.high != id_range.low + _NEXT or _RECORD not in schema.names:
        many = 1  # of several ids the parts would not be in order; these are never many rows
    for part in range(many):
        yield from _once(
            _part(view, id_range, schema.names, part=part, of=many), schema, base_count=base_count
        )


def _once(
    parts: Iterable[tuple[int, pa.Table]], schema: pa.Schema, *, base_count: int
) -> Iterator[pa.Table]:
    """Deduplicate rows; rows from rank ``base_count`` on are subtracted from the others."""
    ranked = list(parts)
    rows = [part for rank, part in ranked if rank < base_count]
    left_out = [part for rank, part in ranked if rank >= base_count]
    if rows:
        unique_rows = once(rows, schema, without=left_out)
        if len(unique_rows):
            yield unique_rows


def once(
    parts: Sequence[pa.Table], schema: pa.Schema, *, without: Sequence[pa.Table] = ()
) -> pa.Table:
    """Return rows of a bare table in order, without repetitions and without rows of ``without``."""
    frame = _frame(parts, schema).unique(maintain_order=False)
    if without:
        frame = frame.join(_frame(without, schema), on=schema.names, how="anti", nulls_equal=True)
    plain: pa.Table = frame.sort(schema.names).to_arrow()
    return plain.cast(schema)


def sorted_parts(tables: Iterable[pa.Table], fields: Sequence[pa.Field]) -> Iterator[pa.Table]:
    """Sort rows of a bare table in parts, without repetitions within a part."""
    schema, waiting_rows, count = pa.schema(fields), list[pa.Table](), 0
    for rows in tables:
        if len(rows):
            waiting_rows.append(rows.select(schema.names))
            count += len(rows)
        if count >= AT_ONCE:
            yield once(waiting_rows, schema)
            waiting_rows, count = [], 0
    if waiting_rows:
        yield once(waiting_rows, schema)


def without_rows(rows: pa.Table, others: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the rows of a bare table that are not among ``others``, without repetitions."""
    return once([rows], schema, without=[others])


def _frame(parts: Sequence[pa.Table], schema: pa.Schema) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(pa.concat_tables(parts).select(schema.names)))


def _rows_near(view: TableView, id_range: MergeRange) -> int:
    """Return an upper limit of the number of rows in a range."""
    return sum(
        view.sidecar(rank).fences[group].rows
        for rank in range(len(view.segments))
        for group, _ in groups_in(view, rank, id_range)
    )


def _part(
    view: TableView, id_range: MergeRange, columns: Sequence[str], *, part: int, of: int
) -> Iterator[tuple[int, pa.Table]]:
    """Read the rows of a range whose hashed record leaves the remainder ``part``, by row groups."""
    for rank in range(len(view.segments)):
        for group, _ in groups_in(view, rank, id_range):
            rows = between(view.read(rank, [group], columns), id_range)
            remainders = id_hashes(rows.column(_RECORD).combine_chunks()) % np.uint64(of)
            mine = rows.filter(pa.array(remainders == part))
            if len(mine):
                yield rank, mine
