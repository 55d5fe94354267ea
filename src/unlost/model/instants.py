"""Instants on the clocks of zones."""

from datetime import UTC, datetime, tzinfo


def in_zone(instant: datetime, zone: tzinfo) -> datetime:
    """Return an instant on a zone's clock; in UTC on the calendar's first and last day.

    The last hour of the year 9999, which systems write for "never ends", has no date in a zone to
    the east, and Python then raises OverflowError.
    """
    try:
        return instant.astimezone(zone)
    except OverflowError:
        return instant.astimezone(UTC)
