"""Approval by a second person: the plans that need it, and the check before a run writes.

    plan ──> reasons of the policy? ── none ──────────────────────────────────────> run
               └─ some ──> approval of this hash, valid, by another person ──────> run
                             └─ none ──> the run made a call before? ── yes ─────> run (resumed)
                                           └─ no ──> NotAllowed, nothing was written

``restore_run`` calls ``check_approved`` at its two entries to the engine, which all runs pass:
from a file, from the console, of the API, by the service, resumed and retried. See docs/adr/0043.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from unlost.app.compose import Application
from unlost.catalog.orgs.approval_policy import policy_of
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.people.tokens import acting_for
from unlost.catalog.runs.plans import StoredPlan, plan_of_digest
from unlost.catalog.runs.runs import RunState, find_run
from unlost.engine.archive.planning import rest_of
from unlost.engine.archive.pointers import pointed
from unlost.engine.restore.journal.log import RestoreLog
from unlost.engine.restore.planning.shown.summary import NOT_WRITTEN, PlanSummary
from unlost.engine.restore.running.execute import run_of
from unlost.model.access import Actor, ActorKind, Right
from unlost.model.approval import (
    APPROVAL_LASTS,
    Approval,
    ApprovalPolicy,
    ApprovalReason,
    approval_reasons,
)
from unlost.model.errors import NotAllowed
from unlost.model.plan import Action, PlanNote, RestorePlan, is_preview


class ApprovalState(StrEnum):
    """The state of a plan that needs a second person."""

    WAITING = "waiting"
    APPROVED = "approved"
    EXPIRED = "expired"  # approved, but too long ago
    VOID = "void"  # the approver may no longer restore in the org


@dataclass(frozen=True, slots=True)
class PlanApproval:
    """The approval that a plan needs.

    ``digest``: the plan's own hash, to which the approval is bound. ``by``, ``at`` and ``until``:
    the approver, and the time in which the approval is valid. ``may_approve``: the plan is another
    person's. ``may_run``: the actor did not approve it.
    """

    state: ApprovalState
    reasons: tuple[ApprovalReason, ...]
    digest: str
    by: str = ""
    at: datetime | None = None
    until: datetime | None = None
    may_approve: bool = False
    may_run: bool = True


def reasons_for_plan(org: ProtectedOrg, plan: RestorePlan) -> tuple[ApprovalReason, ...]:
    """Return why a plan needs a second person; empty if it does not."""
    policy = policy_of(org.oid)
    # A preview cannot run, so there is nothing to approve.
    if policy.is_off or is_preview(plan.notes):
        return ()
    counts = Counter(step.action for step in plan.steps)
    return _reasons(org, policy, counts, more=_more(plan.notes))


def approval_of_plan(app: Application, org: ProtectedOrg, plan: RestorePlan) -> PlanApproval | None:
    """Return the approval that a plan needs; None if it needs none, or its run has begun."""
    reasons = reasons_for_plan(org, plan)
    if not reasons or is_begun(app, org, run_of(plan)):
        return None
    return _approval(app, org, plan_of_digest(plan.digest), plan.digest, reasons)


def approval_of_stored(
    app: Application, org: ProtectedOrg, stored_plan: StoredPlan, summary: PlanSummary | None
) -> PlanApproval | None:
    """Return the same for a plan of the console, from its summary; None until it is made."""
    policy = stored_plan.policy
    if policy.is_off or summary is None or summary.is_preview:
        return None
    counts = {line.action: line.count for line in summary.actions}
    reasons = _reasons(org, policy, counts, more=_more(summary.notes))
    if not reasons or (stored_plan.run and is_begun(app, org, stored_plan.run)):
        return None
    return _approval(app, org, stored_plan, stored_plan.digest, reasons)


def check_approved(app: Application, org: ProtectedOrg, plan: RestorePlan) -> None:
    """Raise NotAllowed unless the plan needs no approval, has a valid one, or has begun to write.

    Codes: ``restore-needs-approval``, ``approval-expired``, ``approval-void``,
    ``approval-own-run``.
    """
    reasons = reasons_for_plan(org, plan)
    if not reasons:
        return
    approval = _approval(app, org, plan_of_digest(plan.digest), plan.digest, reasons)
    is_valid = approval.state is ApprovalState.APPROVED and approval.may_run
    if not is_valid and not is_begun(app, org, run_of(plan)):
        raise _refusal(org, approval)


def is_begun(app: Application, org: ProtectedOrg, run: str) -> bool:
    """Return True if a run made a call that writes, or ended."""
    known = find_run(run)
    if known is not None and known.state is RunState.DONE:
        return True
    if run not in app.whole_vault.journals(org.oid):
        return False
    state = RestoreLog(app.whole_vault.journal(org.oid, run)).state
    return state.closed is not None or state.calls > 0


def is_same_person(actor: Actor, *, name: str, person: str) -> bool:
    """Return True if an actor counts as the one of this name and account (empty: the machine's).

    A token acts for its owner. Users of the home's machine count as one: each of them can use its
    keys, and the name under which the system knows them is a setting of their shell.
    """
    if actor.kind is ActorKind.SERVICE:
        return False
    both_of_machine = not actor.person and not person
    return both_of_machine or actor.name.partition("/")[0] == name.partition("/")[0]


def approval_state(
    app: Application, org: ProtectedOrg, approval: Approval, *, right: Right = Right.RESTORE
) -> ApprovalState:
    """Return the state of an approval, whose person must have a right in the org."""
    now = app.clock.now()
    if now >= approval.until:
        return ApprovalState.EXPIRED
    if approval.person:
        approver = acting_for(approval.person, at=now)
        if approver is None or not approver.may(right, org.oid):
            return ApprovalState.VOID
    return ApprovalState.APPROVED


# --- inside ---------------------------------------------------------------------------------------


def _reasons(
    org: ProtectedOrg, policy: ApprovalPolicy, counts: Mapping[Action, int], *, more: int
) -> tuple[ApprovalReason, ...]:
    """``more``: records that count, and are no steps of the plan."""
    changes = sum(count for action, count in counts.items() if action not in NOT_WRITTEN)
    return approval_reasons(
        policy,
        kind=org.identity.kind,
        changes=changes + more,
        deletes=counts.get(Action.DELETE, 0),
    )


def _more(notes: Sequence[PlanNote]) -> int:
    """Records that can leave by the policy in later plans, and parents whose pointers are set."""
    return rest_of(notes) + pointed(notes)


def _approval(
    app: Application,
    org: ProtectedOrg,
    stored_plan: StoredPlan | None,
    digest: str,
    reasons: tuple[ApprovalReason, ...],
) -> PlanApproval:
    if stored_plan is None:
        return PlanApproval(ApprovalState.WAITING, reasons, digest)
    made_by, maker = stored_plan.made_by, stored_plan.maker
    may_approve = not is_same_person(app.actor, name=made_by, person=maker)
    approval = stored_plan.approval
    if approval is None:
        return PlanApproval(ApprovalState.WAITING, reasons, digest, may_approve=may_approve)
    return PlanApproval(
        approval_state(app, org, approval),
        reasons,
        digest,
        approval.by,
        approval.at,
        approval.until,
        may_approve,
        not is_same_person(app.actor, name=approval.by, person=approval.person),
    )


def _refusal(org: ProtectedOrg, approval: PlanApproval) -> NotAllowed:
    """Return the error for a plan without a valid approval."""
    if approval.state is ApprovalState.EXPIRED:
        return NotAllowed(
            "approval-expired",
            "{by} approved this plan more than {days} days ago, so the approval ended. Nothing was "
            "written.",
            next_step="Have the plan approved again, or make a new plan.",
            by=approval.by,
            days=APPROVAL_LASTS.days,
        )
    if approval.state is ApprovalState.VOID:
        return NotAllowed(
            "approval-void",
            "{by} approved this plan, but may no longer restore in {org}. Nothing was written.",
            next_step="Have another person who may restore in {org} approve the plan.",
            by=approval.by,
            org=org.name,
        )
    if not approval.may_run:
        return NotAllowed(
            "approval-own-run",
            "You approved this plan, so another person must run it. Nothing was written.",
            next_step="Ask the person who made the plan to run it.",
        )
    return NotAllowed(
        "restore-needs-approval",
        "The policy of {org} asks for a second person before this plan runs. Nothing was written.",
        next_step="Have another person who may restore in {org} approve the plan: on its page in "
        "the console, or with `unlost restore approve FILE`. If you work alone, add a person with "
        "`unlost user add`, or change the policy with `unlost org approval {org}`.",
        org=org.name,
    )
