"""Back up now: ask the service to run a backup as it does at night."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from unlost.app.access import action
from unlost.app.actions.runs.due_jobs import job_of
from unlost.app.backups.backup_run import IN_PROGRESS
from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.runs.nights import add_night, find_night, open_nights, release_night
from unlost.jobs.enqueuing import enqueue_from_outside
from unlost.jobs.slots import worker_runs
from unlost.model.access import Right, Trace
from unlost.model.errors import Conflict, UnlostError
from unlost.model.message import code_of
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.jobs import PAUSED, Job, JobKind
from unlost.model.runs.night import NightRecord, NightState


@dataclass(frozen=True, slots=True)
class BackupQueued:
    """A backup that the service starts next. ``run`` is the id that it will have."""

    org: str
    run: str


@action(
    "backup.ask",
    Right.OPERATE,
    trace=Trace.WRITE,
    detail=lambda queued: {"run": queued.run},
)
def ask_backup(app: Application, org: str) -> BackupQueued:
    """Have the service back up an org now, or retry a waiting nightly backup now.

    Raises Conflict: ``org-retired``, ``service-missing``, ``backup-under-way``, ``backup-paused``.
    """
    known = get_org(org)
    _check_can(app, known)
    night = _waiting(known) or _new(app, known)
    release_night(night.run, at=app.clock.now())
    number = night.tries + 1
    job = Job(job_of(known.oid, night.name, number), JobKind.NIGHT, known.oid, night.name)
    with suppress(UnlostError):  # if it cannot be enqueued now, the service's next tick does it
        enqueue_from_outside(app.home.queue, job)
    return BackupQueued(org, night.run)


def _check_can(app: Application, org: ProtectedOrg) -> None:
    if org.retired:
        raise Conflict(
            "org-retired",
            "{org!r} is retired and is no longer backed up.",
            next_step="Its backups are kept. Back up the org that replaced it.",
            org=org.name,
        )
    if not worker_runs(app.locks, alone=not app.home.database):
        raise Conflict(
            "service-missing",
            "The service that runs backups is not running.",
            next_step="Start it with `unlost up`, or start the backup with `unlost backup {org}`.",
            org=org.name,
        )
    try:
        with app.lease.hold(org.oid, kind=RunKind.BACKUP, run="asked"):
            return
    except Conflict as busy:
        if busy.code != IN_PROGRESS:
            raise
        raise _under_way(org) from busy


def _waiting(org: ProtectedOrg) -> NightRecord | None:
    """Return the newest scheduled backup of the org that waits for an attempt, if any."""
    mine = [night for night in open_nights() if night.oid == org.oid]
    if any(night.state is NightState.RUNNING for night in mine):
        raise _under_way(org)
    if not mine:
        return None
    night = mine[-1]
    if night.next_at is None and code_of(night.error) == PAUSED:
        raise Conflict(
            "backup-paused",
            "A backup of {org!r} is paused.",
            next_step="Resume it from the list of runs.",
            org=org.name,
        )
    return night


def _new(app: Application, org: ProtectedOrg) -> NightRecord:
    """Add a scheduled backup for this minute, or for the next minute that has none yet."""
    now = app.clock.now()
    minute = now.astimezone(ZoneInfo(org.identity.zone))
    while find_night(org.oid, name := f"{minute:%Y-%m-%dT%H:%M}") is not None:
        minute += timedelta(minutes=1)
    return add_night(org.oid, name, at=now)


def _under_way(org: ProtectedOrg) -> Conflict:
    return Conflict(
        "backup-under-way",
        "A backup of {org!r} is already running.",
        next_step="Wait until it finishes. The list of runs shows its progress.",
        org=org.name,
    )
