"""Files are kept only if they are what their rows say; one that is not becomes a finding."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import BinaryIO

import pyarrow as pa
import pytest

from unlost.model.errors import (
    AuthExpired,
    LimitReached,
    NotAllowed,
    SourceRefused,
    StoreError,
    TransientError,
)
from unlost.model.finding import FindingKind, Severity
from unlost.model.ports.vault import IncomingFile
from unlost.model.source.reading import FileRef
from unlost.testing.entropy import SeededEntropy
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.objects.blob_stream import open_blob
from unlost.vault.objects.files import (
    FILES_COLUMNS,
    FileIntake,
    blob_of_row,
    blob_row_id,
    blob_rows,
    file_of_row,
    file_row_id,
)
from unlost.vault.objects.packs import Blob, Extent, PackWriter
from unlost.vault.stores.memory import MemoryStore

ORG = "0a" * 16
WHEN = datetime(2026, 3, 2, tzinfo=UTC)
BODY = b"chocolate" * 100_000


class Broken(io.BytesIO):
    """Gives half of its bytes and then fails."""

    def __init__(self, content: bytes, error: Exception) -> None:
        super().__init__(content)
        self._error = error

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > len(self.getvalue()) // 2:
            raise self._error
        return super().read(size)


def incoming(
    content: bytes,
    *,
    record: str = "068000000000001AAA",
    size: int | None = None,
    checksum: str | None = None,
    error: Exception | None = None,
    refuses: Exception | None = None,
) -> IncomingFile:
    @contextmanager
    def opened() -> Iterator[BinaryIO]:
        if refuses is not None:
            raise refuses
        yield Broken(content, error) if error else io.BytesIO(content)

    ref = FileRef("ContentVersion", record, "VersionData", size, checksum, "menu.pdf", "pdf")
    return IncomingFile(ref, opened)


class Org:
    def __init__(self) -> None:
        self.store = MemoryStore()
        entropy = SeededEntropy()
        keys = Keyring.of_secret(self.store, vault=b"v" * 16, secret=b"m" * 32, entropy=entropy)
        keys.add_org(ORG)
        self.objects = SealedObjects(self.store, keys=keys, entropy=entropy)

    def take(self, *files: IncomingFile) -> tuple[FileIntake, list[dict[str, str | None]]]:
        writer = PackWriter(self.objects, org=ORG, known=lambda _: {}, pack_bytes=200_000)
        intake = FileIntake(writer, observed_at=WHEN)
        rows: list[dict[str, str | None]] = []
        for batch in intake.rows(files):
            assert batch.cells is not None
            assert batch.cells.schema.names == list(FILES_COLUMNS)
            assert batch.ops.to_pylist() == ["U"] * len(batch)
            for id_, cells in zip(batch.ids.to_pylist(), batch.cells.to_pylist(), strict=True):
                rows.append({"_u_id": id_, **cells})
        return intake, rows

    def packs(self) -> int:
        return len(list(self.store.list(f"orgs/{ORG}/packs/")))


@pytest.fixture
def org() -> Org:
    return Org()


def checksums(content: bytes) -> list[str]:
    return [
        f"{name}:{hashlib.new(name, content).hexdigest()}" for name in ("md5", "sha1", "sha256")
    ]


@pytest.mark.parametrize("checksum", [None, *checksums(BODY), checksums(BODY)[0].upper()])
def test_a_file_that_agrees_is_kept(org: Org, checksum: str | None) -> None:
    if checksum and checksum.startswith("MD5"):
        checksum = checksum.replace("MD5", "md5")
    intake, rows = org.take(incoming(BODY, size=len(BODY), checksum=checksum))
    assert (intake.files, intake.file_bytes, intake.findings) == (1, len(BODY), ())
    blob, file = blob_of_row(rows[0]), file_of_row(rows[1], since=7)
    with open_blob(org.objects, org=ORG, blob=blob) as stream:
        assert stream.read() == BODY
    assert (file.blob, file.size, file.checksum, file.since) == (blob.id, len(BODY), checksum, 7)
    assert (file.table, file.record, file.column) == (
        "ContentVersion",
        "068000000000001AAA",
        "VersionData",
    )
    assert (file.name, file.media_type) == ("menu.pdf", "pdf")
    assert {pack.id for pack in intake.packs} == {extent.pack for extent in blob.extents}


def test_two_files_of_one_content_share_a_blob(org: Org) -> None:
    intake, rows = org.take(incoming(BODY), incoming(BODY, record="068000000000002AAA"))
    assert intake.files == 2
    assert [row["_u_id"][2:6] for row in rows if row["_u_id"]] == ["blob", "file", "file"]
    assert rows[1]["blob"] == rows[2]["blob"]


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (incoming(BODY[:-1], size=len(BODY)), "899999 of 900000 bytes arrived"),
        (incoming(BODY + b"x", size=len(BODY)), "longer than the 900000 bytes"),
        (incoming(BODY[:-1] + b"x", checksum=checksums(BODY)[0]), "checksum"),
        (incoming(BODY, checksum="crc99:00"), "cannot compute the checksum"),
        (incoming(b"", size=1), "0 of 1 bytes"),
        (incoming(BODY, refuses=SourceRefused("no", "You may not.")), "You may not."),
        (incoming(BODY, refuses=NotAllowed("no", "No permission.")), "No permission."),
        (incoming(BODY, error=TransientError("later", "Try later.")), "Try later."),
        (incoming(BODY, error=ConnectionResetError("reset by peer")), "reset by peer"),
    ],
)
def test_a_file_that_does_not_agree_becomes_a_finding_and_only_that(
    org: Org, file: IncomingFile, words: str
) -> None:
    good = [incoming(b"good" * n, record=f"r{n}") for n in (1, 2)]
    intake, rows = org.take(good[0], file, good[1])
    assert intake.files == 2
    assert [row["_u_id"] for row in rows[1::2]] == [
        file_row_id("ContentVersion", f"r{n}", "VersionData") for n in (1, 2)
    ]
    (finding,) = intake.findings
    assert (finding.kind, finding.severity) == (FindingKind.FILE_UNREADABLE, Severity.GAP)
    assert (finding.table, finding.column) == ("ContentVersion", "VersionData")
    assert finding.detail == "068000000000001AAA"
    assert words in finding.sentence
    assert "068000000000001AAA" in finding.sentence
    assert "menu.pdf" not in finding.sentence, "who reads certificates may not read records"
    assert org.packs() == len(intake.packs)
    for row in rows[::2]:
        with open_blob(org.objects, org=ORG, blob=blob_of_row(row)) as stream:
            assert stream.read().startswith(b"good")


@pytest.mark.parametrize(
    "error",
    [
        LimitReached("limit", "Enough for today."),
        AuthExpired("auth", "Sign in."),
        StoreError("store-full", "No room."),
    ],
)
def test_what_concerns_the_whole_run_stops_it(org: Org, error: Exception) -> None:
    with pytest.raises(type(error)):
        org.take(incoming(BODY, error=error))
    with pytest.raises(type(error)):
        org.take(incoming(BODY, refuses=error))
    assert org.packs() == 0


def test_rows_come_in_bounded_batches(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unlost.vault.objects.files._BATCH_ROWS", 4)
    writer = PackWriter(org.objects, org=ORG, known=lambda _: {})
    intake = FileIntake(writer, observed_at=WHEN)
    files = (incoming(str(n).encode(), record=str(n)) for n in range(5))
    assert [len(batch) for batch in intake.rows(files)] == [4, 4, 2]
    assert list(FileIntake(writer, observed_at=WHEN).rows([])) == []


def test_ids_keep_apart_what_is_apart() -> None:
    assert blob_row_id("ab") == '["blob","ab"]'
    assert file_row_id("T", 'a"b', "C") == '["file","T","a\\"b","C"]'
    assert file_row_id("T", "a", "b") != file_row_id("T", "a,b", "")


def test_rows_of_blobs_alone() -> None:
    blob = Blob("ab" * 32, 5, (Extent("cd" * 16, 1, 2), Extent("ef" * 16, 0, 3)))
    rows = blob_rows([blob], observed_at=WHEN)
    assert rows.cells is not None
    row = {"_u_id": rows.ids[0].as_py(), **rows.cells.to_pylist()[0]}
    assert blob_of_row(row) == blob
    assert rows.modified_at.type == pa.timestamp("ms", tz="UTC")
