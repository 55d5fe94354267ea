"""Notes of a run on disk: synced before they have a name, and never read where they are cut."""

import os
from pathlib import Path

import pyarrow as pa
import pytest

from unlost.engine.temp_rows import IDS, TempRows, TempRowsWriter, batches
from unlost.model.errors import IntegrityError

ROWS = pa.RecordBatch.from_arrays([pa.array([f"{n:018d}" for n in range(99)])], schema=IDS)


def temp_rows(folder: Path) -> TempRows:
    writer = TempRowsWriter(folder, "look-0/Account.seen", IDS)
    writer.write(ROWS)
    return writer.close()


def test_notes_are_synced_before_they_have_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[int, list[str]]] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        real(handle)
        names = [file.name for file in (tmp_path / "look-0").iterdir()]
        synced.append((os.fstat(handle).st_ino, names))

    monkeypatch.setattr(os, "fsync", fsync)
    made = temp_rows(tmp_path)
    inode = (tmp_path / made.name).stat().st_ino
    assert synced == [(inode, ["Account.seen.part"])]
    assert sum(batch.num_rows for batch in batches(tmp_path, made)) == made.rows == 99


@pytest.mark.parametrize("left", [0, 1, 8, 400, -1])
def test_notes_that_are_cut_are_refused(tmp_path: Path, left: int) -> None:
    made = temp_rows(tmp_path)
    file = tmp_path / made.name
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(IntegrityError) as told:
        list(batches(tmp_path, made))
    assert told.value.code == "work-folder-damaged"
