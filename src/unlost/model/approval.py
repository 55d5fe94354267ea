"""The approval of plans by a second person: the policy of an org, and the plans that it covers.

See docs/adr/0043.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from unlost.model.org import OrgKind

# A plan shows an org as it was when the plan was made. After a week it no longer shows the approver
# what the run will meet; a week still includes a weekend and a day off.
APPROVAL_LASTS = timedelta(days=7)


class ApprovalReason(StrEnum):
    """The reason why a plan needs a second person."""

    RECORDS = "records"  # it writes more records than the policy allows one person
    PRODUCTION = "production"  # it writes to a production org
    DELETES = "deletes"  # it deletes a record


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPolicy:
    """The restores of an org that need a second person; by default none.

    ``records``: those that write more records than this; None for no limit. ``production``: all, if
    the org is a production org. ``deletes``: those that delete a record, as an undo does.
    """

    records: int | None = None
    production: bool = False
    deletes: bool = False

    @property
    def is_off(self) -> bool:
        """True if no plan needs a second person."""
        return self == ApprovalPolicy()


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval of a plan. ``by`` is the name of the actor.

    ``person`` is the account behind it; empty for a user of the home's machine.
    """

    by: str
    person: str
    at: datetime

    @property
    def until(self) -> datetime:
        """The instant at which it ends."""
        return self.at + APPROVAL_LASTS


def approval_reasons(
    policy: ApprovalPolicy, *, kind: OrgKind, changes: int, deletes: int
) -> tuple[ApprovalReason, ...]:
    """Return why a plan needs a second person; empty if it does not.

    ``changes``: the number of records that it writes; ``deletes``: those of them that it deletes.
    """
    if not changes:
        return ()
    covered = {
        ApprovalReason.RECORDS: policy.records is not None and changes > policy.records,
        ApprovalReason.PRODUCTION: policy.production and kind.may_be_production,
        ApprovalReason.DELETES: policy.deletes and deletes > 0,
    }
    return tuple(reason for reason, applies in covered.items() if applies)
