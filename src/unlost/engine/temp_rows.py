"""Ids and file names on disk: per-row facts of a run, without holding them in memory.

They are an Arrow IPC file in the run's work folder, whole or absent, and durable when it is
closed: a checkpoint may name it.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa

from unlost.model.errors import IntegrityError

IDS = pa.schema([("id", pa.string())])
SEEN = pa.schema([("id", pa.string()), ("op", pa.string())])
REFERENCES = pa.schema([("column", pa.string()), ("id", pa.string()), ("table", pa.string())])
FILES = pa.schema(
    [
        ("record", pa.string()),
        ("column", pa.string()),
        ("size", pa.int64()),
        ("checksum", pa.string()),
        ("name", pa.string()),
        ("media_type", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class TempRows:
    """Rows in a closed temporary file: a JSON value. Without rows there is no file."""

    name: str = ""
    rows: int = 0


NOTHING = TempRows()


class TempRowsWriter:
    """Writes one file of rows. It takes its name when it is closed, complete."""

    def __init__(self, folder: Path, name: str, schema: pa.Schema) -> None:
        self._folder, self._title = folder, name
        self._schema = schema
        self._rows = 0
        self._file: pa.OSFile | None = None
        self._writer: pa.ipc.RecordBatchFileWriter | None = None

    @property
    def rows(self) -> int:
        """Rows written so far."""
        return self._rows

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows."""
        if not batch.num_rows:
            return
        if self._writer is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = pa.OSFile(str(self._unfinished), "wb")
            self._writer = pa.ipc.new_file(self._file, self._schema)
        self._writer.write_batch(batch)
        self._rows += batch.num_rows

    def close(self) -> TempRows:
        """Make the file durable; returns its name and number of rows."""
        if self._writer is None or self._file is None:
            return NOTHING
        self._writer.close()
        self._file.close()
        with self._unfinished.open("rb+") as written:
            # The step that names this file is stored next: the file must be durable before that.
            os.fsync(written.fileno())
        self._unfinished.replace(self._path)
        return TempRows(self._name, self._rows)

    # Most writers get no rows, so names are made when a file is.
    @cached_property
    def _name(self) -> str:
        return "/".join(quote(part, safe="") for part in self._title.split("/"))

    @cached_property
    def _path(self) -> Path:
        return self._folder / self._name

    @property
    def _unfinished(self) -> Path:
        return self._path.with_name(self._path.name + ".part")


def batches(folder: Path, temp_rows: TempRows) -> Iterator[pa.RecordBatch]:
    """The rows of a file, a batch at a time."""
    if not temp_rows.rows:
        return
    with open_temp_rows(folder, temp_rows) as reader:
        for at in range(reader.num_record_batches):
            yield reader.get_batch(at)


def open_temp_rows(folder: Path, temp_rows: TempRows) -> pa.ipc.RecordBatchFileReader:
    """A reader with access to each batch; raises IntegrityError if the file is missing."""
    try:
        return pa.ipc.open_file(pa.memory_map(str(folder / temp_rows.name)))
    except (OSError, pa.ArrowInvalid) as error:
        raise IntegrityError(
            "work-folder-damaged",
            "The file {file} in the work folder of the run is missing or damaged.",
            next_step="Run the backup again. A new run starts. The vault is not affected.",
            file=temp_rows.name,
        ) from error
