"""Enqueue everything that is due. The service does so about once a minute: a tick.

A missed tick is harmless: schedules store when each org is due next, and a late tick catches up. A
tick may also run twice, as every job has an id that names its attempt, and the queue takes each id
once:

    night:ORG:2026-10-25T01:00:2    second attempt at a nightly backup
    hr:ORG:HOUR                     one hour of the hourly tables
    verify:2026-10-25               one of ``PARTS`` parts of the vault, daily
    mirror:2026-10-25T03:10         an update of the mirror

See docs/adr/0012 and docs/adr/0005.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from unlost.app.actions.restores.queued_restore import restore_jobs
from unlost.app.compose import Application
from unlost.app.vault.mirror import mirror_place
from unlost.catalog.orgs.orgs import list_orgs
from unlost.catalog.runs.nights import open_nights
from unlost.catalog.runs.runs import is_paused, let_hours_give_way
from unlost.catalog.runs.schedules import (
    StoredSchedule,
    begin_night,
    coming,
    save_next_due,
    save_next_hour,
)
from unlost.catalog.vault.checks import last_part
from unlost.catalog.vault.mirroring import last_mirror, vault_changed_since
from unlost.engine.schedule import due, due_hour, upcoming, upcoming_hour
from unlost.model.message import code_of
from unlost.model.ports.run import Jobs
from unlost.model.runs.jobs import PAUSED, Job, JobKind
from unlost.model.runs.night import NightRecord, NightState
from unlost.model.vault.snapshot import VerifyLevel, VerifyPart
from unlost.model.written import written

MIRROR_EVERY = timedelta(hours=1)  # the shortest interval, after a change of the vault
MIRROR_LONGEST = timedelta(days=1)
VERIFY_EVERY = timedelta(days=1)
PARTS = 30  # of the vault: every byte is read once in as many days


@written(queued="asked")
@dataclass(frozen=True, slots=True)
class EnqueuedJobs:
    """The result of ``enqueue_due_jobs``: nightly backups that began, with their orgs, and enqueued jobs.

    ``failed`` are orgs whose next time could not be computed. Hourly backups are among the jobs.
    """

    begun: tuple[tuple[str, str], ...]
    queued: tuple[str, ...]
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Turn:
    """A schedule whose hour is due: the name of the hour, if a backup begins, and the time of the next one."""

    schedule: StoredSchedule
    hour: str | None
    following: datetime | None


def enqueue_due_jobs(app: Application, jobs: Jobs) -> EnqueuedJobs:
    """Start nightly backups that are due, and enqueue attempts and hourly backups that are due."""
    now = app.clock.now()
    begun: list[tuple[str, str]] = []
    failed: list[str] = []
    turns: list[_Turn] = []
    for schedule in coming(now):
        try:
            night = _begin(schedule, now)
            turns += _turn(schedule, now)
        except (KeyError, ValueError, OSError):  # a time zone that this machine does not know
            failed.append(schedule.oid)
        else:
            begun += [(schedule.oid, night)] if night is not None else []
    nights = open_nights()
    if nights:
        let_hours_give_way({night.oid for night in nights})
    due_jobs = [
        *_tries(nights, now),
        *_hours(turns, nights),
        *restore_jobs(app),
        *_verification(now),
        *_mirroring(app, now),
    ]
    # A job that broke off counts as finished in the queue, and its id would be ignored then.
    jobs.delete_failed(job.id for job in due_jobs if job.kind in (JobKind.NIGHT, JobKind.RESTORE))
    for job in due_jobs:
        jobs.enqueue(job)
    # Only after enqueueing, which is idempotent: a crash in between loses no hour.
    for turn in turns:
        save_next_hour(turn.schedule, hour_at=turn.following)
    return EnqueuedJobs(tuple(begun), tuple(job.id for job in due_jobs), tuple(failed))


def _begin(schedule: StoredSchedule, now: datetime) -> str | None:
    """Start the nightly backup of a schedule if it is due; returns its name."""
    if schedule.next_at is not None and schedule.next_at > now:
        return None  # only an hourly backup is due
    place = {"zone": schedule.zone, "key": schedule.oid}
    backup = due(schedule.schedule, after=schedule.after, since=schedule.since, now=now, **place)
    following = upcoming(schedule.schedule, now=now, **place)
    if backup is not None:
        begin_night(schedule, backup, at=now, next_at=following)
        return backup.night
    if schedule.next_at is None:
        save_next_due(schedule, next_at=following)
    return None


def _turn(schedule: StoredSchedule, now: datetime) -> list[_Turn]:
    """Return the turn of the hourly tables, if they are due."""
    if schedule.hour_at is None or schedule.hour_at > now:
        return []
    place = {"zone": schedule.zone, "key": schedule.oid}
    hour = due_hour(schedule.schedule, now=now, **place)
    return [_Turn(schedule, hour, upcoming_hour(schedule.schedule, now=now, **place))]


def _hours(turns: Sequence[_Turn], nights: Sequence[NightRecord]) -> list[Job]:
    """Return the jobs of hourly backups; not for orgs with a running or waiting nightly backup."""
    busy = {night.oid for night in nights}
    return [
        Job(f"hr:{turn.schedule.oid}:{turn.hour}", JobKind.HOURLY, turn.schedule.oid, turn.hour)
        for turn in turns
        if turn.hour is not None and turn.schedule.oid not in busy
    ]


def _tries(nights: Sequence[NightRecord], now: datetime) -> list[Job]:
    """Return the jobs of nightly backups that are due or running.

    Running ones are included in case the queue's file was lost; otherwise the queue knows them.
    """
    jobs = []
    for night in nights:
        waits = night.state is NightState.WAITING
        is_paused_here = (
            night.next_at is None and code_of(night.error) == PAUSED and is_paused(night.oid)
        )
        if not waits or (not is_paused_here and (night.next_at or now) <= now):
            number = night.tries + 1 if waits else night.tries
            jobs.append(
                Job(job_of(night.oid, night.name, number), JobKind.NIGHT, night.oid, night.name)
            )
    return jobs


def job_of(oid: str, night: str, number: int) -> str:
    """Return the id of an attempt; enqueueing the same id twice runs it once."""
    return f"night:{oid}:{night}:{number}"


def _verification(now: datetime) -> list[Job]:
    """Return the job that verifies the next part of the vault, once a day.

    A missed day skips no part. A vault that cannot be opened is verified all the same.
    """
    check = last_part()
    if (check is not None and now - check.at < VERIFY_EVERY) or not list_orgs():
        return []
    # Parts go round: 1 … PARTS, then 1 again.
    number = check.part.number % PARTS + 1 if check is not None and check.part is not None else 1
    subject = f"{VerifyLevel.FULL.value} {VerifyPart(number, PARTS)}"
    return [Job(f"verify:{now:%Y-%m-%d}", JobKind.VERIFY, "", subject)]


def _mirroring(app: Application, now: datetime) -> list[Job]:
    """Return the job that updates the mirror after changes of the vault, or after a failure."""
    place = mirror_place(app)
    if place is None or not list_orgs():
        return []
    last = last_mirror(str(place))
    if last is not None:
        age = now - last.begun_at
        again = last.error or vault_changed_since(last.begun_at) or age >= MIRROR_LONGEST
        if not last.wanted and (age < MIRROR_EVERY or not again):
            return []
    return [Job(f"mirror:{now:%Y-%m-%dT%H:%M}", JobKind.MIRROR, "", "")]
