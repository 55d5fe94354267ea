"""A person's data as a zip file, created while it is read: memory holds one piece at a time."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import RawIOBase
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from unlost.outside.person.page import index
from unlost.outside.person.parts import FilePart, PersonExport, PersonReader
from unlost.outside.person.tables import as_csv, as_json

PIECE = 1 << 18  # bytes read of a file at a time
INDEX = "index.html"
LONGEST = 120  # characters of a file's name
UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u202a-\u202e\u2066-\u2069]')


class _Pipe(RawIOBase):
    """Buffers the zip's output until it is read; it cannot seek, like a connection."""

    def __init__(self) -> None:
        super().__init__()
        self._left = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        """Append bytes."""
        content = memoryview(data)  # type: ignore[arg-type]
        self._left += content
        return content.nbytes

    def due(self, least: int = PIECE) -> Iterator[bytes]:
        """The bytes written since the last call, once they fill a piece."""
        if len(self._left) >= least:
            yield bytes(self._left)
            self._left.clear()


def person_zip(person: PersonExport, reading: PersonReader) -> Iterator[bytes]:
    """The archive, piece by piece; an unreadable part raises, so the archive has no valid end.

    Each table is read three times rather than stored: for JSON, for CSV, and for the page.
    """
    pipe = _Pipe()
    changed = 0
    with ZipFile(pipe, "w", ZIP_DEFLATED) as archive:
        for part in person.tables:
            columns: dict[str, None] = {}
            with _entry(archive, part.json, at=person.made_at) as out:
                for piece in as_json(part, reading, columns):
                    out.write(piece)
                    yield from pipe.due()
            with _entry(archive, part.csv, at=person.made_at) as out:
                for piece, count in as_csv(part, reading, list(columns)):
                    changed += count
                    out.write(piece)
                    yield from pipe.due()
        for file in person.files:
            yield from _file(archive, file, person, reading, pipe)
        with _entry(archive, INDEX, at=person.made_at) as out:
            for text in index(person, reading, changed=changed):
                out.write(text.encode("utf-8", "replace"))
                yield from pipe.due()
    yield from pipe.due(1)


def file_path(table: str, record: str, name: str) -> str:
    """A file's path in the archive: inside it, and acceptable to every system."""
    safe = UNSAFE.sub("_", name).strip(". ") or "file"
    if len(safe) > LONGEST:
        stem, dot, ending = safe.rpartition(".")
        safe = f"{(stem or safe)[: LONGEST - 20]}{dot}{ending[-10:]}"
    place = UNSAFE.sub("_", table).strip(". ") or "table"
    return f"files/{place}/{UNSAFE.sub('_', record).strip('. ')}-{safe}"


def _file(
    archive: ZipFile, file: FilePart, person: PersonExport, reading: PersonReader, pipe: _Pipe
) -> Iterator[bytes]:
    with (
        _entry(archive, file.path, at=person.made_at) as out,
        reading.open_file(file.stored.blob) as body,
    ):
        while piece := body.read(PIECE):
            out.write(piece)
            yield from pipe.due()


@contextmanager
def _entry(archive: ZipFile, path: str, *, at: datetime) -> Iterator[IO[bytes]]:
    info = ZipInfo(path, (max(at.year, 1980), at.month, at.day, at.hour, at.minute, at.second))
    info.compress_type = ZIP_DEFLATED
    with archive.open(info, "w", force_zip64=True) as out:
        yield out
