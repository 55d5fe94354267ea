"""Zip files that are created while they are sent: memory holds one piece at a time."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import RawIOBase
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

PIECE = 1 << 18  # bytes read of a file at a time
LONGEST = 120  # characters of a file's name
UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u202a-\u202e\u2066-\u2069]')


class ZipPipe(RawIOBase):
    """Buffers the zip's output until it is read; it cannot seek, like a connection."""

    def __init__(self) -> None:
        super().__init__()
        self._left = bytearray()

    def writable(self) -> bool:
        """Return True."""
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


def file_path(table: str, record: str, name: str) -> str:
    """A file's path in the archive: inside it, and acceptable to every system."""
    safe = UNSAFE.sub("_", name).strip(". ") or "file"
    if len(safe) > LONGEST:
        stem, dot, ending = safe.rpartition(".")
        safe = f"{(stem or safe)[: LONGEST - 20]}{dot}{ending[-10:]}"
    place = UNSAFE.sub("_", table).strip(". ") or "table"
    return f"files/{place}/{UNSAFE.sub('_', record).strip('. ')}-{safe}"


@contextmanager
def zip_entry(archive: ZipFile, path: str, *, at: datetime) -> Iterator[IO[bytes]]:
    """Open a new entry of a zip file for writing."""
    entry = ZipInfo(path, (max(at.year, 1980), at.month, at.day, at.hour, at.minute, at.second))
    entry.compress_type = ZIP_DEFLATED
    with archive.open(entry, "w", force_zip64=True) as out:
        yield out
