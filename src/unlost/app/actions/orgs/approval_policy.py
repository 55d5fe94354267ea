"""Show and set which plans of an org need the approval of a second person."""

from dataclasses import asdict, dataclass

from unlost.app.access import action
from unlost.app.compose import Application
from unlost.app.vault.home_copy import after_change
from unlost.catalog.orgs.approval_policy import policy_of, set_policy
from unlost.catalog.orgs.orgs import get_org
from unlost.model.access import Right, Trace
from unlost.model.approval import APPROVAL_LASTS, ApprovalPolicy
from unlost.model.org import OrgKind
from unlost.model.source.reading import Json


@dataclass(frozen=True, slots=True)
class OrgApprovalPolicy:
    """The policy of an org. ``kind``: the use of the org; ``days``: an approval is valid so long."""

    org: str
    kind: OrgKind
    policy: ApprovalPolicy
    days: int = APPROVAL_LASTS.days


def _audited(result: OrgApprovalPolicy) -> dict[str, Json]:
    return dict(asdict(result.policy))


@action("approval.show", Right.LOOK)
def show(app: Application, org: str) -> OrgApprovalPolicy:  # noqa: ARG001 (every action takes it)
    """Show which plans of an org need a second person; raises NotFound for an unknown org."""
    known = get_org(org)
    return OrgApprovalPolicy(known.name, known.identity.kind, policy_of(known.oid))


@action("approval.set", Right.MANAGE, trace=Trace.WRITE, detail=_audited)
def change(app: Application, org: str, policy: ApprovalPolicy) -> OrgApprovalPolicy:
    """Set which plans of an org need a second person; the policy before it ends.

    It applies to all runs that did not begin to write. Raises UsageError (``approval-invalid``),
    NotFound.
    """
    known = get_org(org)
    set_policy(known.oid, policy)
    after_change(app)
    return OrgApprovalPolicy(known.name, known.identity.kind, policy_of(known.oid))
