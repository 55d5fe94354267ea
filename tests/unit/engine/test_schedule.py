"""Nights in the org's own zone: one each, whatever the clocks do."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.engine.schedule import (
    begin_of,
    due,
    due_hour,
    instant,
    name_of,
    name_of_hour,
    spread,
    upcoming,
    upcoming_hour,
)
from unlost.model.errors import UsageError
from unlost.model.runs.schedule import Hours, Schedule

BERN = "Europe/Zurich"
START = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = st.sampled_from(sorted(available_timezones() - {"Factory", "localtime"}))


def at(text: str, zone: str = BERN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def nights(
    schedule: Schedule, begins: datetime, days: int, *, zone: str = BERN, every: int = 5
) -> list[tuple[str, datetime, tuple[str, ...]]]:
    """What a scheduler begins that looks every few minutes."""
    begun: list[tuple[str, datetime, tuple[str, ...]]] = []
    after: str | None = None
    now = begins
    while now < begins + timedelta(days=days):
        found = due(schedule, zone=zone, key="one", after=after, since=begins, now=now)
        if found is not None:
            after = found.night
            begun.append((found.night, now, found.missed))
        now += timedelta(minutes=every)
    return begun


def test_a_night_begins_once_a_day_at_its_minute() -> None:
    schedule = Schedule(nightly=time(1, 30), window=0)
    begun = nights(schedule, at("2026-02-02T12:00"), 3)
    assert begun == [
        (f"2026-02-0{day}T01:30", at(f"2026-02-0{day}T01:30"), ()) for day in (3, 4, 5)
    ]


def test_the_night_in_which_an_hour_comes_twice_begins_once_and_in_the_first() -> None:
    schedule = Schedule(nightly=time(2, 30), window=0)
    begun = nights(schedule, at("2026-10-24T12:00"), 2)
    assert [(night, now.isoformat()) for night, now, _ in begun] == [
        ("2026-10-25T02:30", "2026-10-25T00:30:00+00:00"),
        ("2026-10-26T02:30", "2026-10-26T01:30:00+00:00"),
    ]


def test_the_night_whose_minute_does_not_exist_begins_right_after_the_gap() -> None:
    schedule = Schedule(nightly=time(2, 30), window=0)
    (night, now, _), *_ = nights(schedule, at("2026-03-28T12:00"), 2)
    assert (night, now.isoformat()) == ("2026-03-29T02:30", "2026-03-29T01:00:00+00:00")


def test_after_a_week_of_standstill_one_night_makes_up_for_all_and_names_them() -> None:
    schedule = Schedule(nightly=time(1, 0), window=0)
    found = due(
        schedule,
        zone=BERN,
        key="one",
        after="2026-05-01T01:00",
        since=START,
        now=at("2026-05-08T10:00"),
    )
    assert found is not None
    assert found.night == "2026-05-08T01:00"
    assert found.missed == tuple(f"2026-05-0{day}T01:00" for day in range(2, 8))


def test_years_of_standstill_are_told_by_the_newest_nights() -> None:
    now = at("2026-05-08T10:00")
    since = datetime(2020, 1, 1, tzinfo=UTC)
    found = due(Schedule(), zone=BERN, key="one", after=None, since=since, now=now)
    assert found is not None
    assert len(found.missed) == 60


def test_a_new_org_begins_with_its_next_night_and_missed_none() -> None:
    schedule = Schedule(nightly=time(1, 0), window=0)
    added = at("2026-05-08T10:00")
    assert due(schedule, zone=BERN, key="one", after=None, since=added, now=added) is None
    later = at("2026-05-09T01:00")
    found = due(schedule, zone=BERN, key="one", after=None, since=added, now=later)
    assert found is not None
    assert found.missed == ()


def test_nothing_begins_in_blackout_hours_and_a_night_waits_for_their_end() -> None:
    schedule = Schedule(nightly=time(22, 0), window=0, blackout=(Hours(time(21, 0), time(2, 0)),))
    (night, now, missed), *_ = nights(schedule, at("2026-05-08T12:00"), 2)
    assert (night, now, missed) == ("2026-05-08T22:00", at("2026-05-09T02:00"), ())


def test_what_was_missed_is_not_made_up_for_in_blackout_hours() -> None:
    schedule = Schedule(nightly=time(1, 0), window=0, blackout=(Hours(time(8), time(18)),))
    told = {"zone": BERN, "key": "one", "after": "2026-05-01T01:00", "since": START}
    assert due(schedule, now=at("2026-05-04T08:00"), **told) is None
    found = due(schedule, now=at("2026-05-04T18:00"), **told)
    assert found is not None
    assert found.night == "2026-05-04T01:00"


def test_a_night_that_is_moved_to_later_the_same_day_begins_again() -> None:
    told = {"zone": BERN, "key": "one", "after": "2026-05-04T01:00", "since": START}
    late = Schedule(nightly=time(22, 0), window=0)
    found = due(late, now=at("2026-05-04T22:00"), **told)
    assert found is not None
    assert found.night == "2026-05-04T22:00"


def test_no_night_begins_where_none_is_set() -> None:
    off = Schedule(nightly=None)
    assert due(off, zone=BERN, key="one", after=None, since=START, now=START) is None
    assert upcoming(off, zone=BERN, key="one", now=START) is None


def test_orgs_are_spread_over_the_window_each_at_its_own_minute() -> None:
    minutes = [spread(f"org-{n}", 120) // timedelta(minutes=1) for n in range(2_000)]
    assert (min(minutes), max(minutes)) == (0, 119)
    assert spread("org-1", 120) == spread("org-1", 120)
    assert spread("org-1", 0) == timedelta(0)
    fullest = max(minutes.count(minute) for minute in range(120))
    assert fullest < 40, "2,000 orgs over 120 minutes are 17 a minute"


def test_the_next_night_is_told() -> None:
    schedule = Schedule(nightly=time(1, 0), window=0)
    assert upcoming(schedule, zone=BERN, key="x", now=at("2026-05-04T00:59")) == at(
        "2026-05-04T01:00"
    )
    assert upcoming(schedule, zone=BERN, key="x", now=at("2026-05-04T01:00")) == at(
        "2026-05-05T01:00"
    )


def hours(schedule: Schedule, begins: datetime, ends: datetime, *, every: int = 5) -> list[str]:
    """The hours that a scheduler begins that looks every few minutes."""
    begun: list[str] = []
    now = begins
    while now < ends:
        found = due_hour(schedule, zone=BERN, key="one", now=now)
        begun += [found] if found is not None and found not in begun else []
        now += timedelta(minutes=every)
    return begun


HOURLY = Schedule(window=0, hourly=("Case",))


@pytest.mark.parametrize(
    ("day", "lasts"), [("2026-03-29", 23), ("2026-05-04", 24), ("2026-10-25", 25)]
)
def test_a_day_has_each_of_its_hours_once(day: str, lasts: int) -> None:
    begins = at(f"{day}T00:00")
    after = date.fromisoformat(day) + timedelta(days=1)
    found = hours(HOURLY, begins, at(f"{after}T00:00"))
    assert found == [name_of_hour(begins + timedelta(hours=number)) for number in range(lasts)]


def test_no_hour_in_blackout_hours_and_the_next_is_told() -> None:
    schedule = replace(HOURLY, blackout=(Hours(time(8), time(18)),))
    found = hours(schedule, at("2026-05-04T06:00"), at("2026-05-04T20:00"))
    assert found == [name_of_hour(at(f"2026-05-04T{hour:02}:00")) for hour in (6, 7, 18, 19)]
    told = {"zone": BERN, "key": "one"}
    assert upcoming_hour(schedule, now=at("2026-05-04T07:00"), **told) == at("2026-05-04T18:00")
    assert upcoming_hour(schedule, now=at("2026-05-04T06:59"), **told) == at("2026-05-04T07:00")


def test_no_hour_where_no_table_is_chosen() -> None:
    assert due_hour(Schedule(), zone=BERN, key="one", now=START) is None
    assert upcoming_hour(Schedule(), zone=BERN, key="one", now=START) is None


def test_orgs_have_their_turn_at_their_own_minute_of_the_hour() -> None:
    schedule = replace(HOURLY, window=600)
    told = {"zone": BERN, "key": "one"}
    turn = upcoming_hour(schedule, now=START, **told)
    assert turn is not None
    assert turn - START == spread("one", 60)
    before = turn - timedelta(minutes=1)
    assert due_hour(schedule, now=before, **told) is None
    assert due_hour(schedule, now=turn, **told) == name_of_hour(turn) == "2026-01-01T00Z"


def test_an_hour_that_blackout_hours_leave_no_time_for_never_comes() -> None:
    schedule = replace(HOURLY, blackout=(Hours(time(0, 30), time(0, 10)),))
    assert upcoming_hour(schedule, zone=BERN, key="one", now=START) is None


@given(
    zone=ZONES,
    minute=st.integers(0, 24 * 60 - 1),
    day=st.dates(date(2015, 1, 1), date(2027, 12, 31)),
)
def test_the_instant_of_any_minute_is_the_first_that_is_not_before_it(
    zone: str, minute: int, day: date
) -> None:
    wall = datetime.combine(day, time(minute // 60, minute % 60))
    found = instant(wall, zone)
    shown = found.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert shown >= wall
    earlier = (found - timedelta(minutes=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert earlier < wall, "the minute before was too early"


@given(zone=ZONES, nightly=st.times(), window=st.integers(0, 720), year=st.integers(2024, 2027))
def test_any_year_in_any_zone_has_each_night_once(
    zone: str, nightly: time, window: int, year: int
) -> None:
    schedule = Schedule(nightly=nightly.replace(second=0, microsecond=0), window=window)
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    begins = [begin_of(schedule, zone=zone, key=zone, day=day) for day in days]
    assert begins == sorted(set(begins))
    assert len({name_of(schedule, day) for day in days}) == 365
    gaps = [later - earlier for earlier, later in pairwise(begins)]
    assert max(gaps) <= timedelta(hours=49), "one whole day was once left out by Samoa"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"window": -1}, "not -1"),
        ({"window": 721}, "not 721"),
        ({"blackout": (Hours(time(3), time(3)),)}, "not start and end"),
        ({"blackout": (Hours(time(3), time(15)), Hours(time(15), time(3)))}, "leave no time"),
    ],
)
def test_a_schedule_that_cannot_be_kept_is_refused(values: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        Schedule(**values)  # type: ignore[arg-type]
    assert caught.value.code == "schedule-invalid"
