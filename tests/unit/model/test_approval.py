"""The policy that asks for a second person: its conditions, any of which is enough."""

from datetime import timedelta

import pytest

from unlost.model.approval import (
    Approval,
    ApprovalPolicy,
    ApprovalReason,
    approval_reasons,
)
from unlost.model.org import OrgKind
from unlost.testing.clock import START

RECORDS, PRODUCTION, DELETES = ApprovalReason


@pytest.mark.parametrize(
    ("policy", "kind", "changes", "deletes", "reasons"),
    [
        (ApprovalPolicy(), OrgKind.PRODUCTION, 999, 999, ()),
        (ApprovalPolicy(records=10), OrgKind.SANDBOX, 10, 0, ()),
        (ApprovalPolicy(records=10), OrgKind.SANDBOX, 11, 0, (RECORDS,)),
        (ApprovalPolicy(records=0), OrgKind.SANDBOX, 1, 0, (RECORDS,)),
        (ApprovalPolicy(production=True), OrgKind.PRODUCTION, 1, 0, (PRODUCTION,)),
        (ApprovalPolicy(production=True), OrgKind.UNKNOWN, 1, 0, (PRODUCTION,)),
        (ApprovalPolicy(production=True), OrgKind.SANDBOX, 1, 0, ()),
        (ApprovalPolicy(deletes=True), OrgKind.SANDBOX, 5, 0, ()),
        (ApprovalPolicy(deletes=True), OrgKind.SANDBOX, 5, 1, (DELETES,)),
        (
            ApprovalPolicy(records=1, production=True, deletes=True),
            OrgKind.PRODUCTION,
            2,
            2,
            (RECORDS, PRODUCTION, DELETES),
        ),
        (ApprovalPolicy(records=0, production=True), OrgKind.PRODUCTION, 0, 0, ()),
    ],
)
def test_any_condition_is_enough(
    policy: ApprovalPolicy,
    kind: OrgKind,
    changes: int,
    deletes: int,
    reasons: tuple[ApprovalReason, ...],
) -> None:
    assert approval_reasons(policy, kind=kind, changes=changes, deletes=deletes) == reasons


def test_a_policy_without_conditions_is_off() -> None:
    assert ApprovalPolicy().is_off
    assert not ApprovalPolicy(records=0).is_off, "every record counts then"


def test_an_approval_ends_after_a_week() -> None:
    assert Approval("ada", "ada", START).until == START + timedelta(days=7)
