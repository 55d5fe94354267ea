"""Rows come in chunks: all of them, in their order."""

import pyarrow as pa
import pytest

from unlost.engine.storage.chunks import in_chunks


@pytest.mark.parametrize(
    ("sizes", "chunks"), [((), []), ((2, 2, 2), [4, 2]), ((2, 2), [4]), ((9,), [9]), ((1,), [1])]
)
def test_rows_come_in_chunks(sizes: tuple[int, ...], chunks: list[int]) -> None:
    rows = iter(range(sum(sizes)))
    batches = [pa.record_batch({"row": [next(rows) for _ in range(size)]}) for size in sizes]
    made = list(in_chunks(batches, rows=3))
    assert [len(chunk) for chunk in made] == chunks
    assert [row for chunk in made for row in chunk["row"].to_pylist()] == list(range(sum(sizes)))
