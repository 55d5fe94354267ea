"""Days as typed, as limits of a search."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from unlost.model.errors import UsageError


def day_begin(text: str, zone: str) -> datetime:
    """Return the beginning of a day in a zone; raises UsageError (``day-wrong``)."""
    return _midnight(_day(text), zone)


def day_end(text: str, zone: str) -> datetime:
    """Return the end of a day in a zone, which is the beginning of the next."""
    return _midnight(_day(text) + timedelta(days=1), zone)


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise _wrong(text) from None
    if not date(1900, 1, 1) <= day <= date(9000, 1, 1):
        raise _wrong(text)
    return day


def _wrong(text: str) -> UsageError:
    return UsageError(
        "day-wrong",
        "“{text}” is not a day.",
        next_step="Write it as 2026-11-24.",
        text=text,
    )
