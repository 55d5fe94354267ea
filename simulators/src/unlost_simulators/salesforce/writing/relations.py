"""Contacts and the accounts that they are related to: the platform keeps the direct relation.

Source: object reference (AccountContactRelation), answers of live orgs.
"""

from __future__ import annotations

from collections.abc import Sequence

from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.effects import Effects, WriteContext

RELATION = "AccountContactRelation"
ALREADY_RELATED = "This contact already has a relationship with this account."
STAYS = "A direct relationship ends with the contact or with a change of its account."
"""The code was seen, the words are the simulator's own."""


class Relations(Effects):
    """A second relation of the same pair is refused, the direct one stays."""

    reads = ("IsDirect",)

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Look for relations of the same contact and account."""
        keys = [str(one.cells.get("ContactId")) for one in rows]
        held = context.select(RELATION, ["AccountId", "ContactId"], '"ContactId" IN {values}', keys)
        pairs = {(one["AccountId"], one["ContactId"]) for one in held}
        for draft in rows:
            pair = (draft.cells.get("AccountId"), draft.cells.get("ContactId"))
            if pair in pairs and not draft.cells.get("IsDirect"):
                draft.fail("DUPLICATE_VALUE", ALREADY_RELATED)
            pairs.add(pair)

    def before_delete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Direct relations are the platform's."""
        if context.by_platform:
            return
        for draft in rows:
            if draft.before is not None and draft.before.get("IsDirect"):
                draft.fail("INVALID_OPERATION", STAYS)


def move(context: WriteContext, rows: Sequence[Draft]) -> None:
    """Another account ends the old direct relation of a contact and begins a new one."""
    moved = [one for one in rows if one.changes("AccountId")]
    if not moved:
        return
    keys = [one.id or "" for one in moved]
    old = context.select(RELATION, ["Id"], '"IsDirect" AND "ContactId" IN {values}', keys)
    context.delete(RELATION, [one["Id"] for one in old])
    begin(context, moved)


def restore(context: WriteContext, field: str, keys: Sequence[str]) -> None:
    """Make the direct relations of living contacts that lack them; ``field`` holds the keys."""
    if context.org.schema.get(RELATION) is None or context.org.schema.get("Contact") is None:
        return
    contacts = context.select(
        "Contact", ["Id", "AccountId"], f'"{field}" IN {{values}} AND "AccountId" IS NOT NULL', keys
    )
    ids = [one["Id"] for one in contacts]
    held = context.select(RELATION, ["ContactId"], '"IsDirect" AND "ContactId" IN {values}', ids)
    related = {one["ContactId"] for one in held}
    context.create(
        RELATION,
        [_direct(one["Id"], one["AccountId"]) for one in contacts if one["Id"] not in related],
    )


def begin(context: WriteContext, rows: Sequence[Draft]) -> None:
    """Direct relations of these contacts; an indirect one to the same account becomes direct."""
    if context.org.schema.get(RELATION) is None:
        return
    related = [one for one in rows if one.value("AccountId") is not None]
    keys = [one.id or "" for one in related]
    held = context.select(
        RELATION, ["Id", "AccountId", "ContactId"], '"ContactId" IN {values}', keys
    )
    known = {(one["ContactId"], one["AccountId"]): one["Id"] for one in held}
    there = [one for one in related if (one.id, one.value("AccountId")) in known]
    changes = {known[one.id, one.value("AccountId")]: {"IsDirect": True} for one in there}
    context.update(RELATION, changes)
    new = [one for one in related if (one.id, one.value("AccountId")) not in known]
    context.create(RELATION, [_direct(one.id or "", one.value("AccountId")) for one in new])


def _direct(contact: str, account: str) -> dict[str, object]:
    return {"ContactId": contact, "AccountId": account, "IsDirect": True, "IsActive": True}
