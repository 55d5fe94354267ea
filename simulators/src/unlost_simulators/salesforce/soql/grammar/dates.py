"""Date literals of SOQL: the span of days that each stands for. Pure; weeks begin on Sunday.

Source: SOQL and SOSL reference, date formats and date literals. The user's zone is UTC here, and
the fiscal year is the calendar year.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Span:
    """Days from ``start`` up to but not including ``end``."""

    start: date
    end: date


DAY = timedelta(days=1)
WEEK = timedelta(days=7)


def _day(start: date) -> Span:
    return Span(start, start + DAY)


def _week(of: date) -> Span:
    start = of - timedelta(days=(of.weekday() + 1) % 7)
    return Span(start, start + WEEK)


def _months(of: date, by: int) -> date:
    """The first day of the month that lies ``by`` months from the month of ``of``."""
    count = of.year * 12 + of.month - 1 + by
    return date(count // 12, count % 12 + 1, 1)


def _month(of: date) -> Span:
    return Span(_months(of, 0), _months(of, 1))


def _quarter(of: date) -> Span:
    start = _months(of, -((of.month - 1) % 3))
    return Span(start, _months(start, 3))


def _year(of: date) -> Span:
    return Span(date(of.year, 1, 1), date(of.year + 1, 1, 1))


_SIMPLE: dict[str, Callable[[date], Span]] = {
    "TODAY": _day,
    "YESTERDAY": lambda today: _day(today - DAY),
    "TOMORROW": lambda today: _day(today + DAY),
    "THIS_WEEK": _week,
    "LAST_WEEK": lambda today: _week(today - WEEK),
    "NEXT_WEEK": lambda today: _week(today + WEEK),
    "THIS_MONTH": _month,
    "LAST_MONTH": lambda today: _month(_months(today, -1)),
    "NEXT_MONTH": lambda today: _month(_months(today, 1)),
    "LAST_90_DAYS": lambda today: Span(today - 90 * DAY, today + DAY),
    "NEXT_90_DAYS": lambda today: Span(today + DAY, today + 91 * DAY),
}

_COUNTED: dict[str, Callable[[date, int], Span]] = {
    "LAST_N_DAYS": lambda today, n: Span(today - n * DAY, today + DAY),
    "NEXT_N_DAYS": lambda today, n: Span(today + DAY, today + (n + 1) * DAY),
    "N_DAYS_AGO": lambda today, n: _day(today - n * DAY),
    "LAST_N_WEEKS": lambda today, n: Span(_week(today).start - n * WEEK, _week(today).start),
    "NEXT_N_WEEKS": lambda today, n: Span(_week(today).end, _week(today).end + n * WEEK),
    "N_WEEKS_AGO": lambda today, n: _week(today - n * WEEK),
    "LAST_N_MONTHS": lambda today, n: Span(_months(today, -n), _months(today, 0)),
    "NEXT_N_MONTHS": lambda today, n: Span(_months(today, 1), _months(today, n + 1)),
    "N_MONTHS_AGO": lambda today, n: _month(_months(today, -n)),
}


def _quarters(today: date, first: int, count: int) -> Span:
    start = _months(_quarter(today).start, 3 * first)
    return Span(start, _months(start, 3 * count))


def _years(today: date, first: int, count: int) -> Span:
    return Span(date(today.year + first, 1, 1), date(today.year + first + count, 1, 1))


type Units = Callable[[date, int, int], Span]
"""``count`` units (quarters, years) from the one that lies ``first`` units from today's."""


def _one(units: Units, first: int) -> Callable[[date], Span]:
    return lambda today: units(today, first, 1)


def _last(units: Units) -> Callable[[date, int], Span]:
    return lambda today, n: units(today, -n, n)


def _next(units: Units) -> Callable[[date, int], Span]:
    return lambda today, n: units(today, 1, n)


def _ago(units: Units) -> Callable[[date, int], Span]:
    return lambda today, n: units(today, -n, 1)


for _unit, _units in (
    ("QUARTER", _quarters),
    ("FISCAL_QUARTER", _quarters),
    ("YEAR", _years),
    ("FISCAL_YEAR", _years),
):
    _SIMPLE[f"THIS_{_unit}"] = _one(_units, 0)
    _SIMPLE[f"LAST_{_unit}"] = _one(_units, -1)
    _SIMPLE[f"NEXT_{_unit}"] = _one(_units, 1)
    _COUNTED[f"LAST_N_{_unit}S"] = _last(_units)
    _COUNTED[f"NEXT_N_{_unit}S"] = _next(_units)
    _COUNTED[f"N_{_unit}S_AGO"] = _ago(_units)


def span(text: str, today: date) -> Span | None:
    """Return the days of a date literal (``TODAY``, ``LAST_N_DAYS:7``); None if it is none."""
    name, _, count = text.upper().partition(":")
    if not count:
        simple = _SIMPLE.get(name)
        return None if simple is None else simple(today)
    counted = _COUNTED.get(name)
    if counted is None or not count.isdigit():
        return None
    return counted(today, int(count))
