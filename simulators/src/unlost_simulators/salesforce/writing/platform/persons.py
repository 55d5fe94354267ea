"""Accounts and contacts: persons and businesses, and the contact that belongs to a person.

The record type decides which of both an account is. Source: SOAP guide (person accounts), help
article 005305352.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unlost_simulators.salesforce.model.rights import AUDIT_FIELDS
from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.writing import refusals
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.platform import relations
from unlost_simulators.salesforce.writing.platform.effects import Effects, WriteContext

NAME_PARTS = ("FirstName", "LastName", "Salutation")
SHARED = ("OwnerId", *NAME_PARTS)


class Accounts(Effects):
    """Accounts: businesses with a name, and persons with a last name and a contact."""

    reads = ("IsPersonAccount", "PersonContactId", "RecordTypeId", "FirstName", "LastName")

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Distinguish persons from businesses by their record type."""
        if context.of.field("IsPersonAccount") is None:
            return
        persons = _person_types(context, [draft.cells.get("RecordTypeId") for draft in rows])
        for draft in rows:
            if draft.cells.get("RecordTypeId") not in persons:
                _refuse_person_fields(context.of, draft)
            elif draft.cells.get("Name") is not None:
                draft.refuse(refusals.not_writable(["Name"]))
            elif draft.cells.get("LastName") is None:
                draft.refuse(refusals.missing(["LastName"]))
            else:
                draft.cells["IsPersonAccount"] = True
                draft.cells["Name"] = _whole_name(draft)

    def after_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Create the contacts of new person accounts."""
        persons = [draft for draft in rows if draft.cells.get("IsPersonAccount")]
        contact = context.org.schema.get("Contact")
        if not persons or contact is None:
            return
        contacts = context.create("Contact", [_contact(contact, draft) for draft in persons])
        pairs = zip(persons, contacts, strict=True)
        context.amend(
            "Account", {draft.id or "": {"PersonContactId": result.id} for draft, result in pairs}
        )

    def before_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Compose the names of persons, and refuse their fields for businesses."""
        if context.of.field("IsPersonAccount") is None:
            return
        for draft in rows:
            if not draft.value("IsPersonAccount"):
                _refuse_person_fields(context.of, draft)
            elif "Name" in draft.cells:
                draft.refuse(refusals.not_writable(["Name"]))
            elif draft.changes("FirstName") or draft.changes("LastName"):
                draft.cells["Name"] = _whole_name(draft)

    def after_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Copy changes of a person to its contact."""
        contact = context.org.schema.get("Contact")
        changes: dict[str, dict[str, Any]] = {}
        for draft in rows:
            key = draft.value("PersonContactId")
            if contact is None or key is None or not draft.value("IsPersonAccount"):
                continue
            moved = _shared_cells(contact, draft)
            if moved:
                changes[str(key)] = moved
        context.update("Contact", changes)

    def after_undelete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Create the direct relations of contacts that were undeleted too."""
        relations.create_missing(context, "AccountId", [draft.id or "" for draft in rows])


class Contacts(Effects):
    """Contacts, with a direct relation to their account."""

    reads = ("AccountId", "IsPersonAccount")

    def after_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Create the direct relations of new contacts."""
        relations.create_direct(
            context, [draft for draft in rows if not draft.value("IsPersonAccount")]
        )

    def before_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse record type and manager of a person's contact."""
        del context
        for draft in _owned_by_platform(rows):
            if "RecordTypeId" in draft.cells:
                draft.refuse(refusals.NO_ACCESS)
            elif draft.cells.get("ReportsToId") is not None:
                draft.refuse(refusals.not_writable(["ReportsToId"]))

    def after_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Replace the direct relations of contacts whose account changed."""
        relations.replace_direct(context, rows)

    def before_delete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse to delete a person's contact without its account."""
        del context
        for draft in _owned_by_platform(rows):
            draft.refuse(refusals.NO_ACCESS)

    def after_undelete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Create the direct relations of undeleted contacts."""
        relations.create_missing(context, "Id", [draft.id or "" for draft in rows])


def _owned_by_platform(rows: Sequence[Draft]) -> list[Draft]:
    return [
        draft for draft in rows if draft.before is not None and draft.before.get("IsPersonAccount")
    ]


def _person_types(context: WriteContext, wanted: Sequence[Any]) -> set[str]:
    of = context.org.schema.get("RecordType")
    if of is None or of.field("IsPersonType") is None:
        return set()
    keys = [str(value) for value in wanted if value is not None]
    types = context.select("RecordType", ["Id"], '"IsPersonType" AND "Id" IN {values}', keys)
    return {row["Id"] for row in types}


def _is_person_field(name: str) -> bool:
    own_name = name.startswith("Person") and name != "PersonContactId"
    return own_name or name.endswith("__pc") or name in NAME_PARTS


def _refuse_person_fields(of: ObjectDef, draft: Draft) -> None:
    given = [name for name, value in draft.cells.items() if value and _is_person_field(name)]
    ordered = [field.name for field in of.stored if field.name in given]
    if ordered:
        draft.refuse(refusals.not_writable(ordered))


def _whole_name(draft: Draft) -> str:
    parts = (draft.value("FirstName"), draft.value("LastName"))
    return " ".join(str(part) for part in parts if part)


def _contact(of: ObjectDef, draft: Draft) -> dict[str, Any]:
    stamps = {name: draft.cells[name] for name in AUDIT_FIELDS if name in draft.cells}
    fixed = {"AccountId": draft.id, "IsPersonAccount": True}
    return {**_shared_cells(of, draft), **stamps, **fixed}


def _shared_cells(of: ObjectDef, draft: Draft) -> dict[str, Any]:
    """The cells of an account that its contact has too, under the contact's names."""
    cells = {}
    for name, value in draft.cells.items():
        other = _contact_name(name)
        if other is not None and (field := of.field(other)) is not None and not field.computed:
            cells[field.name] = value
    return cells


def _contact_name(name: str) -> str | None:
    if name in SHARED:
        return name
    if name.endswith("__pc"):
        return f"{name.removesuffix('__pc')}__c"
    if name.startswith("Person") and name != "PersonContactId":
        return name.removeprefix("Person")
    return None
