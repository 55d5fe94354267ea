"""Files: which rows have some, and bytes that are proved or refused."""

import hashlib
from typing import Any

import httpx
import pytest

from fakes.runs import read_all
from fakes.salesforce import FakeSalesforce, describe, field, id_of, row, system_fields
from fakes.wire import Chunks, error_answer
from unlost.model.errors import IntegrityError, SourceRefused, TransientError
from unlost.model.source.reading import FileRef

BODY = bytes(range(256)) * 5000
MD5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()


def an_org() -> FakeSalesforce:
    org = FakeSalesforce()
    org.describes["ContentVersion"] = describe(
        "ContentVersion", *system_fields(), field("VersionData", "base64"), field("ContentSize", "int"),
        field("Checksum"), field("PathOnClient"), field("FileType"), field("ContentUrl"), field("ContentLocation"),
        replicateable=False,
    )  # fmt: skip
    return org


def version(number: int, **cells: Any) -> dict[str, Any]:
    return row(
        id_of("068", number),
        **{
            "ContentSize": len(BODY), "Checksum": MD5.upper(), "PathOnClient": "plan.pdf",
            "FileType": "PDF", "ContentLocation": "S",
        } | cells,
    )  # fmt: skip


def refs(org: FakeSalesforce) -> list[FileRef]:
    with org.source() as source:
        table = org.table(source, "ContentVersion")
        pages = read_all(source, table)
        assert all("VersionData" not in page.rows.cells.schema.names for page in pages)
        return [ref for page in pages for ref in source.files_in(table, page.rows)]


def test_a_row_tells_its_file() -> None:
    org = an_org()
    org.rows["ContentVersion"] = [version(1)]
    assert refs(org) == [
        FileRef(
            "ContentVersion", id_of("068", 1), "VersionData", len(BODY), f"md5:{MD5}", "plan.pdf", "PDF"
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    "cells",
    [
        {"ContentUrl": "https://elsewhere", "ContentSize": 0},
        {"ContentLocation": "E"},
        {"ContentSize": 0},
        {"IsDeleted": True},
    ],
)
def test_links_files_elsewhere_empty_and_deleted_ones_have_no_bytes(cells: dict[str, Any]) -> None:
    org = an_org()
    org.rows["ContentVersion"] = [version(1, **cells), version(2)]
    assert [ref.record for ref in refs(org)] == [id_of("068", 2)]


def test_a_size_that_is_not_told_and_one_in_exponent_form() -> None:
    org = an_org()
    org.rows["ContentVersion"] = [
        version(1, ContentSize=None, Checksum=None, PathOnClient=None, FileType=None),
        version(2, ContentSize=2.5e7),
    ]
    first, second = refs(org)
    assert (first.size, first.checksum, first.name, first.media_type) == (None, None, "", "")
    assert second.size == 25_000_000


def test_tables_without_files_have_none() -> None:
    org = FakeSalesforce()
    org.describes["Account"] = describe("Account", *system_fields())
    org.rows["Account"] = [row(id_of("001", 1))]
    with org.source() as source:
        table = org.table(source, "Account")
        assert source.files_in(table, read_all(source, table)[0].rows) == ()


def reference(**facts: Any) -> FileRef:
    known = {"size": len(BODY), "checksum": f"md5:{MD5}", "name": "plan.pdf"}
    return FileRef("ContentVersion", id_of("068", 1), "VersionData", **(known | facts))


def body(*pieces: bytes | Exception, **headers: str) -> httpx.Response:
    said = {"Content-Type": "application/octetstream"} | headers
    return httpx.Response(200, headers=said, stream=Chunks(*pieces))


def fetched(org: FakeSalesforce, ref: FileRef, *, piece: int = 70_000) -> bytes:
    with org.source() as source, source.open_file(ref) as stream:
        return b"".join(iter(lambda: stream.read(piece), b""))


def test_bytes_come_as_a_stream_and_are_proved() -> None:
    org = an_org()
    org.wire.on(
        "GET",
        f"sobjects/ContentVersion/{id_of('068', 1)}/VersionData",
        body(BODY[:999], BODY[999:]),
    )
    assert fetched(org, reference()) == BODY


def test_a_file_of_unknown_size_and_sum_is_taken_as_it_comes() -> None:
    org = an_org()
    org.wire.on("GET", "VersionData", body(BODY))
    assert fetched(org, reference(size=None, checksum=None)) == BODY


@pytest.mark.parametrize(
    ("came", "words"),
    [(BODY[:-1], "bytes arrived instead"), (BODY[:-1] + b"\x00", "checksum"), (b"", "0 bytes")],
)
def test_wrong_bytes_raise_at_the_end(came: bytes, words: str) -> None:
    org = an_org()
    org.wire.on("GET", "VersionData", body(came))
    with pytest.raises(IntegrityError, match=words) as caught:
        fetched(org, reference())
    assert caught.value.code == "file-not-whole"
    assert "plan.pdf" in caught.value.sentence


def test_a_cut_download_is_taken_up_where_it_broke_off() -> None:
    org = an_org()
    broken = httpx.ReadError("reset")
    first = body(BODY[:300_000], broken)
    second = body(BODY[:100_000], broken)
    org.wire.on("GET", "VersionData", first, second, body(BODY))
    assert fetched(org, reference()) == BODY
    assert len(org.wire.made("GET", "VersionData")) == 3


def test_a_download_that_is_cut_for_ever_is_an_error() -> None:
    org = an_org()
    org.wire.on("GET", "VersionData", body(BODY[:5000], httpx.ReadError("reset")))
    with pytest.raises(TransientError):
        fetched(org, reference())


def test_a_file_that_shrank_while_it_was_read_again_is_noticed() -> None:
    org = an_org()
    org.wire.on(
        "GET", "VersionData", body(BODY[:300_000], httpx.ReadError("reset")), body(BODY[:9])
    )
    with pytest.raises(IntegrityError):
        fetched(org, reference())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (error_answer("NOT_FOUND", "The requested resource does not exist", 404), "does not exist"),
        (error_answer("CONTENT_CUSTOMIZED_DOWNLOAD_EXCEPTION", "not today"), "not today"),
    ],
)
def test_a_file_that_is_refused_is_a_refusal(answer: httpx.Response, words: str) -> None:
    org = an_org()
    org.wire.on("GET", "VersionData", answer)
    with pytest.raises(SourceRefused, match=words):
        fetched(org, reference())


def test_a_reader_that_stops_early_leaves_the_connection() -> None:
    org = an_org()
    org.wire.on("GET", "VersionData", body(BODY))
    with org.source() as source:
        with source.open_file(reference()) as stream:
            assert stream.read(10) == BODY[:10]
            assert stream.readable()
        assert stream.closed
