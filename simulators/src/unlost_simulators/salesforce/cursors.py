"""Query cursors: results that wait for the client to fetch their next pages.

A cursor lives two days on the virtual clock and any number may be open (limits of SOQL since v56).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from unlost_simulators.salesforce.model.answers import ResultRows
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.ids import BARE

LOCATOR_PREFIX = "0r8"


@dataclass(frozen=True, slots=True)
class Cursor:
    """An open result, the user it belongs to, and the page size that was agreed."""

    id: str
    rows: ResultRows
    user_id: str
    page: int
    opened: datetime


@dataclass(slots=True)
class CursorStore:
    """The open cursors of one org."""

    now: Callable[[], datetime]
    lifetime: timedelta = timedelta(days=2)
    _open: dict[str, Cursor] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, cursor_id: str, rows: ResultRows, *, user_id: str, page: int) -> Cursor:
        """Keep a result for later pages."""
        cursor = Cursor(cursor_id, rows, user_id, page, self.now())
        with self._lock:
            self._open[cursor_id[:BARE]] = cursor
            self._drop(lambda each: self.now() - each.opened > self.lifetime)
        return cursor

    def get(self, locator: str, *, user_id: str) -> tuple[Cursor, int]:
        """Return the cursor of a locator (``0r8…-2000``), and the row it stands at."""
        name, _, offset = locator.partition("-")
        with self._lock:
            self._drop(lambda each: self.now() - each.opened > self.lifetime)
            cursor = self._open.get(name[:BARE])
        known = cursor is not None and cursor.user_id == user_id
        if cursor is None or not known or not (offset or "0").isdecimal():
            raise SalesforceError(404, "INVALID_QUERY_LOCATOR", "Invalid query locator")
        return cursor, int(offset or 0)

    def object_of(self, locator: str) -> str | None:
        """Give the object that an open cursor reads."""
        with self._lock:
            cursor = self._open.get(locator[:BARE])
        return None if cursor is None else cursor.rows.object

    def close(self, cursor: Cursor) -> None:
        """Let go of a result that the client has been given whole."""
        with self._lock:
            self._drop(lambda each: each.id == cursor.id)

    def close_all(self) -> int:
        """Let every open cursor expire; give how many there were."""
        with self._lock:
            before = len(self._open)
            self._drop(lambda _: True)
            return before

    def _drop(self, doomed: Callable[[Cursor], bool]) -> None:
        for key, cursor in list(self._open.items()):
            if doomed(cursor):
                del self._open[key]
                cursor.rows.close()
