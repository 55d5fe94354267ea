"""Mails as the platform keeps them: written once, with relations, links of files and tasks."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from simulators.salesforce.writing.chocolate_org import admin, empty_org, rows
from simulators.salesforce.writing.record_writer import RecordWriter, code, errors
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.org import Org

CLOSED = "INSUFFICIENT_ACCESS_OR_READONLY"


@pytest.fixture(scope="module")
def bare() -> Iterator[Org]:
    made = empty_org()
    yield made
    made.close()


@pytest.fixture
def maker(bare: Org) -> Iterator[RecordWriter]:
    yield admin(bare)
    bare.configure(mail_updates=False, mail_tasks=False)


@pytest.fixture
def shop(maker: RecordWriter) -> str:
    return maker.made("Account", {"Name": "Shop"})[0]


@pytest.fixture
def case(maker: RecordWriter, shop: str) -> str:
    return maker.made("Case", {"Subject": "Melted", "AccountId": shop})[0]


@pytest.fixture
def ana(maker: RecordWriter, shop: str) -> str:
    cells = {"LastName": "Praline", "AccountId": shop, "Email": "ana@mail.example"}
    return maker.made("Contact", cells)[0]


@pytest.fixture
def lead(maker: RecordWriter) -> str:
    cells = {"LastName": "New", "Company": "x", "Email": "Lead@mail.example"}
    return maker.made("Lead", cells)[0]


def a_file(maker: RecordWriter) -> str:
    cells = {"Title": "a", "PathOnClient": "a.pdf", "VersionData": b"pdf"}
    (key,) = maker.made("ContentVersion", cells)
    return str(maker.row("ContentVersion", key)["ContentDocumentId"])


def relations(maker: RecordWriter, mail: str) -> set[tuple[object, ...]]:
    """Type, person, address and object of each relation of a mail; none occurs twice."""
    found = rows(maker, "EmailMessageRelation", "EmailMessageId", mail)
    names = ("RelationType", "RelationId", "RelationAddress", "RelationObjectType")
    kept = {tuple(one[name] for name in names) for one in found}
    assert len(kept) == len(found)
    return kept


def mail(**cells: Any) -> dict[str, Any]:
    return {"Subject": "Hello", "TextBody": "Hi", "Status": "3", **cells}


# -- describe and queries


def test_lists_of_ids_are_described_and_never_queried(maker: RecordWriter) -> None:
    described = maker.org.describe(maker.user, "EmailMessage").body
    fields = {one["name"]: one for one in described["fields"]}
    for name in ("ToIds", "CcIds", "BccIds", "ContentDocumentIds"):
        field = fields[name]
        assert (field["soapType"], field["type"]) == ("urn:JunctionIdListNames", "reference")
        assert field["createable"]
        assert not field["filterable"]
        assert len(field) == 57
        with pytest.raises(SalesforceError, match=f"No such column '{name}'"):
            maker.org.query(maker.user, f"SELECT {name} FROM EmailMessage")
    assert fields["ToIds"]["referenceTo"] == ["Contact", "Lead", "User"]
    children = {one["childSObject"]: one for one in described["childRelationships"]}
    relation = children["EmailMessageRelation"]
    assert relation["junctionIdListNames"] == ["BccIds", "CcIds", "ToIds"]
    assert relation["junctionReferenceTo"] == ["Contact", "Lead", "User"]
    assert children["ContentDocumentLink"]["junctionIdListNames"] == ["ContentDocumentIds"]
    assert children["Attachment"]["junctionIdListNames"] == []
    assert not fields["IsExternallyVisible"]["createable"]
    assert fields["IsExternallyVisible"]["updateable"]


def test_a_hidden_list_is_no_column(maker: RecordWriter, ana: str) -> None:
    maker.org.hide_field(maker.user, "EmailMessage", "ToIds")
    described = maker.org.describe(maker.user, "EmailMessage").body
    (result,) = maker.create("EmailMessage", mail(ToIds=[ana]))
    maker.org.show_field(maker.user, "EmailMessage", "ToIds")
    assert code(result) == "INVALID_FIELD"
    assert "ToIds" not in {one["name"] for one in described["fields"]}


# -- relations


def test_each_person_and_each_address_becomes_one_relation(
    maker: RecordWriter, shop: str, ana: str, lead: str
) -> None:
    cells = {
        "RelatedToId": shop,
        "FromAddress": "office@chocolate.example",
        "ToAddress": "ANA@mail.example; Bo <bo@mail.example>;bo@mail.example",
        "CcAddress": "ana@mail.example",
        "BccAddress": "lead@mail.example",
        "ToIds": [ana[:15], ana],
        "BccIds": [lead, maker.user.id],
    }
    (key,) = maker.made("EmailMessage", mail(**cells))
    assert relations(maker, key) == {
        ("BccAddress", lead, "Lead@mail.example", "Lead"),
        ("BccAddress", maker.user.id, "lotte.devos@chocolate.example", "User"),
        ("CcAddress", None, "ana@mail.example", None),
        ("FromAddress", None, "office@chocolate.example", None),
        ("ToAddress", ana, "ana@mail.example", "Contact"),
        ("ToAddress", None, "bo@mail.example", None),
    }


def test_a_sender_named_by_id_is_related(maker: RecordWriter, ana: str) -> None:
    (key,) = maker.made("EmailMessage", mail(FromId=ana, FromAddress="ana@mail.example"))
    assert relations(maker, key) == {("FromAddress", ana, "ana@mail.example", "Contact")}


def test_lists_that_cannot_be_read_are_refused(maker: RecordWriter, shop: str, ana: str) -> None:
    text, bad, other, gone, file, none = maker.create(
        "EmailMessage",
        mail(ToIds=ana),
        mail(CcIds=["x", 7]),
        mail(BccIds=[shop]),
        mail(ToIds=["003Dn0000000099IAA"]),
        mail(ContentDocumentIds=["069Dn0000000099IAA"]),
        mail(ToIds=None),
    )
    assert code(text) == "JSON_PARSER_ERROR"
    assert [one[0] for one in errors(bad)] == ["MALFORMED_ID", "MALFORMED_ID"]
    assert (code(other), code(gone), code(file)) == (
        "FIELD_INTEGRITY_EXCEPTION",
        "INVALID_CROSS_REFERENCE_KEY",
        "INVALID_CROSS_REFERENCE_KEY",
    )
    assert none.success


def test_relations_of_a_sent_mail_are_closed_unless_they_agree(
    maker: RecordWriter, ana: str
) -> None:
    (key,) = maker.made("EmailMessage", mail(ToAddress="ana@mail.example"))
    to = {"EmailMessageId": key, "RelationType": "ToAddress"}
    agreed, person, stranger, other_kind, neither = maker.create(
        "EmailMessageRelation",
        {**to, "RelationAddress": "Ana@mail.example"},
        {**to, "RelationId": ana},
        {**to, "RelationAddress": "bo@mail.example"},
        {**to, "RelationType": "OtherAddress", "RelationAddress": "ana@mail.example"},
        {**to},
    )
    assert agreed.success
    assert person.success
    assert maker.row("EmailMessageRelation", str(person.id))["RelationAddress"] == (
        "ana@mail.example"
    )
    assert [code(one) for one in (stranger, other_kind, neither)] == [CLOSED] * 3
    held = str(agreed.id)
    assert code(maker.update("EmailMessageRelation", {"Id": held, "RelationId": ana})[0]) == CLOSED
    assert code(maker.delete("EmailMessageRelation", held)[0]) == CLOSED
    maker.org.configure(mail_updates=True)
    assert maker.delete("EmailMessageRelation", held)[0].success
    row = {**to, "RelationAddress": "bo@mail.example"}
    assert maker.create("EmailMessageRelation", row)[0].success


def test_a_relation_to_a_mail_that_is_not_there_is_refused_as_any_reference(
    maker: RecordWriter,
) -> None:
    row = {"EmailMessageId": "02sDn0000000099IAA", "RelationType": "ToAddress"}
    assert code(maker.create("EmailMessageRelation", row)[0]) == "INVALID_CROSS_REFERENCE_KEY"


# -- files and attachments


def test_files_are_linked_with_the_mail_and_not_afterwards(maker: RecordWriter, shop: str) -> None:
    one, two = a_file(maker), a_file(maker)
    sent, managed, bare = maker.made(
        "EmailMessage",
        mail(ContentDocumentIds=[one]),
        mail(IsClientManaged=True),
        mail(RelatedToId=shop),
    )
    (link,) = rows(maker, "ContentDocumentLink", "LinkedEntityId", sent)
    assert (link["ContentDocumentId"], link["ShareType"]) == (one, "V")
    assert maker.row("EmailMessage", sent)["HasAttachment"] is True
    assert maker.row("EmailMessage", bare)["HasAttachment"] is False
    again, later, open_ = maker.create(
        "ContentDocumentLink",
        {"ContentDocumentId": one, "LinkedEntityId": sent, "ShareType": "V"},
        {"ContentDocumentId": two, "LinkedEntityId": sent, "ShareType": "V"},
        {"ContentDocumentId": two, "LinkedEntityId": managed, "ShareType": "V"},
    )
    assert (code(again), code(later), code(open_)) == ("DUPLICATE_VALUE", CLOSED, "ok")
    assert code(maker.delete("ContentDocumentLink", str(link["Id"]))[0]) == CLOSED
    assert maker.delete("ContentDocumentLink", str(open_.id))[0].success
    assert maker.row("EmailMessage", managed)["HasAttachment"] is False


def test_an_attachment_marks_its_mail(maker: RecordWriter) -> None:
    (key,) = maker.made("EmailMessage", mail())
    before = maker.row("EmailMessage", key)
    one, two = maker.made(
        "Attachment", *({"ParentId": key, "Name": name, "Body": b"x"} for name in "ab")
    )
    after = maker.row("EmailMessage", key)
    assert (before["HasAttachment"], after["HasAttachment"]) == (False, True)
    assert after["LastModifiedDate"] == before["LastModifiedDate"]
    maker.delete("Attachment", one)
    assert maker.row("EmailMessage", key)["HasAttachment"] is True
    maker.delete("Attachment", two)
    assert maker.row("EmailMessage", key)["HasAttachment"] is False
    maker.undelete("Attachment", two)
    assert maker.row("EmailMessage", key)["HasAttachment"] is True


# -- what is derived and refused


def test_what_a_mail_says_of_itself(maker: RecordWriter, case: str) -> None:
    page = "<style>p {}</style><p>Gr&uuml;&szlig;e<br>aus &lt;Gent&gt;</p><!-- x --><div>K</div>"
    long, html, on_case = maker.made(
        "EmailMessage",
        {"Subject": "a" * 300, "TextBody": "kept", "HtmlBody": "<p>other</p>"},
        {"HtmlBody": page},
        {"ParentId": case},
    )
    row = maker.row("EmailMessage", long)
    assert (row["Name"], row["TextBody"], row["Status"]) == ("a" * 255, "kept", "3")
    assert row["MessageDate"] == row["CreatedDate"]
    assert maker.row("EmailMessage", html)["TextBody"] == "Grüße\naus <Gent>\nK"
    row = maker.row("EmailMessage", on_case)
    assert (row["Status"], row["RelatedToId"], row["Name"]) == ("0", case, None)


def test_status_and_activity_depend_on_the_case(maker: RecordWriter, case: str, shop: str) -> None:
    (task,) = maker.made("Task", {"Subject": "x", "Status": "Completed", "Priority": "Normal"})
    new, draft, activity, apart, good, by_record, read = maker.create(
        "EmailMessage",
        mail(RelatedToId=shop, Status="0"),
        mail(Status="5"),
        mail(RelatedToId=shop, ActivityId=task),
        mail(ParentId=case, RelatedToId=shop),
        mail(ParentId=case, RelatedToId=case, ActivityId=task),
        mail(RelatedToId=case, Status="1", ActivityId=task),
        mail(HasAttachment=True, IsOpened=True, Name="x", IsExternallyVisible=True),
    )
    assert errors(new)[0][2] == errors(draft)[0][2] == ["Status"]
    assert errors(activity) == [
        ("INSUFFICIENT_ACCESS_OR_READONLY", "you cannot modify this field", ["ActivityId"])
    ]
    assert errors(apart)[0][2] == ["RelatedToId"]
    assert good.success
    assert by_record.success
    assert sorted(read.errors[0].fields) == [
        "HasAttachment", "IsExternallyVisible", "IsOpened", "Name",
    ]  # fmt: skip


def test_a_sent_mail_is_closed(maker: RecordWriter, case: str, ana: str) -> None:
    sent, new = maker.made(
        "EmailMessage", mail(ParentId=case), mail(ParentId=case, Status="0", Incoming=True)
    )
    results = maker.update(
        "EmailMessage",
        {"Id": sent, "Subject": "Other"},
        {"Id": new, "Status": "2"},
    )
    assert [(code(one), one.errors[0].fields) for one in results] == [
        (CLOSED, ("Subject",)),
        (CLOSED, ("Status",)),
    ]
    assert code(maker.update("EmailMessage", {"Id": sent, "ToIds": [ana]})[0]) == CLOSED
    (body,) = maker.update("EmailMessage", {"Id": sent, "HtmlBody": "<p>New</p>"})
    assert (code(body), body.errors[0].fields) == (CLOSED, ("HtmlBody",))
    good = maker.update(
        "EmailMessage",
        {"Id": sent, "IsExternallyVisible": True},
        {"Id": new, "Status": "1"},
    )
    assert [one.success for one in good] == [True, True]
    assert maker.row("EmailMessage", sent)["IsExternallyVisible"] is True
    assert maker.row("EmailMessage", new)["Status"] == "1"


def test_a_draft_changes_with_its_relations_until_it_is_sent(
    maker: RecordWriter, case: str, ana: str, lead: str
) -> None:
    one, two = a_file(maker), a_file(maker)
    draft = mail(
        ParentId=case, Status="5", ToIds=[ana], CcIds=[lead], ToAddress="bo@mail.example",
        ContentDocumentIds=[one],
    )  # fmt: skip
    (key,) = maker.made("EmailMessage", draft)
    loose = {"EmailMessageId": key, "RelationType": "ToAddress", "RelationAddress": "x@y.example"}
    assert maker.create("EmailMessageRelation", loose)[0].success
    (changed,) = maker.update(
        "EmailMessage",
        {
            "Id": key, "Subject": "Other", "CcIds": [], "ToAddress": "cy@mail.example",
            "ContentDocumentIds": [two],
        },
    )  # fmt: skip
    assert changed.success, changed
    assert relations(maker, key) == {
        ("ToAddress", None, "cy@mail.example", None),
        ("ToAddress", ana, "ana@mail.example", "Contact"),
    }
    (link,) = rows(maker, "ContentDocumentLink", "LinkedEntityId", key)
    assert link["ContentDocumentId"] == two
    assert maker.row("EmailMessage", key)["Name"] == "Other"
    wrong, sent = (
        maker.update("EmailMessage", {"Id": key, "ParentId": None, "RelatedToId": None})[0],
        maker.update("EmailMessage", {"Id": key, "Status": "3"})[0],
    )
    assert code(wrong) == "FIELD_INTEGRITY_EXCEPTION"
    assert sent.success
    assert len(relations(maker, key)) == 2
    assert code(maker.update("EmailMessage", {"Id": key, "Subject": "x"})[0]) == CLOSED


# -- tasks


def test_mails_make_tasks_only_where_the_org_wants_them(
    maker: RecordWriter, case: str, shop: str, ana: str
) -> None:
    (quiet,) = maker.made("EmailMessage", mail(RelatedToId=shop))
    assert maker.row("EmailMessage", quiet)["ActivityId"] is None
    maker.org.configure(mail_tasks=True)
    about, inbound, alone = maker.made(
        "EmailMessage",
        mail(RelatedToId=shop, ToIds=[maker.user.id, ana], MessageDate="2026-05-01T23:00:00Z"),
        mail(ParentId=case, Incoming=True),
        mail(),
    )
    assert maker.row("EmailMessage", inbound)["ActivityId"] is None
    assert maker.row("EmailMessage", alone)["ActivityId"] is None
    task = maker.row("Task", maker.row("EmailMessage", about)["ActivityId"])
    assert (task["Subject"], task["WhatId"], task["WhoId"], task["TaskSubtype"]) == (
        "Email: Hello", shop, ana, "Email",
    )  # fmt: skip
    assert (task["IsClosed"], task["ActivityDate"]) == (True, date(2026, 5, 1))
