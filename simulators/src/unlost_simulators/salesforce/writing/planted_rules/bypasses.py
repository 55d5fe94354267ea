"""Bypasses: rules of an org that check a permission set or a custom setting before they act.

A rule with the bypass ``NAME`` holds back for users to whom that permission set is assigned; with
``OBJECT.FIELD`` for users whose row of the hierarchy custom setting has the box ticked. The row of
the user comes before that of the profile, and this before that of the org (Apex guide, custom
settings).
"""

from __future__ import annotations

from unlost_simulators.salesforce.writing.job import Job
from unlost_simulators.salesforce.writing.rules import TriggerRule, ValidationRule


def is_bypassed(job: Job, rule: TriggerRule | ValidationRule) -> bool:
    """True if the rule holds back for the user who writes."""
    if not rule.bypass:
        return False
    setting, dot, field = rule.bypass.partition(".")
    return _is_ticked(job, setting, field) if dot else _is_assigned(job, rule.bypass)


def _is_assigned(job: Job, name: str) -> bool:
    sets = job.select("PermissionSet", ["Id"], '"Name" IN {values}', [name])
    ids = {row["Id"] for row in sets}
    columns = ["PermissionSetId", "IsActive"]
    mine = job.select("PermissionSetAssignment", columns, '"AssigneeId" IN {values}', [job.user.id])
    return any(row["PermissionSetId"] in ids and row["IsActive"] for row in mine)


def _is_ticked(job: Job, setting: str, field: str) -> bool:
    owners = [job.user.id, job.user.profile_id or "", job.org.id18]
    rows = job.select(setting, ["SetupOwnerId", field], '"SetupOwnerId" IN {values}', owners)
    by_owner = {row["SetupOwnerId"]: row[field] for row in rows}
    return bool(next((by_owner[owner] for owner in owners if owner in by_owner), False))
