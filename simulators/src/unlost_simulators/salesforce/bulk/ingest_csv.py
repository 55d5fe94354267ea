"""The CSV of an upload: the places of its rows, the content of its cells, and refusals.

The upload stays a file; only the places of its rows are held in memory. Sources: Bulk API 2.0
guide (valid CSV, limits); the texts of refusals as the service's own CSV reader words them
(``CSVReader`` of the public WSC library) and as people report them from live jobs.
"""

from __future__ import annotations

import mmap
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unlost_simulators.salesforce.bulk.ingest_habits import QuotedBreaks
from unlost_simulators.salesforce.bulk.render import CsvForm

# Bulk API limits: characters of a cell, of a record, of the header; fields of a record.
MAX_CELL = 32_000
MAX_RECORD = 400_000
MAX_HEADER = 32_000
MAX_COLUMNS = 5_000

QUOTE = b'"'
_BREAK = re.compile(r"\r\n|\r|\n")


class BatchRefused(Exception):
    """The upload cannot be processed at all; ``message`` is the job's ``errorMessage``."""

    def __init__(self, text: str, code: str = "InvalidBatch") -> None:
        self.message = f"{code} : {text}"
        super().__init__(self.message)


def unparsable(text: str) -> BatchRefused:
    """Give the refusal of an upload that is no CSV."""
    return BatchRefused(f"Failed to parse CSV. {text}")


def wrong_ending(form: CsvForm) -> BatchRefused:
    """Return the refusal of an upload whose line endings differ from the job's."""
    text = f"LineEnding is invalid on user data. Current LineEnding setting is {form.line_ending}"
    return BatchRefused(text, "ClientInputError")


class Grammar:
    """The patterns of one form of CSV, over bytes (rows) and text (cells)."""

    def __init__(self, form: CsvForm) -> None:
        self.form = form
        self.delimiter = form.delimiter.char
        mark = re.escape(self.delimiter)
        quoted, plain = '"[^"]*+(?:""[^"]*+)*+"', f'[^"{mark}\r\n]*+'
        cell = f"(?:{quoted}|{plain})"
        row = f"{cell}(?:{mark}{cell})*+(?:{form.line_ending.chars}|\\Z)"
        self._cell = re.compile(cell.encode())
        self._row = re.compile(row.encode())
        self._quoted = re.compile(f'(?:^|{mark})(?:"({quoted[1:-1]})"|({plain}))')

    def rows(self, data: bytes | mmap.mmap) -> Iterator[tuple[int, int]]:
        """Give begin and end of every row that is not blank, without its line ending."""
        at, whole, ending = 0, len(data), self.form.line_ending.chars.encode()
        while at < whole:
            match = self._row.match(data, at)
            if match is None:
                raise self._reason(data, at)
            end = match.end()
            bare = end - len(ending) if data[end - len(ending) : end] == ending else end
            if bare > at and data[at:bare] != b'""':
                yield at, bare
            at = end

    def cells(self, row: str) -> list[str]:
        """Give the cells of a row that ``rows`` found."""
        if '"' not in row:
            return row.split(self.delimiter)
        pairs = self._quoted.findall(row)
        return [quoted.replace('""', '"') or plain for quoted, plain in pairs]

    def _reason(self, data: bytes | mmap.mmap, at: int) -> BatchRefused:
        """Return the reason why no row begins at this place."""
        mark = self.delimiter.encode()
        while True:
            match = self._cell.match(data, at)
            end = at if match is None else match.end()
            following = data[end : end + 1]
            if following == mark:
                at = end + 1
                continue
            if following in (b"\r", b"\n"):
                return wrong_ending(self.form)
            if end == at:
                return unparsable("EOF reached before closing an opened quote")
            if data[at : at + 1] == QUOTE:
                return unparsable("Not expecting more text after end quote")
            return unparsable("Found unescaped quote. A value with quote should be within a quote")


@dataclass(slots=True)
class Upload:
    """An indexed upload: its header, and where each of its rows begins and ends in the file."""

    path: Path
    grammar: Grammar
    breaks: QuotedBreaks = QuotedBreaks.KEEP
    header: list[str] = field(default_factory=list)
    starts: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))

    @property
    def rows(self) -> int:
        """Give the number of rows, the header not counted."""
        return len(self.starts)

    def read(self, places: Sequence[int]) -> Iterator[list[str]]:
        """Give the cells of these rows, each as long as the header."""
        width = len(self.header)
        with self.path.open("rb") as source:
            for at in places:
                source.seek(self.starts[at])
                text = source.read(self.ends[at] - self.starts[at]).decode()
                cells = self._cells(text)
                yield cells + [""] * (width - len(cells))

    def _cells(self, text: str) -> list[str]:
        cells = self.grammar.cells(text)
        if self.breaks is QuotedBreaks.AS_LF:
            return [_BREAK.sub("\n", cell) for cell in cells]
        return cells


def index(path: Path, form: CsvForm, breaks: QuotedBreaks = QuotedBreaks.KEEP) -> Upload:
    """Read an upload once, from its first byte to its last; raises ``BatchRefused``."""
    upload = Upload(path, Grammar(form), breaks)
    if path.stat().st_size == 0:
        raise BatchRefused("Records not found")
    with path.open("rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for start, end in upload.grammar.rows(data):
            text = _text(data[start:end])
            if upload.header:
                _check_record(upload, upload.grammar.cells(text))
                upload.starts.append(start)
                upload.ends.append(end)
            else:
                upload.header = _header(upload, text)
    if not upload.header:
        raise BatchRefused("Records not found")
    return upload


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise unparsable("The data is not in the encoding UTF-8") from None


def _header(upload: Upload, text: str) -> list[str]:
    if len(text) > MAX_HEADER:
        raise unparsable(f"Exceeded max field size: {len(text)}")
    names = upload.grammar.cells(text)
    if len(names) > MAX_COLUMNS:
        raise unparsable(f"Exceeded max number of columns per record : {MAX_COLUMNS}")
    return names


def _check_record(upload: Upload, cells: list[str]) -> None:
    if len(cells) > len(upload.header):
        raise unparsable(
            f"The number of columns in a row ({len(cells)}) is greater than in the header "
            f"({len(upload.header)})"
        )
    total = sum(map(len, cells))
    if total > MAX_RECORD:
        raise unparsable(
            f"Exceeded max length for one record: {total}. "
            f"Max length for one record should be less than or equal to {MAX_RECORD}"
        )
    if total > MAX_CELL:
        for cell in cells:
            if len(cell) > MAX_CELL:
                raise unparsable(f"Exceeded max field size: {len(cell)}")
    if upload.breaks is QuotedBreaks.REFUSE and any(_BREAK.search(cell) for cell in cells):
        raise wrong_ending(upload.grammar.form)
