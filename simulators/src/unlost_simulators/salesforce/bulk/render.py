"""Rendering of a Bulk 2.0 result: one pass of DuckDB over the rows, no Python per row.

DuckDB builds the CSV text of a whole row as one string, so that the value buffer of the resulting
Arrow array *is* a piece of the CSV file, and its offsets buffer has the beginning of every row.
Both are copied to disk unchanged; pages are cut from them later, at any row.

Form of a cell (Bulk API 2.0 guide; contract of the simulator): always quoted, quotes doubled, null
and empty both ``""``, everything else verbatim, line breaks and NUL included.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

ROWS_PER_BATCH = 2048


class Delimiter(StrEnum):
    """Column delimiters that a job may name, and the character each stands for."""

    BACKQUOTE = "BACKQUOTE"
    CARET = "CARET"
    COMMA = "COMMA"
    PIPE = "PIPE"
    SEMICOLON = "SEMICOLON"
    TAB = "TAB"

    @property
    def char(self) -> str:
        """Give the character between two cells."""
        return _DELIMITERS[self]


_DELIMITERS = {
    Delimiter.BACKQUOTE: "`", Delimiter.CARET: "^", Delimiter.COMMA: ",",
    Delimiter.PIPE: "|", Delimiter.SEMICOLON: ";", Delimiter.TAB: "\t",
}  # fmt: skip


class LineEnding(StrEnum):
    """Row ends that a job may name."""

    LF = "LF"
    CRLF = "CRLF"

    @property
    def chars(self) -> str:
        """Give the characters at the end of a row."""
        return "\n" if self is LineEnding.LF else "\r\n"


@dataclass(frozen=True, slots=True)
class CsvForm:
    """The CSV format of one job."""

    delimiter: Delimiter = Delimiter.COMMA
    line_ending: LineEnding = LineEnding.LF

    def line(self, cells: Sequence[str]) -> bytes:
        """Return one row, for example the header."""
        quoted = (f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in cells)
        return (self.delimiter.char.join(quoted) + self.line_ending.chars).encode()


class Connection(Protocol):
    """The part of a DuckDB connection that rendering needs."""

    def sql(self, query: str, /) -> Any:
        """Give the relation of a query."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A result on disk: the rows without header, and where each begins.

    ``offsets`` has one entry more than there are rows; it is mapped, not loaded.
    """

    folder: Path
    header: bytes
    offsets: npt.NDArray[np.int64]

    @property
    def data(self) -> Path:
        """Give the file of the rows."""
        return self.folder / "rows.csv"

    @property
    def rows(self) -> int:
        """Give the number of rows."""
        return len(self.offsets) - 1

    @property
    def size(self) -> int:
        """Give the bytes of all rows, without header."""
        return int(self.offsets[-1])


def row_expression(columns: int, form: CsvForm) -> str:
    """Give the SQL expression that turns the columns ``c0``, ``c1``… into one row of CSV."""
    between = "'\"" + form.delimiter.char + "\"'"
    cells = [f"""replace(coalesce(c{i}, ''), '"', '""')""" for i in range(columns)]
    end = "'\"' || chr(13) || chr(10)" if form.line_ending is LineEnding.CRLF else "'\"' || chr(10)"
    return f"concat('\"', {f', {between}, '.join(cells)}, {end})"


def render(
    connection: Connection, sql: str, *, headers: Sequence[str], form: CsvForm, folder: Path
) -> Rendered:
    """Run a select of text columns and write its rows into ``folder``, which it creates.

    ``connection`` must not be used by another thread meanwhile. The rows come from one snapshot.
    """
    folder.mkdir(parents=True)
    names = ", ".join(f"c{i}" for i in range(len(headers)))
    expression = row_expression(len(headers), form)
    relation = connection.sql(f"SELECT {expression} AS r FROM ({sql}) AS t({names})")
    batches = relation.to_arrow_reader(ROWS_PER_BATCH)
    _write(batches, folder)
    header = form.line(headers)
    (folder / "header.json").write_text(json.dumps(header.decode()), encoding="utf-8")
    return load(folder)


def load(folder: Path) -> Rendered:
    """Open a result that was rendered before."""
    header = json.loads((folder / "header.json").read_text(encoding="utf-8")).encode()
    offsets = np.memmap(folder / "offsets.bin", dtype=np.int64, mode="r")
    return Rendered(folder, header, offsets)


def _write(batches: Iterator[pa.RecordBatch], folder: Path) -> None:
    total = 0
    with (folder / "rows.csv").open("wb") as rows, (folder / "offsets.bin").open("wb") as ends:
        ends.write(np.zeros(1, dtype=np.int64).tobytes())
        for batch in batches:
            text, offsets = _buffers(batch.column(0))
            rows.write(text)
            ends.write((offsets[1:] - offsets[0] + total).tobytes())
            total += len(text)


def _buffers(array: pa.Array) -> tuple[memoryview, npt.NDArray[np.int64]]:
    """Give the text of all rows as one buffer, and the offset of each row in the value buffer."""
    wide = pa.types.is_large_string(array.type)
    _, offset_buffer, values = array.buffers()
    raw = np.frombuffer(offset_buffer, dtype=np.int64 if wide else np.int32)
    offsets = raw[array.offset : array.offset + len(array) + 1].astype(np.int64)
    if values is None or len(array) == 0:
        return memoryview(b""), offsets if len(offsets) else np.zeros(1, dtype=np.int64)
    return memoryview(values)[int(offsets[0]) : int(offsets[-1])], offsets
