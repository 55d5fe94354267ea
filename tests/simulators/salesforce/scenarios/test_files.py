"""Files: recipes give whole files of the right size, and rows tell their true size and checksum."""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Callable, Mapping

import pyarrow as pa
import pytest

from unlost_simulators.kit import contents
from unlost_simulators.kit.blobs import MAKERS, BlobRecipe, parse
from unlost_simulators.salesforce.scenarios.chocolate.generated.files import POOL

Tables = Mapping[str, pa.Table]


def bytes_of(token: str) -> bytes:
    kind, seed, size = parse(token)
    return b"".join(BlobRecipe(kind, int(seed), size).chunks())


@pytest.mark.parametrize("kind", sorted(contents.KINDS))
@pytest.mark.parametrize("size", [1_024, 1_025, 40_017, 1_500_001])
def test_recipes_give_exactly_their_size_and_always_the_same(kind: str, size: int) -> None:
    for seed in (0, 17, 10**9):
        made = b"".join(MAKERS[kind](seed, size))
        assert len(made) == size
        assert made == b"".join(MAKERS[kind](seed, size))
    assert b"".join(MAKERS[kind](1, size)) != b"".join(MAKERS[kind](2, size))


@pytest.mark.parametrize("kind", sorted(contents.KINDS))
def test_a_size_too_small_for_the_format_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="needs at least"):
        list(MAKERS[kind](1, 100))


def png_pixels(data: bytes) -> bytes:
    """Walk the chunks of a PNG, check each CRC, and inflate the image."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, image, names = 8, b"", []
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert crc == zlib.crc32(name + body)
        names.append(name)
        image += body if name == b"IDAT" else b""
        at += 12 + length
    assert names[0] == b"IHDR"
    assert names[-1] == b"IEND"
    return zlib.decompress(image)


def test_png_files_are_whole_images() -> None:
    assert len(png_pixels(b"".join(MAKERS["png"](17, 40_017)))) == 32 * (1 + 48 * 3)


def test_pdf_files_have_a_right_cross_reference_table() -> None:
    data = b"".join(MAKERS["pdf"](40_018, 18_304))
    assert data.startswith(b"%PDF-1.4\n")
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", data).group(1))
    table = data[start:]
    assert table.startswith(b"xref\n0 6\n")
    for number, offset in enumerate(re.findall(rb"(\d{10}) 00000 n ", table), start=1):
        assert data[int(offset) :].startswith(b"%d 0 obj" % number)


def test_text_files_are_valid_utf8() -> None:
    for kind in ("txt", "html"):
        for size in range(1_024, 1_060):
            assert b"".join(MAKERS[kind](5, size)).decode()


def test_versions_tell_true_sizes_and_checksums(chocolate: Tables) -> None:
    for row in chocolate["ContentVersion"].to_pylist():
        if row["ContentUrl"]:
            assert row["VersionData"] is None
            assert (row["ContentSize"], row["Checksum"]) == (0, None)
            continue
        data = bytes_of(row["VersionData"])
        assert len(data) == row["ContentSize"] == row["ContentSizeLong"]
        assert hashlib.md5(data).hexdigest() == row["Checksum"]
        assert row["PathOnClient"].endswith(f".{row['FileExtension']}")


def test_attachments_and_documents_tell_true_sizes(chocolate: Tables) -> None:
    for name in ("Attachment", "Document"):
        for row in chocolate[name].to_pylist():
            assert len(bytes_of(row["Body"])) == row["BodyLength"]


def test_each_file_has_one_latest_version_and_the_document_agrees(
    rows_of: Callable[..., Tables],
) -> None:
    tables = rows_of(scale=3, seed=20)
    latest: dict[str, dict] = {}
    numbers: dict[str, list[int]] = {}
    for row in tables["ContentVersion"].to_pylist():
        numbers.setdefault(row["ContentDocumentId"], []).append(int(row["VersionNumber"]))
        if row["IsLatest"]:
            assert row["ContentDocumentId"] not in latest
            latest[row["ContentDocumentId"]] = row
    for document in tables["ContentDocument"].to_pylist():
        version = latest[document["Id"]]
        assert document["LatestPublishedVersionId"] == version["Id"]
        assert document["ContentSize"] == version["ContentSize"]
        assert document["FileExtension"] == version["FileExtension"]
        held = numbers[document["Id"]]
        assert sorted(held) == list(range(1, len(held) + 1))
    assert max(len(held) for held in numbers.values()) == 3


def test_files_have_links_to_several_records_and_one_is_only_an_address(chocolate: Tables) -> None:
    links: dict[str, set[str]] = {}
    for row in chocolate["ContentDocumentLink"].to_pylist():
        links.setdefault(row["ContentDocumentId"], set()).add(row["LinkedEntityId"][:3])
    assert links.keys() == set(chocolate["ContentDocument"]["Id"].to_pylist())
    assert all("005" in kinds and len(kinds) >= 2 for kinds in links.values())
    assert max(len(kinds) for kinds in links.values()) >= 3
    addresses = [one for one in chocolate["ContentVersion"].to_pylist() if one["ContentUrl"]]
    assert len(addresses) == 1


def test_the_first_files_of_the_pool_differ(rows_of: Callable[..., Tables]) -> None:
    sums = rows_of(scale=3, seed=20)["ContentVersion"]["Checksum"].drop_null()
    assert len(sums.unique()) > 150
    assert POOL >= 512
