"""The source's clock, as its answers show it."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from unlost.kit.http.messages import Headers
from unlost.model.ports.system import Clock


def date_of(headers: Headers) -> datetime | None:
    """The server's clock from an answer's ``Date`` header."""
    text = headers.get("date")
    try:
        at = parsedate_to_datetime(text) if text else None
        # Without a zone it is UTC (RFC 9110, 5.6.7), and not the time of this machine.
        return at.astimezone(UTC) if at and at.tzinfo else at and at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # a year that no calendar has
        return None


class SourceClock:
    """The source's clock: never ahead of ours.

    A cursor is an instant of the source. What changes there until then is read, so a cursor must
    not lie in the future for years because a proxy is wrong.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_seen: datetime | None = None

    def notice(self, headers: Headers) -> None:
        """Read the clock from an answer's headers."""
        self._last_seen = date_of(headers) or self._last_seen

    def time_of(self, headers: Headers) -> datetime:
        """The source's clock at an answer, or ours if that is earlier."""
        now = self._clock.now()
        return min(date_of(headers) or now, now)

    def at_last_answer(self) -> datetime | None:
        """The source's clock at its last answer, or ours if that is earlier; None without answer."""
        return None if self._last_seen is None else min(self._last_seen, self._clock.now())
