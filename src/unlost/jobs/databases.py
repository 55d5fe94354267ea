"""Where the job store keeps its rows: a SQLite file, or a PostgreSQL database that workers share.

The statements are the store's own, written so that both understand them; here is what differs.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import psycopg

from unlost.model.errors import StoreError, database_away

BUSY_SECONDS = 30.0
# A server that is started again is back within seconds; a statement waits for it that long.
AWAY_SECONDS = (0.1, 0.3, 1.0, 2.0, 4.0, 8.0, 15.0)
SCHEMA = "unlost_jobs"

type Row = tuple[Any, ...]
type Say = Callable[[str, Sequence[object]], Sequence[Row]]


class JobsDatabase(Protocol):
    """A database of runs and steps; its methods are safe in any thread.

    ``tables`` are the statements that make it, ``order`` is the column by which rows came.
    """

    tables: str
    order: str

    def work[T](self, call: Callable[[Say], T]) -> T:
        """Do ``call`` in one transaction, durable when this returns. It may be done again."""
        ...

    def format(self) -> int:
        """The number that was written last, 0 at first."""
        ...

    def prepare(self, number: int) -> None:
        """Make the tables that are not there, and write the number."""
        ...

    def tidy(self) -> None:
        """Overwrite what was deleted, where the database leaves that to us."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class SqliteJobs:
    """A file, in the mode in which readers and the writer do not wait for each other."""

    order = "rowid"
    tables = """
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY, kind TEXT NOT NULL, org TEXT NOT NULL, state TEXT NOT NULL,
    started TEXT NOT NULL, changed TEXT NOT NULL, resume_at TEXT, sentence TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX IF NOT EXISTS runs_by_org ON runs (kind, org, state);
CREATE TABLE IF NOT EXISTS steps (
    run TEXT NOT NULL REFERENCES runs (run) ON DELETE CASCADE,
    name TEXT NOT NULL, key TEXT NOT NULL, result BLOB NOT NULL,
    PRIMARY KEY (run, name, key)
) STRICT, WITHOUT ROWID;
"""

    def __init__(self, path: Path) -> None:
        """Open or make ``path``; raises StoreError (``jobs-unreadable``)."""
        self._lock = threading.Lock()
        self._path = path
        with self._usable():
            self._db = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )

    def work[T](self, call: Callable[[Say], T]) -> T:
        """Do ``call`` in one transaction."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            return call(lambda sql, values: self._db.execute(sql, values).fetchall())

    def format(self) -> int:
        """The number that was written last, 0 at first."""
        with self._usable():
            return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def prepare(self, number: int) -> None:
        """Make the tables that are not there, and write the number."""
        with self._usable():
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.executescript(self.tables)
            self._db.execute(f"PRAGMA user_version = {number}")

    def tidy(self) -> None:
        """Write the file anew without what was deleted."""
        with self._lock:
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Let go of the file."""
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
                "jobs-unreadable",
                f"The file of runs {self._path} cannot be used: {error}.",
                next_step="Move the file away; unfinished runs then begin again.",
            ) from error


class PostgresJobs:
    """A schema of its own in the home's database. Waits a while for a server that is away."""

    order = "number"
    tables = """
CREATE TABLE IF NOT EXISTS format (number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY, kind TEXT NOT NULL, org TEXT NOT NULL, state TEXT NOT NULL,
    started TEXT NOT NULL, changed TEXT NOT NULL, resume_at TEXT, sentence TEXT NOT NULL DEFAULT '',
    number BIGINT GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX IF NOT EXISTS runs_by_org ON runs (kind, org, state);
CREATE TABLE IF NOT EXISTS steps (
    run TEXT NOT NULL REFERENCES runs (run) ON DELETE CASCADE,
    name TEXT NOT NULL, key TEXT NOT NULL, result BYTEA NOT NULL,
    PRIMARY KEY (run, name, key)
);
"""

    def __init__(self, url: str, *, pause: Callable[[float], object] | None = None) -> None:
        """``url`` is a connection string of libpq; nothing is opened yet.

        ``pause`` waits so many real seconds: a server takes those, whatever the clock in use says.
        """
        self._url = url
        self._pause = pause or threading.Event().wait
        self._lock = threading.Lock()
        self._db: psycopg.Connection[Row] | None = None

    def work[T](self, call: Callable[[Say], T]) -> T:
        """Do ``call`` in one transaction; raises StoreError (``database-away``)."""
        with self._lock:
            for seconds in AWAY_SECONDS:
                try:
                    return self._once(call)
                except psycopg.OperationalError:
                    self._drop()
                    self._pause(seconds)
            with unreachable():
                return self._once(call)

    def format(self) -> int:
        """The number that was written last, 0 at first."""

        def look(say: Say) -> int:
            if not say("SELECT to_regclass(?)", [f"{SCHEMA}.format"])[0][0]:
                return 0
            return int(say("SELECT coalesce(max(number), 0) FROM format", ())[0][0])

        return self.work(look)

    def prepare(self, number: int) -> None:
        """Make the tables that are not there, and write the number; one process at a time."""

        def make(say: Say) -> None:
            say("SELECT pg_advisory_xact_lock(hashtext(?))", [SCHEMA])
            say(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}", ())
            for statement in self.tables.split(";"):
                if statement.strip():
                    say(statement, ())
            say("DELETE FROM format", ())
            say("INSERT INTO format VALUES (?)", [number])

        self.work(make)

    def tidy(self) -> None:
        """Nothing: the server does it by itself, in its own time."""

    def close(self) -> None:
        """Let go of the server."""
        with self._lock:
            self._drop()

    def _once[T](self, call: Callable[[Say], T]) -> T:
        if self._db is None or self._db.closed:
            self._db = psycopg.connect(self._url, options=f"-c search_path={SCHEMA}")
        db = self._db

        def say(sql: str, values: Sequence[object]) -> Sequence[Row]:
            # the store's statements are constants of ours
            cursor = db.execute(sql.replace("?", "%s").encode(), values)
            return cursor.fetchall() if cursor.description else []

        with db.transaction():
            return call(say)

    def _drop(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


@contextmanager
def unreachable() -> Iterator[None]:
    """Say in our words that a server of PostgreSQL does not answer."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise database_away(str(error)) from error
