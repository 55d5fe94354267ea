"""The audit log: list the newest entries, export all, and verify the chain."""

from collections.abc import Iterator
from dataclasses import dataclass

from unlost.app.access import Where, action
from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.audit import AuditEntry, AuditProof, every, newest, prove
from unlost.model.access import Right, Trace
from unlost.model.errors import IntegrityError, UsageError

PAGE = 100


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Audit entries, newest first; pass ``more`` as ``before`` to get the next page."""

    entries: tuple[AuditEntry, ...]
    more: int | None


@action("audit.list", Right.AUDIT)
def list_events(
    app: Application,
    *,
    org: str | None = None,
    actor: str | None = None,
    before: int | None = None,
) -> AuditPage:
    """List the newest audit entries, of an org or an actor; raises NotFound for an unknown org."""
    if org is not None:
        get_org(org)
    elif not app.actor.may(Right.AUDIT):
        raise UsageError(
            "audit-org-unnamed",
            "Your role allows you to read the audit log of some orgs, not of the whole home.",
            next_step="Choose one of these orgs.",
        )
    audit_entries = newest(most=PAGE + 1, before=before, org=org, actor=actor)
    more = audit_entries[PAGE - 1].number if len(audit_entries) > PAGE else None
    return AuditPage(tuple(audit_entries[:PAGE]), more)


@action("audit.export", Right.AUDIT, trace=Trace.WRITE, where=Where.HOME)
def export(app: Application) -> Iterator[AuditEntry]:  # noqa: ARG001 (every action takes it)
    """Export all audit entries, oldest first."""
    return every()


@action("audit.verify", Right.AUDIT, where=Where.HOME)
def verify(app: Application) -> AuditProof:  # noqa: ARG001 (every action takes it)
    """Verify the chain of audit entries; raises IntegrityError (``audit-broken``)."""
    proof = prove()
    if proof.broken is not None:
        raise IntegrityError(
            "audit-broken",
            "The audit log was modified: row {broken} does not match the row before it.",
            next_step="Compare the log with an exported one, or with a copy of the home in the "
            "vault (`unlost vault rebuild --copy NUMBER` in another folder). Find out who can "
            "write to the home's database.",
            broken=proof.broken,
        )
    return proof
