"""The DuckDB database of one org: cursors for readers, one writer at a time."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

_names = itertools.count(1)
_making = threading.Lock()


def _connected(path: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(path)
    connection.execute("SET preserve_insertion_order = true")
    # Most statements touch a few hundred rows: sharing them out costs more than it gains.
    connection.execute("SET threads = 1")
    return connection


@cache
def _memory() -> duckdb.DuckDBPyConnection:
    """The DuckDB of all databases in memory: to start one for each takes longer than to fill it."""
    return _connected(":memory:")


class Database:
    """One database, in memory or in a file. Readers never wait for the writer (MVCC)."""

    def __init__(self, path: Path | None = None) -> None:
        self.in_memory = path is None
        self._name = f"org{next(_names)}"
        with _making:
            self._main = _connected(str(path)) if path else _memory()
            if self.in_memory:
                self._main.execute(f"ATTACH ':memory:' AS {self._name}")
        self._writing = threading.RLock()
        self._open: duckdb.DuckDBPyConnection | None = None

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A new cursor; use it in one thread and drop it."""
        with _making:
            cursor = self._main.cursor()
        if self.in_memory:
            cursor.execute(f"USE {self._name}")
        return cursor

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor inside a transaction that is committed at the end or rolled back on an error.

        Nested use in one thread joins the outer transaction.
        """
        with self._writing:
            if self._open is not None:
                yield self._open
                return
            cursor = self.cursor()
            self._open = cursor
            cursor.execute("BEGIN")
            try:
                yield cursor
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            else:
                cursor.execute("COMMIT")
            finally:
                self._open = None
                cursor.close()

    def close(self) -> None:
        """Close the database; a file keeps what was committed."""
        with _making:
            if self.in_memory:
                self._main.execute(f"DETACH {self._name}")
            else:
                self._main.close()


FEW = 40
"""Values up to this many are spelt out in a statement: registering a table costs more."""


@contextmanager
def listing(
    cursor: duckdb.DuckDBPyConnection, values: Sequence[str], literal: Callable[[str], str]
) -> Iterator[str]:
    """SQL of a set of texts, to stand behind IN while the block lasts."""
    if len(values) <= FEW:
        yield f"({', '.join(map(literal, values)) or 'NULL'})"
        return
    name = f"_listing_{len(values)}"
    cursor.register(name, pa.table({"value": pa.array(values, pa.string())}))
    try:
        yield f"(SELECT value FROM {name})"
    finally:
        cursor.unregister(name)


def arrow(cursor: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """All rows of a query as one Arrow table."""
    return cursor.sql(sql).to_arrow_table()


def column(cursor: duckdb.DuckDBPyConnection, sql: str) -> list[Any]:
    """The first column of a query as a list."""
    return [row[0] for row in cursor.execute(sql).fetchall()]


def scalar(cursor: duckdb.DuckDBPyConnection, sql: str) -> Any:
    """The single value of a statement that gives one row (writes give the count of rows)."""
    return cursor.execute(sql).fetchall()[0][0]
