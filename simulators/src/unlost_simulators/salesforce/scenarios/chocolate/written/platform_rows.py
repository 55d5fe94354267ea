"""Rows that the platform writes along with the written-out ones: who belongs to which record.

They look as the simulator would have written them when the contact, the event or the mail came in,
and come on top of the relations that people made.
"""

from __future__ import annotations

from collections.abc import Iterator

from unlost_simulators.salesforce.scenarios.chocolate.objects import BY_NAME
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed import FixedRow, FixedRows, Ref
from unlost_simulators.salesforce.writing.platform import mail_people


def write(fixed: FixedRows) -> None:
    """The relations of all contacts, events and mails that are written out."""
    _accounts_of_contacts(fixed)
    _people_of_events(fixed)
    _people_of_mails(fixed)


def _accounts_of_contacts(fixed: FixedRows) -> None:
    """Each contact is directly related to its account; a person's contact is not."""
    written = _written(fixed, "AccountContactRelation", "AccountId", "ContactId")
    for contact, row in _alive(fixed, "Contact"):
        account = row.values.get("AccountId")
        if account and not row.values.get("IsPersonAccount") and (account, contact) not in written:
            fixed.along(
                row, "AccountContactRelation", AccountId=account, ContactId=contact, IsDirect=True,
                IsActive=True,
            )  # fmt: skip


def _people_of_events(fixed: FixedRows) -> None:
    """Whom an event is with, and what it is about where the relation can name that."""
    field = BY_NAME["EventRelation"].field("RelationId")
    targets = () if field is None else field.targets
    for event, row in _alive(fixed, "Event"):
        for column in ("WhoId", "WhatId"):
            about = row.values.get(column)
            if isinstance(about, Ref) and about.object in targets:
                fixed.along(
                    row, "EventRelation", EventId=event, RelationId=about, IsParent=True,
                    IsWhat=column == "WhatId", IsInvitee=False,
                )  # fmt: skip


def _people_of_mails(fixed: FixedRows) -> None:
    """One row for each address of a mail; it names the contact whose address it is."""
    written = _written(
        fixed, "EmailMessageRelation", "EmailMessageId", "RelationType", "RelationAddress"
    )
    contacts = {row.values.get("Email"): contact for contact, row in _alive(fixed, "Contact")}
    for mail, row in _alive(fixed, "EmailMessage"):
        for kind, address in _addresses(row):
            sender = kind == "FromAddress"
            person = row.values.get("FromId") if sender else contacts.get(address)
            if (mail, kind, address) not in written:
                fixed.along(
                    row, "EmailMessageRelation", EmailMessageId=mail, RelationType=kind,
                    RelationAddress=address, RelationId=person,
                    RelationObjectType=person.object if isinstance(person, Ref) else None,
                )  # fmt: skip


def _addresses(mail: FixedRow) -> Iterator[tuple[str, str]]:
    for kind in mail_people.COLUMNS:
        text = mail.values.get(kind)
        for address in mail_people.addresses(text if isinstance(text, str) else None):
            yield kind, address


def _alive(fixed: FixedRows, name: str) -> Iterator[tuple[Ref, FixedRow]]:
    """Rows of an object; relations of what lies in the bin are gone."""
    for row in fixed.rows.get(name, ()):
        if not row.values.get("IsDeleted"):
            yield Ref(name, row.handle), row


def _written(fixed: FixedRows, name: str, *columns: str) -> set[tuple[object, ...]]:
    """Return the values that these columns of an object have in written-out rows."""
    rows = fixed.rows.get(name, ())
    return {tuple(row.values.get(column) for column in columns) for row in rows}
