"""Writes that are stamped but not yet visible: the late commits of long transactions."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import duckdb


@dataclass(frozen=True, slots=True)
class Pending:
    """One write: stamped at ``stamp``, applied when the clock reaches ``due`` (both naive UTC)."""

    due: datetime
    stamp: datetime
    apply: Callable[[duckdb.DuckDBPyConnection], None]


class PendingWrites:
    """The open transactions of the org, in the order in which they will commit."""

    def __init__(self) -> None:
        self._waiting: list[Pending] = []

    def add(self, write: Pending) -> None:
        """Keep a write until it is due."""
        self._waiting = sorted([*self._waiting, write], key=lambda waiting: waiting.due)

    def is_due(self, now: datetime) -> bool:
        """Return true if some write should be visible by now. Cheap, as every read calls it."""
        waiting = self._waiting
        return bool(waiting) and waiting[0].due <= now

    def take_due(self, now: datetime) -> list[Pending]:
        """Remove and give the writes that are due, in commit order."""
        due = [write for write in self._waiting if write.due <= now]
        self._waiting = [write for write in self._waiting if write.due > now]
        return due

    def oldest_stamp(self) -> datetime | None:
        """Stamp of the longest open transaction: reads may not claim to cover more than that."""
        return min((write.stamp for write in self._waiting), default=None)
