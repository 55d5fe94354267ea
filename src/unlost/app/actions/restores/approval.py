"""Approve restore plans as a second person, withdraw approvals, and list the plans that wait.

    made by A ──> WAITING ──approve by B──> APPROVED ──A runs it──> the journal counts from now on
                     ^                         │
                     └── withdraw, 7 days, B may no longer restore

See docs/adr/0043.
"""

from dataclasses import dataclass

from unlost.app.access import Where, action, check_org
from unlost.app.actions.restores.kept_plan import PlanLine, PlanLines, plan_lines, stored_plan_of
from unlost.app.actions.restores.restore_plan import PlanFile, load_plan
from unlost.app.compose import Application
from unlost.app.restores.approvals import (
    ApprovalState,
    PlanApproval,
    approval_of_plan,
    is_begun,
    is_same_person,
    reasons_for_plan,
)
from unlost.app.restores.plan_files import proved_plan
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.runs.plans import (
    PlanState,
    StoredPlan,
    plan_content,
    plan_of_digest,
    plans_under_policies,
    set_approval,
)
from unlost.engine.restore.running.execute import check_runnable, run_of
from unlost.model.access import Right, Trace
from unlost.model.approval import Approval
from unlost.model.errors import Conflict, NotAllowed, NotFound
from unlost.model.plan import RestorePlan
from unlost.model.source.reading import Json

MOST = 200  # plans that are looked through; each is deleted after two weeks


@dataclass(frozen=True, slots=True)
class ApprovedPlan:
    """A plan whose approval was given or withdrawn. ``digest``: the plan's own hash."""

    org: str
    zone: str
    plan: str
    run: str
    digest: str
    approval: PlanApproval


def _audited(approved: ApprovedPlan) -> dict[str, Json]:
    return {"org": approved.org, "plan": approved.plan, "digest": approved.digest}


@action("restore.approve", Right.RESTORE, trace=Trace.WRITE, subject=("plan",), detail=_audited)
def approve(app: Application, org: str, plan: str, *, digest: str) -> ApprovedPlan:
    """Approve a plan as a second person. ``digest``: the hash of the plan that the person saw.

    Raises NotFound (``plan-unknown``), NotAllowed (``approval-by-requester``), Conflict
    (``approval-other-plan``, ``approval-not-needed``, ``plan-already-approved``,
    ``restore-begun``), and the errors of a plan that cannot be run.
    """
    known, stored_plan = get_org(org), _stored(org, plan)
    restore_plan = proved_plan(app, plan_content(plan), org=known.oid)
    if digest != restore_plan.digest or digest != stored_plan.digest:
        raise _other_plan()
    return _approve(app, known, stored_plan, restore_plan)


@action("restore.withdraw", Right.RESTORE, trace=Trace.WRITE, subject=("plan",), detail=_audited)
def withdraw(app: Application, org: str, plan: str) -> ApprovedPlan:
    """Withdraw the approval of a plan, before its run writes.

    Raises NotFound (``plan-unknown``), Conflict (``approval-missing``, ``restore-begun``).
    """
    known, stored_plan = get_org(org), _stored(org, plan)
    restore_plan = proved_plan(app, plan_content(plan), org=known.oid)
    return _withdraw(app, known, stored_plan, restore_plan)


@action(
    "restore.approve-file",
    Right.RESTORE,
    trace=Trace.WRITE,
    where=Where.ITSELF,
    detail=_audited,
)
def approve_file(app: Application, file: PlanFile) -> ApprovedPlan:
    """Approve the plan of a file as a second person; raises as ``approve``.

    NotFound (``plan-maker-unknown``): no person of this home is known to have made it.
    """
    plan, org = load_plan(app, file)
    check_org(app, Right.RESTORE, org.name)
    return _approve(app, org, _stored_of(plan), plan)


@action(
    "restore.withdraw-file",
    Right.RESTORE,
    trace=Trace.WRITE,
    where=Where.ITSELF,
    detail=_audited,
)
def withdraw_file(app: Application, file: PlanFile) -> ApprovedPlan:
    """Withdraw the approval of the plan of a file; raises as ``withdraw``."""
    plan, org = load_plan(app, file)
    check_org(app, Right.RESTORE, org.name)
    return _withdraw(app, org, _stored_of(plan), plan)


@action("restore.approvals", Right.RESTORE)
def approvals(app: Application, *, org: str | None = None) -> PlanLines:
    """List the plans that wait for a second person, and that the actor may approve."""
    orgs = [row for row in app.orgs(Right.RESTORE) if org in (None, row.name)]
    plans = plans_under_policies([row.name for row in orgs], most=MOST)
    return PlanLines(tuple(filter(_waits, plan_lines(app, orgs, plans).plans)))


# --- inside ---------------------------------------------------------------------------------------


def _waits(line: PlanLine) -> bool:
    approval = line.approval
    return (
        approval is not None
        and approval.state is not ApprovalState.APPROVED
        and approval.may_approve
    )


def _approve(
    app: Application, org: ProtectedOrg, stored_plan: StoredPlan, plan: RestorePlan
) -> ApprovedPlan:
    check_runnable(plan)
    if not reasons_for_plan(org, plan):
        raise Conflict(
            "approval-not-needed",
            "The policy of {org} does not ask for a second person for this plan.",
            next_step="Run the plan, or change the policy with `unlost org approval {org}`.",
            org=org.name,
        )
    if is_same_person(app.actor, name=stored_plan.made_by, person=stored_plan.maker):
        raise NotAllowed(
            "approval-by-requester",
            "{maker} made this plan, so another person must approve it.",
            next_step="Ask another person who may restore in {org}. All users of the home's "
            "machine count as one person, and a token counts as its owner.",
            maker=stored_plan.made_by,
            org=org.name,
        )
    seen = _before(app, org, plan)
    if seen.state is ApprovalState.APPROVED:
        raise _already(seen.by)
    now = app.clock.now()
    approval = Approval(app.actor.name, app.actor.person, now)
    _set(stored_plan, approval, plan)
    return _approved(app, org, stored_plan, plan)


def _withdraw(
    app: Application, org: ProtectedOrg, stored_plan: StoredPlan, plan: RestorePlan
) -> ApprovedPlan:
    if stored_plan.approval is None:
        raise Conflict(
            "approval-missing",
            "This plan is not approved.",
            next_step="Nothing has to be withdrawn.",
        )
    _check_not_begun(app, org, plan)
    _set(stored_plan, None, plan)
    return _approved(app, org, stored_plan, plan)


def _set(stored_plan: StoredPlan, approval: Approval | None, plan: RestorePlan) -> None:
    """Change the approval; raises Conflict or NotFound if the plan changed since it was read."""
    if set_approval(stored_plan.id, approval, digest=plan.digest, before=stored_plan.approval):
        return
    now_stored = _stored(stored_plan.org, stored_plan.id)
    if approval is not None and now_stored.approval is not None:
        raise _already(now_stored.approval.by)
    raise _other_plan()


def _before(app: Application, org: ProtectedOrg, plan: RestorePlan) -> PlanApproval:
    """Return the approval before a change; raises Conflict (``restore-begun``)."""
    _check_not_begun(app, org, plan)
    approval = approval_of_plan(app, org, plan)
    assert approval is not None, "it is needed, and the run has not begun"
    return approval


def _approved(
    app: Application, org: ProtectedOrg, stored_plan: StoredPlan, plan: RestorePlan
) -> ApprovedPlan:
    approval = approval_of_plan(app, org, plan)
    if approval is None:  # the policy no longer asks for it, or the run began meanwhile
        approval = PlanApproval(ApprovalState.WAITING, (), plan.digest)
    return ApprovedPlan(
        org.name, org.identity.zone, stored_plan.id, run_of(plan), plan.digest, approval
    )


def _check_not_begun(app: Application, org: ProtectedOrg, plan: RestorePlan) -> None:
    if is_begun(app, org, run_of(plan)):
        raise Conflict(
            "restore-begun",
            "The restore {run} of this plan has already written to {org}.",
            next_step="Stop it with `unlost runs {run} --cancel`, or take it back with "
            "`unlost undo {org} {run}`.",
            run=run_of(plan),
            org=org.name,
        )


def _stored(org: str, plan: str) -> StoredPlan:
    """Return a made plan; raises NotFound (``plan-unknown``), Conflict (``plan-not-made``)."""
    stored_plan = stored_plan_of(org, plan)
    if stored_plan.state not in (PlanState.PLANNED, PlanState.RUN) or not plan_content(plan):
        raise Conflict(
            "plan-not-made",
            "This plan is not ready.",
            next_step="Wait until it is ready, or create a new plan.",
        )
    return stored_plan


def _stored_of(plan: RestorePlan) -> StoredPlan:
    """Return the stored plan of a file; raises NotFound (``plan-maker-unknown``)."""
    stored_plan = plan_of_digest(plan.digest)
    if stored_plan is None:
        raise NotFound(
            "plan-maker-unknown",
            "This home does not know who made this plan, so a second person cannot approve it. The "
            "plan was discarded, or it was made before the policy asked for approval.",
            next_step="Make a new plan with `unlost restore plan ORG`.",
        )
    return stored_plan


def _already(by: str) -> Conflict:
    return Conflict(
        "plan-already-approved",
        "{by} already approved this plan.",
        next_step="Run the plan, or withdraw the approval first.",
        by=by,
    )


def _other_plan() -> Conflict:
    return Conflict(
        "approval-other-plan",
        "The plan is not the plan that you saw: its hash is different.",
        next_step="Open the plan again, check it, and approve it then. If this error stays, make "
        "a new plan.",
    )
