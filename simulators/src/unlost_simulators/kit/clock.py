"""The clock of an org: it stands still until moved, or runs along with the machine's."""

import threading
from datetime import UTC, datetime, timedelta
from time import monotonic


def instant(text: str) -> datetime:
    """Read an instant in ISO 8601; without an offset it is in UTC. Raises ``ValueError``."""
    when = datetime.fromisoformat(text)
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


class VirtualClock:
    """A clock that tests and scenarios move by hand. All instants are aware, in UTC."""

    def __init__(self, start: datetime, *, running: bool = False) -> None:
        self._lock = threading.Lock()
        self._base = start.astimezone(UTC)
        self._running = running
        self._since = monotonic()

    def now(self) -> datetime:
        """The instant of the org."""
        with self._lock:
            return self._now()

    def _now(self) -> datetime:
        if not self._running:
            return self._base
        return self._base + timedelta(seconds=monotonic() - self._since)

    def stamp(self) -> datetime:
        """The instant cut to whole seconds, as the org writes it into its time stamps."""
        return self.now().replace(microsecond=0)

    def advance(self, by: timedelta) -> datetime:
        """Move forward and give the new instant."""
        with self._lock:
            self._base = self._now() + by
            self._since = monotonic()
            return self._base

    def set(self, to: datetime) -> None:
        """Move to an instant, also a past one."""
        with self._lock:
            self._base = to.astimezone(UTC)
            self._since = monotonic()
