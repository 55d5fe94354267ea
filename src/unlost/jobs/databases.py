"""The database behind the step store: its port, and the implementation as a SQLite file.

The store owns its statements and writes them so that every database understands them; this module
holds only what differs between databases.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from unlost.model.errors import StoreError

BUSY_SECONDS = 30.0

type Row = tuple[Any, ...]
type Execute = Callable[[str, Sequence[object]], Sequence[Row]]


class StepsDatabase(Protocol):
    """A database of step results; its methods are safe in any thread.

    ``tables`` are the statements that create its tables.
    """

    tables: str

    def work[T](self, call: Callable[[Execute], T]) -> T:
        """Run ``call`` in one transaction, durable on return. ``call`` may run more than once."""
        ...

    def format(self) -> int:
        """The format number written last, 0 at first."""
        ...

    def prepare(self, number: int) -> None:
        """Create missing tables, and write the format number."""
        ...

    def tidy(self) -> None:
        """Overwrite deleted data, where the database does not do so automatically."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class SqliteSteps:
    """A SQLite file in WAL mode, in which readers and the writer do not wait for each other."""

    tables = """
CREATE TABLE IF NOT EXISTS steps (
    run TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, result BLOB NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (run, name, key)
) STRICT, WITHOUT ROWID;
"""

    def __init__(self, path: Path) -> None:
        """Open or create ``path``; raises StoreError (``steps-unreadable``)."""
        self._lock = threading.Lock()
        self._path = path
        with self._usable():
            self._db = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )

    def work[T](self, call: Callable[[Execute], T]) -> T:
        """Run ``call`` in one transaction."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            return call(lambda sql, values: self._db.execute(sql, values).fetchall())

    def format(self) -> int:
        """The format number written last, 0 at first."""
        with self._usable():
            return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def prepare(self, number: int) -> None:
        """Create missing tables, and write the format number."""
        with self._usable():
            self._db.execute("PRAGMA journal_mode = WAL")
            # In WAL mode the default (NORMAL) may lose the last commits in a power cut; a step
            # counts as done only once its result is durable.
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(self.tables)
            self._db.execute(f"PRAGMA user_version = {number}")

    def tidy(self) -> None:
        """Rewrite the file without deleted data."""
        with self._lock:
            self._db.execute("VACUUM")
            # Deleted results stay readable in the WAL file until it is truncated.
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            with suppress(AttributeError):
                self._db.close()
            raise StoreError(
                "steps-unreadable",
                "The file of step results {path} cannot be used: {error}.",
                next_step="Move the file away. Unfinished runs then start again.",
                path=self._path,
                error=error,
            ) from error
