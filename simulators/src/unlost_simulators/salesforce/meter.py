"""The org's API allowance: how many calls were made in the last 24 virtual hours.

Every HTTP call of the data API counts, polls included (REST API guide, limits).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

WINDOW = timedelta(hours=24)


@dataclass(slots=True)
class ApiMeter:
    """Counts calls by virtual minute; ``maximum`` is settable, also while a run is under way."""

    now: Callable[[], datetime]
    maximum: int = 5_000_000
    _minutes: OrderedDict[datetime, int] = field(default_factory=OrderedDict)
    _total: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self) -> bool:
        """Count a call; ``False`` when the allowance was used up before it."""
        with self._lock:
            used = self._used()
            if used >= self.maximum:
                return False
            minute = self.now().replace(second=0, microsecond=0)
            self._minutes[minute] = self._minutes.get(minute, 0) + 1
            self._total += 1
            return True

    @property
    def used(self) -> int:
        """Give the calls of the last 24 hours."""
        with self._lock:
            return self._used()

    @property
    def total(self) -> int:
        """Give all calls since the start."""
        return self._total

    def info(self) -> str:
        """Give the text of ``Sforce-Limit-Info``."""
        return f"api-usage={self.used}/{self.maximum}"

    def limit(self) -> dict[str, int]:
        """Give the entry of ``/limits``; what remains can be negative when the maximum fell."""
        return {"Max": self.maximum, "Remaining": self.maximum - self.used}

    def forget(self) -> None:
        """Start again at zero."""
        with self._lock:
            self._minutes.clear()

    def _used(self) -> int:
        edge = self.now() - WINDOW
        while self._minutes and next(iter(self._minutes)) <= edge:
            self._minutes.popitem(last=False)
        return sum(self._minutes.values())
