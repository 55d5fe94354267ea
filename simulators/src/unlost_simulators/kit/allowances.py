"""Rolling counts of 24 hours on the virtual clock: what is used of limits that a service sets."""

import threading
from collections import deque
from datetime import datetime, timedelta

from unlost_simulators.kit.clock import VirtualClock

DAY = timedelta(hours=24)
BUCKET = timedelta(minutes=1)
"""Counts are kept by the minute, so that a million calls cost no more than 1,440 numbers."""


class Allowances:
    """The use of each named allowance in the last 24 hours."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._spent: dict[str, deque[tuple[datetime, int]]] = {}

    def count(self, name: str, amount: int = 1) -> int:
        """Use an amount now; gives what is used in the last 24 hours, this included."""
        now = self._clock.now()
        minute = now.replace(second=0, microsecond=0)
        with self._lock:
            buckets = self._spent.setdefault(name, deque())
            if buckets and buckets[-1][0] == minute:
                buckets[-1] = (minute, buckets[-1][1] + amount)
            else:
                buckets.append((minute, amount))
            return self._sum(buckets, now)

    def used(self, name: str) -> int:
        """Return the use in the last 24 hours."""
        with self._lock:
            return self._sum(self._spent.get(name, deque()), self._clock.now())

    def set(self, name: str, amount: int) -> None:
        """Pretend that just this amount was used, now (a test exhausts an allowance)."""
        minute = self._clock.now().replace(second=0, microsecond=0)
        with self._lock:
            self._spent[name] = deque([(minute, amount)])

    @staticmethod
    def _sum(buckets: deque[tuple[datetime, int]], now: datetime) -> int:
        while buckets and buckets[0][0] + DAY <= now - BUCKET:
            buckets.popleft()
        return sum(amount for _, amount in buckets)
