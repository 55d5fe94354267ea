"""Backups that schedules requested: waiting, running, done, given up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import Night, Org
from unlost.model.message import Message, message
from unlost.model.runs.night import NightRecord, NightState


@dataclass(frozen=True, slots=True)
class NightEnd:
    """The end of a try. ``next_at``: the next one, if any. ``failed``: it counts as a failure."""

    state: NightState
    at: datetime
    next_at: datetime | None = None
    failed: bool = False
    error: Message | None = None


def run_of(oid: str, night: str) -> str:
    """The run id of a scheduled backup, shared by its tries: each goes on where one stopped."""
    digits = night.replace("-", "").replace(":", "").lower()
    return f"backup-{digits}-{oid[:12]}"


def find_night(oid: str, name: str) -> NightRecord | None:
    """A scheduled backup by its name."""
    with returned_connection():
        row = Night.objects.select_related("org").filter(org__oid=oid, name=name).first()
    return _value(row) if row else None


def open_nights() -> Sequence[NightRecord]:
    """Waiting and running backups, in the order of their due times."""
    states = [NightState.WAITING.value, NightState.RUNNING.value]
    with returned_connection():
        rows = list(
            Night.objects.select_related("org").filter(state__in=states).order_by("due_at", "id")
        )
    return [_value(row) for row in rows]


def nights_of(oid: str, *, most: int) -> Sequence[NightRecord]:
    """The newest scheduled backups of an org, newest first."""
    with returned_connection():
        rows = list(
            Night.objects.select_related("org").filter(org__oid=oid).order_by("-due_at")[:most]
        )
    return [_value(row) for row in rows]


def nights_due(oid: str, *, since: datetime, until: datetime) -> Sequence[NightRecord]:
    """The scheduled backups of an org that were due in a span of time, oldest first."""
    span = {"due_at__gte": since, "due_at__lt": until}
    with returned_connection():
        rows = list(
            Night.objects.select_related("org").filter(org__oid=oid, **span).order_by("due_at")
        )
    return [_value(row) for row in rows]


def add_night(oid: str, name: str, *, at: datetime) -> NightRecord:
    """Add a backup requested by a person, due now; two requests in the same minute are one."""
    with returned_connection():
        row, _ = Night.objects.get_or_create(
            org=Org.objects.get(oid=oid),
            name=name,
            defaults={
                "due_at": at,
                "begun_at": at,
                "state": NightState.WAITING.value,
                "run": run_of(oid, name),
                "next_at": at,
            },
        )
    return _value(row)


def newest_nights(*, most: int) -> Mapping[str, Sequence[NightRecord]]:
    """The newest scheduled backups of each org by oid, newest first: at most ``most`` of each."""
    place = Window(RowNumber(), partition_by="org_id", order_by=F("due_at").desc())
    with returned_connection():
        ranked = Night.objects.select_related("org").annotate(place=place)
        rows = list(ranked.filter(place__lte=most).order_by("place"))
    nights: dict[str, list[NightRecord]] = {}
    for row in rows:
        nights.setdefault(row.org.oid, []).append(_value(row))
    return nights


def give_up_before(oid: str, name: str, *, at: datetime) -> None:
    """Give up earlier waiting backups of an org: this one makes up for them."""
    with returned_connection():
        Night.objects.filter(org__oid=oid, name__lt=name, state=NightState.WAITING.value).update(
            state=NightState.GIVEN_UP.value, ended_at=at, next_at=None
        )


WORKER_DIED = "worker-died"


def start_try(oid: str, name: str) -> NightRecord | None:
    """Count a try; None if the backup is already over.

    A backup that is still marked as running lost its worker, which counts as a failure.
    """
    with returned_connection():
        row = Night.objects.select_related("org").filter(org__oid=oid, name=name).first()
        if row is None or row.state in (NightState.DONE.value, NightState.GIVEN_UP.value):
            return None
        if row.state == NightState.WAITING.value:
            row.tries += 1
            row.state = NightState.RUNNING.value
            row.save(update_fields=["tries", "state"])
        else:
            row.failures += 1
            row.error = message(
                WORKER_DIED, "The process that ran the backup stopped unexpectedly."
            )
            row.save(update_fields=["failures", "error"])
    return _value(row)


def end_try(oid: str, name: str, end: NightEnd, *, number: int) -> None:
    """Record the end of a try, unless another try has begun or ended the backup meanwhile."""
    over = end.state in (NightState.DONE, NightState.GIVEN_UP)
    running = {"state": NightState.RUNNING.value, "tries": number}
    with returned_connection():
        Night.objects.filter(org__oid=oid, name=name, **running).update(
            state=end.state.value,
            failures=F("failures") + int(end.failed),
            ended_at=end.at if over else None,
            next_at=end.next_at,
            error=end.error,
        )


def hold_night(run: str, *, why: Message) -> bool:
    """Keep the backup of a run waiting until it is released; True if it waits."""
    with returned_connection():
        waiting = Night.objects.filter(run=run, state=NightState.WAITING.value)
        return bool(waiting.update(next_at=None, error=why))


def release_night(run: str, *, at: datetime) -> bool:
    """Schedule a waiting backup for an instant; True if it waits."""
    with returned_connection():
        waiting = Night.objects.filter(run=run, state=NightState.WAITING.value)
        return bool(waiting.update(next_at=at))


def reopen_night(run: str, *, at: datetime) -> bool:
    """Schedule a backup that waits or was given up for an instant; True if there is one."""
    states = [NightState.WAITING.value, NightState.GIVEN_UP.value]
    with returned_connection():
        stopped = Night.objects.filter(run=run, state__in=states)
        return bool(
            stopped.update(state=NightState.WAITING.value, next_at=at, ended_at=None, failures=0)
        )


def cancel_night(run: str, *, at: datetime, why: Message) -> bool:
    """Give up the backup of a run that no process works on: it waits, or its process was killed."""
    states = [NightState.WAITING.value, NightState.RUNNING.value]
    with returned_connection():
        waiting = Night.objects.filter(run=run, state__in=states)
        return bool(
            waiting.update(
                state=NightState.GIVEN_UP.value,
                ended_at=at,
                next_at=None,
                error=why,
            )
        )


def _value(row: Night) -> NightRecord:
    return NightRecord(
        row.org.oid,
        row.org.name,
        row.name,
        row.due_at,
        row.begun_at,
        NightState(row.state),
        row.tries,
        row.failures,
        row.run,
        row.next_at,
        row.ended_at,
        tuple(row.missed),
        row.error,
    )
