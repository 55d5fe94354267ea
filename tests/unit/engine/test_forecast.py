"""The forecast finds planted growth, whatever single days are like."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.engine.storage.forecast import forecast, missing_days
from unlost.model.forecast import Forecast, Sample

START = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LIMIT, STOP = 10_000.0, 1.05

type Growth = Callable[[int], float]


def lived(growth: Growth, days: int, *, begins: float = 3_000.0) -> list[Sample]:
    used, samples = begins, []
    for day in range(days):
        used += growth(day)
        samples.append(Sample(START + day * DAY, used))
    return samples


def told(samples: list[Sample], *, limit: float = LIMIT) -> Forecast:
    found = forecast(samples, limit=limit, now=samples[-1].at, stop=STOP)
    assert found is not None
    return found


def error(growth: Growth, days: int, *, begins: float = 3_000.0) -> float:
    """By which share of the remaining time the day of the stop line is missed."""
    samples = lived(growth, days, begins=begins)
    found = told(samples)
    used, day = samples[-1].used, days - 1
    while used < LIMIT * STOP:
        day += 1
        used += growth(day)
        assert day < 5_000
    remaining = (day - (days - 1)) * DAY
    assert found.reached is not None
    return abs((found.reached - samples[-1].at) - remaining) / remaining


def steady(day: int) -> float:
    return 30.0


def weekly(day: int) -> float:
    """Weekends are quiet."""
    return 4.0 if day % 7 in (5, 6) else 40.0


def noisy(seed: int) -> Growth:
    dice = random.Random(seed)
    table = [max(0.0, dice.gauss(30, 10)) for _ in range(6_000)]
    return lambda day: table[day]


def loop_from(begins: int) -> Growth:
    """A loop of mails that begins in one night and goes on."""
    return lambda day: 10.0 if day < begins else 90.0


def import_on(at: int) -> Growth:
    return lambda day: 600.0 if day == at else 30.0


@pytest.mark.parametrize("days", [8, 15, 30, 60, 90, 180])
@pytest.mark.parametrize("growth", [steady, weekly])
def test_planted_growth_is_foretold_within_a_tenth(growth: Growth, days: int) -> None:
    few = growth is weekly and days < 14
    assert error(growth, days) <= (0.35 if few else 0.10)


def test_uneven_growth_is_foretold_within_a_tenth_but_for_bad_luck() -> None:
    """Days of 30 with a deviation of 10: twelve weeks tell their mean to 4 % at best."""
    errors = sorted(error(noisy(seed), 85) for seed in range(200))
    assert errors[100] <= 0.05
    assert errors[179] <= 0.10
    assert errors[189] <= 0.12
    assert errors[-1] <= 0.25


@pytest.mark.parametrize("ago", [4, 5, 7, 10, 20, 40])
def test_growth_that_changed_is_foretold_from_what_it_is_now(ago: int) -> None:
    days = 90
    found = told(lived(loop_from(days - ago), days))
    assert found.daily == pytest.approx(90, rel=0.10)
    assert error(loop_from(days - ago), days) <= 0.10


@pytest.mark.parametrize("at", [60, 80, 87, 89])
def test_a_day_of_importing_moves_the_trend_little(at: int) -> None:
    found = told(lived(import_on(at), 90))
    assert found.daily == pytest.approx(30, rel=0.10)
    assert found.now == pytest.approx(3_000 + 89 * 30 + 600, rel=0.12)


def cleaned_up(growth: Growth, *, before: int, after: int, freed: float) -> list[Sample]:
    """A clean-up in the night between two phases, on a day that grows as all others."""
    samples = lived(growth, before + after)
    return [
        Sample(each.at, each.used - (freed if day >= before else 0.0))
        for day, each in enumerate(samples)
    ]


@pytest.mark.parametrize("after", [1, 2, 3, 4, 10, 30])
@pytest.mark.parametrize("before", [8, 30, 60])
@pytest.mark.parametrize("growth", [steady, weekly])
def test_after_cleaning_up_the_forecast_moves(growth: Growth, before: int, after: int) -> None:
    """It is never gone, and it is the growth from before, at the new level."""
    whole = told(lived(growth, before + after))
    samples = cleaned_up(growth, before=before, after=after, freed=2_500)
    moved = told(samples)
    assert moved.now == pytest.approx(samples[-1].used)
    assert moved.daily == pytest.approx(whole.daily, rel=0.2)
    assert moved.reached is not None
    assert whole.reached is not None
    assert moved.reached - whole.reached > 50 * DAY


def test_an_archive_right_after_thirty_days_leaves_the_growth_known() -> None:
    samples = lived(lambda _day: 1.0, 30, begins=70.0)
    last = samples[-1]
    samples.append(Sample(last.at + DAY / 2, last.used - 47))
    moved = told(samples, limit=100.0)
    assert moved.daily == pytest.approx(1.0)
    assert moved.now == pytest.approx(last.used - 47)
    assert moved.reached is not None
    assert (moved.reached - samples[-1].at) / DAY == pytest.approx(105 - moved.now, abs=0.01)
    assert missing_days(samples, limit=100.0) == 0


def test_a_growth_that_changed_after_a_clean_up_is_the_new_one() -> None:
    before = lived(lambda _day: 90.0, 40)
    level = before[-1].used - 2_500
    after = [Sample(before[-1].at + day * DAY, level + 10 * day) for day in range(1, 15)]
    assert told(before + after).daily == pytest.approx(10, rel=0.1)


@pytest.mark.parametrize("freed", [90, 150, 250, 600])
@pytest.mark.parametrize("every", [3, 5, 7, 10, 14])
@pytest.mark.parametrize("days", [12, 35, 100])
def test_scheduled_clean_ups_hide_the_growth_between_them(
    freed: float, every: int, days: int
) -> None:
    """Falls below the size of a large clean-up counted as negative growth."""
    used, samples = 3_000.0, []
    for day in range(days):
        used += 30 - (freed if day % every == every - 1 else 0)
        samples.append(Sample(START + day * DAY, used))
    assert told(samples).daily == pytest.approx(30)


def test_ups_and_downs_of_each_day_are_clean_ups() -> None:
    samples = lived(lambda day: 60.0 if day % 2 else -50.0, 40)
    assert told(samples).daily == pytest.approx(5, abs=15)


def test_clean_ups_every_night_are_no_growth() -> None:
    """Days that never show growth make no forecast."""
    samples = [Sample(START + day * DAY, 9_000.0 - 500 * day) for day in range(10)]
    assert forecast(samples, limit=LIMIT, now=samples[-1].at, stop=STOP) is None


def test_what_does_not_grow_is_never_full() -> None:
    for growth in (0.0, -3.0):
        found = told(lived(lambda _day, growth=growth: growth, 40))
        assert (found.reached, found.latest) == (None, None)
    slow = told(lived(lambda _day: 0.001, 40))
    assert slow.reached is None, "beyond ten years"


def test_what_is_full_already_is_full_now() -> None:
    samples = lived(steady, 30, begins=10_400)
    found = told(samples)
    assert found.reached == samples[-1].at


@pytest.mark.parametrize("days", [0, 1, 3])
def test_too_few_days_foretell_nothing(days: int) -> None:
    assert forecast(lived(steady, days), limit=LIMIT, now=START + 3 * DAY, stop=STOP) is None


def test_an_allowance_without_a_limit_is_never_full() -> None:
    assert forecast(lived(steady, 30), limit=0, now=START + 30 * DAY, stop=STOP) is None


def test_several_samples_of_a_day_are_one() -> None:
    samples = lived(steady, 30)
    hourly = [Sample(one.at + timedelta(hours=n), one.used) for one in samples for n in range(5)]
    assert told(hourly).samples == told(samples).samples


@given(
    daily=st.floats(1, 200),
    days=st.integers(4, 120),
    begins=st.floats(0, 9_000),
    gaps=st.sets(st.integers(0, 119), max_size=40),
)
def test_a_straight_line_is_foretold_exactly_even_with_gaps(
    daily: float, days: int, begins: float, gaps: set[int]
) -> None:
    samples = [
        Sample(START + day * DAY, begins + daily * day) for day in range(days) if day not in gaps
    ]
    found = forecast(samples, limit=LIMIT, now=START + days * DAY, stop=STOP) if samples else None
    if found is None:
        assert len(samples) < 4
        return
    assert found.daily == pytest.approx(daily, rel=1e-6)
    assert found.slow <= found.daily * (1 + 1e-6)
    assert found.fast >= found.daily * (1 - 1e-6)
    line = LIMIT * STOP
    left = (line - (begins + daily * days)) / daily
    if 0 < left < 3_650:
        assert found.reached is not None
        assert (found.reached - (START + days * DAY)) / DAY == pytest.approx(left, rel=1e-5)
        assert found.earliest is not None
        assert found.earliest <= found.reached + timedelta(hours=1)


def test_samples_that_lie_far_apart_are_believed_as_they_are() -> None:
    samples = [Sample(START + 9 * n * DAY, 3_000 + 270.0 * n) for n in range(4)]
    assert told(samples).daily == pytest.approx(30)


def test_the_days_until_the_first_forecast_are_counted() -> None:
    begin = datetime(2026, 3, 2, 1, tzinfo=UTC)
    days = [Sample(begin + number * timedelta(days=1), 50.0 + number) for number in range(6)]
    assert [missing_days(days[:count], limit=100.0) for count in range(1, 7)] == [3, 2, 1, 0, 0, 0]
    twice = [days[0], Sample(begin + timedelta(hours=2), 51.0)]
    assert missing_days(twice, limit=100.0) == 3
    cleaned = [*days, Sample(begin + timedelta(days=6), 20.0)]
    assert missing_days(cleaned, limit=100.0) == 0
    early = [*days[:2], Sample(begin + timedelta(days=2), 20.0)]
    assert missing_days(early, limit=100.0) == 2, "a clean-up hides the growth of its day"
    assert missing_days(days[:1], limit=0.0) == 0
