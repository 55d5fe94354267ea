"""Sorted runs of ids, and a walk over several of them side by side in bounded memory."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.temp_rows import TempRows, TempRowsWriter, batches

RUN_ROWS = 500_000
BATCH_ROWS = 50_000


def write_sorted_runs(tables: Iterable[pa.Table], *, folder: Path, name: str) -> list[TempRows]:
    """Write ``tables`` (with a column ``id``) to files as runs that are sorted by the bytes of the id.

    Rows of one id keep their order within a run.
    """
    runs: list[TempRows] = []
    waiting: list[pa.Table] = []
    rows = 0
    for table in tables:
        waiting.append(table)
        rows += table.num_rows
        if rows >= RUN_ROWS:
            runs.append(_write_run(waiting, folder, f"{name}-{len(runs)}"))
            waiting, rows = [], 0
    if rows:
        runs.append(_write_run(waiting, folder, f"{name}-{len(runs)}"))
    return runs


def read_run(folder: Path, run: TempRows) -> Iterator[pa.Table]:
    """A sorted run, a batch at a time."""
    for batch in batches(folder, run):
        yield pa.Table.from_batches([batch])


def align_streams(streams: Sequence[Iterator[pa.Table]]) -> Iterator[list[pa.Table | None]]:
    """Walk streams sorted by ``id``: each step returns every stream's rows of one id range.

    The ranges are disjoint and ascend; None where a stream has no row in it.
    """
    heads = [_Head(stream) for stream in streams]
    while any(head.rows is not None for head in heads):
        # Up to this id every stream has its rows in memory, so the range can be compared as a
        # whole.
        bound = min(head.last for head in heads if head.rows is not None)
        yield [head.take(bound) for head in heads]


class _Head:
    """The next rows of a stream."""

    def __init__(self, stream: Iterator[pa.Table]) -> None:
        self._stream = stream
        self.rows: pa.Table | None = None
        self.last = b""
        self._advance()

    def take(self, bound: bytes) -> pa.Table | None:
        """All rows whose id is at most ``bound``."""
        taken = []
        while self.rows is not None:
            ids = pc.cast(self.rows["id"], pa.binary())
            count = pc.sum(pc.less_equal(ids, pa.scalar(bound, pa.binary()))).as_py()
            if not count:
                break
            taken.append(self.rows.slice(0, count))
            if count < self.rows.num_rows:
                self.rows = self.rows.slice(count)
                break
            self._advance()
        return pa.concat_tables(taken) if taken else None

    def _advance(self) -> None:
        self.rows = next((table for table in self._stream if table.num_rows), None)
        if self.rows is not None:
            self.last = self.rows["id"][-1].as_py().encode()


def _write_run(waiting: list[pa.Table], folder: Path, name: str) -> TempRows:
    rows = pa.concat_tables(waiting)
    # By bytes, the order in which the vault returns its ids.
    order = pc.sort_indices(pc.cast(rows["id"].combine_chunks(), pa.binary()))
    ordered = rows.take(order).combine_chunks()
    writer = TempRowsWriter(folder, name, ordered.schema)
    for batch in ordered.to_batches(max_chunksize=BATCH_ROWS):
        writer.write(batch)
    return writer.close()
