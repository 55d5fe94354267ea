"""The source's clock and cursors: never ahead of ours, and always a little earlier."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.kit.cursors import cursor_of, instant_of
from unlost.kit.http.source_clock import SourceClock, date_of
from unlost.model.source.reading import Cursor
from unlost.testing.clock import START, VirtualClock

EARLIER = "Mon, 02 Mar 2026 00:59:00 GMT"
LATER = "Mon, 02 Mar 2036 00:59:00 GMT"
BEFORE = START - timedelta(minutes=1)


def test_the_clock_of_an_answer_is_read_and_never_ahead_of_ours() -> None:
    clock = SourceClock(VirtualClock())
    assert clock.time_of({"date": EARLIER}) == BEFORE
    assert clock.time_of({"date": LATER}) == START
    assert clock.time_of({}) == START


def test_the_clock_of_the_last_answer_is_remembered() -> None:
    clock = SourceClock(VirtualClock())
    assert clock.at_last_answer() is None
    clock.notice({"date": EARLIER})
    clock.notice({})
    clock.notice({"date": "nonsense"})
    assert clock.at_last_answer() == BEFORE
    clock.notice({"date": LATER})
    assert clock.at_last_answer() == START


@pytest.mark.parametrize("text", ["", "x", "Mon, 02 Mar 99999 00:59:00 GMT", "9" * 50])
def test_a_date_that_is_none_is_none(text: str) -> None:
    assert date_of({"date": text}) is None


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000", ""])
def test_a_date_without_a_zone_is_utc_whatever_this_machine_has(zone: str) -> None:
    assert date_of({"date": f"Mon, 02 Mar 2026 00:59:00 {zone}"}) == BEFORE


offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=offsets)  # noqa: DTZ001


@given(times, st.timedeltas(timedelta(), timedelta(days=2)))
def test_a_cursor_is_never_later_than_its_instant(when: datetime, overlap: timedelta) -> None:
    read = instant_of(cursor_of(when), overlap=overlap)
    assert timedelta(seconds=0) <= when - overlap - read < timedelta(seconds=1)
    assert read.tzinfo is UTC


def test_a_cursor_reads_as_it_was_always_written() -> None:
    assert cursor_of(START) == Cursor("2026-03-02T01:00:00Z")
    assert instant_of(Cursor("2026-03-02T01:00:00Z"), overlap=timedelta(hours=1)).hour == 0
