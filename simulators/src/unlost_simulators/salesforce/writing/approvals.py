"""Locks of approval processes: a record that waits for a decision is not changed or deleted.

Administrators, who have Modify All Data, may do both (Apex reference, Approval class).
"""

from __future__ import annotations

from collections.abc import Sequence

from unlost_simulators.salesforce.model.users import Permission
from unlost_simulators.salesforce.writing import refusals
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.job import Job
from unlost_simulators.salesforce.writing.rules import ApprovalRule


def refuse_locked(job: Job, drafts: Sequence[Draft]) -> None:
    """Refuse rows whose records are locked for the user who writes."""
    if job.by_platform or job.user.may(Permission.MODIFY_ALL_DATA):
        return
    for rule in job.org.planted.rules(ApprovalRule, job.of.name):
        for draft in drafts:
            if draft.sound and draft.id in rule.ids:
                draft.refuse(refusals.LOCKED)
                job.org.planted.hit(rule)
