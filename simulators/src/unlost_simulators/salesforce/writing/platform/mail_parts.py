"""Parts of a mail: relations, links of files, attachments; and links of files to anything.

Source: object reference (EmailMessage, EmailMessageRelation, ContentDocumentLink, Attachment),
answers of live orgs in public threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.platform import files, mail_people, mails
from unlost_simulators.salesforce.writing.platform.effects import Effects, WriteContext

CLOSED = "The email message is no draft: its relations and files stay as they are."
"""What is refused follows the reference; code and words are the simulator's own."""
SHARE_TYPE, VISIBILITY = "V", "AllUsers"


class MailRelations(Effects):
    """Relations of mails: written by the platform, and open to changes only for drafts."""

    reads = ("EmailMessageId",)

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Accept relations that agree with the mail's addresses, and all relations of drafts."""
        if context.by_platform:
            return
        mails_by_id = _mails(context, [str(draft.cells.get("EmailMessageId")) for draft in rows])
        free = mails.open_mails(context, mails_by_id)
        persons = {str(draft.cells.get("RelationId")) for draft in rows}
        known = mail_people.mail_addresses(context, persons)
        for draft in rows:
            key = str(draft.cells.get("EmailMessageId"))
            address = known.get(str(draft.cells.get("RelationId")))
            settled = key in free or key not in mails_by_id
            if not settled and not mail_people.agrees(draft.cells, mails_by_id[key], address):
                draft.fail("INSUFFICIENT_ACCESS_OR_READONLY", CLOSED)
            elif draft.cells.get("RelationAddress") is None and address is not None:
                draft.cells["RelationAddress"] = address

    def before_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Allow changes of relations of draft mails only."""
        _refuse_closed(rows, context, "EmailMessageId")

    def before_delete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Allow deletion of relations of draft mails only."""
        _refuse_closed(rows, context, "EmailMessageId")


def _mails(context: WriteContext, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    of = context.org.schema.get(mails.MAIL)
    names = [column for column in mail_people.COLUMNS if of is not None and of.field(column)]
    records = context.select(mails.MAIL, ["Id", *names], '"Id" IN {values}', keys)
    return {row["Id"]: row for row in records}


def _refuse_closed(rows: Sequence[Draft], context: WriteContext, name: str) -> None:
    """Refuse rows that hang on a mail which is no draft."""
    of = context.org.schema.get(mails.MAIL)
    if context.by_platform or of is None:
        return
    hanging = [draft for draft in rows if str(draft.value(name)).startswith(of.id_prefix)]
    free = mails.open_mails(context, {str(draft.value(name)) for draft in hanging})
    for draft in hanging:
        if str(draft.value(name)) not in free:
            draft.fail("INSUFFICIENT_ACCESS_OR_READONLY", CLOSED)


class Links(Effects):
    """Links of files to records: one for each pair."""

    reads = ("LinkedEntityId",)

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse a second link of a pair, and links to mails that are no drafts."""
        keys = [str(draft.cells.get("ContentDocumentId")) for draft in rows]
        pairs = set(files.linked(context, keys))
        for draft in rows:
            pair = (str(draft.cells.get("ContentDocumentId")), str(draft.value("LinkedEntityId")))
            if pair in pairs:
                draft.fail("DUPLICATE_VALUE", files.already_linked(*pair), "LinkedEntityId")
            pairs.add(pair)
            _fill(draft, context)
        _refuse_closed([draft for draft in rows if draft.sound], context, "LinkedEntityId")

    def after_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Set ``HasAttachment`` of mails that got a file."""
        set_has_attachment(context, [str(draft.value("LinkedEntityId")) for draft in rows])

    def before_delete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse to remove files of mails that are no drafts."""
        _refuse_closed(rows, context, "LinkedEntityId")

    def after_delete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Clear ``HasAttachment`` of mails that lost their last file."""
        set_has_attachment(context, [str(draft.value("LinkedEntityId")) for draft in rows])


def _fill(draft: Draft, context: WriteContext) -> None:
    for name, value in (("ShareType", SHARE_TYPE), ("Visibility", VISIBILITY)):
        if context.of.field(name) is not None and draft.cells.get(name) is None:
            draft.cells[name] = value


class Attachments(files.Bodies):
    """Attachments, also of mails."""

    reads = ("ParentId",)

    def after_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Set ``HasAttachment`` of mails that got an attachment."""
        set_has_attachment(context, [str(draft.value("ParentId")) for draft in rows])

    def after_delete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Clear ``HasAttachment`` of mails that lost their last attachment."""
        set_has_attachment(context, [str(draft.value("ParentId")) for draft in rows])

    def after_undelete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Set ``HasAttachment`` of mails whose attachment was undeleted."""
        keys = [draft.id or "" for draft in rows]
        attachments = context.select("Attachment", ["ParentId"], '"Id" IN {values}', keys)
        set_has_attachment(context, [str(row["ParentId"]) for row in attachments])


def set_has_attachment(context: WriteContext, keys: Sequence[str]) -> None:
    """Set ``HasAttachment`` of the mails among these keys: true with attachments or files."""
    of = context.org.schema.get(mails.MAIL)
    if of is None or of.field("HasAttachment") is None:
        return
    wanted = sorted({key for key in keys if key.startswith(of.id_prefix)})
    flags = context.select(mails.MAIL, ["Id", "HasAttachment"], '"Id" IN {values}', wanted)
    full = _mails_with_files(context, wanted)
    changes = {
        row["Id"]: {"HasAttachment": row["Id"] in full}
        for row in flags
        if row["HasAttachment"] is not (row["Id"] in full)
    }
    context.amend(mails.MAIL, changes)


def _mails_with_files(context: WriteContext, keys: Sequence[str]) -> set[str]:
    mail_ids: set[str] = set()
    for name, column in (("Attachment", "ParentId"), (files.LINK, "LinkedEntityId")):
        records = context.select(name, [column], f'"{column}" IN {{values}}', keys)
        mail_ids |= {row[column] for row in records}
    return mail_ids
