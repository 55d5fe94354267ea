"""What becomes of files, mails and their attachments when records are deleted."""

from collections.abc import Iterator

import pytest

from simulators.salesforce.writing.chocolate_org import admin, empty_org, rows
from simulators.salesforce.writing.record_writer import RecordWriter, code
from unlost_simulators.salesforce.org import Org

PICTURE = {"Title": "Bar", "PathOnClient": "bar.png", "VersionData": b"bytes"}


@pytest.fixture
def chocolate() -> Iterator[Org]:
    org = empty_org()
    yield org
    org.close()


@pytest.fixture
def maker(chocolate: Org) -> RecordWriter:
    return admin(chocolate)


@pytest.fixture
def case(maker: RecordWriter) -> str:
    (key,) = maker.made("Case", {"Subject": "Melted"})
    return key


def document_of(maker: RecordWriter, *places: str) -> str:
    """A file that is linked to its uploader and to these records."""
    (version,) = maker.made("ContentVersion", PICTURE)
    document = str(maker.row("ContentVersion", version)["ContentDocumentId"])
    for place in places:
        maker.made("ContentDocumentLink", {"ContentDocumentId": document, "LinkedEntityId": place})
    return document


def linked(maker: RecordWriter, document: str) -> set[object]:
    found = rows(maker, "ContentDocumentLink", "ContentDocumentId", document)
    return {row["LinkedEntityId"] for row in found}


def test_a_file_outlives_the_records_that_share_it(maker: RecordWriter, case: str) -> None:
    (shop,) = maker.made("Account", {"Name": "a"})
    document = document_of(maker, case, shop)
    before = maker.org.storage.file_bytes()
    assert maker.delete("Case", case)[0].success
    assert linked(maker, document) == {shop, maker.user.id}
    assert maker.delete("Account", shop)[0].success
    assert linked(maker, document) == {maker.user.id}
    assert not maker.row("ContentDocument", document)["IsDeleted"]
    assert maker.org.storage.file_bytes() == before


def test_a_document_takes_its_versions_and_links_along(maker: RecordWriter, case: str) -> None:
    document = document_of(maker, case)
    maker.made("ContentVersion", {**PICTURE, "ContentDocumentId": document})
    before = maker.org.storage.file_bytes()
    assert maker.delete("ContentDocument", document)[0].success
    assert linked(maker, document) == set()
    assert rows(maker, "ContentVersion", "ContentDocumentId", document) == []
    assert maker.org.storage.file_bytes() == before - 2 * len(b"bytes")
    assert not maker.row("Case", case)["IsDeleted"]
    assert maker.undelete("ContentDocument", document)[0].success
    assert len(rows(maker, "ContentVersion", "ContentDocumentId", document)) == 2


def test_a_case_takes_its_mails_with_all_that_hangs_on_them(maker: RecordWriter, case: str) -> None:
    (person,) = maker.made("Contact", {"LastName": "x", "Email": "x@shop.example"})
    document = document_of(maker, case)
    (mail,) = maker.made(
        "EmailMessage",
        {
            "ParentId": case, "Subject": "Melted", "ToIds": [person], "Status": "0",
            "ContentDocumentIds": [document], "HtmlBody": '<img src="cid:bar.png">',
        },
    )  # fmt: skip
    (inline,) = maker.made("Attachment", {"Name": "bar.png", "Body": b"x", "ParentId": mail})
    (comment,) = maker.made("CaseComment", {"ParentId": case, "CommentBody": "c"})
    (task,) = maker.made(
        "Task", {"Subject": "t", "WhatId": case, "Status": "Open", "Priority": "Normal"}
    )
    assert len(linked(maker, document)) == 3
    assert maker.delete("Case", case)[0].success
    gone = {"EmailMessage": mail, "Attachment": inline, "CaseComment": comment, "Task": task}
    for name, key in gone.items():
        row = maker.row(name, key)
        assert (row["IsDeleted"], row["LastModifiedById"]) == (True, maker.user.id), name
    assert rows(maker, "EmailMessageRelation", "EmailMessageId", mail) == []
    assert linked(maker, document) == {maker.user.id}
    assert code(maker.undelete("EmailMessage", mail)[0]) == "UNDELETE_FAILED"
    assert maker.undelete("Case", case)[0].success
    assert all(not maker.row(name, key)["IsDeleted"] for name, key in gone.items())


def test_a_mail_that_loses_its_last_attachment_has_none(maker: RecordWriter, case: str) -> None:
    (mail,) = maker.made("EmailMessage", {"ParentId": case, "Subject": "x", "Status": "0"})
    (attachment,) = maker.made("Attachment", {"Name": "a", "Body": b"x", "ParentId": mail})
    assert maker.row("EmailMessage", mail)["HasAttachment"]
    assert maker.delete("Attachment", attachment)[0].success
    assert not maker.row("EmailMessage", mail)["HasAttachment"]
