"""The schedules of orgs: one each, the default until another is set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db import transaction
from django.db.models import Count, Q

from unlost.catalog.connection import returned_connection
from unlost.catalog.losses import LossMark, mark_of
from unlost.catalog.models import Night, Org, ScheduleRow
from unlost.catalog.runs.nights import run_of
from unlost.model.decoders import decoder_for
from unlost.model.losses import LossState
from unlost.model.runs.night import NightState
from unlost.model.runs.schedule import DueBackup, Schedule


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """The schedule of an org.

    ``after`` is the name of the last backup that it started, ``since`` the instant from which due
    times count, ``next_at`` the next due time as far as it was computed. ``hour_at`` is the next
    time at which chosen tables are read, if any are.
    """

    oid: str
    zone: str
    schedule: Schedule
    after: str | None
    since: datetime
    next_at: datetime | None = None
    hour_at: datetime | None = None


def schedule_of(oid: str) -> StoredSchedule:
    """The schedule of an org."""
    with returned_connection():
        org = Org.objects.get(oid=oid)
        row = ScheduleRow.objects.filter(org=org).first()
    return _value(org, row)


def schedules() -> Mapping[str, StoredSchedule]:
    """The schedules of all orgs, by oid."""
    with returned_connection():
        orgs = list(Org.objects.select_related("schedule"))
    return {org.oid: _value(org, getattr(org, "schedule", None)) for org in orgs}


@dataclass(frozen=True, slots=True)
class OrgSetup:
    """The schedule of an org. ``writer``: it has a write user.

    ``losses`` counts its open losses, up to the backup that ``mark`` names.
    """

    schedule: StoredSchedule
    writer: bool
    losses: int
    mark: LossMark


def setups() -> Mapping[str, OrgSetup]:
    """The schedules of all orgs, by oid, with what else Home shows of each; in one query."""
    losses = Count("losses", filter=Q(losses__state=LossState.OPEN.value))
    with returned_connection():
        rows = Org.objects.select_related("schedule", "writer", "loss_mark").annotate(
            open_losses=losses
        )
        return {row.oid: _setup(row, row.open_losses) for row in rows}


def _setup(org: Org, losses: int) -> OrgSetup:
    schedule = _value(org, getattr(org, "schedule", None))
    mark = mark_of(getattr(org, "loss_mark", None))
    return OrgSetup(schedule, hasattr(org, "writer"), losses, mark)


def coming(now: datetime) -> Sequence[StoredSchedule]:
    """Schedules with a backup that may be due: its time has come, or is not known yet."""
    unknown = Q(schedule=None)
    with returned_connection():
        rows = list(
            Org.objects.select_related("schedule")
            .filter(unknown | Q(schedule__next_at__lte=now) | Q(schedule__hour_at__lte=now))
            .order_by("name")
        )
    return [_value(org, getattr(org, "schedule", None)) for org in rows]


def set_schedule(
    oid: str,
    schedule: Schedule,
    *,
    at: datetime,
    next_at: datetime | None,
    hour_at: datetime | None = None,
) -> None:
    """Set a schedule; its due times count from now on, so that none was missed."""
    values = {
        "values": msgspec.to_builtins(schedule),
        "since": at,
        "after": "",
        "next_at": next_at,
        "hour_at": hour_at,
    }
    with returned_connection(), transaction.atomic():
        org = Org.objects.get(oid=oid)
        ScheduleRow.objects.update_or_create(org=org, defaults=values)


def save_next_due(schedule: StoredSchedule, *, next_at: datetime | None) -> None:
    """Save the next due time, unless the schedule was set again since it was read."""
    _update(schedule, next_at=next_at)


def save_next_hour(schedule: StoredSchedule, *, hour_at: datetime | None) -> None:
    """Save the next time at which chosen tables are read, unless the schedule was set again."""
    _update(schedule, hour_at=hour_at)


def begin_night(
    schedule: StoredSchedule, due: DueBackup, *, at: datetime, next_at: datetime | None
) -> None:
    """Record a due backup; a second call changes nothing.

    If the schedule was set again since it was read, its due times stay.
    """
    with returned_connection(), transaction.atomic():
        Night.objects.get_or_create(
            org=Org.objects.get(oid=schedule.oid),
            name=due.night,
            defaults={
                "due_at": due.begins,
                "begun_at": at,
                "state": NightState.WAITING.value,
                "run": run_of(schedule.oid, due.night),
                "next_at": due.begins,
                "missed": list(due.missed),
            },
        )
        _update(schedule, after=due.night, next_at=next_at)


def _update(schedule: StoredSchedule, **columns: str | datetime | None) -> None:
    """Update columns of a schedule's row, which is created if there is none yet.

    ``since`` changes whenever a schedule is set: then the row is no longer the one that was read.
    """
    defaults = {"values": msgspec.to_builtins(schedule.schedule), "since": schedule.since}
    with returned_connection(), transaction.atomic():
        org = Org.objects.get(oid=schedule.oid)
        ScheduleRow.objects.get_or_create(org=org, defaults=defaults)
        ScheduleRow.objects.filter(org=org, since=schedule.since).update(**columns)


def _value(org: Org, row: ScheduleRow | None) -> StoredSchedule:
    if row is None:
        return StoredSchedule(org.oid, org.zone, Schedule(), None, org.added_at)
    schedule = decoder_for(Schedule).convert(row.values)
    return StoredSchedule(
        org.oid, org.zone, schedule, row.after or None, row.since, row.next_at, row.hour_at
    )
