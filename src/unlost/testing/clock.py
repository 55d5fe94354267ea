"""A clock that moves only when a test moves it."""

import threading
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


class VirtualClock:
    """A Clock that moves by ``advance`` and by sleeping; safe to share between threads."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._elapsed = 0.0
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The present instant."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was created."""
        with self._lock:
            return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Advance the clock immediately, and record the sleep in ``slept``."""
        self.slept.append(seconds)
        self.advance(seconds=seconds)

    def advance(self, *, seconds: float = 0, hours: float = 0, days: float = 0) -> None:
        """Let time pass."""
        step = timedelta(seconds=seconds, hours=hours, days=days)
        with self._lock:
            self._now += step
            self._elapsed += step.total_seconds()


def present_clock() -> VirtualClock:
    """A clock that begins now, for tests with a server that has a clock of this machine."""
    return VirtualClock(datetime.now(UTC))  # noqa: TID251 (the clock of tests)
