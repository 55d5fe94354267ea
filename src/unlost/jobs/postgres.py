"""Where the step store keeps its rows: a PostgreSQL database that workers share."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psycopg

from unlost.jobs.databases import Row, Say
from unlost.model.errors import database_away

# A server that is started again is back within seconds; a statement waits for it that long.
AWAY_SECONDS = (0.1, 0.3, 1.0, 2.0, 4.0, 8.0, 15.0)
SCHEMA = "unlost_steps"


class PostgresSteps:
    """A schema of its own in the home's database. Waits a while for a server that is away."""

    tables = """
CREATE TABLE IF NOT EXISTS format (number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS steps (
    run TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, result BYTEA NOT NULL, at TEXT NOT NULL,
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
