"""The approval policy of each org: which restores need a second person."""

from dataclasses import asdict

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import ApprovalPolicyRow, Org
from unlost.model.approval import ApprovalPolicy
from unlost.model.errors import UsageError

LARGEST = 100_000_000  # records: a larger number is a typing error


def check_policy(policy: ApprovalPolicy) -> None:
    """Raise UsageError (``approval-invalid``) for a number of records that no policy can have."""
    if policy.records is not None and not 0 <= policy.records <= LARGEST:
        raise UsageError(
            "approval-invalid",
            "The number of records cannot be {records:,}.",
            next_step="Use a number from 0 to {largest:,}. With 0, every plan that writes or "
            "deletes a record needs a second person.",
            records=policy.records,
            largest=LARGEST,
        )


def policy_of(oid: str) -> ApprovalPolicy:
    """The policy of an org."""
    with returned_connection():
        row = ApprovalPolicyRow.objects.filter(org__oid=oid).first()
    return policy_in(row)


def set_policy(oid: str, policy: ApprovalPolicy) -> None:
    """Set the policy of an org; raises UsageError (``approval-invalid``)."""
    check_policy(policy)
    with returned_connection():
        if policy.is_off:
            ApprovalPolicyRow.objects.filter(org__oid=oid).delete()
            return
        org = Org.objects.get(oid=oid)
        ApprovalPolicyRow.objects.update_or_create(org=org, defaults=asdict(policy))


def approve_as(old: str, new: str) -> None:
    """Copy the policy of one org (an oid) to another."""
    set_policy(new, policy_of(old))


def policy_in(row: ApprovalPolicyRow | None) -> ApprovalPolicy:
    """The policy in a row of the database; no row asks for nothing."""
    if row is None:
        return ApprovalPolicy()
    return ApprovalPolicy(records=row.records, production=row.production, deletes=row.deletes)
