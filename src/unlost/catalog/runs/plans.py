"""Restores that people chose in the console: their choice, and the plan made from it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import QuerySet

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import Org, PlanRow
from unlost.catalog.orgs.approval_policy import policy_in
from unlost.model.approval import Approval, ApprovalPolicy
from unlost.model.errors import UnlostError
from unlost.model.message import Message
from unlost.model.source.reading import Json


class PlanState(StrEnum):
    """The state of a plan."""

    MAKING = "making"
    BROKEN_OFF = "broken-off"  # its worker ended before it was ready
    FAILED = "failed"
    PLANNED = "made"
    RUN = "run"  # it became a restore


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A choice and its plan, without the plan's bytes. ``org`` is the org's name.

    ``slot``: the slot of the planning worker, empty until one starts. ``maker``: the account that
    chose it, empty for a user of the home's machine. ``digest``: the plan's own hash, empty until
    it is made, and for plans of earlier releases. ``policy``: the present one of the org.
    """

    id: str
    org: str
    state: PlanState
    made_at: datetime
    made_by: str
    request: Mapping[str, Json]
    slot: str
    summary: Mapping[str, Json] | None
    run: str
    error: Message | None
    maker: str
    digest: str
    approval: Approval | None
    policy: ApprovalPolicy


def add_plan(
    plan: str, *, org: str, by: str, at: datetime, request: Mapping[str, Json], maker: str = ""
) -> StoredPlan:
    """Store a choice whose plan is about to be made."""
    with returned_connection():
        row = PlanRow.objects.create(
            id=plan,
            org=Org.objects.get(name=org),
            made_at=at,
            made_by=by,
            maker=maker,
            request=dict(request),
            state=PlanState.MAKING.value,
        )
        return _value(row, org)


def find_plan(plan: str) -> StoredPlan | None:
    """The plan of this id."""
    return _first(id=plan)


def plan_of_run(run: str) -> StoredPlan | None:
    """The plan that became a restore, if the console made it."""
    return _first(run=run)


def plan_of_digest(digest: str) -> StoredPlan | None:
    """The plan with this hash; None if no person of this home chose it."""
    return _first(digest=digest) if digest else None


def summaries_of_runs(runs: Collection[str]) -> Mapping[str, Mapping[str, Json]]:
    """The summaries of the plans that became these restores, by run."""
    with returned_connection():
        rows = PlanRow.objects.filter(run__in=list(runs), summary__isnull=False)
        return {run: summary or {} for run, summary in rows.values_list("run", "summary")}


def plan_content(plan: str) -> bytes:
    """The bytes of a plan; empty if it is not ready, or does not exist."""
    with returned_connection():
        content = PlanRow.objects.filter(id=plan).values_list("content", flat=True).first()
    return bytes(content or b"")


def waiting_plans(
    orgs: Sequence[str], *, most: int, state: PlanState | None = None
) -> Sequence[StoredPlan]:
    """Plans of these orgs that did not become a restore, the newest first; only in ``state``."""
    with returned_connection():
        rows = _rows().filter(org__name__in=orgs)
        if state is not None:
            rows = rows.filter(state=state.value)
        rows = rows.exclude(state=PlanState.RUN.value).order_by("-made_at", "-id")
        return [_value(row, row.org.name) for row in rows[:most]]


def plans_under_policies(orgs: Sequence[str], *, most: int) -> Sequence[StoredPlan]:
    """Made plans of those of these orgs that ask for a second person, the newest first."""
    with returned_connection():
        rows = _rows().filter(org__name__in=orgs, org__approval_policy__isnull=False)
        rows = rows.filter(state=PlanState.PLANNED.value).order_by("-made_at", "-id")
        return [_value(row, row.org.name) for row in rows[:most]]


def begin_plan(plan: str, *, slot: str) -> bool:
    """Record the planning worker's slot; mark other plans of this slot as broken off.

    Call it while the slot is locked. False if there is nothing to plan.
    """
    making = PlanRow.objects.filter(state=PlanState.MAKING.value)
    with returned_connection():
        making.filter(slot=slot).exclude(id=plan).update(state=PlanState.BROKEN_OFF.value)
        return bool(making.filter(id=plan).update(slot=slot))


def store_made_plan(plan: str, *, content: bytes, digest: str, summary: Mapping[str, Json]) -> None:
    """Save a finished plan. ``digest``: its own hash."""
    state = PlanState.PLANNED.value
    _end(plan, state=state, content=content, digest=digest, summary=dict(summary))


def set_approval(
    plan: str, approval: Approval | None, *, digest: str, before: Approval | None
) -> bool:
    """Approve a plan, or withdraw its approval (None).

    False if it changed meanwhile: it is another plan, or its approval is no longer ``before``.
    """
    columns = {
        "approved_by": approval.by if approval is not None else "",
        "approver": approval.person if approval is not None else "",
        "approved_at": approval.at if approval is not None else None,
    }
    with returned_connection():
        rows = PlanRow.objects.filter(id=plan, digest=digest)
        if before is None:
            rows = rows.filter(approved_at=None)
        else:
            rows = rows.filter(approved_at=before.at, approved_by=before.by)
        return bool(rows.update(**columns))


def plan_failed(plan: str, error: UnlostError) -> None:
    """Record why no plan could be made."""
    _end(plan, state=PlanState.FAILED.value, error=error.message)


def plan_broken_off(plan: str) -> None:
    """Record that no worker makes the plan any more."""
    _end(plan, state=PlanState.BROKEN_OFF.value)


def plan_run(plan: str, *, run: str) -> None:
    """Record the restore that a plan became."""
    with returned_connection():
        PlanRow.objects.filter(id=plan).update(state=PlanState.RUN.value, run=run)


def digest_run(digest: str, *, run: str) -> None:
    """Record the restore that the plan with this hash became, if the plan is stored."""
    with returned_connection():
        rows = PlanRow.objects.filter(digest=digest, state=PlanState.PLANNED.value)
        rows.update(state=PlanState.RUN.value, run=run)


def drop_plan(plan: str) -> None:
    """Delete a plan that did not become a restore."""
    with returned_connection():
        PlanRow.objects.filter(id=plan).exclude(state=PlanState.RUN.value).delete()


def drop_plans(*, before: datetime) -> None:
    """Delete old plans that were never run; of executed ones delete only the bytes."""
    with returned_connection():
        old = PlanRow.objects.filter(made_at__lt=before)
        old.exclude(state=PlanState.RUN.value).delete()
        old.update(content=b"")


def _end(plan: str, **columns: object) -> None:
    """Update a plan only while it is being made: it may have been deleted meanwhile."""
    with returned_connection():
        making = PlanRow.objects.filter(id=plan, state=PlanState.MAKING.value)
        making.update(**columns)


def _rows() -> QuerySet[PlanRow]:
    return PlanRow.objects.defer("content").select_related("org", "org__approval_policy")


def _first(**named: str) -> StoredPlan | None:
    with returned_connection():
        row = _rows().filter(**named).first()
    return _value(row, row.org.name) if row is not None else None


def _value(row: PlanRow, org: str) -> StoredPlan:
    return StoredPlan(
        row.id,
        org,
        PlanState(row.state),
        row.made_at,
        row.made_by,
        row.request,
        row.slot,
        row.summary,
        row.run,
        row.error,
        row.maker,
        row.digest,
        _approval(row),
        policy_in(getattr(row.org, "approval_policy", None)),
    )


def _approval(row: PlanRow) -> Approval | None:
    if row.approved_at is None:
        return None
    return Approval(row.approved_by, row.approver, row.approved_at)
