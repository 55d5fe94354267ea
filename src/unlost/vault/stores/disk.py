"""The file system calls of the local store, one method each, so that a test can cut the power.

``RealDisk`` is the operating system. ``unlost.vault.stores.unsynced`` is a file system in memory
that loses data which was not synced. Errors are ``OSError`` as the operating system raises them.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)


class Disk(Protocol):
    """The few file system calls that durability and atomic creation need."""

    def create(self, path: Path) -> int:
        """Create a new, locked, empty file that only its owner can read; returns a handle."""
        ...

    def write(self, handle: int, data: bytes) -> None:
        """Append all of ``data``."""
        ...

    def sync(self, handle: int) -> None:
        """Make the file's bytes durable."""
        ...

    def close(self, handle: int) -> None:
        """Close the file."""
        ...

    def link(self, path: Path, to: Path) -> None:
        """Give a file a second name; FileExistsError if the name is taken."""
        ...

    def unlink(self, path: Path) -> None:
        """Remove a name; FileNotFoundError if there is none."""
        ...

    def has_folder(self, path: Path) -> bool:
        """True if the folder exists."""
        ...

    def make_folder(self, path: Path) -> None:
        """Make one folder; no error if it is there."""
        ...

    def sync_folder(self, path: Path) -> None:
        """Make the names in a folder durable."""
        ...

    def unlink_abandoned(self, path: Path) -> bool:
        """Remove a file that ``create`` made if no living process has its lock; True if so."""
        ...

    def read(self, path: Path, *, start: int, length: int | None) -> bytes:
        """Bytes of a file from ``start``, all of them if ``length`` is None."""
        ...

    def size(self, path: Path) -> int:
        """Size of a file; FileNotFoundError if there is none."""
        ...

    def walk(self, path: Path) -> Iterator[tuple[Path, int]]:
        """Files below a folder with their sizes, in any order; none if it does not exist."""
        ...


class RealDisk:
    """The operating system's file system."""

    def create(self, path: Path) -> int:
        """Create a new file, locked by this process until it is closed."""
        while True:
            handle = os.open(path, _NEW_FILE, 0o600)
            with suppress(OSError):  # shares without locks: a sweep will never remove the file
                fcntl.flock(handle, fcntl.LOCK_EX)
            if os.fstat(handle).st_nlink:
                return handle
            os.close(handle)  # a sweep removed it just before the lock

    def write(self, handle: int, data: bytes) -> None:
        """Append all of ``data``; the operating system may take it in parts."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]

    def sync(self, handle: int) -> None:
        """Call fsync on the file."""
        os.fsync(handle)

    def close(self, handle: int) -> None:
        """Close, which also unlocks."""
        os.close(handle)

    def link(self, path: Path, to: Path) -> None:
        """Create a hard link."""
        os.link(path, to)

    def unlink(self, path: Path) -> None:
        """Remove a name."""
        path.unlink()

    def has_folder(self, path: Path) -> bool:
        """True if the folder exists."""
        return path.is_dir()

    def make_folder(self, path: Path) -> None:
        """Make a folder that only the owner may enter."""
        path.mkdir(mode=0o700, exist_ok=True)

    def sync_folder(self, path: Path) -> None:
        """Call fsync on the folder."""
        handle = os.open(path, _FOLDER)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def unlink_abandoned(self, path: Path) -> bool:
        """Try the lock and remove the file: an immediate lock means that its creator is gone."""
        handle = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        except OSError:  # locked, or the share has no locks, or another sweep was first
            return False
        finally:
            os.close(handle)
        return True

    def read(self, path: Path, *, start: int, length: int | None) -> bytes:
        """Read a part of a file."""
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            return _read_up_to(file.fileno(), length)

    def size(self, path: Path) -> int:
        """Size of a file."""
        return path.stat().st_size

    def walk(self, path: Path) -> Iterator[tuple[Path, int]]:
        """Files below a folder; one that vanishes meanwhile is left out."""
        for folder, _, names in os.walk(path):
            for name in names:
                file = Path(folder, name)
                try:
                    yield file, file.stat().st_size
                except FileNotFoundError:
                    continue


def _read_up_to(handle: int, length: int | None) -> bytes:
    """All that is left, or ``length`` bytes of it: a single read gives at most 2 GiB."""
    parts: list[bytes] = []
    while length is None or length > 0:
        part = os.read(handle, 1 << 24 if length is None else min(length, 1 << 24))
        if not part:
            break
        parts.append(part)
        length = None if length is None else length - len(part)
    return b"".join(parts)
