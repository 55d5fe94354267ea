"""An undo leaves the files of records on legal hold: file, versions, and the link to the record."""

from pathlib import Path

import pytest

from unit.engine.restore.atelier import Atelier
from unit.engine.restore.undone_shop import codes
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.values.outcome import Ending
from unlost.model.plan import RestorePlan
from unlost.model.source.schema import DeleteRule, Reference, WireKind
from unlost.model.source.shared_files import CopiedVersions, SharedFile
from unlost.model.storage import FileVersionRule
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget

TEXT, LINK = WireKind.TEXT, WireKind.REFERENCE
VERSIONS = CopiedVersions(FileVersionRule("Issue", "Document", "Latest", "Size", "Name"))
KIND = SharedFile("Document", "Link", "Document", "Holder", versions=VERSIONS)
FILES = ("Document", "Issue", "Link")


class Folder(Atelier):
    """Two accounts with a document each, with a version and a link; the documents were lost, and restored."""

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        self.org.add_table("Document", {"Name": TEXT})
        in_document = Reference(("Document",), DeleteRule.CASCADE)
        self.org.add_table(
            "Issue", {"Name": TEXT, "Document": LINK}, references={"Document": in_document}
        )
        holders = Reference(("Account", "Contact"), DeleteRule.CASCADE)
        self.org.add_table(
            "Link",
            {"Name": TEXT, "Document": LINK, "Holder": LINK},
            references={"Document": in_document, "Holder": holders},
        )
        self.shared = (KIND,)
        self.accounts = [self.make("Account", f"A{number}") for number in range(2)]
        documents = [self.file(f"D{number}", self.accounts[number]) for number in range(2)]
        self.night()
        for document in documents:
            self.lose("Document", document)
        self.night()
        plan = self.plan_of(*(("Document", document) for document in documents))
        self.restore(plan)
        self.run = run_of(plan)

    def file(self, name: str, holder: str) -> str:
        document = self.make("Document", name)
        self.make("Issue", f"{name} v1", Document=document)
        self.make("Link", f"{name} of {holder}", Document=document, Holder=holder)
        return document

    def hold(self, target: HoldTarget) -> None:
        self.vault.change_holds(self.oid, placed=[Hold(target)], run="hold-1")

    def names(self) -> set[str]:
        """The names of all that is live of documents."""
        rows = [cells for table in FILES for cells in self.live(table).values()]
        return {str(cells["Name"]) for cells in rows}

    def of(self, number: int) -> set[str]:
        """All of a document."""
        return {f"D{number}", f"D{number} v1", f"D{number} of {self.accounts[number]}"}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def targets(folder: Folder) -> list[HoldTarget]:
    return [
        HoldTarget(HoldScope.RECORD, "Account", folder.accounts[0]),
        HoldTarget(HoldScope.TABLE, "Account"),
        HoldTarget(HoldScope.RECORD, "Contact", folder.accounts[1] + "x"),
    ]


EXPECTED = ({0}, {0, 1}, set[int]())


def staying(folder: Folder, numbers: set[int]) -> set[str]:
    return {name for number in numbers for name in folder.of(number)}


@pytest.mark.parametrize("case", range(3))
def test_an_undo_deleted_the_files_of_a_record_on_legal_hold(folder: Folder, case: int) -> None:
    assert folder.names() == folder.of(0) | folder.of(1)
    folder.hold(targets(folder)[case])
    plan = folder.undo(folder.run)
    assert ("file-on-hold" in codes(plan)) == bool(EXPECTED[case])
    folder.restore(plan)
    assert folder.names() == staying(folder, EXPECTED[case])


@pytest.mark.parametrize("case", range(3))
def test_an_undo_deleted_files_of_a_record_whose_hold_came_after_the_plan(
    folder: Folder, case: int
) -> None:
    plan = folder.undo(folder.run)
    assert "file-on-hold" not in codes(plan)
    folder.hold(targets(folder)[case])
    outcome = folder.restore(plan)
    assert folder.names() == staying(folder, EXPECTED[case])
    failed = {each.code for each in outcome.records if each.ending is Ending.FAILED}
    assert failed == ({"undo-on-hold"} if EXPECTED[case] else set())


def test_a_link_that_the_run_did_not_bring_keeps_the_versions_too(folder: Folder) -> None:
    """A person added the link; the version could be deleted alone."""
    (document, _) = folder.named("Document", "D1")
    folder.make("Link", "more", Document=document, Holder=folder.accounts[0])
    folder.hold(targets(folder)[0])
    folder.restore(folder.undo(folder.run))
    left = folder.names()
    assert left >= {"D1", "D1 v1", "more"} | folder.of(0)
    assert f"D1 of {folder.accounts[1]}" not in left


def test_the_files_of_a_restored_record_on_hold_stay(folder: Folder) -> None:
    """The hold names the record by its id in the vault."""
    plan = lost_and_restored(folder)
    folder.hold(HoldTarget(HoldScope.RECORD, "Account", folder.accounts[1]))
    folder.restore(folder.undo(run_of(plan)))
    assert {"A1"} < {str(cells["Name"]) for cells in folder.live("Account").values()}
    assert {"D1", "D1 v1"} < folder.names()


def lost_and_restored(folder: Folder) -> RestorePlan:
    folder.night()
    (document, _) = folder.named("Document", "D1")
    folder.lose("Document", document)
    folder.lose("Account", folder.accounts[1])
    folder.night()
    plan = folder.plan_of(("Account", folder.accounts[1]), ("Document", document))
    folder.restore(plan)
    return plan
