"""The undo of an archive whose records came back otherwise: by people, or by a restore."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from unit.engine.archive.test_nothing_lost import let_undelete
from unit.engine.archive.test_run import POLICY, Office
from unlost.engine.restore.planning.undo_archived import RecordsOfArchive
from unlost.model.plan import Action


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    let_undelete(made)
    yield made
    made.close()


def test_an_undo_overwrote_what_people_changed_after_they_brought_a_record_back(
    office: Office,
) -> None:
    done = office.archive()
    first, second = office.record("Account", "A0"), office.record("Contact", "C0")
    office.clock.advance(hours=1)
    office.platform.undelete("Account", first, by="U9")
    office.org.update("Account", first, {"Name": "newer", "Number": "9"}, by="U9")
    plan = office.undo(done.run)
    (note,) = [note for note in plan.notes if note.code == "changed-since"]
    assert (note.table, note.count) == ("Account", 1)
    (step,) = [step for step in plan.steps if step.record == first]
    assert step.action is Action.UNCHANGED
    assert office.restore(plan).whole
    assert office.live("Account")[first]["Name"] == "newer"
    assert second in office.live("Contact")


def test_an_undo_sets_only_emptied_references_of_a_record_that_people_changed(
    office: Office,
) -> None:
    office.platform.relinks = False
    done = office.archive()
    paper, account = office.record("Paper", "P0"), office.record("Account", "A0")
    office.clock.advance(hours=1)
    office.platform.undelete("Paper", paper, by="U9")
    office.org.update("Paper", paper, {"Name": "newer", "Account": None}, by="U9")
    assert office.restore(office.undo(done.run)).whole
    row = office.live("Paper")[paper]
    assert (row["Name"], row["Account"]) == ("newer", account)


@pytest.mark.parametrize("forgotten", [False, True])
def test_an_undo_missed_references_if_people_brought_the_records_back_before_a_backup(
    office: Office, monkeypatch: pytest.MonkeyPatch, forgotten: bool
) -> None:
    office.platform.relinks = False
    done = office.archive(policy=replace(POLICY, branches=()))
    for record, held in list(office.org.tables["Account"].records.items()):
        if held.deleted:
            office.platform.undelete("Account", record, by="U9")
    office.night()
    papers = [row["Account"] for row in office.live("Paper").values()]
    assert papers.count(None) == 4
    if forgotten:
        monkeypatch.setattr(RecordsOfArchive, "backup", lambda *_: None)
    office.restore(office.undo(done.run))
    papers = [row["Account"] for row in office.live("Paper").values()]
    assert papers.count(None) == (4 if forgotten else 0)


def test_an_undo_keeps_what_a_restore_of_an_earlier_backup_brought_back(office: Office) -> None:
    done = office.archive()
    first = office.record("Account", "A0")
    office.clock.advance(hours=1)
    office.platform.undelete("Account", first, by=office.writer.user)
    office.org.update("Account", first, {"Name": "earlier"}, by=office.writer.user)
    assert office.restore(office.undo(done.run)).whole
    assert office.live("Account")[first]["Name"] == "earlier"
