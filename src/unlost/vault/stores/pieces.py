"""A cache of pieces of a remote vault's objects in a local folder, sealed as in the store.

An object of a vault never changes, so a cached piece stays valid as long as the object exists. A
piece is removed when its object is deleted, when it was not read for long, or when the cache is
full. If anything fails here, the caller reads the store instead. See docs/adr/0030.
"""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

from blake3 import blake3

from unlost.model.errors import StoreError
from unlost.model.ports.system import Clock

PIECE_LIFETIME = timedelta(days=30)  # after the last read; then a piece is removed
GONE_LIFETIME = timedelta(
    days=1
)  # for how long a deletion is remembered, for a reader that still has the object's bytes
LARGEST = 4 << 20  # bytes of a piece
TRIM_EVERY = 16  # pieces that are written between two checks of the cache's size
_ROOM = 0.9  # the share of the limit to which a full cache is trimmed
_DIGEST_BYTES = 16
_GONE = "gone"  # a mark beside an object's pieces: it was deleted and must not be cached again
_DRAFT = ".new"


@dataclass(frozen=True, slots=True)
class ObjectRange:
    """A range of an object; ``length`` None means to the end."""

    name: str
    start: int = 0
    length: int | None = None

    @property
    def file(self) -> str:
        """The name of the piece's file."""
        return f"{self.start}-{'' if self.length is None else self.length}"

    def digest(self, data: bytes) -> bytes:
        """The hash that proves these bytes to be the complete piece."""
        hasher = blake3(f"{self.name}\0{self.file}\0".encode())
        return hasher.update(data).digest(length=_DIGEST_BYTES)


class RangeCache:
    """Pieces in a folder, at most ``limit`` bytes. Safe to share between threads and processes."""

    def __init__(self, folder: Path, *, limit: int, clock: Clock) -> None:
        self._folder = folder
        self._limit = limit
        self._clock = clock
        self._written = count()
        self._lock = threading.Lock()

    def get(self, piece: ObjectRange) -> bytes | None:
        """The bytes of a piece; None if it is not cached."""
        file = self._place(piece.name) / piece.file
        try:
            content = file.read_bytes()
        except OSError:
            return None
        data = content[_DIGEST_BYTES:]
        whole = piece.digest(data) == content[:_DIGEST_BYTES]
        with suppress(OSError):
            self._touch(file) if whole else file.unlink()
        return data if whole else None

    def put(self, piece: ObjectRange, data: bytes) -> None:
        """Cache a piece, unless its object was deleted."""
        if len(data) > min(LARGEST, self._limit):
            return
        place = self._place(piece.name)
        with suppress(OSError):
            if not (place / _GONE).exists():
                self._write(place / piece.file, piece.digest(data) + data)
                if (place / _GONE).exists():  # it was deleted meanwhile
                    (place / piece.file).unlink()
            if next(self._written) % TRIM_EVERY == 0:
                self.trim()

    def forget(self, name: str) -> None:
        """Remove all pieces of an object and never cache it again; raises StoreError."""
        place = self._place(name)
        with suppress(OSError):
            self._write(place / _GONE, b"")
        self._remove(place)

    def drop(self, name: str) -> None:
        """Remove all pieces of an object that still exists; raises StoreError."""
        self._remove(self._place(name))

    def _remove(self, place: Path) -> None:
        try:
            for file in list(place.iterdir()):  # raises if the folder cannot be read
                if file.name != _GONE:
                    file.unlink(missing_ok=True)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise _stays(place, error) from error

    def clear(self) -> None:
        """Remove all pieces of all objects, if there are any; raises StoreError."""
        try:
            shutil.rmtree(self._folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _stays(self._folder, error) from error

    def trim(self) -> None:
        """Remove old pieces, then the least recently read, until the cache is within its limit."""
        with self._lock:
            now = self._clock.now()
            old_files = sorted(self._cached_files((now - GONE_LIFETIME).timestamp()))
            oldest = (now - PIECE_LIFETIME).timestamp()
            rest = sum(size for _, size, _ in old_files)
            full = rest > self._limit
            for read_at, size, file in old_files:
                if read_at >= oldest and not (full and rest > self._limit * _ROOM):
                    break
                if file.name == _GONE:
                    continue  # it takes no space, and is needed for a while
                with suppress(OSError):  # a file that cannot be removed must not keep the others
                    file.unlink(missing_ok=True)
                    rest -= size
                    file.parent.rmdir()  # where it was the last one

    def _cached_files(self, gone_since: float) -> Iterator[tuple[float, int, Path]]:
        """The last read, size and path of each file; removes old marks of deleted objects."""
        for folder, _, names in os.walk(self._folder):
            for name in names:
                file = Path(folder, name)
                with suppress(OSError):
                    known = file.stat()
                    if name == _GONE and known.st_mtime < gone_since:
                        file.unlink()
                        file.parent.rmdir()  # where it was the last one
                    else:
                        yield known.st_mtime, known.st_size, file

    def _place(self, name: str) -> Path:
        known = blake3(name.encode()).hexdigest()[:32]
        return self._folder / known[:2] / known

    def _write(self, file: Path, data: bytes) -> None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_name(f"{os.getpid()}-{threading.get_ident()}{_DRAFT}")
        opened = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(opened, "wb") as handle:
            handle.write(data)
        self._touch(draft)
        draft.rename(file)

    def _touch(self, file: Path) -> None:
        now = self._clock.now().timestamp()
        os.utime(file, (now, now))


def _stays(place: Path, error: OSError) -> StoreError:
    return StoreError(
        "cache-not-removed",
        "The cached objects of the vault in {place} cannot be removed: {strerror}.",
        next_step="Give this user write access, or delete the folder cache in the home.",
        place=place,
        strerror=error.strerror,
    )
