"""Finding records by the whole value of a column: by tokens if they exist, else by reading.

A change log is queried for the rows of one record. The column that names the record has a token for
each value (``unlost.vault.format.words.tokens``); segments without tokens are read.
"""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from unlost.vault.format.physical import U_ID
from unlost.vault.format.words.token_rules import KEYS_SINCE, key_token
from unlost.vault.layout.parallel import spread
from unlost.vault.read.table_view import TableView
from unlost.vault.read.token_rows import exact


def records_with(
    view: TableView, words: TableView, column: str, values: Sequence[str]
) -> list[str]:
    """Ids of records with a version that has one of these values; ``words`` is ``$search``."""
    with_tokens = [_has_tokens(view, rank, column) for rank in range(len(view.segments))]
    # Segments from before tokens of whole values existed, or before the column named records.
    bare = [rank for rank, has in enumerate(with_tokens) if not has]
    record_ids = set(_read(view, bare, column, values))
    if any(with_tokens):
        record_ids.update(_by_tokens(words, view.table, column, values))
    return sorted(record_ids)


def _has_tokens(view: TableView, rank: int, column: str) -> bool:
    """True if all rows of a segment have tokens of this column."""
    label, _ = view.reading.segments.facts(view.segments[rank].entry)
    return all(
        shape.tokenizer >= KEYS_SINCE
        and column in view.reading.schemas.keys(shape.schema, view.table)
        for shape in label.all_shapes()
    )


def _by_tokens(words: TableView, table: str, column: str, values: Sequence[str]) -> list[str]:
    parts = [rows for value in values for rows in exact(words, key_token(value))]
    if not parts:
        return []
    rows = pa.concat_tables(parts)
    mine = pc.and_(
        pc.equal(rows.column("table"), pa.scalar(table, pa.string())),
        pc.equal(rows.column("column"), pa.scalar(column, pa.string())),
    )
    record_ids: list[str] = rows.column("record").filter(mine).to_pylist()
    return record_ids


def _read(
    view: TableView, ranks: Sequence[int], column: str, values: Sequence[str]
) -> Iterator[str]:
    places = [(rank, group) for rank in ranks for group in range(len(view.sidecar(rank).fences))]
    wanted = pa.array(values, pa.string())
    for ids in spread(lambda place: _matching(view, *place, column, wanted), places):
        yield from ids.to_pylist()


def _matching(
    view: TableView, rank: int, group: int, column: str, wanted: pa.Array
) -> pa.ChunkedArray:
    present = view.names(rank).get(column)
    if present is None:
        return pa.chunked_array([], pa.string())
    rows = view.read(rank, [group], (U_ID, present))
    return rows.column(U_ID).filter(pc.is_in(rows.column(present), value_set=wanted))
