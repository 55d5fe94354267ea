"""The runs of an org and their state: begin, end, look up.

This table is the only place for the state of a run. The results of its steps are stored elsewhere;
the state here decides about them. See docs/adr/0012.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import F, Max, Q, Window
from django.db.models.functions import RowNumber

import unlost.catalog.connection  # noqa: F401 (sets Django up before the first table is imported)
from unlost.catalog.archive_models import ArchivePeriodRow
from unlost.catalog.connection import returned_connection
from unlost.catalog.models import Org, Run
from unlost.model.errors import Conflict
from unlost.model.message import Message
from unlost.model.purge import PURGES
from unlost.model.runs.jobs import RunCommand
from unlost.model.vault.snapshot import CommitKind


class RunState(StrEnum):
    """The state of a run."""

    WAITING = "waiting"  # for a worker of the service
    RUNNING = "running"
    PARKED = "parked"  # an allowance is used up; resumes later
    FAILED = "failed"  # stopped by an error; the next call resumes it if it can
    DONE = "done"
    ABANDONED = "abandoned"  # will not be resumed

    @property
    def over(self) -> bool:
        """True if the run does not go on; a person may still resume a restore that was given up."""
        return self in (RunState.DONE, RunState.ABANDONED)


_OVER = [state.value for state in RunState if state.over]
# An hourly run does not resume once it has stopped, for any reason.
_GOES_ON = ~Q(state__in=_OVER) & (Q(hourly=False) | Q(state=RunState.RUNNING.value))


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run in the home. ``snapshot`` is set once it is done.

    ``moved_at`` is the time of its last progress, ``went_on_at`` of its last resumption; records
    that differ only in these are equal. ``hourly``: it reads a few tables between two scheduled
    backups. ``wish`` is the command that people gave it.
    """

    id: str
    org: str
    kind: CommitKind
    full: bool
    state: RunState
    started_at: datetime
    ended_at: datetime | None = None
    resume_at: datetime | None = None
    snapshot: int | None = None
    error: Message | None = None
    moved_at: datetime | None = field(default=None, compare=False)
    went_on_at: datetime | None = field(default=None, compare=False)
    hourly: bool = False
    wish: RunCommand = field(default=RunCommand.NONE, compare=False)

    @property
    def undone(self) -> bool:
        """True if its undo ended it."""
        return self.error is not None and self.error.code == "restore-undone"


@dataclass(frozen=True, slots=True)
class RunEnd:
    """The stop of a run. ``at``: when its process stopped.

    None if the caller does not know: ``close_hour`` fills it in.
    """

    state: RunState
    at: datetime | None
    snapshot: int | None = None
    resume_at: datetime | None = None
    error: Message | None = None


def begin_run(
    run: str,
    *,
    org: str,
    kind: CommitKind,
    full: bool,
    at: datetime,
    hourly: bool = False,
) -> RunRecord:
    """Record that a run begins or resumes; ``org`` is the org's name.

    Raises Conflict (``run-ended``) for a backup that is over: nothing is left from which to resume.
    """
    with returned_connection():
        row, new = Run.objects.get_or_create(
            id=run,
            defaults={
                "org": Org.objects.get(name=org),
                "kind": kind.value,
                "full": full,
                "state": RunState.RUNNING.value,
                "started_at": at,
                "hourly": hourly,
            },
        )
        if not new:
            _resume(run, kind, at=at)
            row.refresh_from_db()
        return _value(row, org)


def _resume(run: str, kind: CommitKind, *, at: datetime) -> None:
    rows = Run.objects.filter(id=run)
    if kind is CommitKind.BACKUP:
        rows = rows.filter(_GOES_ON)
    resumed = rows.update(
        state=RunState.RUNNING.value,
        resume_at=None,
        ended_at=None,
        went_on_at=at,
        moved_at=at,
        error=None,
    )
    if not resumed:
        raise Conflict("run-ended", "The run {run} has ended and cannot be resumed.", run=run)


def end_run(run: str, end: RunEnd) -> None:
    """Record the end of a run. One that is over stays so, unless it turns out to be done."""
    open_rows = ~Q(state=RunState.DONE.value) if end.state is RunState.DONE else _GOES_ON
    with returned_connection():
        Run.objects.filter(open_rows, id=run).update(
            state=end.state.value,
            ended_at=end.at,
            resume_at=end.resume_at,
            snapshot=end.snapshot,
            error=end.error,
        )


def unfinished_backups(oid: str, *, hourly: bool) -> Sequence[RunRecord]:
    """Backups of an org that may resume, newest first: hourly ones, or the others."""
    chosen = _GOES_ON & Q(org__oid=oid, kind=CommitKind.BACKUP.value, hourly=hourly)
    with returned_connection():
        rows = list(Run.objects.select_related("org").filter(chosen).order_by("-started_at", "-id"))
    return [_value(row, row.org.name) for row in rows]


def ended_runs(runs: Iterable[str]) -> frozenset[str]:
    """The ids of runs that do not go on: they are over, or unknown to the home."""
    ids = frozenset(runs)
    with returned_connection():
        return ids - set(Run.objects.filter(_GOES_ON, id__in=ids).values_list("id", flat=True))


def command_of(run: str) -> RunCommand:
    """The command that people gave a run."""
    with returned_connection():
        command = Run.objects.filter(id=run).values_list("wish", flat=True).first()
    return RunCommand(command or "")


def set_command(run: str, command: RunCommand) -> bool:
    """Record a command for a run; False if the run is unknown."""
    with returned_connection():
        return bool(Run.objects.filter(id=run).update(wish=command.value))


def is_paused(oid: str) -> bool:
    """True if people paused a run of the org that is not over."""
    goes_on = [RunState.RUNNING.value, RunState.PARKED.value, RunState.FAILED.value]
    with returned_connection():
        runs = Run.objects.filter(org__oid=oid, wish=RunCommand.PAUSE.value, state__in=goes_on)
        return runs.exists()


def find_run(run: str) -> RunRecord | None:
    """The run of this id, or None."""
    with returned_connection():
        row = Run.objects.select_related("org").filter(id=run).first()
        return _value(row, row.org.name) if row else None


def list_runs(
    org: str, *, most: int | None = None, hourly: bool | None = None
) -> Sequence[RunRecord]:
    """Runs of an org, newest first: all, or at most ``most``.

    ``hourly``: only hourly backups of a few tables, or only the others.
    """
    chosen = {} if hourly is None else {"hourly": hourly}
    with returned_connection():
        rows = list(Run.objects.filter(org__name=org, **chosen).order_by("-started_at")[:most])
    return [_value(row, org) for row in rows]


def backups_begun(oid: str, *, since: datetime, until: datetime) -> Sequence[RunRecord]:
    """Backup runs of an org, hourly ones too, that began in a span of time, oldest first."""
    span = {"started_at__gte": since, "started_at__lt": until}
    with returned_connection():
        rows = list(
            Run.objects.select_related("org")
            .filter(org__oid=oid, kind=CommitKind.BACKUP.value, **span)
            .order_by("started_at", "id")
        )
    return [_value(row, row.org.name) for row in rows]


def page_runs(
    orgs: Iterable[str],
    *,
    kind: CommitKind | None = None,
    purge: bool | None = None,
    states: Iterable[RunState] = (),
    before: str | None = None,
    most: int,
) -> Sequence[RunRecord]:
    """Runs of these orgs, newest first, that follow the run ``before``; without hourly ones.

    ``purge``: only archives whose stored period is that of a purge, or without these.
    """
    chosen = Q(org__name__in=list(orgs), hourly=False)
    if kind is not None:
        chosen &= Q(kind=kind.value)
    if purge is not None:
        purges = Q(id__in=ArchivePeriodRow.objects.filter(policy__in=PURGES).values("run"))
        chosen &= purges if purge else ~purges
    wanted = [state.value for state in states]
    if wanted:
        chosen &= Q(state__in=wanted)
    with returned_connection():
        if before is not None:
            chosen &= _after_in_list(before)
        rows = Run.objects.select_related("org").filter(chosen).order_by("-started_at", "-id")
        return [_value(row, row.org.name) for row in rows[:most]]


def _after_in_list(run: str) -> Q:
    """Selects runs below a run in a list, newest first; all if the run is unknown."""
    began = Run.objects.filter(id=run).values_list("started_at", flat=True).first()
    if began is None:
        return Q()
    return Q(started_at__lt=began) | Q(started_at=began, id__lt=run)


def known_runs(runs: Iterable[str]) -> frozenset[str]:
    """The ids that the home knows."""
    with returned_connection():
        return frozenset(Run.objects.filter(id__in=list(runs)).values_list("id", flat=True))


def newest_runs(*, most: int, hourly: bool | None = None) -> Mapping[str, Sequence[RunRecord]]:
    """The newest runs of each org by the org's name, newest first: at most ``most`` of each.

    ``hourly``: as in ``list_runs``.
    """
    chosen = {} if hourly is None else {"hourly": hourly}
    place = Window(RowNumber(), partition_by="org_id", order_by=F("started_at").desc())
    with returned_connection():
        ranked = Run.objects.select_related("org").filter(**chosen).annotate(place=place)
        rows = list(ranked.filter(place__lte=most).order_by("place"))
    runs: dict[str, list[RunRecord]] = {}
    for row in rows:
        runs.setdefault(row.org.name, []).append(_value(row, row.org.name))
    return runs


_COLUMNS = (
    "id", "org__name", "kind", "full", "state", "started_at", "ended_at", "resume_at", "snapshot",
    "error", "moved_at", "went_on_at", "hourly", "wish",
)  # fmt: skip


def recent_runs(*, since: datetime) -> Mapping[str, Sequence[RunRecord]]:
    """The runs of each org that began since an instant or go on, by its name, newest first.

    Hourly backups only while they run: there are many of them.
    """
    going = [RunState.RUNNING.value, RunState.WAITING.value, RunState.PARKED.value]
    chosen = Q(state__in=going) | Q(hourly=False, started_at__gte=since)
    with returned_connection():
        rows = Run.objects.filter(chosen).order_by("-started_at", "-id")
        # Home reads some hundred runs: rows without models take a third of the time.
        values = list(rows.values(*_COLUMNS))
    runs: dict[str, list[RunRecord]] = {}
    for row in values:
        record = _of_columns(row)
        runs.setdefault(record.org, []).append(record)
    return runs


def _of_columns(columns: Mapping[str, Any]) -> RunRecord:
    return RunRecord(
        id=columns["id"],
        org=columns["org__name"],
        kind=CommitKind(columns["kind"]),
        full=columns["full"],
        state=RunState(columns["state"]),
        started_at=columns["started_at"],
        ended_at=columns["ended_at"],
        resume_at=columns["resume_at"],
        snapshot=columns["snapshot"],
        error=columns["error"],
        moved_at=columns["moved_at"],
        went_on_at=columns["went_on_at"],
        hourly=columns["hourly"],
        wish=RunCommand(columns["wish"]),
    )


def recorded_commits() -> Mapping[str, int]:
    """The newest commit of each org that a finished run recorded, by oid."""
    with returned_connection():
        finished = Run.objects.filter(state=RunState.DONE.value, snapshot__isnull=False)
        newest = finished.values_list("org__oid").annotate(newest=Max("snapshot"))
        return dict(newest)


def let_hours_give_way(oids: Iterable[str]) -> None:
    """Stop hourly backups of these orgs: a scheduled backup has begun."""
    under_way = {"hourly": True, "state": RunState.RUNNING.value, "wish": RunCommand.NONE.value}
    with returned_connection():
        Run.objects.filter(org__oid__in=list(oids), **under_way).update(
            wish=RunCommand.GIVE_WAY.value
        )


def forget_hours(oid: str, *, before: datetime) -> None:
    """Delete hourly runs that ended before an instant: there are many of them."""
    with returned_connection():
        Run.objects.filter(org__oid=oid, hourly=True, ended_at__lt=before).delete()


def _value(row: Run, org: str) -> RunRecord:
    return RunRecord(
        id=row.id,
        org=org,
        kind=CommitKind(row.kind),
        full=row.full,
        state=RunState(row.state),
        started_at=row.started_at,
        ended_at=row.ended_at,
        resume_at=row.resume_at,
        snapshot=row.snapshot,
        error=row.error,
        moved_at=row.moved_at,
        went_on_at=row.went_on_at,
        hourly=row.hourly,
        wish=RunCommand(row.wish),
    )
