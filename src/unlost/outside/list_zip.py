"""A list of records as a zip file: its CSV, the files of the records, and an index of the files.

A file that cannot be read does not end the download: ``missing.csv`` names it, with the reason.
"""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

import pyarrow as pa

from unlost.model.errors import IntegrityError, NotFound
from unlost.model.vault.snapshot import StoredFile
from unlost.outside.person.tables import BOM
from unlost.outside.rowtext import for_people
from unlost.outside.zipping import PIECE, ZipPipe, file_path, zip_entry

RECORDS, FILES, MISSING = "records.csv", "files.csv", "missing.csv"
NOT_STORED = "The vault does not have this file. The certificate of the backup has the reason."
FILE_HEADS = ("File", "Belongs to", "Table", "Record", "Name", "Bytes")
MISSING_HEADS = ("Belongs to", "Table", "Record", "Name", "Reason")


@dataclass(frozen=True, slots=True)
class RecordFile:
    """A file of the listed record ``of``; the record ``record`` of ``table`` has its bytes.

    ``stored`` is None if the vault does not have it; then ``problem`` is the reason.
    """

    of: str
    table: str
    record: str
    name: str
    stored: StoredFile | None = None
    problem: str = NOT_STORED


@dataclass(frozen=True, slots=True)
class ZippedList:
    """The parts of the zip file, which are read once. ``made_at``: the time of the request."""

    rows: Iterable[bytes]
    files: Iterable[RecordFile]
    open_file: Callable[[str], AbstractContextManager[BinaryIO]]
    made_at: datetime


def list_zip(listed: ZippedList) -> Iterator[bytes]:
    """Yield the zip file in pieces; an error of the vault's store ends it without a valid end."""
    pipe, files, missing = ZipPipe(), _Table(FILE_HEADS), _Table(MISSING_HEADS)
    with ZipFile(pipe, "w", ZIP_DEFLATED) as archive:
        with zip_entry(archive, RECORDS, at=listed.made_at) as out:
            out.write(BOM)
            for piece in listed.rows:
                out.write(piece)
                yield from pipe.due()
        paths = _Paths()
        for file in listed.files:
            if file.stored is None:
                missing.add(file.of, file.table, file.record, file.name, file.problem)
                continue
            path = paths.unique(file_path(file.table, file.record, file.name))
            copy = _Copy(archive, listed, path, file.stored)
            yield from copy.pieces(pipe)
            if copy.size or not copy.problem:
                files.add(path, file.of, file.table, file.record, file.name, str(copy.size))
            if copy.problem:
                missing.add(file.of, file.table, file.record, file.name, copy.problem)
        for name, table in ((FILES, files), (MISSING, missing)):
            if table.rows:
                with zip_entry(archive, name, at=listed.made_at) as out:
                    for piece in table.pieces():
                        out.write(piece)
                        yield from pipe.due()
    yield from pipe.due(1)


@dataclass(slots=True)
class _Copy:
    """Copies a file into the zip; then ``size`` are its bytes, and ``problem`` is empty or the reason."""

    archive: ZipFile
    listed: ZippedList
    path: str
    stored: StoredFile
    size: int = 0
    problem: str = ""

    def pieces(self, pipe: ZipPipe) -> Iterator[bytes]:
        """Yield the pieces of the zip that are ready meanwhile."""
        try:
            with self.listed.open_file(self.stored.blob) as body:
                # Read first: a file that is damaged or missing gets no entry.
                piece = body.read(PIECE)
                with zip_entry(self.archive, self.path, at=self.listed.made_at) as out:
                    while piece:
                        out.write(piece)
                        self.size += len(piece)
                        yield from pipe.due()
                        piece = body.read(PIECE)
        except (IntegrityError, NotFound) as error:
            part = f"Only the first {self.size} bytes are in this zip file. " if self.size else ""
            self.problem = f"{part}{error}"


@dataclass(slots=True)
class _Paths:
    """Makes paths differ by more than case."""

    used: set[str] = field(default_factory=set)

    def unique(self, path: str) -> str:
        """Return the path, with a number before its ending if it is taken."""
        pure, number, candidate = PurePosixPath(path), 1, path
        while candidate.lower() in self.used:
            number += 1
            candidate = str(pure.with_name(f"{pure.stem}_{number}{pure.suffix}"))
        self.used.add(candidate.lower())
        return candidate


class _Table:
    """Lines of CSV, compressed while they wait: they can be written only after all files."""

    def __init__(self, heads: Sequence[str]) -> None:
        self.rows = 0
        self._packer = zlib.compressobj()
        self._packed = bytearray(self._packer.compress(BOM + _line(heads)))

    def add(self, *cells: str) -> None:
        """Add a line; texts that a spreadsheet would run as formulas get an apostrophe."""
        batch = pa.RecordBatch.from_arrays([pa.array(cells, pa.string())], names=["cell"])
        safe, _ = for_people(batch)
        self._packed += self._packer.compress(_line(safe.column(0).to_pylist()))
        self.rows += 1

    def pieces(self) -> Iterator[bytes]:
        """Yield all lines in pieces; nothing can be added afterwards."""
        self._packed += self._packer.flush()
        unpacker, packed = zlib.decompressobj(), bytes(self._packed)
        while packed:
            yield unpacker.decompress(packed, PIECE)
            packed = unpacker.unconsumed_tail
        yield unpacker.flush()


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8", "replace")
