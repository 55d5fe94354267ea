"""Images in texts: a backup reads each once, and stores it beside the record."""

from collections.abc import Iterator

import pytest

from unit.engine.scene import Scene
from unlost.engine.backup.backup import FinishedBackup
from unlost.engine.backup.policy import BackupPolicy, RowCheckPolicy
from unlost.model.errors import IntegrityError, TransientError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.plan import RecordKey
from unlost.model.source.hidden_columns import hidden_columns
from unlost.model.source.schema import WireKind
from unlost.model.vault.certificate import TableLine, Verdict
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.retention import Forget, KeepRules
from unlost.model.vault.snapshot import StoredFile, VerifyLevel
from unlost.testing.images import PNG
from unlost.testing.source import MemorySource

FIRST, SECOND = PNG + b"first", PNG + b"the second"


def line_of(done: FinishedBackup) -> TableLine:
    return next(line for line in done.certificate.tables if line.table == "Page")


def findings(done: FinishedBackup) -> list[Finding]:
    return [f for f in line_of(done).findings if f.kind is FindingKind.FILE_UNREADABLE]


class Book:
    """A page with a picture, and one without."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        scene.policy = BackupPolicy(row_check=RowCheckPolicy(nights=0))
        kinds = {"Name": WireKind.TEXT, "Text": WireKind.TEXT, "Note": WireKind.TEXT}
        scene.org.add_table("Page", kinds, images=("Text", "Note"))
        self.page = scene.org.create("Page", {"Name": "Home", "Text": "see"})
        self.plain = scene.org.create("Page", {"Name": "Plain", "Text": None})
        self.image = self.paste(FIRST)

    def paste(self, content: bytes, column: str = "Text") -> str:
        return self.scene.org.paste("Page", self.page, column, content)

    def opened(self) -> int:
        source: MemorySource = self.scene.source
        return sum(call == "open_file" for call, _ in source.calls)

    def stored(self) -> dict[str, StoredFile]:
        files = self.scene.head.files("Page", [self.page, self.plain])
        assert {file.record for file in files} <= {self.page}
        return {file.column: file for file in files}

    def content(self, column: str) -> bytes:
        blob = self.stored()[column].blob
        return self.scene.vault.read_files(self.scene.oid, [blob])[blob]


@pytest.fixture
def book(scene: Scene) -> Iterator[Book]:
    yield Book(scene)
    assert scene.vault.verify(VerifyLevel.DEEP).damages == ()


def test_an_image_is_stored_beside_the_record_and_read_once(book: Book) -> None:
    done = book.scene.night()
    (file,) = book.stored().values()
    assert (file.column, file.name) == (f"Text/{book.image}", f"{book.image}.png")
    assert (file.media_type, file.size, file.is_image) == ("image/png", len(FIRST), True)
    assert book.content(file.column) == FIRST
    assert (line_of(done).files, line_of(done).file_bytes) == (1, len(FIRST))
    assert done.certificate.verdict is Verdict.COMPLETE

    book.scene.org.update("Page", book.page, {"Name": "Renamed"})
    second = book.paste(SECOND)
    note = book.paste(SECOND, "Note")
    done = book.scene.night()
    assert set(book.stored()) == {f"Text/{book.image}", f"Text/{second}", f"Note/{note}"}
    assert book.content(f"Note/{note}") == SECOND
    assert book.opened() == 3
    assert line_of(done).files == 3

    book.scene.org.update("Page", book.page, {"Text": "see nothing"})
    done = book.scene.night(full=True)
    assert len(book.stored()) == 3, "an older version of the text still shows them"
    assert (book.opened(), line_of(done).files) == (3, 3)
    assert line_of(done).file_bytes == len(FIRST) + 2 * len(SECOND)


def test_images_of_unchanged_records_are_read_after_an_upgrade(scene: Scene) -> None:
    """An earlier release stored the texts without their images."""
    book = Book(scene)
    page = scene.org.tables["Page"]
    columns, page.image_columns = page.image_columns, ()
    scene.night()
    assert book.stored() == {}
    page.image_columns = columns
    done = scene.night()
    assert set(book.stored()) == {f"Text/{book.image}"}
    assert line_of(done).files == 1
    scene.night()
    assert book.opened() == 1


def test_an_image_that_the_org_lost_is_a_note_and_is_not_asked_for_again(book: Book) -> None:
    del book.scene.org.tables["Page"].images[book.page, book.image]
    done = book.scene.night()
    (finding,) = findings(done)
    assert (finding.severity, finding.detail) == (Severity.NOTE, book.page)
    assert finding.column == f"Text/{book.image}"
    assert "does not have" in finding.sentence
    assert done.certificate.verdict is Verdict.COMPLETE
    assert findings(book.scene.night()) == []
    assert book.opened() == 1


@pytest.mark.parametrize(
    "error", [IntegrityError("not-an-image", "No."), TransientError("c", "Cut.")]
)
def test_an_image_that_cannot_be_read_is_a_gap_until_it_can(book: Book, error: Exception) -> None:
    times = 2 if isinstance(error, TransientError) else 1
    book.scene.source.faults.plant("open_file", error, table="Page", times=times)
    done = book.scene.night()
    (finding,) = findings(done)
    assert (finding.severity, finding.detail) == (Severity.GAP, book.page)
    assert done.certificate.verdict is Verdict.GAPS
    assert book.stored() == {}
    done = book.scene.night()
    assert findings(done) == []
    assert book.content(f"Text/{book.image}") == FIRST
    assert line_of(done).files == 1


def test_images_of_a_hidden_column_are_hidden(book: Book) -> None:
    note = book.paste(SECOND, "Note")
    book.scene.night()
    oid = book.scene.oid
    for column, shown in (("Text", f"Note/{note}"), ("Note", f"Text/{book.image}")):
        hidden = hidden_columns([("Page", column)])
        head = book.scene.vault.visible({oid: hidden}).newest_backup(oid)
        (file,) = head.files("Page", [book.page])
        assert (file.column, file.media_type) == (shown, "image/png")
    both = hidden_columns([("Page", "Text"), ("Page", "Note")])
    head = book.scene.vault.visible({oid: both}).newest_backup(oid)
    assert head.files("Page", [book.page]) == []
    assert book.scene.head.files("Page", []) == []


def test_images_are_erased_with_their_record(book: Book) -> None:
    other = book.scene.org.create("Page", {"Name": "Other"})
    kept = book.scene.org.paste("Page", other, "Text", SECOND)
    book.scene.night()
    vault, oid = book.scene.vault, book.scene.oid
    erase = Erase((RecordKey("Page", book.page),), by="admin")
    assert vault.plan(oid, erase).effect.files == 1
    vault.apply(oid, unconditional(erase), run="erase-1")
    files = book.scene.head.files("Page", [book.page, book.plain, other])
    assert [file.column for file in files] == [f"Text/{kept}"]


def test_images_are_forgotten_with_their_record(book: Book) -> None:
    book.scene.night()
    book.scene.org.delete("Page", book.page)
    for _ in range(40):
        book.scene.night(hours=24 * 7)
    vault, oid = book.scene.vault, book.scene.oid
    forget = Forget(KeepRules(daily=1, deleted_days=30))
    assert vault.plan(oid, forget).effect.files == 1
    vault.apply(oid, unconditional(forget), run="forget-1")
    assert book.scene.head.files("Page", [book.page]) == []


def test_many_records_are_looked_up_in_one_range(book: Book) -> None:
    """More records than row groups: the images of all of them are found at once."""
    pages = [book.scene.org.create("Page", {"Name": str(at)}) for at in range(30)]
    for page in pages[::3]:
        book.scene.org.paste("Page", page, "Text", PNG + page.encode())
    book.scene.night()
    files = book.scene.head.files("Page", pages)
    assert sorted(file.record for file in files) == sorted(pages[::3])
