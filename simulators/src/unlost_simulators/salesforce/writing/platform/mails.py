"""Mails: complete when they are inserted, closed to changes once they are no drafts.

Source: object reference (EmailMessage, EmailMessageRelation, JunctionIdList), answers of live orgs
in public threads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import unescape
from types import MappingProxyType
from typing import Any

from unlost_simulators.salesforce.writing import refusals
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.platform import mail_people
from unlost_simulators.salesforce.writing.platform.effects import Effects, WriteContext
from unlost_simulators.salesforce.writing.platform.files import LINK

MAIL, RELATION, CASE, TASK = "EmailMessage", "EmailMessageRelation", "Case", "Task"
DRAFT, SENT, NEW, READ = "5", "3", "0", "1"
NAME_LENGTH = 255
FILES = "ContentDocumentIds"
ALWAYS_OPEN = frozenset({"IsExternallyVisible"})

NOT_YOURS = "you cannot modify this field"
"""Seen when ActivityId was sent for a mail that is on no case."""
# What is refused follows the reference; codes and words are the simulator's own.
CLOSED = "Only drafts of email messages can be changed."
SENT_ONLY = "Status: an email message that is not on a case can only have the status 3."
TWO_RECORDS = "Related To ID: it must be the same as Parent ID."

_LINES = re.compile(r"(?i)<br\s*/?>|</(?:p|div|li|tr|h[1-6])>")
_TAGS = re.compile(r"(?s)<!--.*?-->|<(?:style|script)\b.*?</(?:style|script)>|<[^>]*>")


class Mails(Effects):
    """E-mails: one insert also writes the rows of their people and addresses."""

    reads = (
        "Status", "ParentId", "RelatedToId", "Subject", "HtmlBody", "TextBody", "FromAddress",
        "ToAddress", "CcAddress", "BccAddress", "FromId",
    )  # fmt: skip
    extras = MappingProxyType({name.lower(): name for name in (*mail_people.LISTS, FILES)})

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Derive values as the platform does, and refuse invalid new mails."""
        for draft in rows:
            _derive(draft, context)
            _check_place(draft, context)
            sent = draft.cells.get("ActivityId") is not None and not context.by_platform
            if sent and not _on_case(draft, context):
                draft.fail("INSUFFICIENT_ACCESS_OR_READONLY", NOT_YOURS, "ActivityId")
        _check_lists(rows, context)

    def after_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Create relations, links of files and, if the org has them on, tasks."""
        mail_people.relate(context, rows)
        _link_files(rows, context)
        if context.org.store.settings.mail_tasks:
            _make_tasks(rows, context)

    def before_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse most changes of mails that are no drafts."""
        if context.by_platform:
            return
        for draft in rows:
            if draft.before is not None and draft.before.get("Status") != DRAFT:
                _refuse_change(draft)
            else:
                _derive(draft, context)
                _check_place(draft, context)
        _check_lists(rows, context)

    def after_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Replace the relations of drafts whose lists or addresses were sent."""
        if context.by_platform:
            return
        changed = [draft for draft in rows if draft.extras or _addresses_changed(draft)]
        mail_people.replace(context, changed)
        _unlink_files([draft for draft in changed if FILES in draft.extras], context)
        _link_files(changed, context)


def _derive(draft: Draft, context: WriteContext) -> None:
    cells = draft.cells
    if draft.before is None or "Subject" in cells:
        subject = draft.value("Subject")
        _set(draft, context, {"Name": None if subject is None else str(subject)[:NAME_LENGTH]})
    if draft.value("TextBody") is None and draft.value("HtmlBody") is not None:
        _set(draft, context, {"TextBody": plain(str(draft.value("HtmlBody")))})
    if draft.value("RelatedToId") is None and draft.value("ParentId") is not None:
        _set(draft, context, {"RelatedToId": draft.value("ParentId")})
    if draft.before is None:
        if cells.get("MessageDate") is None:
            _set(draft, context, {"MessageDate": context.stamp})
        if cells.get("Status") is None:
            _set(draft, context, {"Status": NEW if _on_case(draft, context) else SENT})


def plain(html: str) -> str:
    """The text of a page: lines where blocks end, no tags, entities as characters."""
    return unescape(_TAGS.sub("", _LINES.sub("\n", html))).strip()


def _set(draft: Draft, context: WriteContext, values: dict[str, Any]) -> None:
    """Put values into the fields that the object has."""
    for name, value in values.items():
        if context.of.field(name) is not None:
            draft.cells[name] = value


def _on_case(draft: Draft, context: WriteContext) -> bool:
    case = context.org.schema.get(CASE)
    related = str(draft.value("RelatedToId") or "")
    if draft.value("ParentId") is not None:
        return True
    return case is not None and related.startswith(case.id_prefix)


def _check_place(draft: Draft, context: WriteContext) -> None:
    """Refuse mails on several records, and statuses that only mails of cases have."""
    parent, related = draft.value("ParentId"), draft.value("RelatedToId")
    if parent is not None and related is not None and parent != related:
        draft.fail("FIELD_INTEGRITY_EXCEPTION", TWO_RECORDS, "RelatedToId")
    if draft.value("Status") != SENT and not _on_case(draft, context):
        draft.fail("FIELD_INTEGRITY_EXCEPTION", SENT_ONLY, "Status")


def _refuse_change(draft: Draft) -> None:
    """Refuse changes other than of open fields, and from new to read."""
    was = None if draft.before is None else draft.before.get("Status")
    read = (was, draft.cells.get("Status")) == (NEW, READ)
    closed = [
        name
        for name in (*draft.cells, *draft.extras)
        if name not in ALWAYS_OPEN and not name.endswith("__c") and not (name == "Status" and read)
    ]
    if closed:
        draft.fail("INSUFFICIENT_ACCESS_OR_READONLY", CLOSED, *closed)


def _check_lists(rows: Sequence[Draft], context: WriteContext) -> None:
    for name in (*mail_people.LISTS, FILES):
        field = context.of.junction(name)
        holders = [draft for draft in rows if draft.sound and name in draft.extras]
        if field is None or not holders:
            continue
        for draft in holders:
            _check_shape(draft, name)
        sound = [draft for draft in holders if draft.sound]
        keys = {key for draft in sound for key in draft.extras[name]}
        known = set(mail_people.existing(context, field.targets, keys))
        for draft in sound:
            for key in draft.extras[name]:
                if not mail_people.fits(context, field.targets, key):
                    draft.refuse(refusals.wrong_target(field.label, name, key))
                elif key not in known:
                    draft.refuse(refusals.NO_SUCH_ROW)


def _check_shape(draft: Draft, name: str) -> None:
    """Turn a list of ids into full ids; anything else is refused as the parser does."""
    given = draft.extras[name]
    if given is None:
        given = []
    if not isinstance(given, list):
        text = f"Cannot deserialize instance of JunctionIdList from value {given}"
        draft.fail("JSON_PARSER_ERROR", f"{text} at [line:1, column:1]")
        return
    bad = [record_id for record_id in given if not mail_people.is_id(record_id)]
    for record_id in bad:
        draft.refuse(refusals.malformed_id(record_id))
    if not bad:
        draft.extras[name] = mail_people.full_ids(given)


def _addresses_changed(draft: Draft) -> bool:
    return any(draft.changes(column) for column in mail_people.COLUMNS)


def _link_files(rows: Sequence[Draft], context: WriteContext) -> None:
    links = [
        {"ContentDocumentId": key, "LinkedEntityId": draft.id, "ShareType": "V"}
        for draft in rows
        for key in draft.extras.get(FILES) or ()
    ]
    context.create(LINK, links)


def _unlink_files(rows: Sequence[Draft], context: WriteContext) -> None:
    keys = [draft.id or "" for draft in rows]
    links = context.select(LINK, ["Id"], '"LinkedEntityId" IN {values}', keys)
    context.delete(LINK, [row["Id"] for row in links])


def _make_tasks(rows: Sequence[Draft], context: WriteContext) -> None:
    """The task of each mail that is related to a record and is not inbound case mail."""
    wanted = [
        draft
        for draft in rows
        if draft.cells.get("ActivityId") is None
        and draft.cells.get("RelatedToId") is not None
        and not (draft.cells.get("Incoming") and _on_case(draft, context))
    ]
    tasks = context.create(TASK, [_task(draft, context) for draft in wanted])
    pairs = zip(wanted, tasks, strict=True)
    context.amend(MAIL, {draft.id or "": {"ActivityId": task.id} for draft, task in pairs})


def _task(draft: Draft, context: WriteContext) -> dict[str, Any]:
    people = [key for column in mail_people.LISTS for key in draft.extras.get(column) or ()]
    who = [key for key in people if mail_people.fits(context, ("Contact", "Lead"), key)]
    cells = {
        "Subject": f"Email: {draft.cells.get('Subject') or ''}"[:NAME_LENGTH],
        "WhatId": draft.cells["RelatedToId"],
        "WhoId": who[0] if who else None,
        "Status": "Completed",
        "Priority": "Normal",
        "TaskSubtype": "Email",
        "ActivityDate": draft.cells["MessageDate"].date(),
    }
    of = context.org.schema.get(TASK)
    return {name: value for name, value in cells.items() if of is not None and of.field(name)}


def open_mails(context: WriteContext, keys: Iterable[str]) -> set[str]:
    """Return the mails that accept relations and links: drafts, and mails managed by clients."""
    of = context.org.schema.get(MAIL)
    wanted = list(keys)
    if of is None or not wanted:
        return set()
    if context.org.store.settings.mail_updates:
        return set(wanted)
    managed = ' OR "IsClientManaged"' if of.field("IsClientManaged") else ""
    condition = f'"Id" IN {{values}} AND ("Status" = \'{DRAFT}\'{managed})'
    return {row["Id"] for row in context.select(MAIL, ["Id"], condition, wanted)}
