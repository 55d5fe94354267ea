"""Images in texts come back with their records: sent again, or named."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unit.engine.restore.atelier import TEXT, Atelier, codes, note_of, step_of
from unit.engine.restore.workshop import of
from unlost.engine.restore.planning.notes.images import IMAGES_LARGE, IMAGES_MISSING, IMAGES_SENT
from unlost.engine.restore.running import execute as running
from unlost.engine.restore.running.compared import IMAGE_LOST, OVERWRITTEN
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.running.passes import images as sending
from unlost.engine.restore.values.outcome import Ending, RecordOutcome
from unlost.model.errors import IntegrityError
from unlost.model.plan import Action, NoteWeight, RecordKey, RestorePlan, Selection, SelectionKind
from unlost.model.source.schema import DeleteRule, Reference, WireKind
from unlost.model.source.writing import TextLinks
from unlost.testing.images import PNG, address, text_images
from unlost.testing.memory_writer import ReplyLost
from unlost.testing.platform import RowRefused

LINKS = TextLinks(frozenset({"Text", "Note"}), (9, 12))
PICTURE, OTHER = PNG + b"picture", PNG + b"another one"


class Album:
    """An account with pages, whose texts show images."""

    def __init__(self, shop: Atelier) -> None:
        self.shop = shop
        link = Reference(("Account",), DeleteRule.CASCADE)
        shop.org.add_table(
            "Page",
            {"Name": TEXT, "Text": TEXT, "Note": TEXT, "Account": WireKind.REFERENCE},
            references={"Account": link},
            images=("Text", "Note"),
        )
        shop.allow("Page", text_links=LINKS)
        self.account = shop.make("Account", "Candy")
        self.page = self.make("Home", Text="see")
        self.image = shop.org.paste("Page", self.page, "Text", PICTURE)

    def make(self, name: str, **cells: str | None) -> str:
        return self.shop.make("Page", name, Account=self.account, **cells)

    def lose(self, page: str = "") -> None:
        self.shop.night()
        self.shop.lose("Page", page or self.page)
        self.shop.night()

    def plan(self, page: str = "") -> RestorePlan:
        return self.shop.plan_of(("Page", page or self.page))

    def restore(self, plan: RestorePlan, page: str = "") -> RecordOutcome:
        outcome = self.shop.restore(plan)
        assert outcome.whole
        return of(outcome, page or self.page)

    def live(self, name: str = "Home") -> tuple[str, Mapping[str, str | None]]:
        return self.shop.named("Page", name)

    @property
    def images(self) -> dict[tuple[str, str], bytes]:
        return self.shop.org.tables["Page"].images

    def shown(self, name: str = "Home", column: str = "Text") -> list[bytes | None]:
        """The images that the text of a page shows; None for a broken one."""
        page, cells = self.live(name)
        words = (cells[column] or "").split()
        names = [word.rpartition("=")[2] for word in words if word.startswith("/image")]
        return [self.images.get((page, image)) for image in names]


@pytest.fixture
def album(tmp_path: Path) -> Album:
    return Album(Atelier(tmp_path))


def reasons(outcome: RecordOutcome) -> list[tuple[str, str]]:
    return [(difference.column, difference.reason) for difference in outcome.differences]


def test_an_image_comes_back_with_its_record(album: Album) -> None:
    second = album.shop.org.paste("Page", album.page, "Note", OTHER)
    album.lose()
    plan = album.plan()
    note = note_of(plan, IMAGES_SENT)
    assert (note.table, note.count, note.weight) == ("Page", 1, NoteWeight.NOTE)
    assert not codes(plan) & {IMAGES_LARGE, IMAGES_MISSING}
    assert plan.estimate.file_bytes == len(PICTURE) + len(OTHER)
    outcome = album.restore(plan)
    assert (outcome.ending, reasons(outcome)) == (Ending.CREATED, [])
    assert (album.shown(), album.shown(column="Note")) == ([PICTURE], [OTHER])
    assert second not in str(album.live())
    assert [call for call in album.shop.writes() if call[1] == "Page"] == [
        ("create", "Page", 1),
        ("update", "Page", 1),
    ]


def test_only_images_that_the_text_shows_are_sent(album: Album) -> None:
    album.shop.org.paste("Page", album.page, "Text", OTHER)
    album.shop.night()
    text = f"see {address(album.page, album.image)}"
    album.shop.org.update("Page", album.page, {"Text": text})
    album.lose()
    assert reasons(album.restore(album.plan())) == []
    assert album.shown() == [PICTURE]
    assert len(album.images) == 1


def test_a_restore_that_is_planned_again_changes_nothing(album: Album) -> None:
    album.lose()
    album.restore(album.plan())
    album.shop.night()
    plan = album.shop.plan_of(("Page", album.page), at=1)
    assert step_of(plan, album.page).action is Action.UNCHANGED
    page, _ = album.live()
    album.shop.org.update("Page", page, {"Text": "spoilt"})
    album.shop.night()
    mended = album.shop.plan_of(("Page", album.page), at=1)
    assert step_of(mended, album.page).action is Action.UPDATE
    outcome = album.restore(mended)
    assert reasons(outcome) == []
    assert album.shown() == [PICTURE]


def test_a_record_that_keeps_its_id_keeps_its_images(album: Album) -> None:
    album.shop.night()
    text = album.live()[1]["Text"]
    album.shop.org.update("Page", album.page, {"Text": "spoilt"})
    album.shop.night()
    outcome = album.restore(album.shop.plan_of(("Page", album.page), at=1))
    assert (outcome.ending, reasons(outcome)) == (Ending.UPDATED, [])
    assert album.live()[1]["Text"] == text
    assert len(album.images) == 1


def test_an_image_that_the_vault_lacks_is_counted_and_named(album: Album) -> None:
    content = album.images.pop((album.page, album.image))
    album.lose()
    plan = album.plan()
    note = note_of(plan, IMAGES_MISSING)
    assert (note.table, note.count, note.weight) == ("Page", 1, NoteWeight.WARNING)
    assert IMAGES_SENT not in codes(plan)
    outcome = album.restore(plan)
    assert reasons(outcome) == [("Text", IMAGE_LOST)]
    assert album.live()[1]["Text"] == f"see {address(album.page, album.image)}"
    assert content == PICTURE


@pytest.mark.parametrize("rule", [{"largest": 3}, {}])
def test_an_image_that_the_org_does_not_take_is_named(album: Album, rule: dict[str, Any]) -> None:
    images = replace(text_images("Text", **rule), formats=frozenset({"image/gif"}))
    album.shop.allow("Page", text_images=images)
    album.lose()
    plan = album.plan()
    assert (IMAGES_MISSING in codes(plan)) is bool(rule)
    assert reasons(album.restore(plan)) == [("Text", IMAGE_LOST)]
    assert album.shown() == [None]


def test_a_text_that_is_too_long_with_its_images_comes_without_them(album: Album) -> None:
    columns = album.shop.org.tables["Page"].columns
    columns["Text"] = replace(columns["Text"], length=60)
    album.lose()
    plan = album.plan()
    assert note_of(plan, IMAGES_LARGE).count == note_of(plan, IMAGES_SENT).count == 1
    refused = RowRefused("STRING_TOO_LONG", "Data value too large.")
    album.shop.writer.faults.plant("row", refused, table="Page", after=1)
    outcome = album.restore(plan)
    assert (outcome.ending, reasons(outcome)) == (Ending.CREATED, [("Text", IMAGE_LOST)])


def test_a_lost_answer_sends_no_image_twice(album: Album) -> None:
    album.lose()
    plan = album.plan()
    album.shop.writer.faults.plant("written", ReplyLost(), table="Page", after=1)
    album.restore(plan)
    assert album.shown() == [PICTURE]
    assert len(album.images) == 1


def test_a_crash_after_the_record_sends_the_image_later(album: Album) -> None:
    album.lose()
    plan = album.plan()
    album.shop.writer.faults.plant("written", RuntimeError("crash"), table="Page")
    with pytest.raises(RuntimeError, match="crash"):
        album.shop.try_restore(plan)
    album.restore(plan)
    assert album.shown() == [PICTURE]


@pytest.mark.parametrize("text", ["by a flow", f"see {address('Pag000000009', 'Img000000099')}"])
def test_a_text_that_an_automation_changed_is_left(
    album: Album, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    album.lose()
    plan = album.plan()
    create = album.shop.platform.create

    def created(table: str, cells: Mapping[str, str | None], *, by: str) -> str:
        record = create(table, cells, by=by)
        album.shop.org.update(table, record, {"Text": text})
        return record

    monkeypatch.setattr(album.shop.platform, "create", created)
    outcome = album.restore(plan)
    assert album.live()[1]["Text"] == text
    # An image under another name may be the one that was sent: a new one looks the same.
    assert reasons(outcome) == ([] if "Img" in text else [("Text", OVERWRITTEN)])


def test_a_record_that_is_not_created_gets_no_images(album: Album) -> None:
    album.lose()
    plan = album.plan()
    album.shop.writer.faults.plant("row", RowRefused("NO", "Not today."), table="Page")
    outcome = album.shop.restore(plan)
    assert of(outcome, album.page).ending is Ending.FAILED
    assert len(album.shop.writes()) == 1


def test_a_record_without_images_needs_no_second_write(album: Album) -> None:
    plain = album.make("Plain", Text="nothing to see")
    album.lose(plain)
    plan = album.plan(plain)
    assert not codes(plan) & {IMAGES_SENT, IMAGES_MISSING}
    album.restore(plan, plain)
    assert [call[0] for call in album.shop.writes()] == ["create"]


def test_an_image_of_another_lost_record_comes_too(album: Album) -> None:
    """A text that was copied from another page: the image belongs to that page."""
    copied = album.make("Copy", Text=f"as {address(album.page, album.image)}")
    foreign = album.make("Foreign", Text=f"as {address('Pag999999999', album.image)}")
    album.shop.night()
    for page in (album.page, copied, foreign):
        album.shop.lose("Page", page)
    album.shop.night()
    plan = album.shop.plan_of(*(("Page", page) for page in (album.page, copied, foreign)))
    outcome = album.shop.restore(plan)
    assert all(not record.differences for record in outcome.records if record.table == "Page")
    assert album.shown("Copy") == [PICTURE]
    assert album.live("Foreign")[1]["Text"] == f"as {address('Pag999999999', album.image)}"


def test_a_new_record_beside_the_first_one_gets_images(album: Album) -> None:
    album.shop.night()
    keys = (RecordKey("Page", album.page),)
    selection = Selection(SelectionKind.CORRECTION, keys, beside=True)
    plan = album.shop.planned(selection)
    outcome = album.restore(plan)
    pages = [key for key, cells in album.shop.live("Page").items() if cells["Name"] == "Home"]
    assert sorted(pages) == sorted({album.page, str(outcome.live)})
    assert [content for (page, _), content in album.images.items() if page == outcome.live] == [
        PICTURE
    ]


def test_many_images_take_several_calls(album: Album, monkeypatch: pytest.MonkeyPatch) -> None:
    other = album.make("Other")
    album.shop.org.paste("Page", other, "Text", OTHER)
    album.shop.night()
    for page in (album.page, other):
        album.shop.lose("Page", page)
    album.shop.night()
    monkeypatch.setattr(sending, "CALL_BYTES", 40)
    plan = album.shop.plan_of(("Page", album.page), ("Page", other))
    assert album.shop.restore(plan).whole
    assert [call for call in album.shop.writes() if call[0] == "update"] == [
        ("update", "Page", 1)
    ] * 2
    assert (album.shown(), album.shown("Other")) == ([PICTURE], [OTHER])


def test_an_image_that_the_vault_lost_is_named(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    album.lose()
    plan = album.plan()

    def damaged(org: str, blob: str) -> None:
        raise IntegrityError("blob-damaged", "Damaged.")

    monkeypatch.setattr(album.shop.vault, "open_file", damaged)
    assert reasons(album.restore(plan)) == [("Text", IMAGE_LOST)]
    assert album.shown() == [None]


def test_an_undo_sees_no_change_in_the_new_addresses(album: Album) -> None:
    album.lose()
    plan = album.plan()
    album.restore(plan)
    undo = album.shop.undo(run_of(plan))
    assert [step.action for step in undo.steps if step.table == "Page"] == [Action.DELETE]
    assert album.shop.restore(undo).whole
    assert album.shop.live("Page") == {}


@pytest.mark.parametrize("later", [None, "by a person"])
def test_an_undo_of_a_stopped_run_sees_no_change_in_the_new_addresses(
    album: Album, monkeypatch: pytest.MonkeyPatch, later: str | None
) -> None:
    """A run that did not read back knows only the hash of the text, from before it had images."""
    album.lose()
    album.restore(album.plan())
    page, _ = album.live()
    album.shop.org.update("Page", page, {"Text": "spoilt", "Note": "spoilt"})
    album.shop.night()
    plan = album.shop.plan_of(("Page", album.page), at=1)

    def stopped(session: Any) -> None:
        raise RuntimeError("stopped")

    with monkeypatch.context() as patch:
        patch.setattr(running, "_close", stopped)
        with pytest.raises(RuntimeError, match="stopped"):
            album.shop.try_restore(plan)
    assert album.shown() == [PICTURE]
    if later:
        album.shop.org.update("Page", page, {"Text": later})
    undo = album.shop.undo(run_of(plan))
    assert ("changed-since" in codes(undo)) is bool(later)
    album.shop.restore(undo)
    assert album.live()[1]["Text"] == (later or "spoilt")


def test_an_undo_of_an_undo_brings_back_images_of_a_backup(album: Album) -> None:
    album.lose()
    first = album.plan()
    album.restore(first)
    album.shop.night()
    undo = album.shop.undo(run_of(first))
    album.shop.restore(undo)
    album.shop.platform.purge_bin()
    again = album.shop.undo(run_of(undo))
    assert album.shop.restore(again).whole
    assert album.shown() == [PICTURE]


def test_a_file_with_an_image_in_its_text_comes_back_with_both(album: Album) -> None:
    org = album.shop.org
    org.add_table("Print", {"Name": TEXT, "Text": TEXT}, files=True, images=("Text",))
    album.shop.allow("Print", text_links=TextLinks(frozenset({"Text"}), (12,)))
    print_ = org.attach("Print", "poster.pdf", b"poster")
    image = org.paste("Print", print_, "Text", PICTURE)
    album.shop.night()
    album.shop.lose("Print", print_)
    album.shop.night()
    plan = album.shop.plan_of(("Print", print_))
    assert plan.estimate.file_bytes == len(b"poster") + len(PICTURE)
    outcome = album.shop.restore(plan)
    assert reasons(of(outcome, print_)) == []
    new, cells = album.shop.named("Print", "poster.pdf")
    assert org.tables["Print"].files[new] == b"poster"
    assert image not in str(cells["Text"])
    assert list(org.tables["Print"].images.values()) == [PICTURE]
    undo = album.shop.undo(run_of(plan))
    album.shop.restore(undo)
    album.shop.platform.purge_bin()
    again = album.shop.undo(run_of(undo))
    assert album.shop.restore(again).whole
    assert org.tables["Print"].files[album.shop.named("Print", "poster.pdf")[0]] == b"poster"
