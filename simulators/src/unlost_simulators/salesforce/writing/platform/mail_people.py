"""Senders and receivers of a mail: addresses and ids become EmailMessageRelation rows.

Source: object reference (EmailMessage, EmailMessageRelation).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.platform.effects import WriteContext

RELATION = "EmailMessageRelation"
PEOPLE = ("Contact", "Lead", "User")
LISTS = {"ToIds": "ToAddress", "CcIds": "CcAddress", "BccIds": "BccAddress"}
"""Lists of ids and the relation type of their rows."""
COLUMNS = ("FromAddress", "ToAddress", "CcAddress", "BccAddress")
"""Columns of plain addresses; each is named like its relation type."""
SENDER = "FromId"

_BETWEEN = re.compile(r"[;,\s<>]+")


def is_id(value: Any) -> bool:
    """Return true if the value is an id of 15 or 18 characters."""
    return isinstance(value, str) and ids.is_id(value)


def full_ids(values: Iterable[str]) -> list[str]:
    """Ids of 18 characters, each once, in their order."""
    return list(dict.fromkeys(ids.full(value) for value in values))


def fits(context: WriteContext, names: Sequence[str], key: str) -> bool:
    """Return true if the id is one of these objects."""
    return object_of(context, names, key) is not None


def object_of(context: WriteContext, names: Sequence[str], key: str) -> str | None:
    """The object among ``names`` whose ids begin like this one."""
    for name in names:
        of = context.org.schema.get(name)
        if of is not None and key.startswith(of.id_prefix):
            return name
    return None


def existing(context: WriteContext, names: Sequence[str], keys: Iterable[str]) -> list[str]:
    """Return the ids that live rows of these objects have."""
    wanted = list(keys)
    selections = (context.select(name, ["Id"], '"Id" IN {values}', wanted) for name in names)
    return [row["Id"] for rows in selections for row in rows]


def mail_addresses(context: WriteContext, keys: Iterable[str]) -> dict[str, str | None]:
    """The address of each person by id."""
    wanted = list(keys)
    emails: dict[str, str | None] = {}
    for name in PEOPLE:
        of = context.org.schema.get(name)
        if of is None or of.field("Email") is None:
            continue
        rows = context.select(name, ["Id", "Email"], '"Id" IN {values}', wanted)
        emails |= {row["Id"]: row["Email"] for row in rows}
    return emails


def addresses(text: str | None) -> list[str]:
    """The addresses of a column, as they stand there: ``Name <a@b>`` and ``a@b; c@d``."""
    return [address for address in _BETWEEN.split(text or "") if "@" in address]


def relate(context: WriteContext, rows: Sequence[Draft]) -> None:
    """Write one relation for each person and for each address that belongs to none of them."""
    if context.org.schema.get(RELATION) is None:
        return
    people = {key for draft in rows for _, key in _persons(draft)}
    known = mail_addresses(context, people)
    context.create(RELATION, [row for draft in rows for row in _relations(context, draft, known)])


def _persons(draft: Draft) -> Iterator[tuple[str, str]]:
    """Relation types and ids of the persons that the mail names."""
    sender = draft.value(SENDER)
    if sender is not None:
        yield "FromAddress", str(sender)
    for name, kind in LISTS.items():
        for key in draft.extras.get(name) or ():
            yield kind, key


def _relations(
    context: WriteContext, draft: Draft, known: Mapping[str, str | None]
) -> Iterator[dict[str, Any]]:
    known_pairs: set[tuple[str, str]] = set()
    for kind, key in _persons(draft):
        address = known.get(key)
        known_pairs.add((kind, (address or "").lower()))
        yield _row(context, draft, kind, address, key)
    for kind in COLUMNS:
        for address in addresses(draft.value(kind)):
            if (kind, address.lower()) not in known_pairs:
                known_pairs.add((kind, address.lower()))
                yield _row(context, draft, kind, address, None)


def _row(
    context: WriteContext, draft: Draft, kind: str, address: str | None, key: str | None
) -> dict[str, Any]:
    row = {"EmailMessageId": draft.id, "RelationType": kind, "RelationAddress": address}
    person = None if key is None else object_of(context, PEOPLE, key)
    whole = {**row, "RelationId": key, "RelationObjectType": person}
    of = context.org.schema.get(RELATION)
    return {name: value for name, value in whole.items() if of is not None and of.field(name)}


def replace(context: WriteContext, rows: Sequence[Draft]) -> None:
    """Write the relations of drafts anew; a list that was not sent again keeps its people."""
    fields = ["Id", "EmailMessageId", "RelationType", "RelationId"]
    keys = [draft.id or "" for draft in rows]
    relations = context.select(RELATION, fields, '"EmailMessageId" IN {values}', keys)
    for draft in rows:
        draft.extras |= _unchanged_lists(
            draft, [row for row in relations if row["EmailMessageId"] == draft.id]
        )
    context.delete(RELATION, [row["Id"] for row in relations])
    relate(context, rows)


def _unchanged_lists(draft: Draft, relations: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The people of lists that were not sent again."""
    return {
        name: [
            row["RelationId"]
            for row in relations
            if row["RelationType"] == kind and row["RelationId"] is not None
        ]
        for name, kind in LISTS.items()
        if name not in draft.extras
    }


def agrees(row: Mapping[str, Any], mail: Mapping[str, Any], address: str | None) -> bool:
    """Return true if a relation adds nothing to the addresses of its mail.

    ``address`` is the person's own, for a relation that names a person.
    """
    kind = row.get("RelationType")
    given = row.get("RelationAddress") or address
    if kind not in COLUMNS or given is None:
        return False
    return given.lower() in {listed.lower() for listed in addresses(mail.get(kind))}
