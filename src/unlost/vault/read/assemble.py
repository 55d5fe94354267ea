"""Converts observed rows into one table that can be compared and written. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.errors import UsageError
from unlost.model.source.reading import Rows
from unlost.model.source.schema import WireKind
from unlost.vault.format.manifest import KnownColumn
from unlost.vault.format.physical import (
    INSTANT,
    U_ID,
    U_MODIFIED_AT,
    U_MODIFIED_BY,
    U_OBSERVED_AT,
    U_OP,
)
from unlost.vault.format.rowhash import HashedColumn, Hashes, row_hashes
from unlost.vault.read.table_view import last_of_each

_HEAD = (U_ID, U_OP, U_OBSERVED_AT, U_MODIFIED_AT, U_MODIFIED_BY)


@dataclass(frozen=True, slots=True)
class SourceColumns:
    """The source columns of a future segment, in order, and their known descriptions."""

    table: str
    names: tuple[str, ...]
    known: Mapping[str, KnownColumn]

    def hashed(self, name: str) -> HashedColumn | None:
        """The column for the row hash; None if it is not part of the hash."""
        known = self.known[name]
        return None if known.volatile else HashedColumn(name, known.kind)


def assemble(pieces: Sequence[Rows], columns: SourceColumns) -> pa.Table:
    """One table with the rows: system columns, then source columns by name; one chunk each."""
    for rows in pieces:
        _check_columns(rows, columns)
    parts = [_part(rows, columns) for rows in pieces]
    return pa.concat_tables(parts).combine_chunks()


def newest_order(ids: pa.Array) -> pa.Array:
    """The order by id in which each id appears once, with its last row."""
    order = pc.sort_indices(ids)  # stable
    mask = last_of_each(ids.take(order))
    return order if mask.all() else order.filter(pa.array(mask))


def hashes_of(rows: pa.Table, columns: SourceColumns) -> Hashes:
    """The row hashes of an assembled table."""
    counted = []
    for name in columns.names:
        hashed = columns.hashed(name)
        if hashed is not None:
            counted.append((hashed, _single_chunk(rows.column(name))))
    return row_hashes(counted, rows=len(rows))


def split(rows: Rows, *, most: int) -> list[Rows]:
    """The rows in pieces of about ``most`` bytes; at least one row each."""
    size = size_of(rows)
    if size <= most or len(rows) <= 1:
        return [rows]
    count = max(1, len(rows) * most // size)
    return [part(rows, at, count) for at in range(0, len(rows), count)]


def part(rows: Rows, start: int, count: int) -> Rows:
    """A slice of the rows."""
    return Rows(
        ids=rows.ids.slice(start, count),
        ops=rows.ops.slice(start, count),
        modified_at=rows.modified_at.slice(start, count),
        modified_by=rows.modified_by.slice(start, count),
        cells=None if rows.cells is None else rows.cells.slice(start, count),
        observed_at=rows.observed_at,
    )


def size_of(rows: Rows) -> int:
    """Bytes that the rows need in memory."""
    return int(rows.ids.nbytes) + (0 if rows.cells is None else int(rows.cells.nbytes))


def _part(rows: Rows, columns: SourceColumns) -> pa.Table:
    count = len(rows)
    observed = np.datetime64(rows.observed_at.replace(tzinfo=None), "ms")
    head = [
        as_text(rows.ids),
        as_text(rows.ops),
        pa.array(np.full(count, observed)).cast(pa.timestamp("ms")).cast(INSTANT),
        rows.modified_at.cast(INSTANT),
        as_text(rows.modified_by),
    ]
    cells = [_cell_column(rows, name) for name in columns.names]
    return pa.table([*head, *cells], names=[*_HEAD, *columns.names])


def _cell_column(rows: Rows, name: str) -> pa.Array:
    if rows.cells is None or name not in rows.cells.schema.names:
        return pa.nulls(len(rows), pa.string())
    return as_text(rows.cells.column(name))


def as_text(values: pa.Array) -> pa.Array:
    """The array as strings with 32-bit offsets."""
    return values if values.type == pa.string() else values.cast(pa.string())


def _single_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _check_columns(rows: Rows, columns: SourceColumns) -> None:
    if rows.cells is None:
        return
    for name in rows.cells.schema.names:
        if name not in columns.known or columns.known[name].kind is WireKind.BINARY:
            raise UsageError(
                "column-unknown",
                "The rows of {table} have a column “{name}” that is not in its schema.",
                next_step="Store the schema with which the rows were read before adding them.",
                table=columns.table,
                name=name,
            )
