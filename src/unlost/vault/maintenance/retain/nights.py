"""The rule which backups stay. Pure.

``daily = 7`` considers the last seven days that have a backup. Of each day it keeps the last good
backup, or the last one if none is good. Days begin and end in the org's time zone.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from unlost.model.instants import in_zone
from unlost.model.vault.retention import KeepRules
from unlost.model.vault.snapshot import SnapshotInfo, nights

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
    """Return the numbers of the ``backups`` (oldest first) that stay.

    The newest backup of the whole org always stays, with all partial ones after it, and the newest
    good one. ``good`` is called for as few backups as necessary.
    """
    whole = nights(backups)
    # Partial backups do not count here: they show only some tables as of their time.
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
    """Return the backup to keep of each of the last ``count`` periods with backups."""
    periods: dict[_Period, list[SnapshotInfo]] = {}
    for info in reversed(whole):
        period = of(in_zone(info.as_of, zone))
        if period not in periods and len(periods) == count:
            break
        periods.setdefault(period, []).append(info)
    for newest_first in periods.values():
        yield next((info for info in newest_first if good(info)), newest_first[0]).number
