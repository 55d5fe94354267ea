"""The SQLite database of one org: one connection, and one lock for all threads."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

type Cells = Mapping[str, Any]
type Row = dict[str, Any]


def quoted(name: str) -> str:
    """Give a name of a table or column as SQL text."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Where:
    """A condition in SQL with its parameters."""

    sql: str = "1"
    parameters: tuple[object, ...] = ()

    def also(self, other: Where) -> Where:
        """Give the condition that both hold."""
        return Where(f"({self.sql}) AND ({other.sql})", (*self.parameters, *other.parameters))


class Database:
    """One database, in memory or in a file; every method is safe from many threads."""

    def __init__(self, path: Path | None = None) -> None:
        # Threads take turns by the lock; statements end before it is given back.
        self._main = sqlite3.connect(
            str(path) if path else ":memory:", check_same_thread=False, isolation_level=None
        )
        self._main.execute("PRAGMA synchronous = OFF")
        self._lock = threading.RLock()
        self._depth = 0

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Group statements into one transaction, which an error rolls back."""
        with self._lock:
            outermost = self._depth == 0
            self._depth += 1
            if outermost:
                self._main.execute("BEGIN")
            try:
                yield
            except BaseException:
                if outermost:
                    self._main.execute("ROLLBACK")
                raise
            else:
                if outermost:
                    self._main.execute("COMMIT")
            finally:
                self._depth -= 1

    def run(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run a statement and give the number of rows that it changed."""
        with self._lock:
            return self._main.execute(sql, parameters).rowcount

    def run_many(self, sql: str, parameters: Iterable[Sequence[object]]) -> None:
        """Run a statement for many rows."""
        with self.writing():
            self._main.executemany(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Give the rows of a query by column name."""
        with self._lock:
            cursor = self._main.execute(sql, parameters)
            names = [each[0] for each in cursor.description]
            return [dict(zip(names, values, strict=True)) for values in cursor]

    def value(self, sql: str, parameters: Sequence[object] = ()) -> object:
        """Give the first cell of the first row, None without rows."""
        with self._lock:
            row = self._main.execute(sql, parameters).fetchone()
            return None if row is None else row[0]

    def names(self, table: str) -> list[str]:
        """Give the columns that a table has, none where it does not exist."""
        with self._lock:
            return [row[1] for row in self._main.execute(f"PRAGMA table_info({quoted(table)})")]

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._main.close()
