"""Rows of bare tables, each once. An id of them, as a common word, may have millions of rows."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import polars as pl
import pyarrow as pa

from unlost.vault.format.rowhash import id_hashes
from unlost.vault.read.merge import MergePiece, PieceReader, between, cut, groups_in
from unlost.vault.read.table_view import TableView

PIECE_ROWS = 262_144  # rows that are sorted at a time
_RECORD = "record"
_NEXT = "\0"  # behind an id: the first that could follow it


def bare_pieces(view: TableView, schema: pa.Schema, *, without: int = 0) -> Iterator[pa.Table]:
    """All rows in the order of their ids, without repetitions, in pieces of bounded size.

    Rows that are also in the last ``without`` segments of the view are left out.

    Where one id has too many rows for a piece, its rows come by parts: all that could be alike are
    in the same part, and each part costs another reading.
    """
    reader = PieceReader(view, lambda _: schema.names)
    base_count = len(view.segments) - without
    for piece in cut(view):
        if _rows_near(view, piece) <= PIECE_ROWS:
            yield from _once(reader.read(piece), schema, base_count=base_count)
        else:
            for narrow in _narrowed(view, piece):
                yield from _by_parts(view, narrow, schema, base_count=base_count)


def _narrowed(view: TableView, piece: MergePiece) -> Iterator[MergePiece]:
    """A piece cut at all ids with which row groups begin: each alone, and what lies between them."""
    begins = {
        view.sidecar(rank).fences[group].first
        for rank in range(len(view.segments))
        for group, _ in groups_in(view, rank, piece)
    }
    inside = sorted(first for first in begins if first >= piece.low)
    for first, following in zip(inside, [*inside[1:], piece.high], strict=True):
        behind = first + _NEXT
        yield MergePiece(first, behind)
        yield MergePiece(behind, following)


def _by_parts(
    view: TableView, piece: MergePiece, schema: pa.Schema, *, base_count: int
) -> Iterator[pa.Table]:
    many = max(1, -(-_rows_near(view, piece) // PIECE_ROWS))
    if piece.high != piece.low + _NEXT or _RECORD not in schema.names:
        many = 1  # of several ids the parts would not be in order; these are never many rows
    for part in range(many):
        yield from _once(
            _part(view, piece, schema.names, part=part, of=many), schema, base_count=base_count
        )


def _once(
    parts: Iterable[tuple[int, pa.Table]], schema: pa.Schema, *, base_count: int
) -> Iterator[pa.Table]:
    """Rows of segments by rank: those from rank ``base_count`` on are left out of the others."""
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
    """Rows of a bare table, each once, in their order; but not those of ``without``."""
    frame = _frame(parts, schema).unique(maintain_order=False)
    if without:
        frame = frame.join(_frame(without, schema), on=schema.names, how="anti", nulls_equal=True)
    plain: pa.Table = frame.sort(schema.names).to_arrow()
    return plain.cast(schema)


def without_rows(rows: pa.Table, others: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows of a bare table, each once, but not those that are among the others."""
    return once([rows], schema, without=[others])


def _frame(parts: Sequence[pa.Table], schema: pa.Schema) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(pa.concat_tables(parts).select(schema.names)))


def _rows_near(view: TableView, piece: MergePiece) -> int:
    """At most so many rows are in a piece."""
    return sum(
        view.sidecar(rank).fences[group].rows
        for rank in range(len(view.segments))
        for group, _ in groups_in(view, rank, piece)
    )


def _part(
    view: TableView, piece: MergePiece, columns: Sequence[str], *, part: int, of: int
) -> Iterator[tuple[int, pa.Table]]:
    """Of the rows of a piece those whose record leaves the remainder ``part``, by row groups."""
    for rank in range(len(view.segments)):
        for group, _ in groups_in(view, rank, piece):
            rows = between(view.read(rank, [group], columns), piece)
            remainders = id_hashes(rows.column(_RECORD).combine_chunks()) % np.uint64(of)
            mine = rows.filter(pa.array(remainders == part))
            if len(mine):
                yield rank, mine
