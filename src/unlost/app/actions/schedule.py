"""When orgs are backed up by themselves: look at it, change it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time

from unlost.app.compose import Application
from unlost.app.home_copy import after_change
from unlost.catalog.nights import nights_of
from unlost.catalog.orgs import ProtectedOrg, get_org, list_orgs
from unlost.catalog.schedules import schedule_of, set_schedule
from unlost.engine.schedule import upcoming
from unlost.model.errors import UsageError
from unlost.model.night import NightRecord
from unlost.model.schedule import Hours, Schedule

NIGHTS = 7
OFF = "off"


@dataclass(frozen=True, slots=True)
class OrgSchedule:
    """An org's schedule. ``next`` is when it is backed up next, ``nights`` the newest ones first."""

    org: str
    zone: str
    schedule: Schedule
    next: datetime | None
    nights: tuple[NightRecord, ...]


@dataclass(frozen=True, slots=True)
class Schedules:
    """The schedules of some orgs."""

    schedules: tuple[OrgSchedule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to change, as it was typed; None leaves a thing as it is.

    ``at`` is a time such as ``01:30``, or ``off``; ``window`` is in minutes; ``blackout`` are hours
    such as ``08:00-18:00``, and ``none`` for none. ``calls`` is in percent.
    """

    at: str | None = None
    window: int | None = None
    blackout: Sequence[str] | None = None
    calls: int | None = None


def show(app: Application, org: str | None = None) -> Schedules:
    """The schedule of one org, or of all; raises NotFound for an unknown org."""
    orgs = [get_org(org)] if org is not None else list_orgs()
    return Schedules(tuple(_shown(app, one) for one in orgs))


def change(app: Application, org: str, wish: Wish) -> OrgSchedule:
    """Change an org's schedule; raises UsageError (``schedule-invalid``), NotFound."""
    known, now = get_org(org), app.clock.now()
    schedule = wished(schedule_of(known.oid).schedule, wish)
    following = upcoming(schedule, zone=known.identity.zone, key=known.oid, now=now)
    set_schedule(known.oid, schedule, at=now, next_at=following)
    after_change(app)
    return _shown(app, known)


def wished(schedule: Schedule, wish: Wish) -> Schedule:
    """The schedule with what was wished for; raises UsageError."""
    if wish.at is not None:
        schedule = replace(schedule, nightly=None if wish.at == OFF else time_of(wish.at))
    if wish.window is not None:
        schedule = replace(schedule, window=wish.window)
    if wish.blackout is not None:
        told = [one for one in wish.blackout if one != "none"]
        schedule = replace(schedule, blackout=tuple(hours_of(one) for one in told))
    if wish.calls is not None:
        schedule = replace(schedule, calls=wish.calls)
    return schedule


def _shown(app: Application, org: ProtectedOrg) -> OrgSchedule:
    kept, zone = schedule_of(org.oid), org.identity.zone
    following = upcoming(kept.schedule, zone=zone, key=org.oid, now=app.clock.now())
    nights = tuple(nights_of(org.oid, most=NIGHTS))
    return OrgSchedule(org.name, zone, kept.schedule, following, nights)


def time_of(text: str) -> time:
    """A time of the day as it is typed, such as ``01:30``; raises UsageError."""
    try:
        found = time.fromisoformat(text)
    except ValueError:
        raise _unreadable(text) from None
    if found.second or found.microsecond or found.tzinfo:
        raise _unreadable(text)
    return found


def hours_of(text: str) -> Hours:
    """Hours as they are typed, such as ``22:00-07:00``; raises UsageError (``schedule-unreadable``)."""
    begins, dash, ends = text.partition("-")
    if not dash:
        raise _unreadable(text)
    return Hours(time_of(begins), time_of(ends))


def _unreadable(text: str) -> UsageError:
    return UsageError(
        "schedule-unreadable",
        f"{text!r} is not a time of the day.",
        next_step="Write times as 01:30, hours as 08:00-18:00; times are those of the org's zone.",
    )
