"""Files as the platform keeps them: documents, versions, links, attachments."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from simulators.salesforce.writing.chocolate_org import admin, empty_org, rows
from simulators.salesforce.writing.record_writer import RecordWriter, code, errors
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.writing.request import AllOrNone

OWNER = "thijs.baert@chocolate.example"


@pytest.fixture(scope="module")
def bare() -> Iterator[Org]:
    made = empty_org()
    yield made
    made.close()


@pytest.fixture
def maker(bare: Org) -> RecordWriter:
    return admin(bare)


@pytest.fixture
def shop(maker: RecordWriter) -> str:
    return maker.made("Account", {"Name": "Shop"})[0]


def version(**cells: Any) -> dict[str, Any]:
    return {"Title": "Prices", "PathOnClient": "Prices.PDF", "VersionData": b"one", **cells}


def document_of(maker: RecordWriter, key: str) -> str:
    return str(maker.row("ContentVersion", key)["ContentDocumentId"])


def links(maker: RecordWriter, document: str) -> dict[object, object]:
    found = rows(maker, "ContentDocumentLink", "ContentDocumentId", document)
    return {one["LinkedEntityId"]: one["ShareType"] for one in found}


def other(maker: RecordWriter) -> str:
    found = maker.org.users.by_username(OWNER)
    assert found is not None
    return found.id


def test_the_first_version_brings_its_document(maker: RecordWriter, shop: str) -> None:
    cells = {
        "FirstPublishLocationId": shop,
        "Description": "of this year",
        "OwnerId": other(maker),
        "CreatedDate": "2020-03-01T00:00:00Z",
        "LastModifiedDate": "2020-03-02T00:00:00Z",
    }
    (key,) = maker.made("ContentVersion", version(**cells))
    row = maker.row("ContentVersion", key)
    assert (row["VersionNumber"], row["IsLatest"], row["FileType"], row["FileExtension"]) == (
        "1", True, "PDF", "pdf",
    )  # fmt: skip
    assert row["Checksum"] == hashlib.md5(b"one", usedforsecurity=False).hexdigest()
    assert (row["ContentSize"], row["ContentSizeLong"], row["PublishStatus"]) == (3, 3, "P")
    assert row["LastModifiedDate"] == datetime.fromisoformat("2020-03-02")
    assert row["VersionDataUrl"].endswith(key)
    document = maker.row("ContentDocument", row["ContentDocumentId"])
    shown = ("Title", "Description", "OwnerId", "FileType", "FileExtension", "ContentSize")
    assert [document[one] for one in shown] == [row[one] for one in shown]
    assert document["LatestPublishedVersionId"] == key
    assert document["CreatedDate"] == datetime.fromisoformat("2020-03-01")
    assert document["ContentModifiedDate"] == datetime.fromisoformat("2020-03-01")
    assert links(maker, document["Id"]) == {other(maker): "I", shop: "V"}


def test_a_further_version_becomes_the_latest(maker: RecordWriter, shop: str) -> None:
    first = version(FirstPublishLocationId=shop, TagCsv="price,2026")
    (one,) = maker.made("ContentVersion", first)
    document = document_of(maker, one)
    later = {"ContentDocumentId": document, "ReasonForChange": "new prices"}
    two, three = maker.made(
        "ContentVersion",
        version(**later, VersionData=b"two two", Title="Prices II"),
        version(**later, VersionData=b"3", PathOnClient="Prices.txt", TagCsv="last"),
    )
    held = [maker.row("ContentVersion", key) for key in (one, two, three)]
    assert [row["VersionNumber"] for row in held] == ["1", "2", "3"]
    assert [row["IsLatest"] for row in held] == [False, False, True]
    assert [row["TagCsv"] for row in held] == ["price,2026", "price,2026", "last"]
    assert held[0]["FirstPublishLocationId"] == shop
    row = maker.row("ContentDocument", document)
    assert (row["LatestPublishedVersionId"], row["ContentSize"], row["FileType"], row["Title"]) == (
        three, 1, "TEXT", "Prices",
    )  # fmt: skip
    assert len(links(maker, document)) == 2


def test_a_version_of_another_owner_moves_where_older_ones_were_published(
    maker: RecordWriter, shop: str
) -> None:
    (one,) = maker.made("ContentVersion", version(FirstPublishLocationId=shop))
    document = document_of(maker, one)
    maker.made("ContentVersion", version(ContentDocumentId=document, OwnerId=other(maker)))
    assert maker.row("ContentVersion", one)["FirstPublishLocationId"] == other(maker)
    assert maker.row("ContentDocument", document)["OwnerId"] == other(maker)


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        ({"FirstPublishLocationId": None}, "ok"),
        ({"FirstPublishLocationId": "shop"}, "FirstPublishLocationId"),
        ({"ContentModifiedDate": "2020-01-01T00:00:00Z"}, "ContentModifiedDate"),
    ],
)
def test_what_only_a_first_version_may_say(
    maker: RecordWriter, shop: str, cells: dict[str, Any], field: str
) -> None:
    (one,) = maker.made("ContentVersion", version())
    sent = {key: shop if value == "shop" else value for key, value in cells.items()}
    (result,) = maker.create(
        "ContentVersion", version(ContentDocumentId=document_of(maker, one), **sent)
    )
    assert result.success == (field == "ok")
    assert [error.fields for error in result.errors] == ([] if field == "ok" else [(field,)])


def test_what_a_first_version_may_not_say(maker: RecordWriter) -> None:
    before = maker.live("ContentDocument")
    reason, future, bytes_, title, path, unknown = maker.create(
        "ContentVersion",
        version(ReasonForChange="none yet"),
        version(ContentModifiedDate="2090-01-01T00:00:00Z"),
        version(VersionData=None),
        version(Title=None),
        version(PathOnClient=None),
        version(ContentDocumentId="069Dn0000000099IAA"),
    )
    assert errors(reason)[0][2] == ["ReasonForChange"]
    assert errors(future)[0][2] == ["ContentModifiedDate"]
    assert [one[2] for one in (errors(bytes_)[0], errors(title)[0], errors(path)[0])] == [
        ["VersionData"], ["Title"], ["PathOnClient"],
    ]  # fmt: skip
    assert code(unknown) == "INVALID_CROSS_REFERENCE_KEY"
    assert maker.live("ContentDocument") == before


def test_a_link_has_no_bytes(maker: RecordWriter) -> None:
    address = {"Title": "Reviews", "PathOnClient": "Reviews", "ContentUrl": "https://r.example/1.x"}
    outside = {"Title": "Far", "PathOnClient": "far.docx", "ContentLocation": "E"}
    link, far, plain = maker.made(
        "ContentVersion", address, outside, version(PathOnClient="README", VersionData=b"")
    )
    row = maker.row("ContentVersion", link)
    assert (row["FileType"], row["FileExtension"], row["ContentSize"], row["Checksum"]) == (
        "LINK", None, 0, None,
    )  # fmt: skip
    assert maker.row("ContentVersion", far)["FileType"] == "WORD_X"
    assert maker.row("ContentVersion", plain)["FileType"] == "UNKNOWN"
    assert maker.row("ContentVersion", plain)["Checksum"] == "d41d8cd98f00b204e9800998ecf8427e"
    assert document_of(maker, link) != document_of(maker, far)


def test_only_the_latest_version_changes_and_its_document_follows(maker: RecordWriter) -> None:
    (one,) = maker.made("ContentVersion", version())
    document = document_of(maker, one)
    (two,) = maker.made("ContentVersion", version(ContentDocumentId=document))
    old, new = maker.update(
        "ContentVersion",
        {"Id": one, "Title": "Older"},
        {"Id": two, "Title": "Newer", "VersionData": b"changed"},
    )
    assert code(old) == "INSUFFICIENT_ACCESS_OR_READONLY"
    assert new.success
    assert maker.row("ContentDocument", document)["Title"] == "Newer"
    assert maker.row("ContentVersion", two)["ContentSize"] == 7


def test_a_document_and_its_version_have_one_owner(maker: RecordWriter) -> None:
    (one,) = maker.made("ContentVersion", version())
    document = document_of(maker, one)
    (moved,) = maker.update(
        "ContentDocument", {"Id": document, "OwnerId": other(maker), "Title": "Renamed"}
    )
    assert moved.success
    row = maker.row("ContentVersion", one)
    assert (row["OwnerId"], row["Title"]) == (other(maker), "Renamed")
    assert links(maker, document) == {maker.user.id: "I", other(maker): "I"}
    (still,) = maker.update("ContentDocument", {"Id": document, "IsArchived": True})
    assert still.success


def test_documents_are_not_created_and_versions_not_deleted(maker: RecordWriter) -> None:
    (one,) = maker.made("ContentVersion", version())
    assert code(maker.create("ContentDocument", {"Title": "x"})[0]) == (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    )
    assert not maker.delete("ContentVersion", one)[0].success
    document = document_of(maker, one)
    assert maker.delete("ContentDocument", document)[0].success
    assert maker.row("ContentVersion", one)["IsDeleted"] is True
    assert links(maker, document) == {}
    assert maker.undelete("ContentDocument", document)[0].success
    assert maker.row("ContentVersion", one)["IsDeleted"] is False


def test_a_second_link_of_a_pair_is_refused_by_name(maker: RecordWriter, shop: str) -> None:
    (one,) = maker.made("ContentVersion", version())
    document = document_of(maker, one)
    row = {"ContentDocumentId": document, "LinkedEntityId": shop}
    first, second = maker.create("ContentDocumentLink", row, row)
    assert first.success
    text = (
        f"Document with ID: {document[:15]} is already linked with the entity with ID: {shop[:15]}"
    )
    assert errors(second) == [("DUPLICATE_VALUE", text, ["LinkedEntityId"])]
    held = maker.row("ContentDocumentLink", str(first.id))
    assert (held["ShareType"], held["Visibility"]) == ("V", "AllUsers")
    (owned,) = maker.create("ContentDocumentLink", {**row, "LinkedEntityId": maker.user.id})
    assert code(owned) == "DUPLICATE_VALUE"


def test_a_refused_version_leaves_no_document(maker: RecordWriter) -> None:
    before = maker.live("ContentDocument"), maker.live("ContentDocumentLink")
    good, bad = maker.create(
        "ContentVersion", version(), version(Title=None), all_or_none=AllOrNone.ALL
    )
    assert not good.success
    assert not bad.success
    assert (maker.live("ContentDocument"), maker.live("ContentDocumentLink")) == before


def test_bytes_count_in_file_storage(maker: RecordWriter, shop: str) -> None:
    before = maker.org.figures.file_left()
    maker.made("Attachment", {"ParentId": shop, "Name": "a", "Body": b"x" * 100})
    (key,) = maker.made("ContentVersion", version(VersionData=b"y" * 50))
    maker.made(
        "ContentVersion",
        version(VersionData=b"z" * 25, ContentDocumentId=document_of(maker, key)),
    )
    assert before - maker.org.figures.file_left() == 175


def test_the_length_of_an_attachment_follows_its_bytes(maker: RecordWriter, shop: str) -> None:
    (key,) = maker.made("Attachment", {"ParentId": shop, "Name": "a", "Body": b"12345"})
    assert maker.row("Attachment", key)["BodyLength"] == 5
    assert maker.update("Attachment", {"Id": key, "Body": b"12"})[0].success
    assert maker.row("Attachment", key)["BodyLength"] == 2
    assert maker.update("Attachment", {"Id": key, "Name": "b"})[0].success
    assert maker.row("Attachment", key)["BodyLength"] == 2
