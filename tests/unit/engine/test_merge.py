"""Sorted runs, walked side by side."""

from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from unlost.engine import merge
from unlost.engine.temp_rows import IDS, NOTHING, TempRowsWriter, batches

IDS_LISTS = st.lists(st.lists(st.text("abé🍫z", max_size=3), max_size=6), max_size=4)


@given(streams=IDS_LISTS, size=st.integers(1, 3))
def test_every_row_is_met_once_in_disjoint_ranges(streams: list[list[str]], size: int) -> None:
    ordered = [sorted(ids, key=str.encode) for ids in streams]
    tables = [
        iter(
            [
                pa.table({"id": pa.array(ids[at : at + size], pa.string())})
                for at in range(0, len(ids), size)
            ]
        )
        for ids in ordered
    ]
    met: list[list[str]] = [[] for _ in streams]
    last = b""
    for step in merge.align_streams(tables):
        ids = [row for table in step if table is not None for row in table["id"].to_pylist()]
        assert all(key.encode() > last or last == b"" for key in ids)
        last = max(key.encode() for key in ids)
        for place, table in enumerate(step):
            met[place] += table["id"].to_pylist() if table is not None else []
    assert met == ordered


def test_runs_are_cut_and_sorted_by_bytes(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(merge, "RUN_ROWS", 3)
    monkeypatch.setattr(merge, "BATCH_ROWS", 2)
    tables = [pa.table({"id": ids}) for ids in (["z", "é"], ["a", "Z"], ["b"])]
    runs = merge.write_sorted_runs(tables, folder=tmp_path, name="run/x")
    found = [
        [k for t in merge.read_run(tmp_path, run) for k in t["id"].to_pylist()] for run in runs
    ]
    assert found == [["Z", "a", "z", "é"], ["b"]]


def test_a_spill_without_rows_is_no_file(tmp_path: Path) -> None:
    writer = TempRowsWriter(tmp_path, "none", IDS)
    writer.write(pa.RecordBatch.from_pydict({"id": pa.array([], pa.string())}))
    assert writer.close() == NOTHING
    assert list(batches(tmp_path, NOTHING)) == []
    assert list(tmp_path.iterdir()) == []
