"""Archived records whose retention has ended: list, request, approve, withdraw, and erase.

    list ──> request by A ──> approve by B, who saw the same effect ──> erase by A: one erasure
                └── withdraw, another effect, 7 days, B is no longer an admin

Nothing is erased automatically. See docs/adr/0057.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from unlost.app.access import action
from unlost.app.actions.retention.erase import ErasureResult, apply_erasure
from unlost.app.archive.periods import archives_of, today_of
from unlost.app.archive.removal_problems import (
    FRESH_DAYS,
    already_approved,
    backup_needed,
    needs_approval,
    not_requested,
    nothing_due,
    own_approval,
    removal_changed,
    same_person,
)
from unlost.app.compose import Application
from unlost.app.restores.approvals import ApprovalState, approval_state, is_same_person
from unlost.app.restores.open_restores import check_no_restore
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.vault.archive_periods import (
    RemovalRequest,
    approve_request,
    drop_request,
    removal_request,
    store_request,
)
from unlost.engine.records.expired import DueRecords, due_records
from unlost.model.access import Right, Role, Trace
from unlost.model.approval import Approval
from unlost.model.archive_retention import ArchiveCommit
from unlost.model.errors import Conflict
from unlost.model.message import Message
from unlost.model.source.reading import Json
from unlost.model.vault.erasure import Erase, Erasure
from unlost.model.vault.erasure_proof import TableErased
from unlost.model.vault.maintenance import MaintenancePlan
from unlost.model.vault.snapshot import CommitKind, nights

CHANGED, ON_HOLD = "erase-changed", "erase-held"
NAMED = 100  # records on legal hold that a list names
NAMED_POLICIES = 5  # of a proof


@dataclass(frozen=True, slots=True)
class ExpiredRun:
    """An archive whose retention has ended: ``policy`` and ``keep_days`` as it was planned.

    ``archived``: the day on which it archived its records; ``ended``: from this day on they are due.
    """

    run: str
    policy: str
    keep_days: int
    archived: date
    ended: date
    records: int


@dataclass(frozen=True, slots=True)
class RemovalView:
    """A request to erase due records, and its approval.

    ``day``: the records that were due then. ``changed``: another effect than the requested one.
    ``may_approve``: another person requested it. ``may_erase``: it is approved, by another person.
    """

    by: str
    at: datetime
    day: date
    digest: str
    records: int
    state: ApprovalState
    changed: bool
    approved_by: str = ""
    approved_at: datetime | None = None
    until: datetime | None = None
    may_approve: bool = False
    may_erase: bool = False


@dataclass(frozen=True, slots=True)
class ExpiredArchives:
    """The archived records whose retention had ended on ``day``; nothing is erased yet.

    With a request, ``day`` is the day of the request. ``digest`` identifies the effect of erasing
    them: pass it on to agree. ``journals``: runs whose journals are erased too. ``on_hold``: number
    of due records that stay because of a legal hold, and the ``held_records`` as TABLE/ID, at most
    100. ``unknown``: archives without a known period, whose records are kept for ever. ``later``:
    due records beyond the largest erasure. ``unread``: tables that the newest backup did not read,
    whose due records stay. ``problem``: why nothing can be erased now, such as a legal hold on the
    change log; the effect and its digest are empty then.
    """

    org: str
    zone: str
    day: date
    digest: str
    records: int
    tables: tuple[TableErased, ...]
    files: int
    file_bytes: int
    rewritten: int
    journals: tuple[str, ...]
    runs: tuple[ExpiredRun, ...]
    on_hold: int = 0
    held_records: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    later: int = 0
    request: RemovalView | None = None
    unread: tuple[str, ...] = ()
    problem: Message | None = None


@dataclass(frozen=True, slots=True)
class WithdrawnRemoval:
    """A withdrawn request: the person who made it, its time, and its number of records."""

    org: str
    by: str
    at: datetime
    records: int


@dataclass(frozen=True, slots=True)
class ExpiredErasure:
    """Archived records that were erased at the end of their retention, and by which policies."""

    erasure: ErasureResult
    policies: tuple[str, ...]
    runs: tuple[str, ...]
    requested_by: str
    approved_by: str


@dataclass(frozen=True, slots=True)
class _Due:
    """The records of an org that were due on a day, and the archives that took them."""

    day: date
    archives: Sequence[ArchiveCommit]
    records: DueRecords

    def runs(self) -> tuple[ExpiredRun, ...]:
        """Return the archives of the records, oldest first."""
        counts = Counter(self.records.archives.values())
        return tuple(
            ExpiredRun(
                archive.run,
                archive.period.policy,
                archive.period.keep_days,
                archive.day,
                archive.ends,
                counts[archive.number],
            )
            for archive in self.archives
            if archive.number in counts and archive.period is not None and archive.ends is not None
        )

    def policies(self) -> tuple[str, ...]:
        """Return the names of the policies by which the records were archived."""
        return tuple(dict.fromkeys(run.policy for run in self.runs()))

    def operation(self) -> Erase:
        """Return the erasure of the records, whose proof names their policies."""
        names = self.policies()
        more = f" and {len(names) - NAMED_POLICIES} more" if len(names) > NAMED_POLICIES else ""
        policies = ", ".join(names[:NAMED_POLICIES]) + more
        by = f"{Role.ADMIN.value}, at the end of the retention of {policies}"
        return Erase(tuple(self.records.archives), by=by)


def _audited(shown: ExpiredArchives) -> Mapping[str, Json]:
    policies = sorted({run.policy for run in shown.runs})
    return {"records": shown.records, "digest": shown.digest, "policies": [*policies]}


def _erased(done: ExpiredErasure) -> Mapping[str, Json]:
    return {
        "reason": "end of retention",
        "records": done.erasure.records,
        "files": done.erasure.files,
        "snapshot": done.erasure.snapshot,
        "policies": [*done.policies],
        "runs": [*done.runs],
        "requested_by": done.requested_by,
        "approved_by": done.approved_by,
    }


@action("archive.expired", Right.READ, trace=Trace.READ)
def list_expired(app: Application, org: str) -> ExpiredArchives:
    """List the archived records whose retention has ended, and the request to erase them.

    Raises NotFound (``org-unknown``).
    """
    known, request = get_org(org), removal_request(org)
    return _shown(app, known, _due(app, known, request), request)


@action("archive.request-erasure", Right.MANAGE, trace=Trace.WRITE, detail=_audited)
def request_removal(app: Application, org: str, *, plan: str) -> ExpiredArchives:
    """Request to erase the due records. ``plan``: the digest of the effect that the person saw.

    It replaces an earlier request. Raises Conflict (``retention-nothing``, ``erase-changed``,
    ``retention-needs-backup``, ``runs-open``), NotFound.
    """
    known = get_org(org)
    _check_backup(app, known)
    check_no_restore(app, known)
    due = _due(app, known, None)
    if not due.records.archives:
        raise nothing_due(org)
    planned = _planned(app, known, due)
    if planned.digest != plan:
        raise removal_changed(org)
    request = RemovalRequest(
        org,
        due.day,
        plan,
        len(due.records.archives),
        app.clock.now(),
        app.actor.name,
        app.actor.person,
    )
    store_request(request)
    return _view(app, known, due, planned.effect, digest=plan, request=request)


@action("archive.approve-erasure", Right.MANAGE, trace=Trace.WRITE, detail=_audited)
def approve_removal(app: Application, org: str, *, plan: str) -> ExpiredArchives:
    """Approve a request as a second person. ``plan``: the digest of the effect that they saw.

    Raises NotAllowed (``retention-by-requester``), Conflict (``retention-not-requested``,
    ``retention-approved``, ``erase-changed``), NotFound.
    """
    known, request = get_org(org), _requested(org)
    if is_same_person(app.actor, name=request.made_by, person=request.maker):
        raise same_person(org, request.made_by)
    if _state(app, known, request) is ApprovalState.APPROVED:
        assert request.approval is not None, "it is approved"
        raise already_approved(request.approval.by)
    shown = _shown(app, known, _due(app, known, request), request)
    if plan != request.digest or shown.digest != plan:
        raise removal_changed(org)
    approval = Approval(app.actor.name, app.actor.person, app.clock.now())
    if not approve_request(request, approval):
        raise removal_changed(org)
    approved = _request_view(app, known, _requested(org), digest=shown.digest)
    return replace(shown, request=approved)


@action("archive.withdraw-erasure", Right.MANAGE, trace=Trace.WRITE)
def withdraw_removal(app: Application, org: str) -> WithdrawnRemoval:  # noqa: ARG001
    """Withdraw a request, with its approval; raises Conflict (``retention-not-requested``)."""
    request = _requested(org)
    drop_request(request)
    return WithdrawnRemoval(org, request.made_by, request.made_at, request.records)


@action("archive.erase-expired", Right.MANAGE, trace=Trace.WRITE, detail=_erased)
def erase_expired(app: Application, org: str, *, plan: str) -> ExpiredErasure:
    """Erase the records of an approved request from the vault. ``plan``: the digest of its effect.

    Raises NotAllowed (``retention-needs-approval``, ``retention-own-approval``), Conflict
    (``retention-not-requested``, ``retention-needs-backup``), and the errors of an erasure:
    (``erase-changed``, ``erase-held``, ``runs-open``, ``run-in-progress``), NotFound.
    """
    known, request = get_org(org), _requested(org)
    approval = _check_approved(app, known, request)
    if plan != request.digest:
        raise removal_changed(org)
    due = _due(app, known, request)
    if not due.records.archives:
        raise removal_changed(org)

    def check() -> None:
        if _requested(org) != request:
            raise removal_changed(org)
        _check_approved(app, known, request)

    def operation() -> Erase:
        # Again, now that no other run is active.
        check()
        _check_backup(app, known)
        if _due(app, known, request).records.archives != due.records.archives:
            raise removal_changed(org)
        return due.operation()

    try:
        done = apply_erasure(app, known, operation, digest=request.digest, check=check)
    except Conflict as error:
        if error.code == CHANGED:
            raise removal_changed(org) from error
        raise
    drop_request(request)
    runs = tuple(run.run for run in due.runs())
    return ExpiredErasure(done, due.policies(), runs, request.made_by, approval.by)


# --- inside ---------------------------------------------------------------------------------------


def _due(app: Application, org: ProtectedOrg, request: RemovalRequest | None) -> _Due:
    """Return the records that are due today, or were due on the day of a request."""
    archives = archives_of(app, org)
    day = today_of(app, org)
    if request is not None:
        day = min(request.day, day)  # a clock that was ahead then does not count
    records = due_records(app.whole_vault, org.oid, archives, today=day, now=app.clock.now())
    return _Due(day, archives, records)


def _planned(app: Application, org: ProtectedOrg, due: _Due) -> MaintenancePlan[Erasure]:
    return app.whole_vault.plan(org.oid, due.operation(), pause=app.cancel_flag.check)


def _shown(
    app: Application, org: ProtectedOrg, due: _Due, request: RemovalRequest | None
) -> ExpiredArchives:
    if not due.records.archives:
        return _view(app, org, due, Erasure(), digest="", request=request)
    try:
        planned = _planned(app, org, due)
    except Conflict as error:
        if error.code != ON_HOLD:
            raise
        view = _view(app, org, due, Erasure(), digest="", request=request)
        # The effect is not known, so it is not known to differ from the requested one.
        blocked = replace(view.request, changed=False) if view.request is not None else None
        return replace(view, problem=error.message, request=blocked)
    return _view(app, org, due, planned.effect, digest=planned.digest, request=request)


def _view(
    app: Application,
    org: ProtectedOrg,
    due: _Due,
    effect: Erasure,
    *,
    digest: str,
    request: RemovalRequest | None,
) -> ExpiredArchives:
    on_hold = due.records.on_hold
    return ExpiredArchives(
        org.name,
        org.identity.zone,
        due.day,
        digest,
        len(due.records.archives),
        effect.tables,
        effect.files,
        effect.file_bytes,
        effect.rewritten,
        effect.journals,
        due.runs(),
        len(on_hold),
        tuple(map(str, on_hold[:NAMED])),
        tuple(archive.run for archive in due.archives if archive.period is None),
        due.records.later,
        _request_view(app, org, request, digest=digest) if request is not None else None,
        due.records.unread,
    )


def _request_view(
    app: Application, org: ProtectedOrg, request: RemovalRequest, *, digest: str
) -> RemovalView:
    approval, state = request.approval, _state(app, org, request)
    is_own = is_same_person(app.actor, name=request.made_by, person=request.maker)
    changed = digest != request.digest
    may = app.actor.may(Right.MANAGE, org.oid)
    view = RemovalView(
        request.made_by,
        request.made_at,
        request.day,
        request.digest,
        request.records,
        state,
        changed,
        may_approve=may and not is_own and state is not ApprovalState.APPROVED and not changed,
    )
    if approval is None:
        return view
    is_approver = is_same_person(app.actor, name=approval.by, person=approval.person)
    may_erase = may and state is ApprovalState.APPROVED and not is_approver and not changed
    return replace(
        view,
        approved_by=approval.by,
        approved_at=approval.at,
        until=approval.until,
        may_erase=may_erase,
    )


def _state(app: Application, org: ProtectedOrg, request: RemovalRequest) -> ApprovalState:
    if request.approval is None:
        return ApprovalState.WAITING
    return approval_state(app, org, request.approval, right=Right.MANAGE)


def _check_approved(app: Application, org: ProtectedOrg, request: RemovalRequest) -> Approval:
    """Return the approval; raises NotAllowed unless it is valid, and of another person."""
    approval = request.approval
    if approval is None or _state(app, org, request) is not ApprovalState.APPROVED:
        raise needs_approval(org.name)
    if is_same_person(app.actor, name=approval.by, person=approval.person):
        raise own_approval()
    return approval


def _requested(org: str) -> RemovalRequest:
    request = removal_request(org)
    if request is None:
        raise not_requested(org)
    return request


def _check_backup(app: Application, org: ProtectedOrg) -> None:
    """Raise Conflict (``retention-needs-backup``) unless the vault knows which records are live."""
    vault = app.whole_vault
    backups = nights(vault.snapshots(org.oid))
    restores = (info for info in vault.commits(org.oid) if info.kind is CommitKind.RESTORE)
    last_restore = max((info.number for info in restores), default=0)
    oldest = app.clock.now() - timedelta(days=FRESH_DAYS)
    if not backups or backups[-1].number < last_restore or backups[-1].finished < oldest:
        raise backup_needed(org.name)
