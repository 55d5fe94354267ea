"""The database file of a home, for commands that only read the vault, without Django.

Importing Django takes longer than all else that such a command does. It needs five queries: the
orgs, an org by its name, the head that was seen last, a new row of the audit log, and the accepted
gaps of an org. Their modules have each of them in two forms: as plain SQL for this file, and for
Django in all other processes.

    find, history, show, … ─> begin_reading ─> open_home_file ─> ``home_file`` is the file
    all others             ─> Django                         ─> ``home_file`` is None

When a command needs anything else of the home, ``unlost.catalog.connection`` is imported. It sets up
Django for the same file and closes it here. See docs/adr/0039.
"""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unlost.model.errors import StoreError

SECONDS = 20  # until a lock of another process is an error, as in the settings for Django


@dataclass(eq=False)
class HomeFile:
    """The open file. Safe to share between threads."""

    path: Path
    database: sqlite3.Connection
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def rows(
        self, statement: str, values: Sequence[object] | Mapping[str, object] = ()
    ) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows; raises StoreError (``database-unusable``)."""
        with self._lock:
            try:
                return self.database.execute(statement, values).fetchall()
            except sqlite3.OperationalError as error:
                raise database_unusable(str(error)) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run all statements inside in one transaction, on disk at the end."""
        with self._lock:
            self.rows("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.rows("ROLLBACK")
                raise
            self.rows("COMMIT")


_only_reads = False
_open: HomeFile | None = None


def begin_reading() -> None:
    """Let this process do without Django as long as it can; call it before importing ``unlost.app``."""
    global _only_reads
    _only_reads = True


def only_reads() -> bool:
    """True if this process only reads the vault, so that it may do without Django."""
    return _only_reads


def home_file() -> HomeFile | None:
    """Return the file of this process's home; None if its data is read through Django."""
    return _open


def open_home_file(path: Path) -> None:
    """Read the home in this file without Django; its tables must be of this version."""
    global _open
    close_home_file()
    # Threads share it under its lock.
    database = sqlite3.connect(path, timeout=SECONDS, isolation_level=None, check_same_thread=False)
    _open = HomeFile(path, database)
    _open.rows("PRAGMA journal_mode=WAL")
    _open.rows("PRAGMA synchronous=FULL")


def close_home_file() -> Path | None:
    """Close the file, and return its path; None if none was open."""
    global _open
    closing, _open = _open, None
    if closing is None:
        return None
    closing.database.close()
    return closing.path


def instant_of(text: str) -> datetime:
    """Return an instant from its column."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def instant_column(instant: datetime) -> str:
    """Write an instant as Django does: in UTC, without its zone."""
    return str(instant.astimezone(UTC).replace(tzinfo=None))


def database_unusable(why: str) -> StoreError:
    """Return the error for a file that cannot be read or written now."""
    return StoreError(
        "database-unusable",
        "The home's database file cannot be used: {why}.",
        next_step="Check whether its disk is full or read-only, and whether another program "
        "has locked it.",
        why=why,
    )
