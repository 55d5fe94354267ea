"""Assignments of permission sets: one for each user and set, active from the start.

Sources: object reference (PermissionSetAssignment: IsActive, AssigneeId, PermissionSetId); SOAP guide
(DUPLICATE_VALUE).
"""

from __future__ import annotations

from collections.abc import Sequence

from unlost_simulators.salesforce.writing import refusals
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.platform.effects import Effects, WriteContext

ASSIGNMENT = "PermissionSetAssignment"


class Assignments(Effects):
    """Refuses a second assignment of a set to a user."""

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Make assignments active, and refuse repeated ones."""
        users = [str(draft.cells.get("AssigneeId")) for draft in rows]
        columns = ["Id", "AssigneeId", "PermissionSetId"]
        existing = context.select(ASSIGNMENT, columns, '"AssigneeId" IN {values}', users)
        holders = {(row["AssigneeId"], row["PermissionSetId"]): row["Id"] for row in existing}
        for draft in rows:
            pair = (draft.cells.get("AssigneeId"), draft.cells.get("PermissionSetId"))
            if pair in holders:
                draft.refuse(refusals.taken("AssigneeId", holders[pair]))
            draft.cells.setdefault("IsActive", True)
