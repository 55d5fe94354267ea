"""Requests to the simulator: the latest ones individually, and counts of all of them."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

KEPT = 20_000
LONGEST_TARGET = 2000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request as it was answered; ``at`` is virtual time, ``faults`` ids of fired rules."""

    number: int
    at: str
    method: str
    target: str
    status: int
    object: str | None
    user: str | None
    faults: tuple[str, ...]


@dataclass(slots=True)
class RequestLog:
    """A bounded log; the counts are not bounded."""

    now: Callable[[], datetime]
    _entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT))
    _counts: Counter[str] = field(default_factory=Counter)
    _bytes: int = 0
    _number: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(
        self, method: str, target: str, *, status: int, object_name: str | None,
        user: str | None, faults: tuple[str, ...],
    ) -> None:  # fmt: skip
        """Record one request."""
        with self._lock:
            self._number += 1
            at = self.now().isoformat()
            short = target[:LONGEST_TARGET]
            self._entries.append(
                Entry(self._number, at, method, short, status, object_name, user, faults)
            )
            self._counts["requests"] += 1
            self._counts[f"status {status}"] += 1
            self._counts[f"method {method}"] += 1

    def sent(self, count: int) -> None:
        """Add to the number of body bytes sent."""
        with self._lock:
            self._bytes += count

    def entries(self, *, after: int = 0) -> list[dict[str, Any]]:
        """Give the kept requests with a number above ``after``."""
        with self._lock:
            return [asdict(each) for each in self._entries if each.number > after]

    def counts(self) -> dict[str, int]:
        """Give the counts since the start or the last ``forget``."""
        with self._lock:
            return {**self._counts, "bytes": self._bytes}

    def forget(self) -> None:
        """Empty the log and the counts; numbers go on."""
        with self._lock:
            self._entries.clear()
            self._counts.clear()
            self._bytes = 0
