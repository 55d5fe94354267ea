"""A run that archives files whose records stay."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unit.engine.archive.test_run import Office, archived, note_codes, stayed
from unlost.engine.restore.running.passes import archiving, staying
from unlost.engine.restore.running.session import RestorePorts
from unlost.engine.restore.values.outcome import RestoreOutcome
from unlost.model.archive import ArchiveBranch, ArchivePolicy, BranchRule, Comparison, Condition
from unlost.model.plan import RestorePlan
from unlost.model.source.schema import DeleteRule, Reference, WireKind
from unlost.model.source.shared_files import FileRelease, SharedFile
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget
from unlost.testing.faults import Crash
from unlost.testing.platform import RowRefused

TEXT, LINK = WireKind.TEXT, WireKind.REFERENCE
RELEASES = (FileRelease("records", ("Account", "Nowhere")),)
KIND = SharedFile("Document", "Link", "Document", "Holder", None, releases=RELEASES)
FILES = ArchivePolicy(
    "files", "Document", (Condition("Name", Comparison.FILLED),), include=("records",)
)


class Cabinet(Office):
    """Two documents, each of an account."""

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        self.org.add_table("Document", {"Name": TEXT})
        tables = {"Document": ("Document",), "Holder": ("Account", "Contact", "Paper")}
        self.org.add_table(
            "Link",
            {"Name": TEXT, "Document": LINK, "Holder": LINK},
            references={
                name: Reference(targets, DeleteRule.CASCADE) for name, targets in tables.items()
            },
        )
        for number in range(2):
            document = self.make("Document", f"D{number}")
            self.link(document, self.record("Account", f"A{number}"))
        self.night()

    def link(self, document: str, holder: str) -> str:
        return self.make("Link", f"of {holder}", Document=document, Holder=holder)

    def restore_ports(self) -> RestorePorts:
        return replace(super().restore_ports(), shared=(KIND,))

    def files_plan(self, **changes: Any) -> RestorePlan:
        return self.archive_plan(policy=FILES, shared=(KIND,), **changes)

    def hold(self, target: HoldTarget) -> None:
        self.vault.change_holds(self.oid, placed=[Hold(target)], run="hold-1")


@pytest.fixture
def cabinet(tmp_path: Path) -> Iterator[Cabinet]:
    office = Cabinet(tmp_path)
    yield office
    office.close()


def test_files_leave_and_an_undo_brings_them_back_with_their_links(cabinet: Cabinet) -> None:
    accounts, links = cabinet.names("Account"), cabinet.names("Link")
    plan = cabinet.files_plan()
    (note,) = [note for note in plan.notes if note.code == "archive-loses-files"]
    assert note.sentence == (
        "2 records of Account stay and lose 2 files. You can still open the files on the pages of these "
        "records in Unlost."
    )
    done = cabinet.run(plan)
    assert archived(done) == {"Document": 2, "Link": 2}
    assert cabinet.names("Document", "Link") == set()
    assert cabinet.names("Account") == accounts
    cabinet.run(cabinet.undo(done.run))
    assert cabinet.names("Document") == {"D0", "D1"}
    assert cabinet.names("Link") == links


def test_the_org_refused_a_record_whose_file_was_deleted_already(cabinet: Cabinet) -> None:
    """Files of a level leave last, whatever the names of their tables."""
    branches = (ArchiveBranch("Link", "Holder", BranchRule.TAKE),)
    policy = ArchivePolicy("old", "Paper", (Condition("Name", Comparison.IS, ("P0",)),), branches)
    document = cabinet.make("Document", "D9")
    cabinet.link(document, cabinet.record("Paper", "P0"))
    cabinet.night()
    plan = cabinet.archive_plan(policy=policy, shared=(KIND,))
    assert {step.table for step in plan.steps} == {"Paper", "Document", "Link"}
    cabinet.writer.faults.plant("row", RowRefused("LOCKED", "It is locked."), table="Paper")
    done = cabinet.run(plan)
    assert archived(done) == {}
    assert "D9" in cabinet.names("Document")
    assert stayed(done)[f"Document/{document}"] == "archive-together"


@pytest.mark.parametrize("crashes", [False, True])
def test_the_link_of_an_archived_record_was_said_to_stay_with_its_shared_file(
    cabinet: Cabinet, crashes: bool
) -> None:
    """The org refuses one of two records that share a file: the file stays, and one link."""
    branches = (ArchiveBranch("Link", "Holder", BranchRule.TAKE),)
    names = Condition("Name", Comparison.IS, ("P0", "P1"))
    document = cabinet.make("Document", "D9")
    papers = [cabinet.record("Paper", name) for name in ("P0", "P1")]
    links = [cabinet.link(document, paper) for paper in papers]
    cabinet.night()
    policy = ArchivePolicy("old", "Paper", (names,), branches)
    plan = cabinet.archive_plan(policy=policy, shared=(KIND,))
    cabinet.writer.faults.plant(
        "row", RowRefused("LOCKED", "It is locked."), table="Paper", after=1
    )
    if crashes:
        cabinet.writer.faults.plant("written", Crash(), table="Paper")
        with pytest.raises(Crash):
            cabinet.run(plan)
        cabinet.writer.faults.plant("row", RowRefused("LOCKED", "It is locked."), table="Paper")
    done = cabinet.run(plan)
    assert archived(done) == {"Paper": 1, "Link": 1}
    assert f"Link/{links[0]}" not in stayed(done)
    assert stayed(done)[f"Link/{links[1]}"] == "archive-together"
    assert "D9" in cabinet.names("Document")
    cabinet.run(cabinet.undo(done.run))
    assert {"P0", "P1"} <= cabinet.names("Paper")
    for paper in papers:
        assert cabinet.named("Link", f"of {paper}")[1]["Document"] == document


def check_vanished(cabinet: Cabinet, done: RestoreOutcome) -> None:
    """The run deleted one document with its link, and a trigger the other with its own."""
    assert archived(done) == {"Document": 1, "Link": 1}
    assert cabinet.names("Document", "Link") == set()
    assert sorted((key.partition("/")[0], code) for key, code in stayed(done).items()) == [
        ("Document", "archive-vanished"),
        ("Link", "archive-vanished"),
    ]


@pytest.mark.parametrize("crashes", [False, True])
def test_links_that_a_trigger_took_along_were_said_to_stay(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch, crashes: bool
) -> None:
    """Their table is never read for its changes: the run looks for them when it stops."""
    monkeypatch.setattr(archiving, "FIRST_TURN", 1)
    plan = cabinet.files_plan()
    documents = {cabinet.record("Document", name) for name in ("D0", "D1")}
    delete, refuse = cabinet.platform.delete, archiving._refuse

    def trigger(table: str, record: str, *, by: str) -> None:
        delete(table, record, by=by)
        if table == "Document":
            for other in documents - {record}:
                if not cabinet.org.tables["Document"].records[other].deleted:
                    delete("Document", other, by=by)

    def power_cut(session: Any, steps: Any, why: Any) -> None:
        if why in (staying.vanished, staying.stopped):
            raise Crash
        refuse(session, steps, why)

    monkeypatch.setattr(cabinet.platform, "delete", trigger)
    if crashes:
        monkeypatch.setattr(archiving, "_refuse", power_cut)
        with pytest.raises(Crash):
            cabinet.run(plan)
        monkeypatch.setattr(archiving, "_refuse", refuse)
    check_vanished(cabinet, cabinet.run(plan))


def test_a_link_that_was_to_stay_left_unseen_and_was_said_to_stay(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its document had changed. A trigger then took both along with the other document."""
    plan = cabinet.files_plan()
    changed, other = (cabinet.record("Document", name) for name in ("D0", "D1"))
    cabinet.org.update("Document", changed, {"Name": "D0, changed"}, by="U9")
    delete = cabinet.platform.delete

    def trigger(table: str, record: str, *, by: str) -> None:
        delete(table, record, by=by)
        if (table, record) == ("Document", other):
            delete("Document", changed, by=by)

    monkeypatch.setattr(cabinet.platform, "delete", trigger)
    check_vanished(cabinet, cabinet.run(plan))


def test_a_plan_counts_only_the_files_that_it_archives(cabinet: Cabinet) -> None:
    plan = cabinet.files_plan(most=2)
    (note,) = [note for note in plan.notes if note.code == "archive-loses-files"]
    assert note.count == 1
    assert "archive-rest" in note_codes(plan)


@pytest.mark.parametrize("scope", [HoldScope.RECORD, HoldScope.TABLE])
def test_a_hold_on_the_record_that_is_newer_than_the_plan_keeps_its_file(
    cabinet: Cabinet, scope: HoldScope
) -> None:
    plan = cabinet.files_plan()
    record = cabinet.record("Account", "A1") if scope is HoldScope.RECORD else ""
    cabinet.hold(HoldTarget(scope, "Account", record))
    done = cabinet.run(plan)
    assert cabinet.names("Document") == ({"D1"} if record else {"D0", "D1"})
    reasons = [code for key, code in stayed(done).items() if key.startswith("Link/")]
    assert set(reasons) == {"archive-on-hold"}


@pytest.mark.parametrize(
    "target",
    [
        HoldTarget(HoldScope.RECORD, "Contact", "none"),
        HoldTarget(HoldScope.TABLE, "Contact"),
        HoldTarget(HoldScope.RECORD, "Account", "none"),
        HoldTarget(HoldScope.TABLE, "Nowhere"),
        HoldTarget(HoldScope.NIGHT, backup=1),
    ],
)
def test_a_hold_on_others_keeps_no_file(cabinet: Cabinet, target: HoldTarget) -> None:
    plan = cabinet.files_plan()
    cabinet.hold(target)
    cabinet.run(plan)
    assert cabinet.names("Document") == set()


def test_a_file_that_no_record_has_leaves_in_spite_of_a_hold_on_records(cabinet: Cabinet) -> None:
    cabinet.make("Document", "loose")
    cabinet.night()
    plan = cabinet.files_plan(most=1)
    cabinet.hold(HoldTarget(HoldScope.TABLE, "Account"))
    assert archived(cabinet.run(plan)) == {"Document": 1}
    assert cabinet.names("Document") == {"D0", "D1"}


def test_a_file_that_another_record_got_after_the_backup_stays(cabinet: Cabinet) -> None:
    plan = cabinet.files_plan()
    cabinet.clock.advance(hours=1)
    cabinet.link(cabinet.record("Document", "D1"), cabinet.record("Account", "A3"))
    cabinet.run(plan)
    assert cabinet.names("Document") == {"D1"}
