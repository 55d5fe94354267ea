"""Days and times as typed, as limits of a search or of a period."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from unlost.model.errors import UsageError

EARLIEST, LATEST = date(1900, 1, 1), date(9000, 1, 1)


def day_begin(text: str, zone: str) -> datetime:
    """Return the beginning of a day in a zone; raises UsageError (``day-wrong``)."""
    return _midnight(_day(text), zone)


def day_end(text: str, zone: str) -> datetime:
    """Return the end of a day in a zone, which is the beginning of the next."""
    return _midnight(_day(text) + timedelta(days=1), zone)


def period_begin(text: str, zone: str) -> datetime:
    """Return the beginning of a day, or a time, in a zone; raises UsageError (``day-wrong``)."""
    return day_begin(text, zone) if _is_day(text) else _time(text, zone)


def period_end(text: str, zone: str) -> datetime:
    """Return the end of a day in a zone, or of the minute or second of a time."""
    if _is_day(text):
        return day_end(text, zone)
    at = _time(text, zone)
    return at + (timedelta(seconds=1) if at.second else timedelta(minutes=1))


def _is_day(text: str) -> bool:
    return "T" not in text and ":" not in text


def _time(text: str, zone: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise _no_time(text) from None
    if not EARLIEST <= at.date() <= LATEST:
        raise _no_time(text)
    return (at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise _wrong(text) from None
    if not EARLIEST <= day <= LATEST:
        raise _wrong(text)
    return day


def _wrong(text: str) -> UsageError:
    return UsageError(
        "day-wrong",
        "“{text}” is not a day.",
        next_step="Write it as 2026-11-24.",
        text=text,
    )


def _no_time(text: str) -> UsageError:
    return UsageError(
        "day-wrong",
        "“{text}” is neither a day nor a time.",
        next_step="Write it as 2026-11-24, or as 2026-11-24T14:00.",
        text=text,
    )
