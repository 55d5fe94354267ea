"""The step store's rows in a PostgreSQL database that workers share."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psycopg

from unlost.jobs.databases import Execute, Row
from unlost.model.errors import database_away

# A restarted server is back within seconds; a statement waits that long for it.
AWAY_SECONDS = (0.1, 0.3, 1.0, 2.0, 4.0, 8.0, 15.0)
SCHEMA = "unlost_steps"


class PostgresSteps:
    """A separate schema in the home's database. Waits a while for a server that does not answer."""

    tables = """
CREATE TABLE IF NOT EXISTS format (number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS steps (
    run TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, result BYTEA NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (run, name, key)
);
"""

    def __init__(self, url: str, *, pause: Callable[[float], object] | None = None) -> None:
        """``url`` is a connection string of libpq; nothing is opened yet.

        ``pause`` waits for a number of real seconds: a server needs real time even where the clock
        is simulated.
        """
        self._url = url
        self._pause = pause or threading.Event().wait
        self._lock = threading.Lock()
        self._db: psycopg.Connection[Row] | None = None

    def work[T](self, call: Callable[[Execute], T]) -> T:
        """Run ``call`` in one transaction; raises StoreError (``database-away``)."""
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
        """The format number written last, 0 at first."""

        def newest_number(execute: Execute) -> int:
            if not execute("SELECT to_regclass(?)", [f"{SCHEMA}.format"])[0][0]:
                return 0
            return int(execute("SELECT coalesce(max(number), 0) FROM format", ())[0][0])

        return self.work(newest_number)

    def prepare(self, number: int) -> None:
        """Create missing tables, and write the format number; one process at a time."""

        def make(execute: Execute) -> None:
            # Two workers that start together would otherwise both try to create the schema, and one
            # would fail.
            execute("SELECT pg_advisory_xact_lock(hashtext(?))", [SCHEMA])
            execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}", ())
            for statement in self.tables.split(";"):
                if statement.strip():
                    execute(statement, ())
            execute("DELETE FROM format", ())
            execute("INSERT INTO format VALUES (?)", [number])

        self.work(make)

    def tidy(self) -> None:
        """Do nothing: the server's autovacuum removes deleted rows."""

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._drop()

    def _once[T](self, call: Callable[[Execute], T]) -> T:
        if self._db is None or self._db.closed:
            self._db = psycopg.connect(self._url, options=f"-c search_path={SCHEMA}")
        db = self._db

        def execute(sql: str, values: Sequence[object]) -> Sequence[Row]:
            # Constants of the step store, in which ``?`` only marks parameters and ``%`` does not
            # occur.
            cursor = db.execute(sql.replace("?", "%s").encode(), values)
            return cursor.fetchall() if cursor.description else []

        with db.transaction():
            return call(execute)

    def _drop(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


@contextmanager
def unreachable() -> Iterator[None]:
    """Raise StoreError (``database-away``) where a PostgreSQL server does not answer."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise database_away(str(error)) from error
