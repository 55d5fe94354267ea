"""A record whose file differs from the backup is never called correct."""

import pytest

from unit.engine.restore.atelier import LINK, Atelier, actions, codes, note_of, step_of
from unit.engine.restore.workshop import TEXT, endings, of
from unlost.engine.restore.planning.plan import RelatedPolicy
from unlost.engine.restore.values.outcome import Ending
from unlost.model.plan import Action, Selection, SelectionKind
from unlost.model.source.schema import FileColumn, Reference
from unlost.model.source.writing import Identity
from unlost.testing.org import MemoryTable

DIFFERS = "file-differs"
SIZE_ONLY = (FileColumn("Body", "BodySize", None, "Name"),)


@pytest.fixture
def without_checksums(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows show the size of a file only, as those of attachments do."""
    monkeypatch.setattr(MemoryTable, "file_columns", SIZE_ONLY)


@pytest.fixture
def without_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows show nothing of a file."""
    monkeypatch.setattr(MemoryTable, "file_columns", (FileColumn("Body", name_column="Name"),))


# --- replaced bytes -------------------------------------------------------------------------------


def test_a_file_that_was_overwritten_is_not_called_correct(atelier: Atelier) -> None:
    papers = [atelier.org.attach("Paper", f"recipe {at}", b"cocoa") for at in range(3)]
    same = atelier.org.attach("Paper", "same", b"sugar")
    atelier.night()
    for paper in papers:
        atelier.org.replace_file("Paper", paper, b"x")
    atelier.night()
    plan = atelier.plan_of(*(("Paper", paper) for paper in (*papers, same)), at=1)
    assert actions(plan) == {**dict.fromkeys(papers, Action.SKIP), same: Action.UNCHANGED}
    note = note_of(plan, DIFFERS, "Paper")
    assert note.count == 3
    assert "another file in the org than in the backup" in note.sentence
    assert "by hand" in note.next_step
    outcome = atelier.restore(plan)
    assert endings(outcome)[papers[0]] is Ending.SKIPPED
    assert "another file" in of(outcome, papers[0]).sentence


def test_an_overwritten_file_is_seen_before_a_backup_sees_it(atelier: Atelier) -> None:
    paper = atelier.org.attach("Paper", "recipe", b"cocoa")
    atelier.night()
    atelier.org.replace_file("Paper", paper, b"milk!")
    assert note_of(atelier.plan_of(("Paper", paper)), DIFFERS).count == 1


def test_other_columns_of_a_record_with_another_file_are_put_back(atelier: Atelier) -> None:
    paper = atelier.org.attach("Paper", "recipe", b"cocoa")
    atelier.night()
    atelier.org.replace_file("Paper", paper, b"x")
    atelier.org.update("Paper", paper, {"Name": "renamed"})
    plan = atelier.plan_of(("Paper", paper))
    assert (step_of(plan, paper).action, step_of(plan, paper).columns) == (Action.UPDATE, ("Name",))
    assert note_of(plan, DIFFERS).count == 1


def test_single_columns_say_nothing_about_the_file(atelier: Atelier) -> None:
    paper = atelier.org.attach("Paper", "recipe", b"cocoa")
    atelier.night()
    atelier.org.replace_file("Paper", paper, b"x")
    atelier.org.update("Paper", paper, {"Name": "renamed"})
    atelier.night()
    changed = Selection(SelectionKind.CHANGED, after=1, until=2, table="Paper", columns=("Name",))
    assert DIFFERS not in codes(atelier.planned(changed))


def test_a_file_that_is_undeleted_with_other_bytes_is_named(atelier: Atelier) -> None:
    atelier.allow("Paper", identity=Identity.UNDELETE)
    paper = atelier.org.attach("Paper", "recipe", b"cocoa")
    atelier.night()
    atelier.org.replace_file("Paper", paper, b"x")
    atelier.platform.delete("Paper", paper, by="U2")
    plan = atelier.plan_of(("Paper", paper), at=1)
    assert actions(plan) == {paper: Action.UNDELETE}
    assert note_of(plan, DIFFERS).count == 1


@pytest.mark.usefixtures("without_checksums")
def test_without_a_checksum_the_size_tells(atelier: Atelier) -> None:
    paper = atelier.org.attach("Paper", "recipe", b"cocoa")
    atelier.night()
    atelier.org.replace_file("Paper", paper, b"x")
    assert actions(atelier.plan_of(("Paper", paper))) == {paper: Action.SKIP}


@pytest.mark.parametrize("signs", ["without_checksums", "without_signs"])
def test_other_bytes_of_the_same_size_are_seen_in_the_newest_backup(
    atelier: Atelier, signs: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(signs)
    paper = atelier.org.attach("Paper", "recipe", b"cocoa")
    same = atelier.org.attach("Paper", "same", b"sugar")
    atelier.night()
    atelier.org.replace_file("Paper", paper, b"milk!")
    atelier.night()
    plan = atelier.plan_of(("Paper", paper), ("Paper", same), at=1)
    assert actions(plan) == {paper: Action.SKIP, same: Action.UNCHANGED}


@pytest.mark.usefixtures("without_checksums")
def test_a_file_that_was_put_back_by_hand_is_correct(atelier: Atelier) -> None:
    paper = atelier.org.attach("Paper", "recipe", b"cocoa")
    atelier.night()
    atelier.org.replace_file("Paper", paper, b"x")
    atelier.night()
    atelier.org.replace_file("Paper", paper, b"cocoa")
    plan = atelier.plan_of(("Paper", paper), at=1)
    assert actions(plan) == {paper: Action.UNCHANGED}
    assert DIFFERS not in codes(plan)


def test_a_file_that_the_vault_lacks_and_that_was_overwritten_is_named(atelier: Atelier) -> None:
    paper, link = atelier.make("Paper", "lost", BodySize="9"), atelier.make("Paper", "link")
    atelier.night()
    atelier.org.replace_file("Paper", paper, b"x")
    plan = atelier.plan_of(("Paper", paper), ("Paper", link))
    assert actions(plan) == {paper: Action.SKIP, link: Action.UNCHANGED}
    assert note_of(plan, "file-missing").count == 1


@pytest.mark.usefixtures("without_checksums")
def test_a_row_that_the_vault_has_without_its_newest_file_is_correct(atelier: Atelier) -> None:
    paper = atelier.org.attach("Paper", "recipe", b"cocoa")
    atelier.night()
    atelier.org.update("Paper", paper, {"BodySize": "9", "BodyDigest": "wrong"})
    atelier.night()
    assert atelier.head.files("Paper", [paper])[0].size == 5
    assert actions(atelier.plan_of(("Paper", paper))) == {paper: Action.UNCHANGED}


# --- other versions -------------------------------------------------------------------------------


class Binder:
    """A document whose current version the org names by itself."""

    def __init__(self, atelier: Atelier) -> None:
        self.atelier, org = atelier, atelier.org
        binder = {"Current": Reference(("Leaf",))}
        org.add_table("Binder", {"Name": TEXT, "Current": LINK}, references=binder)
        leaf = {"Of": Reference(("Binder",))}
        org.add_table("Leaf", {"Name": TEXT, "Of": LINK}, references=leaf, files=True)
        capability = atelier.platform.capability("Binder")
        atelier.allow(
            "Binder",
            changeable=capability.changeable - {"Current"},
            settable=capability.settable - {"Current"},
        )
        self.record = atelier.make("Binder", "contract")
        self.first = self.publish(b"signed by all")

    def plan(self, *leaves: str, at: int | None = None) -> dict[str, Action]:
        """The actions for the document, or for these versions of it."""
        records = [("Leaf", leaf) for leaf in leaves] or [("Binder", self.record)]
        plan = self.atelier.plan_of(*records, at=at, related=RelatedPolicy.NONE)
        return actions(plan)

    def publish(self, body: bytes) -> str:
        leaf = self.atelier.org.attach("Leaf", "contract.pdf", body)
        self.atelier.org.update("Leaf", leaf, {"Of": self.record})
        self.atelier.org.update("Binder", self.record, {"Current": leaf})
        return leaf


@pytest.fixture
def binder(atelier: Atelier) -> Binder:
    return Binder(atelier)


def test_a_document_with_another_version_is_not_called_correct(binder: Binder) -> None:
    shop = binder.atelier
    shop.night()
    second = binder.publish(b"x")
    shop.night()
    plan = shop.plan_of(("Binder", binder.record), ("Leaf", binder.first), at=1)
    assert actions(plan) == {binder.record: Action.SKIP, binder.first: Action.SKIP}
    assert (note_of(plan, DIFFERS, "Binder").count, note_of(plan, DIFFERS, "Leaf").count) == (1, 1)
    assert binder.plan(second) == {second: Action.UNCHANGED}


def test_a_version_with_the_same_bytes_is_correct(binder: Binder) -> None:
    shop = binder.atelier
    shop.night()
    binder.publish(b"x")
    shop.night()
    binder.publish(b"signed by all")
    plan = shop.plan_of(("Binder", binder.record), ("Leaf", binder.first), at=1)
    assert {*actions(plan).values()} == {Action.UNCHANGED}


def test_a_version_that_was_not_the_current_one_is_correct(binder: Binder) -> None:
    shop = binder.atelier
    binder.publish(b"draft")
    shop.night()
    binder.publish(b"x")
    shop.night()
    assert binder.plan(binder.first, at=1) == {binder.first: Action.UNCHANGED}


def test_a_document_without_versions_is_correct(binder: Binder) -> None:
    shop = binder.atelier
    empty = shop.make("Binder", "empty")
    alone = shop.org.attach("Leaf", "alone.pdf", b"alone")
    shop.night()
    plan = shop.plan_of(("Binder", empty), ("Leaf", alone))
    assert actions(plan) == {empty: Action.UNCHANGED, alone: Action.UNCHANGED}


def test_a_version_whose_document_is_lost_is_correct(binder: Binder) -> None:
    shop = binder.atelier
    shop.night()
    shop.lose("Binder", binder.record)
    plan = shop.plan_of(("Leaf", binder.first), related=RelatedPolicy.NONE)
    assert DIFFERS not in codes(plan)


@pytest.mark.parametrize("column", [("Binder", "Current"), ("Leaf", "Of")])
def test_a_backup_without_the_link_says_nothing_about_versions(
    binder: Binder, column: tuple[str, str]
) -> None:
    shop = binder.atelier
    shop.org.hidden_columns.add(column)
    shop.night()
    shop.org.hidden_columns.clear()
    binder.publish(b"x")
    assert binder.plan(binder.first) == {binder.first: Action.UNCHANGED}


def test_versions_that_the_backup_user_does_not_see_differ(binder: Binder) -> None:
    shop = binder.atelier
    shop.night()
    shop.org.hidden_rows.add(("Leaf", binder.publish(b"signed by all")))
    assert binder.plan() == {binder.record: Action.SKIP}


def test_a_version_that_the_vault_lacks_differs_from_another_one(atelier: Atelier) -> None:
    binder = Binder(atelier)
    atelier.org.update("Leaf", binder.first, {"BodyDigest": "wrong"})
    atelier.night()
    binder.publish(b"signed by all")
    assert binder.plan() == {binder.record: Action.SKIP}


def test_without_a_checksum_the_size_of_the_other_version_tells(
    binder: Binder, monkeypatch: pytest.MonkeyPatch
) -> None:
    binder.atelier.night()
    monkeypatch.setattr(MemoryTable, "file_columns", SIZE_ONLY)
    binder.publish(b"x")
    assert binder.plan() == {binder.record: Action.SKIP}


def test_a_current_version_that_can_be_set_is_a_reference_like_others(binder: Binder) -> None:
    shop = binder.atelier
    shop.allow("Binder", changeable=frozenset({"Name", "Current"}))
    shop.night()
    binder.publish(b"x")
    plan = shop.plan_of(("Binder", binder.record))
    assert step_of(plan, binder.record).columns == ("Current",)
    assert DIFFERS not in codes(plan)
