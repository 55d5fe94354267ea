"""Cursors that are instants: the time from which the next backup reads, with an overlap.

A slow transaction becomes visible with a stamp from before the last backup. So each backup reads a
little further back, and rows that come twice are the same to the vault.
"""

from datetime import UTC, datetime, timedelta

from unlost.model.source.reading import Cursor


def cursor_of(when: datetime) -> Cursor:
    """The cursor of an instant: UTC, whole seconds, rounded down."""
    return Cursor(when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def instant_of(cursor: Cursor, *, overlap: timedelta = timedelta()) -> datetime:
    """The instant of a cursor, ``overlap`` earlier."""
    return datetime.fromisoformat(cursor.value).astimezone(UTC) - overlap
