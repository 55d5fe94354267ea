"""The forecast of a storage: pure, and robust against unusual days.

The growth of an org has a weekly rhythm, single outliers (an import, a clean-up), lasting changes
(a mail loop that began one night), and old phases that no longer matter. The forecast handles each:

  samples ─► one a day ─► growth of each day; a clean-up is no growth, and lowers the level only
    │
    ├─ 4 or more days of the last week unlike the same weekdays before, in one direction?
    │     yes: a change. Growth = former growth + (or x) the difference of these days
    │     no:  replace single outliers by the usual value of their weekday, then take the
    │          longest stretch of whole weeks that grow alike (at most 12)
    └─► daily growth with an 80 % band ─► dates on which the org's stop is reached

Example: 10 MB on each working day and 2 MB on Saturday and Sunday are 54 MB a week, 7.7 MB a day; a
single import of 900 MB changes nothing. With fewer than 14 days the growth is the mean of the last
week, or the median of fewer days; with fewer than 4 samples there is no forecast. The growth from
before a clean-up still counts after it: an archive frees megabytes, and records are created as
before. The error on planted growths is measured: see docs/explanation/performance.md.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from unlost.model.forecast import Forecast, Sample

LONGEST = 12  # weeks that are considered
WEEK = 7
FEWEST = 4  # days with a sample, before there is a forecast
UNLIKE = 4  # unusual days of the last week that make a change
BASE = 4  # weeks before a day that define its usual growth
FAR = timedelta(days=3650)  # anything later is no forecast
ALIKE = 0.25  # weeks and days are alike if they differ by less than this share of the larger
NOISE = 4.0  # or by less than so many deviations
SURE = 3.0  # standard errors of their means by which weeks must differ to count as unlike
QUIET = 0.0001  # or by less than this share of the limit a day
FALL = 0.02  # of the limit: a larger fall in a day is a clean-up, and no growth
SMALL_FALL = 0.002  # of the limit: so is a single larger one, if it exceeds the usual growth
SINGLE = 0.4  # of the days at most: more falls are the usual ups and downs
BAND = 1.282  # deviations on each side that contain 80 % (normal distribution)
DEVIATION = 1.4826  # of a normal distribution, from its median deviation

DAY = timedelta(days=1)
APART = timedelta(hours=18)  # closer samples count as one: backups do not begin at the exact second
LOOKED_BACK = (LONGEST + BASE) * WEEK * DAY


@dataclass(frozen=True, slots=True)
class _Growth:
    """A day's growth, its band, and the number of days from which it was derived."""

    daily: float
    slow: float
    fast: float
    days: int


def forecast(
    samples: Sequence[Sample], *, limit: float, now: datetime, stop: float
) -> Forecast | None:
    """The forecast of the samples; None for too few, or for a storage without a limit."""
    days = _daily(samples)
    if limit <= 0 or _growing_days(days, limit) < FEWEST:
        return None
    growth = _growth(_steps(days, limit), QUIET * limit)
    used = days[-1].used + growth.daily * ((now - days[-1].at) / DAY)
    return Forecast(
        used,
        limit,
        stop,
        growth.daily,
        growth.slow,
        growth.fast,
        max(days[0].at, days[-1].at - growth.days * DAY),
        min(len(days), growth.days + 1),
        _reached(used, growth.daily, limit * stop, now),
        _reached(used, growth.fast, limit * stop, now),
        _reached(used, growth.slow, limit * stop, now),
    )


def missing_days(samples: Sequence[Sample], *, limit: float) -> int:
    """The days with a sample that the first forecast still needs; 0 without a limit."""
    if limit <= 0:
        return 0
    return max(0, FEWEST - _growing_days(_daily(samples), limit))


def _daily(samples: Sequence[Sample]) -> list[Sample]:
    """A sample a day, counted back from the newest, of the considered weeks."""
    ordered = sorted(samples, key=lambda sample: sample.at)
    if not ordered:
        return []
    daily = [ordered[-1]]
    for daily_sample in reversed(ordered):
        if (
            daily[-1].at - daily_sample.at >= APART
            and ordered[-1].at - daily_sample.at <= LOOKED_BACK
        ):
            daily.append(daily_sample)
    return daily[::-1]


def _falls(days: Sequence[Sample], limit: float) -> list[bool]:
    """True for each day, but the last, that is followed by a clean-up: also small scheduled ones."""
    drops = [day.used - following.used for day, following in pairwise(days)]
    rises = [-drop for drop in drops if drop < 0]
    usual = statistics.median(rises) if rises else 0.0
    small = [drop > max(SMALL_FALL * limit, usual) for drop in drops]
    if rises and sum(small) <= SINGLE * len(drops):
        return small
    return [drop > FALL * limit for drop in drops]


def _growing_days(days: Sequence[Sample], limit: float) -> int:
    """The number of days whose growth is known: it is unknown for the day of a clean-up."""
    return len(days) - sum(_falls(days, limit))


def _steps(days: Sequence[Sample], limit: float) -> list[float]:
    """The growth of each day, the newest last; spread evenly over days without a sample.

    A day of a clean-up has the usual growth, so that weekdays stay in step. The first days may have
    no day before them to compare with: they have the median of all others.
    """
    steps: list[float] = []
    cleaned: list[int] = []
    falls = _falls(days, limit)
    for (sample, two), is_fall in zip(pairwise(days), falls, strict=True):
        apart = (two.at - sample.at) / DAY
        count = max(1, round(apart))
        if is_fall:
            cleaned += range(len(steps), len(steps) + count)
        steps += [(two.used - sample.used) / apart] * count
    return _without_falls(steps, cleaned)


def _without_falls(steps: Sequence[float], cleaned: Sequence[int]) -> list[float]:
    """The steps with the usual growth on the days of clean-ups."""
    hidden = frozenset(cleaned)
    growing = [step for at, step in enumerate(steps) if at not in hidden]
    filled = list(steps)
    for at in cleaned:
        same = [filled[day] for day in range(at % WEEK, at, WEEK)][-BASE:]
        filled[at] = statistics.median(same or growing)
    return filled


def _growth(steps: Sequence[float], quiet: float) -> _Growth:
    """The present growth; ``quiet`` is a difference that never matters."""
    if len(steps) < 2 * WEEK:
        week = list(steps[-WEEK:])
        daily = statistics.fmean(week) if len(week) == WEEK else statistics.median(week)
        return _Growth(daily, min(week), max(week), len(week))
    return _changed(steps, quiet) or _longest_growth(_without_outliers(steps, quiet), quiet)


# --- a change in the last week --------------------------------------------------------------------


def _usual(steps: Sequence[float], at: int, *, before: int) -> float:
    """The usual growth of a day: the median of the same weekday in earlier weeks."""
    same = [steps[position] for position in range(at - WEEK, -1, -WEEK) if position < before][:BASE]
    return statistics.median(same)


def _changed(steps: Sequence[float], quiet: float) -> _Growth | None:
    """The growth if most days of the last week differ from those before, all in one direction."""
    begins = len(steps) - WEEK
    usual = [_usual(steps, at, before=begins) for at in range(begins, len(steps))]
    more = [step - base for step, base in zip(steps[begins:], usual, strict=True)]
    far = _normal_distance(steps, begins, quiet)
    unlike = [
        at for at, excess in enumerate(more) if abs(excess) > max(far, ALIKE * abs(usual[at]))
    ]
    up = [at for at in unlike if more[at] > 0]
    run = up if len(up) * 2 > len(unlike) else [at for at in unlike if more[at] < 0]
    if len(run) < UNLIKE or WEEK - 1 - run[-1] > 1:
        return None
    first = run[0]
    daily = _since(steps[begins + first :], usual[first:], statistics.fmean(usual))
    before = statistics.fmean(usual)
    return _Growth(daily, min(daily, before), max(daily, 2 * daily - before), WEEK - first)


def _since(steps: Sequence[float], usual: Sequence[float], before: float) -> float:
    """The growth since a change: an added amount each day, or a factor; the better fit counts."""
    pairs = list(zip(steps, usual, strict=True))
    more = statistics.fmean(step - base for step, base in pairs)
    times = sum(steps) / sum(usual) if sum(usual) > 0 else 0.0
    added = sum((step - base - more) ** 2 for step, base in pairs)
    multiplied = sum((step - base * times) ** 2 for step, base in pairs)
    return before * times if multiplied < added else before + more


def _normal_distance(steps: Sequence[float], until: int, quiet: float) -> float:
    """The distance of a day from its usual growth that is still normal."""
    off = [abs(steps[at] - _usual(steps, at, before=at)) for at in range(WEEK, until)] or [0.0]
    return max(quiet, NOISE * DEVIATION * statistics.median(off))


# --- what lasts -----------------------------------------------------------------------------------


def _without_outliers(steps: Sequence[float], quiet: float) -> list[float]:
    """The same days with single outliers replaced by the usual growth."""
    calm = list(steps[:WEEK])
    for at in range(WEEK, len(steps)):
        usual = _usual(calm, at, before=at)
        off = steps[at] - usual
        following = steps[at + WEEK] - usual if at + WEEK < len(steps) else 0.0
        alone = abs(off) > max(quiet, abs(usual)) and following * off < off * off / 2
        calm.append(usual if alone else steps[at])
    return calm


def _longest_growth(steps: Sequence[float], quiet: float) -> _Growth:
    """The growth of the longest stretch of whole weeks that are alike; two always are."""
    count = min(LONGEST, len(steps) // WEEK)
    weeks = [
        statistics.fmean(steps[len(steps) - WEEK * (n + 1) : len(steps) - WEEK * n])
        for n in range(count)
    ]
    length = next(n for n in range(count, 0, -1) if _alike(weeks[:n], quiet))
    chosen = weeks[:length]
    daily = statistics.fmean(chosen)
    half = BAND * statistics.stdev(chosen) / length**0.5
    return _Growth(daily, daily - half, daily + half, length * WEEK)


def _alike(weeks: Sequence[float], quiet: float) -> bool:
    """True if the newer half of the weeks grows as the older half does."""
    apart = [abs(week - two) for week, two in pairwise(weeks)]
    noise = DEVIATION * statistics.median(apart) / 2**0.5
    middle = len(weeks) // 2
    for newer, older in (
        (weeks[:middle], weeks[middle:]),
        (weeks[:1], weeks[1:]),
        (weeks[:-1], weeks[-1:]),
    ):
        recent, two = statistics.fmean(newer), statistics.fmean(older)
        error = noise * (1 / len(newer) + 1 / len(older)) ** 0.5
        if abs(recent - two) > max(quiet, ALIKE / 2 * max(abs(recent), abs(two)), SURE * error):
            return False
    return True


def _reached(used: float, daily: float, line: float, now: datetime) -> datetime | None:
    if used >= line:
        return now
    if daily <= 0 or (line - used) / daily > FAR / DAY:
        return None
    return now + (line - used) / daily * DAY
