"""Instants as an instance stores and shows them: ``YYYY-MM-DD HH:MM:SS``, in UTC without a zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

FORMAT = "%Y-%m-%d %H:%M:%S"
UTC_ZONE = "GMT"


def text(when: datetime) -> str:
    """Give an instant as the instance stores it."""
    return when.astimezone(UTC).strftime(FORMAT)


def shown(stored: str, zone: str) -> str:
    """Give a stored instant as a user in a zone reads it; other texts stay."""
    if zone == UTC_ZONE:
        return stored
    try:
        when = datetime.strptime(stored, FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return stored
    return when.astimezone(ZoneInfo(zone)).strftime(FORMAT)


def typed(entered: str, zone: str) -> str:
    """Give the entry of a user in a zone as the instance stores it; other texts stay."""
    try:
        when = datetime.strptime(entered, FORMAT).replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        return entered
    return text(when)
