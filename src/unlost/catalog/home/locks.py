"""Locks of a home: files on one machine, a PostgreSQL session for several machines.

The system releases both when their process ends, also by kill -9: the operating system a lock file,
the server an advisory lock once it notices the end of the session. See docs/adr/0014.
"""

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unlost.model.runs.locks import HeldLock, Locks


@dataclass(slots=True)
class FileLock:
    """A locked file."""

    _file: int

    @property
    def taken(self) -> bool:
        """True until it is released."""
        return self._file >= 0

    def release(self) -> None:
        """Release it; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class FileLocks:
    """Lock files in a folder (port ``Locks``), for one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: list[FileLock] = []

    def take(self, name: str) -> HeldLock | None:
        """Take a lock; None if another process or caller has it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self._folder / name, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        lock = FileLock(file)
        # Released locks are dropped, or the list would grow as long as a worker lives.
        self._held = [file_lock for file_lock in self._held if file_lock.taken] + [lock]
        return lock

    def close(self) -> None:
        """Release all locks."""
        for lock in self._held:
            lock.release()


def open_locks(url: str, folder: Path, *, lost: Callable[[], None]) -> Locks:
    """The locks of a home: in its database, or files in a folder if it has none."""
    if not url:
        return FileLocks(folder)
    from unlost.catalog.home.sessionlocks import (
        SessionLocks,
    )  # its client is loaded where there is a server

    return SessionLocks(url, lost=lost)
