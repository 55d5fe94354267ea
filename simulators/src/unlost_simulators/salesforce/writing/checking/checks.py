"""Checks of a row before it is written: required fields, record type, owner, times."""

from __future__ import annotations

from collections.abc import Sequence

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.rights import AUDIT_FIELDS
from unlost_simulators.salesforce.model.schema import FieldDef, FieldType
from unlost_simulators.salesforce.model.users import Permission
from unlost_simulators.salesforce.writing import refusals
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.job import Job

INACTIVE_OWNER_OBJECTS = frozenset({
    "Account", "Asset", "Case", "Contact", "Lead", "Note", "Opportunity", "Order",
    "ServiceContract", "AccountTeamMember", "OpportunityTeamMember",
})  # fmt: skip
"""Standard objects on which Update Records with Inactive Owners helps (Winter '16 notes)."""


def required(job: Job, drafts: Sequence[Draft], *, new: bool) -> None:
    """Refuse rows that lack a required field, or clear it."""
    wanted = [field for field in job.of.stored if _is_required(field)]
    for draft in drafts:
        if not draft.sound:
            continue
        absent = [field.name for field in wanted if _lacks(draft, field, new=new)]
        if absent:
            draft.refuse(refusals.missing(absent))


def _is_required(field: FieldDef) -> bool:
    settable = field.createable or field.updateable
    return field.required and settable and field.type is not FieldType.BOOLEAN


def _lacks(draft: Draft, field: FieldDef, *, new: bool) -> bool:
    if field.name in draft.cells:
        return draft.cells[field.name] is None and not field.system
    return new and field.default is None and not field.system


def record_types(job: Job, drafts: Sequence[Draft], *, new: bool) -> None:
    """Refuse record types that are not for the user; give new rows his default."""
    field = job.of.field("RecordTypeId")
    if field is None:
        return
    usable = {
        record_type.id
        for record_type in job.of.record_types
        if record_type.active and record_type.available
    }
    default = next(
        (
            record_type.id
            for record_type in job.of.record_types
            if record_type.default and record_type.id in usable
        ),
        None,
    )
    for draft in drafts:
        if not draft.sound:
            continue
        given = draft.cells.get(field.name)
        if given == ids.MASTER_RECORD_TYPE:
            draft.cells[field.name] = None
        elif given is not None and given not in usable and not job.by_platform:
            draft.refuse(refusals.wrong_record_type(str(given)))
        elif new and field.name not in draft.cells and default is not None:
            draft.cells[field.name] = default


def owners(job: Job, drafts: Sequence[Draft], *, new: bool) -> None:
    """Refuse inactive owners."""
    if job.of.field("OwnerId") is None or job.by_platform:
        return
    setting = [draft for draft in drafts if draft.sound and draft.cells.get("OwnerId") is not None]
    if not setting or (not new and _may_keep_inactive(job)):
        return
    inactive = _inactive_users(job, {str(draft.cells["OwnerId"]) for draft in setting})
    for draft in setting:
        owner = str(draft.cells["OwnerId"])
        if owner in inactive:
            draft.refuse(refusals.inactive_owner(job.of, owner))


def _may_keep_inactive(job: Job) -> bool:
    helped = job.of.name in INACTIVE_OWNER_OBJECTS or job.of.name.endswith("__c")
    return helped and job.user.may(Permission.UPDATE_INACTIVE_OWNER)


def _inactive_users(job: Job, owners: set[str]) -> set[str]:
    users = job.store.schema.get("User")
    if users is not None and users.field("IsActive") is not None:
        inactive = job.store.memo("User", "inactive")
        unknown = sorted(owners - inactive.keys())
        if unknown:
            rows = job.select("User", ["Id", "IsActive"], '"Id" IN {values}', unknown)
            inactive |= {row["Id"]: not row["IsActive"] for row in rows}
        return {owner for owner in owners if inactive.get(owner)}
    known = {owner: job.org.users.by_id(owner) for owner in owners}
    return {key for key, user in known.items() if user is not None and not user.active}


def audit_times(job: Job, drafts: Sequence[Draft]) -> None:
    """Refuse audit times of the future, and a change that is older than its record.

    The texts are the simulator's own: no source quotes the real ones.
    """
    for draft in drafts:
        if not draft.sound or not AUDIT_FIELDS & draft.cells.keys():
            continue
        created = draft.cells.get("CreatedDate") or job.stamp
        changed = draft.cells.get("LastModifiedDate") or job.stamp
        for name, label, at in (
            ("CreatedDate", "Created Date", created),
            ("LastModifiedDate", "Last Modified Date", changed),
        ):
            if at > job.stamp:
                draft.fail("FIELD_INTEGRITY_EXCEPTION", f"{label}: date is in the future", name)
        if changed < created:
            text = "Last Modified Date: date is before Created Date"
            draft.fail("FIELD_INTEGRITY_EXCEPTION", text, "LastModifiedDate")
