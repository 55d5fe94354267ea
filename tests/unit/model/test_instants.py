"""Instants on the clocks of zones."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from unlost.model.instants import in_zone


def test_an_instant_stands_on_the_clock_of_its_zone() -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert in_zone(noon, ZoneInfo("Europe/Zurich")).isoformat() == "2026-07-01T14:00:00+02:00"


def test_the_end_of_the_year_9999_has_no_date_to_the_east_and_is_shown_in_utc() -> None:
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert in_zone(end, ZoneInfo("Europe/Zurich")) == end
    assert in_zone(end, ZoneInfo("America/Lima")).isoformat() == "9999-12-31T18:59:59-05:00"
    start = datetime(1, 1, 1, tzinfo=UTC)
    assert in_zone(start, ZoneInfo("America/Lima")) == start
