"""Rows of a backup in chunks: few joins with many rows cost less than many joins with few."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

ROWS = 200_000  # of a chunk


def in_chunks(batches: Iterable[pa.RecordBatch], *, rows: int = ROWS) -> Iterator[pa.Table]:
    """The same rows in tables of at least so many rows; the last one may have fewer."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(map(len, waiting)) >= rows:
            yield pa.Table.from_batches(waiting).combine_chunks()
            waiting.clear()
    if waiting:
        yield pa.Table.from_batches(waiting).combine_chunks()
