"""The last 30 days of an org: its status on each day, and the growth of its records. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from unlost.catalog.vault.summaries import BackupSummary
from unlost.model.forecast import Sample
from unlost.model.instants import in_zone
from unlost.model.status import OrgStatus
from unlost.model.vault.snapshot import SnapshotInfo

DAYS = 30
SHOWN = timedelta(days=DAYS + 1)  # 30 days of any time zone
ANOTHER_TIME = timedelta(days=1)
_FAILED = (OrgStatus.FAILED, None)
_NONE = (OrgStatus.NO_BACKUP, None)


@dataclass(frozen=True, slots=True)
class DayCell:
    """A day of an org, in its time zone, and the newest backup of all tables on it.

    ``status`` is Protected, Incomplete, Failed or No backup yet; None for a backup whose
    certificate was not evaluated yet. ``backup``: its number, None if there is none, or if it was
    forgotten since. ``records``: the records in it.
    """

    day: date
    status: OrgStatus | None
    backup: int | None
    records: int | None = None


def day_cells(
    *,
    now: datetime,
    zone: str,
    summaries: Iterable[BackupSummary],
    backups: Sequence[SnapshotInfo],
    failures: Collection[datetime],
) -> tuple[DayCell, ...]:
    """Return a cell for each of the last 30 days, oldest first. All times are by the org's clock.

    ``backups`` are those that the vault has, of all tables; ``failures`` the times at which
    backups began that failed.
    """
    place = ZoneInfo(zone)
    known = {in_zone(summary.as_of, place).date(): summary for summary in summaries}
    stored = {info.number for info in backups}
    since = now - SHOWN
    recent = (info for info in backups if info.as_of >= since)
    seen = {in_zone(info.as_of, place).date(): info.number for info in recent}
    failed = {in_zone(at, place).date() for at in failures}
    today = in_zone(now, place).date()
    days = (today - timedelta(days=ago) for ago in range(DAYS - 1, -1, -1))
    return tuple(_cell(day, known.get(day), seen.get(day), stored, failed) for day in days)


def clock_difference(last: SnapshotInfo | None) -> timedelta:
    """Return how far the clock of an org is behind ours; zero unless it is a day or more.

    Backups are shown by the clock of their org. That of a simulated org may be years away.
    """
    difference = last.started - last.as_of if last is not None else timedelta(0)
    return difference if abs(difference) >= ANOTHER_TIME else timedelta(0)


def record_samples(summaries: Iterable[BackupSummary]) -> tuple[Sample, ...]:
    """Return the number of records in each backup, oldest first."""
    return tuple(Sample(summary.as_of, summary.records) for summary in summaries)


def _cell(
    day: date,
    summary: BackupSummary | None,
    number: int | None,
    stored: Collection[int],
    failed: Collection[date],
) -> DayCell:
    if summary is not None and number in (None, summary.snapshot):
        status = OrgStatus.INCOMPLETE if summary.open_gaps else OrgStatus.PROTECTED
        backup = summary.snapshot if summary.snapshot in stored else None
        return DayCell(day, status, backup, summary.records)
    if number is not None:
        return DayCell(day, None, number)
    return DayCell(day, *(_FAILED if day in failed else _NONE))
