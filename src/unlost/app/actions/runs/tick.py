"""A tick: see what is due, and have it done. Called about once a minute; missing some is no harm."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from unlost.app.actions.restores.queued_restore import restore_jobs
from unlost.app.compose import Application
from unlost.app.vault.mirror import mirror_place
from unlost.catalog.checks import last_part
from unlost.catalog.mirroring import last_mirror, vault_changed_since
from unlost.catalog.nights import open_nights
from unlost.catalog.orgs import list_orgs
from unlost.catalog.runs import is_paused, let_hours_give_way
from unlost.catalog.schedules import StoredSchedule, begin_night, coming, put_off, put_off_hour
from unlost.engine.schedule import due, due_hour, upcoming, upcoming_hour
from unlost.model.jobs import PAUSED, Job, JobKind
from unlost.model.night import NightRecord, NightState
from unlost.model.ports.run import Jobs
from unlost.model.snapshot import VerifyLevel, VerifyPart
from unlost.model.written import written

MIRROR_EVERY = timedelta(hours=1)  # at most, where something was backed up
MIRROR_LONGEST = timedelta(days=1)
VERIFY_EVERY = timedelta(days=1)
PARTS = 30  # of the vault: every byte is read once in so many days


@written(queued="asked")
@dataclass(frozen=True, slots=True)
class TickResult:
    """What a tick did: nights that it began by org, jobs that it asked for, orgs that it could not
    work out a time for. Hours between nights are among the jobs.
    """

    begun: tuple[tuple[str, str], ...]
    queued: tuple[str, ...]
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Turn:
    """An org whose hour has come: its name, if one begins, and when the next one has its turn."""

    oid: str
    hour: str | None
    following: datetime | None


def tick(app: Application, jobs: Jobs) -> TickResult:
    """Begin the nights that are due, and ask for every try and every hour whose time has come."""
    now = app.clock.now()
    begun: list[tuple[str, str]] = []
    failed: list[str] = []
    turns: list[_Turn] = []
    for schedule in coming(now):
        try:
            night = _begin(schedule, now)
            turns += _turn(schedule, now)
        except (KeyError, ValueError, OSError):  # a zone that this machine does not know
            failed.append(schedule.oid)
        else:
            begun += [(schedule.oid, night)] if night is not None else []
    nights = open_nights()
    if nights:
        let_hours_give_way({night.oid for night in nights})
    asked = [
        *_tries(nights, now),
        *_hours(turns, nights),
        *restore_jobs(app),
        *_verification(now),
        *_mirroring(app, now),
    ]
    jobs.again(job.id for job in asked if job.kind in (JobKind.NIGHT, JobKind.RESTORE))
    for job in asked:
        jobs.enqueue(job)
    for turn in turns:  # not before they are asked for, which is once however often it is done
        put_off_hour(turn.oid, hour_at=turn.following)
    return TickResult(tuple(begun), tuple(job.id for job in asked), tuple(failed))


def _begin(schedule: StoredSchedule, now: datetime) -> str | None:
    """The name of the night that begins, if one does."""
    if schedule.next_at is not None and schedule.next_at > now:
        return None  # only an hour has come
    place = {"zone": schedule.zone, "key": schedule.oid}
    backup = due(schedule.schedule, after=schedule.after, since=schedule.since, now=now, **place)
    following = upcoming(schedule.schedule, now=now, **place)
    if backup is not None:
        begin_night(schedule, backup, at=now, next_at=following)
        return backup.night
    if schedule.next_at is None:
        put_off(schedule, next_at=following)
    return None


def _turn(schedule: StoredSchedule, now: datetime) -> list[_Turn]:
    """The turn of the tables that are read every hour, if it has come."""
    if schedule.hour_at is None or schedule.hour_at > now:
        return []
    place = {"zone": schedule.zone, "key": schedule.oid}
    hour = due_hour(schedule.schedule, now=now, **place)
    return [_Turn(schedule.oid, hour, upcoming_hour(schedule.schedule, now=now, **place))]


def _hours(turns: Sequence[_Turn], nights: Sequence[NightRecord]) -> list[Job]:
    """Tables that are read between two nights; not where a night of the org runs or waits."""
    busy = {night.oid for night in nights}
    return [
        Job(f"hr:{turn.oid}:{turn.hour}", JobKind.HOURLY, turn.oid, turn.hour)
        for turn in turns
        if turn.hour is not None and turn.oid not in busy
    ]


def _tries(nights: Sequence[NightRecord], now: datetime) -> list[Job]:
    """Running ones are asked for as well: the engine knows them, unless its file was lost."""
    jobs = []
    for night in nights:
        waits = night.state is NightState.WAITING
        is_paused_here = (
            night.next_at is None and night.error_code == PAUSED and is_paused(night.oid)
        )
        if not waits or (not is_paused_here and (night.next_at or now) <= now):
            number = night.tries + 1 if waits else night.tries
            jobs.append(
                Job(job_of(night.oid, night.name, number), JobKind.NIGHT, night.oid, night.name)
            )
    return jobs


def job_of(oid: str, night: str, number: int) -> str:
    """The id of a try: asking twice for the same one is asking once."""
    return f"night:{oid}:{night}:{number}"


def _verification(now: datetime) -> list[Job]:
    """A part of the vault each day. One that cannot be opened is looked at all the more.

    A day that was missed is no part that is missed: the next one has its turn.
    """
    check = last_part()
    if (check is not None and now - check.at < VERIFY_EVERY) or not list_orgs():
        return []
    number = check.part.number % PARTS + 1 if check is not None and check.part is not None else 1
    subject = f"{VerifyLevel.FULL.value} {VerifyPart(number, PARTS)}"
    return [Job(f"verify:{now:%Y-%m-%d}", JobKind.VERIFY, "", subject)]


def _mirroring(app: Application, now: datetime) -> list[Job]:
    """The second copy, once what the vault has changed; one that failed is tried again."""
    place = mirror_place(app)
    if place is None or not list_orgs():
        return []
    last = last_mirror(str(place))
    if last is not None:
        age = now - last.begun_at
        again = last.error_code or vault_changed_since(last.begun_at) or age >= MIRROR_LONGEST
        if not last.wanted and (age < MIRROR_EVERY or not again):
            return []
    return [Job(f"mirror:{now:%Y-%m-%dT%H:%M}", JobKind.MIRROR, "", "")]
