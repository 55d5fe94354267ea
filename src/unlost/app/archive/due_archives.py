"""The nights of archive policies that are due, as jobs of the service.

A night begins when the scheduled backup of its org is done, and only soon after: the copies must be
current. Its row makes it unique; its jobs may be queued twice.
"""

from datetime import date, datetime, timedelta

from unlost.app.compose import Application
from unlost.catalog.orgs.archive_policies import scheduled_policies
from unlost.catalog.runs.archive_nights import begin_archive_night, open_archive_nights
from unlost.catalog.runs.nights import find_night
from unlost.catalog.runs.plans import PlanState, find_plan
from unlost.catalog.runs.runs import RunState, find_run
from unlost.catalog.runs.schedules import schedule_of
from unlost.model.message import code_of
from unlost.model.ports.run import Jobs
from unlost.model.runs.jobs import Job, JobKind
from unlost.model.runs.night import NightState
from unlost.model.saved_policy import ArchiveNight, ArchiveNightState, SavedPolicy

FRESH = timedelta(hours=12)  # after the end of a backup; later the next backup is awaited
NOT_ALLOWED = "restore-no-longer-allowed"


def enqueue_archives(app: Application, jobs: Jobs) -> None:
    """Begin the nights that are due, and enqueue the jobs of all that can go on now."""
    due = _due_jobs(app)
    # A job that broke off counts as finished in the queue, and its id would be ignored then.
    jobs.delete_failed(job.id for job in due)
    for job in due:
        jobs.enqueue(job)


def is_late(night: ArchiveNight, now: datetime) -> bool:
    """Return True if the backup of a night ended too long ago: the copies are old."""
    backup = find_night(night.oid, night.night)
    ended = backup.ended_at if backup is not None else None
    return now - (ended or night.begun_at) > FRESH


def _due_jobs(app: Application) -> list[Job]:
    now = app.clock.now()
    for saved in scheduled_policies():
        night = _due_night(saved, now)
        if night is not None:
            begin_archive_night(saved.id, night, at=now)
    return [_job(night) for night in open_archive_nights() if _goes_on(night, now)]


def _due_night(saved: SavedPolicy, now: datetime) -> str | None:
    """Return the name of the newest scheduled backup, if the policy is due after it."""
    name = schedule_of(saved.oid).after
    if name is None or not saved.runs_on(date.fromisoformat(name.partition("T")[0])):
        return None
    night = find_night(saved.oid, name)
    if night is None or night.state is not NightState.DONE or night.ended_at is None:
        return None
    since = max(saved.on_since or saved.at, now - FRESH)
    return name if night.ended_at >= since else None


def _goes_on(night: ArchiveNight, now: datetime) -> bool:
    if night.next_at is not None and night.next_at > now:
        return False
    if night.state is ArchiveNightState.WAITING:
        plan = find_plan(night.plan)
        return plan is None or plan.approval is not None or plan.state is PlanState.RUN
    if night.state is ArchiveNightState.RUNNING:
        return _is_over(night)
    return True


def _is_over(night: ArchiveNight) -> bool:
    run = find_run(night.run)
    if run is None or run.state.over:
        return True
    return run.state is RunState.FAILED and code_of(run.error) == NOT_ALLOWED


def _job(night: ArchiveNight) -> Job:
    """Return the job of an attempt; queueing it twice runs it once."""
    name = f"{JobKind.ARCHIVE.value}:{night.id}:{night.state.value}:{night.tries}"
    return Job(name, JobKind.ARCHIVE, night.oid, str(night.id))
