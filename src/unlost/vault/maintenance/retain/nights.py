"""Which nights stay. Pure.

A rule looks at the last so many days (weeks, months, years) in which there were nights at all, and
keeps of each the last night that is good, or the last one if none is. Days begin and end in the org's
zone.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from unlost.model.retention import KeepRules
from unlost.model.snapshot import SnapshotInfo, nights

type _Period = tuple[int, ...]
type _Of = Callable[[datetime], _Period]


def _day(local: datetime) -> _Period:
    return (local.toordinal(),)


def _week(local: datetime) -> _Period:
    return tuple(local.isocalendar()[:2])


def _month(local: datetime) -> _Period:
    return (local.year, local.month)


def _year(local: datetime) -> _Period:
    return (local.year,)


def kept_nights(
    backups: Sequence[SnapshotInfo],
    rules: KeepRules,
    *,
    zone: ZoneInfo,
    now: datetime,
    pinned: Collection[int] = (),
    good: Callable[[SnapshotInfo], bool] = lambda _: True,
) -> frozenset[int]:
    """Numbers of the backups (oldest first) that stay.

    The newest night always does, every backup after it, and the newest good one. ``good`` is asked for as few nights as
    decide.
    """
    whole = nights(backups)
    if not rules.thins or not whole:
        return frozenset(info.number for info in backups)
    kept_numbers = {info.number for info in backups if info.number >= whole[-1].number}
    kept_numbers |= {
        next((info.number for info in reversed(whole) if good(info)), whole[-1].number)
    }
    kept_numbers |= {info.number for info in backups if info.number in pinned}
    if rules.days:
        begin = now - timedelta(days=rules.days)
        kept_numbers |= {info.number for info in backups if info.as_of >= begin}
    for count, of in _counted(rules):
        kept_numbers |= set(_last_of_periods(whole, count, of, zone=zone, good=good))
    return frozenset(kept_numbers)


def _counted(rules: KeepRules) -> Iterable[tuple[int, _Of]]:
    return (
        (rules.daily, _day),
        (rules.weekly, _week),
        (rules.monthly, _month),
        (rules.yearly, _year),
    )


def _last_of_periods(
    whole: Sequence[SnapshotInfo],
    count: int,
    of: _Of,
    *,
    zone: ZoneInfo,
    good: Callable[[SnapshotInfo], bool],
) -> Iterator[int]:
    """Of each of the last ``count`` periods that have a night, the number of the one that stays."""
    periods: dict[_Period, list[SnapshotInfo]] = {}
    for info in reversed(whole):
        period = of(info.as_of.astimezone(zone))
        if period not in periods and len(periods) == count:
            break
        periods.setdefault(period, []).append(info)
    for newest_first in periods.values():
        yield next((info for info in newest_first if good(info)), newest_first[0]).number
