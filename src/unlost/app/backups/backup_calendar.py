"""The calendar of an org's backups: which day has which backups, and how they ended. Pure.

    commits of the vault    backups that exist or were forgotten, at the org's own time
    runs of the home        backups that failed, run, or wait for their next attempt
    scheduled backups       those that were given up before a run began

A day of the org's time zone without any of them is a day without a backup, if the org was protected
then.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from unlost.catalog.runs.runs import RunRecord, RunState
from unlost.model.errors import UsageError
from unlost.model.instants import in_zone
from unlost.model.message import Message
from unlost.model.runs.night import NightRecord, NightState
from unlost.model.vault.snapshot import Counts, SnapshotInfo

DAY = timedelta(days=1)
FIRST_YEAR, LAST_YEAR = 2000, 2999  # of a month that can be shown


class BackupState(StrEnum):
    """The state of a backup in the calendar."""

    STORED = "stored"
    FORGOTTEN = "forgotten"  # it was stored, and the retention rules did not keep it
    FAILED = "failed"
    RUNNING = "running"
    WAITING = "waiting"  # for its next attempt


class DayState(StrEnum):
    """The state of a day in the calendar."""

    STORED = "stored"  # it has a nightly backup
    PARTIAL = "partial"  # it has hourly backups alone
    RUNNING = "running"  # its backup is not over yet
    FORGOTTEN = "forgotten"  # its backups were forgotten
    FAILED = "failed"  # its backups failed
    MISSING = "missing"  # the org was protected, and there was no backup
    NOTHING = "nothing"  # no backup was to be expected: before protection, today, later


@dataclass(frozen=True, slots=True)
class CalendarBackup:
    """A backup of a day.

    ``at``: for a stored backup, the time as of which it shows the org; for others, when it began.
    ``number``: of the stored backup, ``before`` of the nightly one before it, None if there is none.
    ``hourly``: it reads only some tables. ``run`` is empty if no run began.
    """

    at: datetime
    state: BackupState
    run: str
    hourly: bool
    number: int | None = None
    before: int | None = None
    counts: Counts | None = None
    error: Message | None = None

    @property
    def changes(self) -> int:
        """The number of records that were created, changed or deleted since the backup before."""
        counts = self.counts or Counts()
        return counts.created + counts.changed + counts.deleted + counts.revived


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day of the org's time zone with its backups, oldest first."""

    day: date
    state: DayState
    backups: tuple[CalendarBackup, ...]

    @property
    def nightly(self) -> tuple[CalendarBackup, ...]:
        """The backups of all tables."""
        return tuple(backup for backup in self.backups if not backup.hourly)

    @property
    def hourly(self) -> tuple[CalendarBackup, ...]:
        """The backups of some tables."""
        return tuple(backup for backup in self.backups if backup.hourly)


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the calendar, such as 2026-11."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    @property
    def following(self) -> "Month":
        """The month after it."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def previous(self) -> "Month":
        """The month before it."""
        return Month(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    @property
    def days(self) -> tuple[date, ...]:
        """All of its days."""
        length = (self.following.first - self.first).days
        return tuple(self.first + number * DAY for number in range(length))

    def span(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return its first instant in a zone, and the first instant after it."""
        begin, end = (
            datetime.combine(day, time(), zone).astimezone(UTC)
            for day in (self.first, self.following.first)
        )
        return begin, end


def month_of(day: date) -> Month:
    """Return the month of a day."""
    return Month(day.year, day.month)


def parse_month(text: str) -> Month:
    """Return the month that a text such as 2026-11 names; raises UsageError (``month-invalid``)."""
    year, _, month = text.partition("-")
    if len(year) == 4 and len(month) == 2 and (year + month).isascii() and (year + month).isdigit():
        parsed = Month(int(year), int(month))
        if FIRST_YEAR <= parsed.year <= LAST_YEAR and 1 <= parsed.month <= 12:
            return parsed
    raise UsageError(
        "month-invalid",
        "{month!r} is not a month that can be shown.",
        next_step="Use a year and a month, such as 2026-11.",
        month=text,
    )


def calendar_backups(
    stored: Sequence[SnapshotInfo],
    shown: Iterable[SnapshotInfo],
    runs: Iterable[RunRecord],
    nights: Iterable[NightRecord],
) -> list[CalendarBackup]:
    """Return the backups of an org, oldest first.

    ``stored`` are all backups that ended, ``shown`` those of them that were not forgotten.
    """
    begun = list(runs)
    known = {info.run for info in stored}
    open_runs = [run for run in begun if run.id not in known and run.state is not RunState.DONE]
    known |= {run.id for run in begun}
    unbegun = [night for night in nights if night.run not in known]
    backups = [
        *_stored(stored, {info.number for info in shown}),
        *(_of_run(run) for run in open_runs),
        *(_of_night(night) for night in unbegun if night.state is not NightState.DONE),
    ]
    return sorted(backups, key=lambda backup: backup.at)


def days_of(
    month: Month, backups: Sequence[CalendarBackup], *, zone: ZoneInfo, since: date, today: date
) -> tuple[CalendarDay, ...]:
    """Return the days of a month. The org was protected from ``since`` on, and is until ``today``."""
    by_day: dict[date, list[CalendarBackup]] = {}
    for backup in backups:
        by_day.setdefault(in_zone(backup.at, zone).date(), []).append(backup)
    return tuple(_day(day, by_day.get(day, ()), expected=since < day < today) for day in month.days)


def _day(day: date, backups: Sequence[CalendarBackup], *, expected: bool) -> CalendarDay:
    return CalendarDay(day, _state(backups, expected=expected), tuple(backups))


def _stored(infos: Sequence[SnapshotInfo], shown: set[int]) -> Iterator[CalendarBackup]:
    """Yield the stored backups, each with the nightly one before it that can still be read."""
    before: int | None = None
    for info in sorted(infos, key=lambda info: info.number):
        readable = info.number in shown
        yield CalendarBackup(
            at=info.as_of,
            state=BackupState.STORED if readable else BackupState.FORGOTTEN,
            run=info.run,
            hourly=info.partial,
            number=info.number,
            before=before if readable else None,
            counts=info.counts,
        )
        if readable and not info.partial:
            before = info.number


_OF_RUN: Mapping[RunState, BackupState] = {
    RunState.WAITING: BackupState.WAITING,
    RunState.RUNNING: BackupState.RUNNING,
    RunState.PARKED: BackupState.WAITING,
    RunState.FAILED: BackupState.FAILED,
    RunState.ABANDONED: BackupState.FAILED,
}


def _of_run(run: RunRecord) -> CalendarBackup:
    return CalendarBackup(
        at=run.started_at, state=_OF_RUN[run.state], run=run.id, hourly=run.hourly, error=run.error
    )


def _of_night(night: NightRecord) -> CalendarBackup:
    """Return a scheduled backup of which no run began."""
    given_up = night.state is NightState.GIVEN_UP
    return CalendarBackup(
        at=night.due_at,
        state=BackupState.FAILED if given_up else BackupState.WAITING,
        run="",
        hourly=False,
        error=night.error,
    )


def _state(backups: Sequence[CalendarBackup], *, expected: bool) -> DayState:
    """Return the state of a day: the best of its backups counts, nightly ones before hourly ones."""
    states = {backup.state for backup in backups if not backup.hourly}
    if BackupState.STORED in states:
        return DayState.STORED
    if states & {BackupState.RUNNING, BackupState.WAITING}:
        return DayState.RUNNING
    if BackupState.FAILED in states:
        return DayState.FAILED
    if BackupState.FORGOTTEN in states:
        return DayState.FORGOTTEN
    if any(backup.state is BackupState.STORED for backup in backups):
        return DayState.PARTIAL
    return DayState.MISSING if expected else DayState.NOTHING
