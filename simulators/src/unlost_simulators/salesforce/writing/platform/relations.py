"""Contacts and the accounts that they are related to: the platform keeps the direct relation.

Source: object reference (AccountContactRelation), answers of live orgs.
"""

from __future__ import annotations

from collections.abc import Sequence

from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.platform.effects import Effects, WriteContext

RELATION = "AccountContactRelation"
ALREADY_RELATED = "This contact already has a relationship with this account."
STAYS = "A direct relationship ends with the contact or with a change of its account."
"""The code was seen, the words are the simulator's own."""


class Relations(Effects):
    """Relations of contacts and accounts: one for each pair."""

    reads = ("IsDirect",)

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse a second relation of a contact and an account."""
        keys = [str(draft.cells.get("ContactId")) for draft in rows]
        existing = context.select(
            RELATION, ["AccountId", "ContactId"], '"ContactId" IN {values}', keys
        )
        pairs = {(row["AccountId"], row["ContactId"]) for row in existing}
        for draft in rows:
            pair = (draft.cells.get("AccountId"), draft.cells.get("ContactId"))
            if pair in pairs and not draft.cells.get("IsDirect"):
                draft.fail("DUPLICATE_VALUE", ALREADY_RELATED)
            pairs.add(pair)

    def before_delete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse to delete direct relations, which belong to the platform."""
        if context.by_platform:
            return
        for draft in rows:
            if draft.before is not None and draft.before.get("IsDirect"):
                draft.fail("INVALID_OPERATION", STAYS)


def replace_direct(context: WriteContext, rows: Sequence[Draft]) -> None:
    """Replace the direct relation of contacts whose account changed."""
    moved = [draft for draft in rows if draft.changes("AccountId")]
    if not moved:
        return
    keys = [draft.id or "" for draft in moved]
    old = context.select(RELATION, ["Id"], '"IsDirect" AND "ContactId" IN {values}', keys)
    context.delete(RELATION, [row["Id"] for row in old])
    create_direct(context, moved)


def create_missing(context: WriteContext, field: str, keys: Sequence[str]) -> None:
    """Create the missing direct relations of live contacts; ``field`` holds the keys."""
    if context.org.schema.get(RELATION) is None or context.org.schema.get("Contact") is None:
        return
    contacts = context.select(
        "Contact", ["Id", "AccountId"], f'"{field}" IN {{values}} AND "AccountId" IS NOT NULL', keys
    )
    ids = [contact["Id"] for contact in contacts]
    existing = context.select(
        RELATION, ["ContactId"], '"IsDirect" AND "ContactId" IN {values}', ids
    )
    related = {row["ContactId"] for row in existing}
    context.create(
        RELATION,
        [
            _direct(contact["Id"], contact["AccountId"])
            for contact in contacts
            if contact["Id"] not in related
        ],
    )


def create_direct(context: WriteContext, rows: Sequence[Draft]) -> None:
    """Create direct relations of these contacts; an indirect one becomes direct."""
    if context.org.schema.get(RELATION) is None:
        return
    related = [draft for draft in rows if draft.value("AccountId") is not None]
    keys = [draft.id or "" for draft in related]
    existing = context.select(
        RELATION, ["Id", "AccountId", "ContactId"], '"ContactId" IN {values}', keys
    )
    known = {(row["ContactId"], row["AccountId"]): row["Id"] for row in existing}
    there = [draft for draft in related if (draft.id, draft.value("AccountId")) in known]
    changes = {known[draft.id, draft.value("AccountId")]: {"IsDirect": True} for draft in there}
    context.update(RELATION, changes)
    new = [draft for draft in related if (draft.id, draft.value("AccountId")) not in known]
    context.create(RELATION, [_direct(draft.id or "", draft.value("AccountId")) for draft in new])


def _direct(contact: str, account: str) -> dict[str, object]:
    return {"ContactId": contact, "AccountId": account, "IsDirect": True, "IsActive": True}
