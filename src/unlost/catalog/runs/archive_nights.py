"""Nights of saved archive policies: a row for each, so that none is planned or run twice."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import F, QuerySet

from unlost.catalog.archive_models import ArchiveNightRow
from unlost.catalog.connection import returned_connection
from unlost.model.message import Message
from unlost.model.saved_policy import OPEN_NIGHTS, ArchiveNight, ArchiveNightState

_OPEN = [state.value for state in OPEN_NIGHTS]
_BEFORE_RUN = [state.value for state in OPEN_NIGHTS if state.is_before_run]


def begin_archive_night(policy: int, night: str, *, at: datetime) -> bool:
    """Record that a policy is due after a backup; false if that is known."""
    with returned_connection():
        _, created = ArchiveNightRow.objects.get_or_create(
            policy_id=policy,
            night=night,
            defaults={"state": ArchiveNightState.DUE.value, "begun_at": at},
        )
    return created


def archive_night(number: int) -> ArchiveNight | None:
    """The night with this id, or None: its policy was removed."""
    with returned_connection():
        row = _rows().filter(pk=number).first()
    return _value(row) if row is not None else None


def open_archive_nights(*, policy: int | None = None, oid: str = "") -> Sequence[ArchiveNight]:
    """Nights that are not over, the oldest first: all, or of a policy, or of an org."""
    rows = _rows().filter(state__in=_OPEN).order_by("begun_at", "pk")
    if policy is not None:
        rows = rows.filter(policy_id=policy)
    if oid:
        rows = rows.filter(policy__org__oid=oid)
    with returned_connection():
        return [_value(row) for row in rows]


def archive_nights_of(policy: int, *, most: int) -> Sequence[ArchiveNight]:
    """The newest nights of a policy, newest first."""
    with returned_connection():
        rows = _rows().filter(policy_id=policy).order_by("-begun_at", "-pk")
        return [_value(row) for row in rows[:most]]


def set_night_plan(night: ArchiveNight, plan: str) -> bool:
    """Record the plan of a night; false if it has another one, or is over."""
    with returned_connection():
        rows = ArchiveNightRow.objects.filter(pk=night.id, plan=night.plan, state__in=_OPEN)
        return bool(rows.update(plan=plan, state=ArchiveNightState.PLANNING.value))


def move_night(number: int, state: ArchiveNightState) -> None:
    """Set the state of a night that has no run yet."""
    with returned_connection():
        rows = ArchiveNightRow.objects.filter(pk=number, state__in=_BEFORE_RUN)
        rows.update(state=state.value, next_at=None)


def claim_night(number: int, *, run: str, only_if_on: bool = False) -> bool:
    """Record the run of a night before it can begin; false if the night ended or has one.

    ``only_if_on``: false, too, if the schedule is off.
    """
    with returned_connection():
        rows = ArchiveNightRow.objects.filter(pk=number, state__in=_BEFORE_RUN)
        if only_if_on:
            rows = rows.filter(policy__is_on=True)
        columns = {"state": ArchiveNightState.RUNNING.value, "run": run, "next_at": None}
        return bool(rows.update(**columns))


def release_night(number: int, state: ArchiveNightState, *, run: str) -> bool:
    """Take a run from its night that could not be handed over; false if it ended meanwhile.

    It counts as an attempt: the job of the next one needs another name.
    """
    with returned_connection():
        running = ArchiveNightState.RUNNING.value
        rows = ArchiveNightRow.objects.filter(pk=number, state=running, run=run)
        tries = F("tries") + 1
        return bool(rows.update(state=state.value, run="", next_at=None, tries=tries))


def put_off_night(number: int, *, until: datetime, failed: bool = False) -> None:
    """Try a night again at an instant; counts the attempts, and apart from them the failed ones."""
    with returned_connection():
        row = ArchiveNightRow.objects.filter(pk=number, state__in=_OPEN).first()
        if row is not None:
            row.tries += 1
            row.failures += int(failed)
            row.next_at = until
            row.save(update_fields=["tries", "failures", "next_at"])


def end_night(
    number: int, state: ArchiveNightState, *, at: datetime, error: Message | None = None
) -> None:
    """End an open night."""
    with returned_connection():
        rows = ArchiveNightRow.objects.filter(pk=number, state__in=_OPEN)
        rows.update(state=state.value, ended_at=at, next_at=None, error=error)


def end_before_run(
    number: int, state: ArchiveNightState, *, at: datetime, error: Message | None = None
) -> bool:
    """End a night that has no run yet; false if it has one, or ended."""
    with returned_connection():
        rows = ArchiveNightRow.objects.filter(pk=number, state__in=_BEFORE_RUN)
        columns = {"state": state.value, "ended_at": at, "next_at": None, "error": error}
        return bool(rows.update(**columns))


def _rows() -> QuerySet[ArchiveNightRow]:
    return ArchiveNightRow.objects.select_related("policy__org")


def _value(row: ArchiveNightRow) -> ArchiveNight:
    return ArchiveNight(
        row.pk,
        row.policy_id,
        row.policy.name,
        row.policy.org.name,
        row.policy.org.oid,
        row.night,
        ArchiveNightState(row.state),
        row.begun_at,
        row.plan,
        row.run,
        row.tries,
        row.next_at,
        row.ended_at,
        row.error,
        row.failures,
    )
