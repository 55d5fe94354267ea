"""The forecast of an allowance: pure, and robust against days that are unlike the others.

The trend is the middle of what whole weeks brought: weekends even out, and a day of importing or of
cleaning up moves it little. Growth changes: a loop of mails may begin in one night. So the longest
stretch of days is taken whose first and last week are like the rest of it, judged by the middle of
their days: one unlike day does not move that, four of seven do.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from unlost.model.forecast import Forecast, Sample

STOP = 1.05  # Salesforce refuses new records at 105 % (help text on storage limits)
STRETCHES = (84, 56, 28, 14, 7)  # days; whole weeks even out weekends
WEEK = 7.0
FEWEST = 4  # days with a sample, before anything is foretold
TRIMMED = 0.15  # of the slopes at each end
BAND = 10  # percentiles of the slopes left out at each end
FAR = timedelta(days=3650)  # what lies beyond is no forecast
ALIKE = 0.25  # a week is like its stretch if their middle days differ by less than this share
NOISE = 4.0  # or by less than so many errors of a median of seven such days
QUIET = 0.0001  # or by less than this share of the limit a day
FALL = 0.02  # of the limit: what falls by more in a day was cleaned up, and begins anew
OF_MEDIAN = 1.253 * 1.4826 / WEEK**0.5  # error of the median of seven, by the median deviation

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Day:
    at: float  # days since the first sample
    used: float


def forecast(
    samples: Sequence[Sample], *, limit: float, now: datetime, stop: float = STOP
) -> Forecast | None:
    """Where the samples lead; None for too few, or for an allowance without a limit."""
    ordered = sorted(samples, key=lambda sample: sample.at)
    if limit <= 0 or not ordered:
        return None
    begin = ordered[0].at
    days = _since_last_fall(_days(ordered, begin), limit)
    if len(days) < FEWEST:
        return None
    chosen = _stretch(days, limit)
    slopes = _slopes(chosen)
    daily = _trend(slopes)
    slow, fast = _band(slopes)
    level = statistics.median([day.used - daily * (day.at - chosen[-1].at) for day in chosen])
    at = (now - begin) / DAY
    used = level + daily * (at - chosen[-1].at)
    return Forecast(
        used,
        limit,
        stop,
        daily,
        slow,
        fast,
        begin + chosen[0].at * DAY,
        len(chosen),
        _reached(used, daily, limit * stop, now),
        _reached(used, fast, limit * stop, now),
        _reached(used, slow, limit * stop, now),
    )


def _days(samples: Sequence[Sample], begin: datetime) -> list[_Day]:
    """The last sample of each day."""
    by_day = {(sample.at - begin) // DAY: sample for sample in samples}
    return [_Day((sample.at - begin) / DAY, sample.used) for sample in by_day.values()]


def _since_last_fall(days: Sequence[_Day], limit: float) -> Sequence[_Day]:
    falls = [at for at in range(1, len(days)) if days[at - 1].used - days[at].used > FALL * limit]
    return days[falls[-1] :] if falls else days


def _stretch(days: Sequence[_Day], limit: float) -> Sequence[_Day]:
    """The longest even stretch; else the last week."""
    for length in STRETCHES:
        part = [day for day in days if days[-1].at - day.at <= length]
        if len(part) >= FEWEST and _even(part, limit):
            return part
    return days[-max(FEWEST, round(WEEK)) :]


def _even(days: Sequence[_Day], limit: float) -> bool:
    """True if the last week, and the first one, are like the rest."""
    steps = _steps(days)
    rest, week = steps[: -round(WEEK)], steps[-round(WEEK) :]
    return not rest or (_alike(week, rest, limit) and _alike(rest[: round(WEEK)], rest, limit))


def _alike(week: Sequence[float], rest: Sequence[float], limit: float) -> bool:
    usual, own = statistics.median(rest), statistics.median(week)
    spread = (_deviation(rest, usual) + _deviation(week, own)) / 2
    allowed = (ALIKE * max(abs(usual), abs(own)), NOISE * OF_MEDIAN * spread, QUIET * limit)
    return bool(abs(own - usual) <= max(allowed))


def _deviation(steps: Sequence[float], middle: float) -> float:
    return statistics.median([abs(step - middle) for step in steps])


def _steps(days: Sequence[_Day]) -> list[float]:
    """The growth from day to day, a day."""
    return [(two.used - one.used) / (two.at - one.at) for one, two in pairwise(days)]


def _slopes(days: Sequence[_Day]) -> list[float]:
    """The growth a day: over whole weeks, or from day to day where there is only one week."""
    pairs = [(one, two) for two in days if (one := _before(days, two.at - WEEK)) is not None]
    if len(pairs) < FEWEST:
        return _steps(days)
    return [(two.used - one.used) / (two.at - one.at) for one, two in pairs]


def _trend(slopes: Sequence[float]) -> float:
    """The mean of the middle ones: what single days did lies at the ends."""
    ordered = sorted(slopes)
    cut = int(len(ordered) * TRIMMED)
    few = len(ordered) <= round(WEEK)
    return (
        statistics.median(ordered) if few else statistics.fmean(ordered[cut : len(ordered) - cut])
    )


def _before(days: Sequence[_Day], at: float) -> _Day | None:
    """The last day that is not after an instant; half an hour more does not matter."""
    return next((day for day in reversed(days) if day.at <= at + 0.02), None)


def _band(slopes: Sequence[float]) -> tuple[float, float]:
    parts = statistics.quantiles(slopes, n=100, method="inclusive")
    return parts[BAND - 1], parts[100 - BAND - 1]


def _reached(used: float, daily: float, line: float, now: datetime) -> datetime | None:
    if used >= line:
        return now
    if daily <= 0 or (line - used) / daily > FAR / DAY:
        return None
    return now + (line - used) / daily * DAY
