"""The archive of a person's data: safe names, safe cells, bounded pieces, and no end if it broke."""

import csv
import json
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from io import BytesIO, TextIOWrapper
from typing import Any, BinaryIO
from zipfile import ZipFile

import pytest

from unlost.model.errors import IntegrityError
from unlost.model.source.reading import Op
from unlost.model.source.schema import Column, Table, WireKind
from unlost.model.vault.snapshot import StoredFile, Version
from unlost.outside.person import page
from unlost.outside.person.archive import person_zip
from unlost.outside.person.parts import ExportedTable, FilePart, PersonExport, PersonReader
from unlost.outside.zipping import file_path

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
CONTACT = Table("Contact", (Column("Name", WireKind.TEXT, label="Full name"),), name_column="Name")


class Endless(BytesIO):
    """A file of so many bytes that nobody can have them in memory at once."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.left = size

    def read(self, size: int | None = -1, /) -> bytes:
        size = min(self.left, size or 0)
        self.left -= size
        return b"x" * size


def version(*, op: Op = Op.STATE, by: str | None = None, **cells: str | None) -> Version:
    return Version("Contact", "C1", 1, op, AT, AT if by else None, by, cells)


def person(
    ids: tuple[str, ...] = ("C1",), files: tuple[FilePart, ...] = (), name: str = "Contact"
) -> PersonExport:
    return PersonExport(
        "acme", "Europe/Berlin", AT, AT, (ExportedTable(CONTACT, name, ids),), files
    )


def reading(
    versions: Sequence[Version] = (), *, size: int = 0, broken: bool = False
) -> PersonReader:
    def opened(blob: str) -> AbstractContextManager[BinaryIO]:
        if broken:
            raise IntegrityError("blob-damaged", f"{blob} is damaged.")
        return Endless(size)

    return PersonReader(
        lambda _table, _record: versions, lambda _table, user: "Ada" if user else "", opened
    )


def made(whom: PersonExport, how: PersonReader) -> ZipFile:
    return ZipFile(BytesIO(b"".join(person_zip(whom, how))))


def test_a_spreadsheet_runs_nothing_and_json_is_verbatim() -> None:
    cells: dict[str, Any] = {"Name": "=cmd()", "@x": "\ttab", "Note": 'a "b"\n;c', "None": None}
    archive = made(person(), reading([version(by="U1", **cells)]))
    with archive.open("tables/Contact.csv") as file:
        (row,) = csv.DictReader(TextIOWrapper(file, "utf-8-sig", newline=""))
    assert (row["Name"], row["'@x"], row["Note"]) == ("'=cmd()", "'\ttab", 'a "b"\n;c')
    assert (row["(changed by)"], row["(state)"]) == ("Ada", "present")
    told = json.loads(archive.read("tables/Contact.json"))
    (one,) = told["records"][0]["versions"]
    assert one["values"] == cells
    text = archive.read("index.html").decode()
    assert "here in 3 cells" in text
    assert "2026-03-02 02:00 CET" in text
    assert "Full name" in text


def test_the_page_runs_and_loads_nothing() -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    text = made(person(), reading([version(Name=evil)])).read("index.html").decode()
    assert "<script" not in text
    assert "<img" not in text
    assert "http" not in text.replace("https", "http").split("<body>")[0]


def test_the_story_is_told_with_what_was_before() -> None:
    versions = [
        version(Name="Ada", Fax="1"),
        version(Name="Bea", by="U1"),
        version(op=Op.MISSING),
        version(Name="Bea", Fax="2"),
    ]
    text = made(person(), reading(versions)).read("index.html").decode()
    order = [
        text.index(one)
        for one in (
            ">2</td>",
            "Gone: seen",
            ">Ada</td>",
            "First: seen",
        )
    ]
    assert order == sorted(order)
    assert "Current values" in text
    assert "Changed 2026-03-02 02:00 CET by Ada, seen" in text


def test_a_record_of_which_only_its_end_is_known_is_told() -> None:
    text = made(person(), reading([version(op=Op.PURGED)])).read("index.html").decode()
    assert "Deleted for good: seen" in text


def test_the_page_shows_the_first_and_the_tables_have_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MOST", 2)
    archive = made(person(("C1", "C2", "C3")), reading([version(Name="Ada")]))
    text = archive.read("index.html").decode()
    assert text.count("<article>") == 2
    assert "This page shows the first 2 of 3." in text
    assert len(json.loads(archive.read("tables/Contact.json"))["records"]) == 3


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("../../etc/passwd", "files/Paper/P1-_.._etc_passwd"),
        ("C:\\x\x00.exe", "files/Paper/P1-C__x_.exe"),
        ("", "files/Paper/P1-file"),
        ("...", "files/Paper/P1-file"),
        ("a\u202efdp.exe", "files/Paper/P1-a_fdp.exe"),
        ("n" * 300 + ".pdf", f"files/Paper/P1-{'n' * 100}.pdf"),
        ("n" * 300, f"files/Paper/P1-{'n' * 100}{'n' * 10}"),
    ],
)
def test_a_name_leads_nowhere_else(name: str, path: str) -> None:
    assert file_path("Paper", "P1", name) == path
    assert file_path("..", "../P1", "x") == "files/table/_P1-x"


def test_a_large_file_passes_in_pieces() -> None:
    size = 64 << 20
    file = FilePart(StoredFile("b", "Paper", "P1", "Body", size, name="big.bin"), "files/big.bin")
    tracemalloc.start()
    total = sum(len(piece) for piece in person_zip(person(files=(file,)), reading(size=size)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total < size
    assert peak < 8 << 20


def test_an_archive_that_broke_has_no_end() -> None:
    file = FilePart(StoredFile("b", "Paper", "P1", "Body", 1), "files/x")
    taken: list[bytes] = []

    def take(pieces: Iterator[bytes]) -> None:
        taken.extend(pieces)

    with pytest.raises(IntegrityError):
        take(person_zip(person(files=(file,)), reading(broken=True)))
    assert b"PK\x05\x06" not in b"".join(taken)


def test_files_are_named_on_the_page() -> None:
    file = FilePart(StoredFile("b", "Paper", "P1", "Body", 3, name="ä b.txt"), "files/ä b.txt")
    text = made(person(files=(file,)), reading(size=3)).read("index.html").decode()
    assert '<a href="files/%C3%A4%20b.txt"><bdi>ä b.txt</bdi></a> <code>3 bytes</code>' in text
