"""Records that are created with a file: large ones streamed, small ones together."""

import json
from email import message_from_bytes

import httpx
import pytest

from fakes.salesforce import field, id_of
from fakes.wire import error_answer, json_answer
from unit.connectors.salesforce.writing.writable import Org, kinds, write
from unlost.connectors.salesforce.writing import collections
from unlost.model.errors import TransientError, UsageError
from unlost.model.source.writing import OutcomeKind, RowOutcome, WriteOp, WriteRow
from unlost.testing.memory_writer import body_of

CREATE = WriteOp.CREATE
LOST = httpx.ReadTimeout("no answer")


@pytest.fixture
def org() -> Org:
    return Org()


def upload(org: Org, cells: dict[str, str | None], table: str = "ContentVersion") -> RowOutcome:
    with org.writer() as writer:
        return writer.upload(
            org.shape(table), WriteRow("k", None, cells), body_of(b"data"), token="t"
        )


def parts_of(call: httpx.Request) -> dict[str, bytes]:
    """The parts of a multipart call by their names."""
    head = f"Content-Type: {call.headers['Content-Type']}\r\n".encode()
    whole = message_from_bytes(head + b"\r\n" + call.read())
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
        for part in whole.walk()
        if not part.is_multipart()
    }


@pytest.fixture
def files(org: Org) -> Org:
    org.add("ContentVersion", field("Title"), field("VersionData", "base64"))
    org.wire.on("POST", "/sobjects/ContentVersion$", json_answer({"id": id_of("068", 1)}, 201))
    return org


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        ({"PathOnClient": 'a "b"\r\n.txt'}, b'filename="a _b___.txt"'),
        ({"Name": "n.pdf"}, b'filename="n.pdf"'),
        ({}, b'filename="k"'),
    ],
)
def test_a_file_is_uploaded_with_a_safe_name(
    files: Org, cells: dict[str, str | None], name: bytes
) -> None:
    assert upload(files, cells).id == id_of("068", 1)
    (call,) = files.wire.made("POST", "ContentVersion$")
    sent = call.read()
    assert name in sent
    assert b"data" in sent
    assert b"attributes" not in sent


def test_small_files_go_with_the_rows_of_one_call(files: Org) -> None:
    sent = [
        WriteRow("a", None, {"Title": "one"}, b"first\r\n--bytes"),
        WriteRow("b", None, {"Title": "two"}, b""),
        WriteRow("c", None, {"Title": "a link"}),
    ]
    files.wire.on("POST", r"/composite/sobjects$", json_answer([{"success": True, "id": "x"}] * 3))
    assert [one.id for one in write(files, CREATE, sent, "ContentVersion")] == ["x"] * 3
    (call,) = files.wire.made("POST", r"composite/sobjects$")
    found = parts_of(call)
    records = json.loads(found["collection"])["records"]
    named = [one["attributes"].get("binaryPartName") for one in records]
    assert named == ["file_a", "file_b", None]
    assert records[0]["attributes"]["binaryPartNameAlias"] == "VersionData"
    assert [found[name] for name in named if name] == [b"first\r\n--bytes", b""]


def test_files_that_do_not_fit_into_one_call_go_in_several(
    files: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collections, "LONGEST_BODY", 3_000)
    sent = [WriteRow(f"k{n}", None, {"Title": "t"}, b"x" * 1_000) for n in range(4)]
    files.wire.on("POST", r"/composite/sobjects$", json_answer([{"success": True, "id": "x"}] * 2))
    assert kinds(write(files, CREATE, sent, "ContentVersion")) == ["done"] * 4
    assert len(files.wire.made("POST", r"composite/sobjects$")) == 2


def test_an_upload_that_is_refused_or_not_answered_is_told(files: Org) -> None:
    files.wire.on(
        "POST", "ContentVersion$", error_answer("STORAGE_LIMIT_EXCEEDED", "full", 400), LOST
    )
    assert upload(files, {}).code == "write-storage-full"
    assert upload(files, {}).kind is OutcomeKind.UNKNOWN


def test_a_file_that_was_turned_away_must_be_opened_again(files: Org) -> None:
    def turned(request: httpx.Request) -> httpx.Response:
        request.read()
        return error_answer("X", "slow down", 429)

    files.wire.on("POST", "ContentVersion$", turned)
    with pytest.raises(TransientError) as caught:
        upload(files, {})
    assert caught.value.code == "upload-unsent"


def test_records_without_files_have_none(files: Org) -> None:
    with pytest.raises(UsageError) as caught:
        upload(files, {}, "Account")
    assert caught.value.code == "no-file-column"
