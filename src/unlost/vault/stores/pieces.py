"""Pieces of a remote vault's objects, kept in a folder of this machine as they lie in the store: sealed.

An object of a vault never changes, so that a piece of it stays right for as long as the object is there. A
piece is gone when its object is deleted, when it was not read for long, or when there are too many.
Whatever goes wrong here, the store is asked instead.
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

KEPT = timedelta(days=30)  # after which a piece that nobody has read is removed
GONE_KEPT = timedelta(
    days=1
)  # how long it is known that an object was deleted: for those who read it just then
LARGEST = 4 << 20  # bytes of a piece
LOOK_EVERY = 16  # pieces that are written between two looks at the size of all
_ROOM = 0.9  # what is left of the limit after such a look
_DIGEST_BYTES = 16
_GONE = "gone"  # a file beside an object's pieces: it was deleted, and nothing of it is kept again
_DRAFT = ".new"


@dataclass(frozen=True, slots=True)
class ObjectRange:
    """Which part of which object; ``length`` None: all that comes after ``start``."""

    name: str
    start: int = 0
    length: int | None = None

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.start}-{'' if self.length is None else self.length}"

    def digest(self, data: bytes) -> bytes:
        """What tells that these are its bytes, and whole."""
        hasher = blake3(f"{self.name}\0{self.file}\0".encode())
        return hasher.update(data).digest(length=_DIGEST_BYTES)


class RangeCache:
    """Pieces in a folder, no more than ``limit`` bytes. Safe to share between threads and processes."""

    def __init__(self, folder: Path, *, limit: int, clock: Clock) -> None:
        self._folder = folder
        self._limit = limit
        self._clock = clock
        self._written = count()
        self._lock = threading.Lock()

    def get(self, piece: ObjectRange) -> bytes | None:
        """A piece's bytes; None where it is not kept."""
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
        """Keep a piece, unless its object was deleted."""
        if len(data) > min(LARGEST, self._limit):
            return
        place = self._place(piece.name)
        with suppress(OSError):
            if not (place / _GONE).exists():
                self._write(place / piece.file, piece.digest(data) + data)
                if (place / _GONE).exists():  # it was deleted in this moment
                    (place / piece.file).unlink()
            if next(self._written) % LOOK_EVERY == 0:
                self.trim()

    def forget(self, name: str) -> None:
        """Remove all of an object, and keep nothing of it again; raises StoreError."""
        place = self._place(name)
        with suppress(OSError):
            self._write(place / _GONE, b"")
        self._remove(place)

    def drop(self, name: str) -> None:
        """Remove all of an object, which is there; raises StoreError."""
        self._remove(self._place(name))

    def _remove(self, place: Path) -> None:
        try:
            for file in list(place.iterdir()):  # says so where the folder cannot be read
                if file.name != _GONE:
                    file.unlink(missing_ok=True)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise _stays(place, error) from error

    def clear(self) -> None:
        """Remove all pieces of all objects, where there are any; raises StoreError."""
        try:
            shutil.rmtree(self._folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _stays(self._folder, error) from error

    def trim(self) -> None:
        """Remove what is old, and of the rest what was not read for longest, until there is room."""
        with self._lock:
            now = self._clock.now()
            old_files = sorted(self._kept((now - GONE_KEPT).timestamp()))
            oldest = (now - KEPT).timestamp()
            rest = sum(size for _, size, _ in old_files)
            full = rest > self._limit
            for read_at, size, file in old_files:
                if read_at >= oldest and not (full and rest > self._limit * _ROOM):
                    break
                if file.name == _GONE:
                    continue  # it takes no room, and is needed for a while
                with suppress(OSError):  # one that may not be removed does not keep the others
                    file.unlink(missing_ok=True)
                    rest -= size
                    file.parent.rmdir()  # where it was the last one

    def _kept(self, gone_since: float) -> Iterator[tuple[float, int, Path]]:
        """When each file was read last, and its size; of deleted objects none that are long gone."""
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
        f"What {place} keeps of the vault's objects cannot be removed: {error.strerror}.",
        next_step="Let this user write there, or delete the folder cache in the home.",
    )
