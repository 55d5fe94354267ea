"""Restores that the service runs: requested by people, tried until they end or need a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import Org, Run
from unlost.catalog.runs.runs import RunState
from unlost.model.message import Message
from unlost.model.runs.jobs import RunCommand
from unlost.model.vault.snapshot import CommitKind

PLANS = [kind.value for kind in CommitKind if kind.has_plan]
RESTORES = Q(kind__in=PLANS, tries__isnull=False)
HALTED = Q(state=RunState.FAILED.value) | Q(state=RunState.PARKED.value, resume_at=None)


@dataclass(frozen=True, slots=True)
class QueuedRestore:
    """A restore that the service is to start or resume; ``number`` is the number of the try."""

    run: str
    oid: str
    number: int


@dataclass(frozen=True, slots=True)
class ParkedTry:
    """A restore of the service that does not resume automatically, and the reason."""

    run: str
    error: Message | None


def queue_restore(
    run: str,
    *,
    org: str,
    at: datetime,
    kind: CommitKind = CommitKind.RESTORE,
    asked_by: str = "",
) -> None:
    """Have the service run the plan of an org, given by name; a stopped run resumes.

    ``asked_by``: the person, or PERSON/TOKEN, whose role must still allow it when it starts; empty
    for a user of the home's machine.
    """
    with returned_connection():
        row, created = Run.objects.get_or_create(
            id=run,
            defaults={
                "org": Org.objects.get(name=org),
                "kind": kind.value,
                "state": RunState.WAITING.value,
                "started_at": at,
                "tries": 0,
                "asked_by": asked_by,
            },
        )
        if not created:
            row.state, row.wish, row.tries = RunState.WAITING.value, "", row.tries or 0
            row.failures = 0
            row.resume_at = row.ended_at = None
            row.error = None
            row.asked_by = asked_by
            row.save()


@dataclass(frozen=True, slots=True)
class RestoreAsker:
    """The person or token that asked for a restore of an org (an oid); see ``queue_restore``."""

    oid: str
    name: str


def asker_of_restore(run: str) -> RestoreAsker:
    """The person or token whose role must allow a restore that the service runs."""
    with returned_connection():
        row = Run.objects.select_related("org").get(id=run)
        return RestoreAsker(row.org.oid, row.asked_by)


def due_restores(now: datetime) -> Sequence[QueuedRestore]:
    """Restores that are due; running ones as well, since the queue may have been lost."""
    waiting = Q(state=RunState.WAITING.value) | Q(state=RunState.PARKED.value, resume_at__lte=now)
    running = Q(state=RunState.RUNNING.value)
    with returned_connection():
        rows = list(
            Run.objects.filter(RESTORES & (waiting | running))
            .filter(wish="")
            .order_by("started_at")
            .values_list("id", "org__oid", "tries", "state")
        )
    return [
        QueuedRestore(run, oid, tries + (state != RunState.RUNNING.value))
        for run, oid, tries, state in rows
        if tries is not None
    ]


def next_restore(run: str) -> QueuedRestore | None:
    """The restore of a run, as it would be queued now; None if the service does not run it."""
    with returned_connection():
        row = Run.objects.select_related("org").filter(RESTORES, id=run).first()
    if row is None or row.tries is None:
        return None
    return QueuedRestore(row.id, row.org.oid, row.tries + 1)


@dataclass(frozen=True, slots=True)
class RestoreTry:
    """A try that begins. ``crashed``: the try before lost its worker.

    ``failures`` counts failed and crashed tries in a row before it.
    """

    number: int
    crashed: bool
    failures: int


def start_restore(run: str, *, now: datetime) -> RestoreTry | None:
    """Count a try; None if there is nothing to do now."""
    with returned_connection(), transaction.atomic():
        # Two workers must not count the same try.
        row = Run.objects.select_for_update().filter(RESTORES, id=run).first()
        if row is None or row.state in (RunState.DONE.value, RunState.ABANDONED.value):
            return None
        if row.wish:
            _apply_command(row, now=now)
            return None
        if row.resume_at is not None and row.resume_at > now:
            return None
        crashed = row.state == RunState.RUNNING.value
        row.tries = (row.tries or 0) + 1
        row.failures += int(crashed)
        row.state = RunState.RUNNING.value
        row.save(update_fields=["tries", "failures", "state"])
        return RestoreTry(row.tries, crashed, row.failures)


def _apply_command(row: Run, *, now: datetime) -> None:
    """Apply a pause or cancellation that people requested before this try began."""
    paused = row.wish == RunCommand.PAUSE.value
    row.state = (RunState.PARKED if paused else RunState.ABANDONED).value
    row.resume_at, row.ended_at = None, now
    row.save(update_fields=["state", "resume_at", "ended_at"])


def put_off_restore(run: str, *, until: datetime, failures: int = 0) -> None:
    """Schedule a stopped run for an instant; ``failures`` counts failures in a row until now."""
    with returned_connection():
        stopped = Run.objects.filter(id=run).exclude(state=RunState.DONE.value)
        stopped.update(state=RunState.PARKED.value, resume_at=until, failures=failures)


def release_restore(run: str, *, asked_by: str | None = None) -> bool:
    """Resume a stopped run now; False if the service does not run it.

    ``asked_by`` replaces who asked for it, unless it is None.
    """
    columns = {"asked_by": asked_by} if asked_by is not None else {}
    with returned_connection():
        stopped = Run.objects.filter(RESTORES, id=run).exclude(state=RunState.RUNNING.value)
        return bool(
            stopped.update(
                state=RunState.WAITING.value, resume_at=None, failures=0, wish="", **columns
            )
        )


def drop_restore(run: str, *, at: datetime) -> bool:
    """Abandon a stopped run; False if it is running, or the service does not run it."""
    with returned_connection():
        stopped = Run.objects.filter(RESTORES, id=run).exclude(state=RunState.RUNNING.value)
        return bool(stopped.update(state=RunState.ABANDONED.value, ended_at=at, resume_at=None))


def halted_restores(oid: str) -> Sequence[ParkedTry]:
    """Restores of an org that need a person, without paused and cancelled ones."""
    with returned_connection():
        rows = Run.objects.filter(RESTORES & HALTED, org__oid=oid, wish="")
        return [ParkedTry(row.id, row.error) for row in rows.order_by("started_at")]
