"""Show and change when orgs are backed up automatically."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from difflib import get_close_matches

from unlost.app.access import action
from unlost.app.compose import Application
from unlost.app.vault.home_copy import after_change
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.runs.nights import newest_nights
from unlost.catalog.runs.runs import RunRecord, RunState, newest_runs
from unlost.catalog.runs.schedules import schedule_of, schedules, set_schedule
from unlost.engine.schedule import upcoming, upcoming_hour
from unlost.model.access import Right, Trace
from unlost.model.errors import UsageError
from unlost.model.finding import FindingKind
from unlost.model.message import Message
from unlost.model.runs.night import NightRecord
from unlost.model.runs.schedule import Hours, Schedule
from unlost.model.source.schema import Schema, TableTrait

NIGHTS = 7
OFF = "off"
NONE = "none"


@dataclass(frozen=True, slots=True)
class LastHourlyBackup:
    """The newest hourly backup, and how it ended."""

    run: str
    state: RunState
    began: datetime
    snapshot: int | None
    error: Message | None


@dataclass(frozen=True, slots=True)
class OrgSchedule:
    """An org's schedule. ``next`` is the next backup, ``nights`` the latest ones, newest first.

    ``next_hour`` is when the hourly tables are backed up next, ``last_hour`` how that ended last.
    """

    org: str
    zone: str
    schedule: Schedule
    next: datetime | None
    nights: tuple[NightRecord, ...]
    next_hour: datetime | None = None
    last_hour: LastHourlyBackup | None = None


@dataclass(frozen=True, slots=True)
class Schedules:
    """The schedules of several orgs."""

    schedules: tuple[OrgSchedule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleChange:
    """Changes to a schedule as typed; None leaves a value unchanged.

    ``at`` is a time such as ``01:30``, or ``off``; ``window`` is in minutes; ``blackout`` are hours
    such as ``08:00-18:00``, and ``none`` for none. ``calls`` is in percent. ``hourly`` are tables
    such as ``Case,Opportunity``, or ``none``.
    """

    at: str | None = None
    window: int | None = None
    blackout: Sequence[str] | None = None
    calls: int | None = None
    hourly: str | None = None


@action("schedule.show", Right.LOOK)
def show(app: Application, org: str | None = None) -> Schedules:
    """Show the schedule of one org, or of all; raises NotFound for an unknown org."""
    orgs = [get_org(org)] if org is not None else app.orgs()
    return Schedules(_shown(app, orgs))


@action("schedule.set", Right.OPERATE, trace=Trace.WRITE)
def change(app: Application, org: str, schedule_change: ScheduleChange) -> OrgSchedule:
    """Change an org's schedule; raises UsageError (``schedule-invalid`` and others), NotFound."""
    known, now = get_org(org), app.clock.now()
    schedule = changed_schedule(schedule_of(known.oid).schedule, schedule_change)
    if schedule_change.hourly is not None:
        schedule = replace(schedule, hourly=hourly_tables(app, known, schedule_change.hourly))
    place = {"zone": known.identity.zone, "key": known.oid}
    # The tick looks only at stored times, so both are computed now.
    following = upcoming(schedule, now=now, **place)
    hour = upcoming_hour(schedule, now=now, **place)
    set_schedule(known.oid, schedule, at=now, next_at=following, hour_at=hour)
    after_change(app)
    return _shown(app, [known])[0]


def changed_schedule(schedule: Schedule, schedule_change: ScheduleChange) -> Schedule:
    """Return the schedule with the changes applied; raises UsageError."""
    if schedule_change.at is not None:
        schedule = replace(
            schedule, nightly=None if schedule_change.at == OFF else time_of(schedule_change.at)
        )
    if schedule_change.window is not None:
        schedule = replace(schedule, window=schedule_change.window)
    if schedule_change.blackout is not None:
        hours = [text for text in schedule_change.blackout if text != NONE]
        schedule = replace(schedule, blackout=tuple(hours_of(text) for text in hours))
    if schedule_change.calls is not None:
        schedule = replace(schedule, calls=schedule_change.calls)
    return schedule


def _shown(app: Application, orgs: Sequence[ProtectedOrg]) -> tuple[OrgSchedule, ...]:
    """Return the schedules of orgs; the number of queries does not depend on the number of orgs."""
    by_org, nights, now = schedules(), newest_nights(most=NIGHTS), app.clock.now()
    hours = newest_runs(most=1, hourly=True)
    org_schedules: list[OrgSchedule] = []
    for org in orgs:
        schedule, zone = by_org[org.oid].schedule, org.identity.zone
        place = {"zone": zone, "key": org.oid}
        org_schedules.append(
            OrgSchedule(
                org.name,
                zone,
                schedule,
                upcoming(schedule, now=now, **place),
                tuple(nights.get(org.oid, ())),
                upcoming_hour(schedule, now=now, **place),
                _last_hour(hours.get(org.name, ())),
            )
        )
    return tuple(org_schedules)


def _last_hour(runs: Sequence[RunRecord]) -> LastHourlyBackup | None:
    return next(
        (
            LastHourlyBackup(run.id, run.state, run.started_at, run.snapshot, run.error)
            for run in runs
        ),
        None,
    )


def hourly_tables(app: Application, org: ProtectedOrg, text: str) -> tuple[str, ...]:
    """Parse a list of tables and return their exact names; raises UsageError for an invalid one."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if text.strip().lower() == NONE:
        return ()
    if not names:
        raise UsageError(
            "hourly-table-unnamed",
            "No tables were given for the hourly backups.",
            next_step="List tables, such as Case,Opportunity, or use `none` to turn hourly "
            "backups off.",
        )
    head = app.vault.newest_backup(org.oid)
    if head is not None:
        schema = head.schema()
    else:  # no backup yet: ask the org
        with app.open_org(org) as source:
            schema = source.discover()
    return tuple(dict.fromkeys(_hourly_table(schema, org, name) for name in names))


def _hourly_table(schema: Schema, org: ProtectedOrg, name: str) -> str:
    table = next(
        (candidate for candidate in schema.tables if candidate.name.lower() == name.lower()), None
    )
    if table is None:
        raise _not_backed_up(schema, org, name)
    if not table.has(TableTrait.INCREMENTAL):
        raise UsageError(
            "hourly-not-possible",
            "{table} cannot be backed up hourly: the org does not report its changes, so it is "
            "read completely in each nightly backup.",
            next_step="Remove it from the hourly tables. The nightly backup includes it.",
            table=table.name,
        )
    return table.name


def _not_backed_up(schema: Schema, org: ProtectedOrg, name: str) -> UsageError:
    excluded = any(
        finding.kind is FindingKind.TABLE_EXCLUDED and (finding.table or "").lower() == name.lower()
        for finding in schema.findings
    )
    if excluded:
        return UsageError(
            "hourly-table-excluded",
            "The settings of {org} exclude {name} from its backups.",
            next_step="Include it with `unlost org add` under the same name. It can be chosen "
            "after the next nightly backup.",
            name=name,
            org=org.name,
        )
    near = get_close_matches(name, [table.name for table in schema.tables], n=3, cutoff=0.5)
    return UsageError(
        "hourly-table-unknown",
        "{org} has no backed-up table {name!r}.",
        next_step="Did you mean {near}?"
        if near
        else "List the tables with `unlost certificate {org} --full`.",
        near=" or ".join(near),
        name=name,
        org=org.name,
    )


def time_of(text: str) -> time:
    """Parse a time of day such as ``01:30``; raises UsageError."""
    try:
        parsed = time.fromisoformat(text)
    except ValueError:
        raise _unreadable(text) from None
    if parsed.second or parsed.microsecond or parsed.tzinfo:
        raise _unreadable(text)
    return parsed


def hours_of(text: str) -> Hours:
    """Parse hours such as ``22:00-07:00``; raises UsageError (``schedule-unreadable``)."""
    begins, dash, ends = text.partition("-")
    if not dash:
        raise _unreadable(text)
    return Hours(time_of(begins), time_of(ends))


def _unreadable(text: str) -> UsageError:
    return UsageError(
        "schedule-unreadable",
        "{text!r} is not a valid time of day.",
        next_step="Write times as 01:30 and hours as 08:00-18:00, in the org's time zone.",
        text=text,
    )
