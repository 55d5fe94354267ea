"""Undoing an archive without some of its records."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from unit.engine.archive.test_run import POLICY, Office, note_codes
from unlost.engine.restore.planning import undo
from unlost.engine.restore.planning.left_out import LeftOut
from unlost.model.errors import NotFound, UsageError
from unlost.model.plan import RecordKey, RestorePlan
from unlost.model.source.writing import Identity


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    for table in ("Account", "Contact", "Paper", "Role"):
        made.allow(table, identity=Identity.UNDELETE)
    yield made
    made.close()


def without(*records: tuple[str, str]) -> LeftOut:
    return LeftOut(records=frozenset(RecordKey(table, record) for table, record in records))


def named(plan: RestorePlan, code: str) -> dict[str, str]:
    """The sentences of the notes of this code, by table."""
    return {str(note.table): note.sentence for note in plan.notes if note.code == code}


def test_a_mistyped_id_leaves_nothing_out_of_the_undo_of_an_archive(office: Office) -> None:
    done = office.archive()
    with pytest.raises(NotFound) as unknown:
        office.undo(done.run, left_out=without(("Account", office.account), ("Contact", "nosuch")))
    assert unknown.value.code == "undo-record-unknown"
    assert "Contact/nosuch" in unknown.value.sentence


def test_a_live_record_that_the_archive_did_not_touch_cannot_be_left_out(office: Office) -> None:
    done = office.archive()
    with pytest.raises(NotFound) as unknown:
        office.undo(done.run, left_out=without(("Account", office.record("Account", "A4"))))
    assert unknown.value.code == "undo-record-unknown"


def test_a_record_that_lost_its_reference_to_an_archived_one_can_be_left_out(
    office: Office,
) -> None:
    """Also together with the archived record through which alone the undo would reach it."""
    office.platform.relinks = False
    paper = office.record("Paper", "P0")
    done = office.archive(policy=replace(POLICY, branches=()))
    office.night()
    both = without(("Paper", paper), ("Account", office.account))
    assert office.account not in {
        step.record for step in office.undo(done.run, left_out=both).steps
    }
    office.restore(office.undo(done.run, left_out=without(("Paper", paper))))
    assert office.live("Paper")[paper]["Account"] is None
    assert office.live("Paper")[office.record("Paper", "P1")]["Account"] is not None


def test_leaving_out_a_whole_archive_is_refused(office: Office) -> None:
    done = office.archive()
    with pytest.raises(UsageError) as nothing:
        office.undo(done.run, left_out=LeftOut(frozenset({"Account", "Contact", "Paper"})))
    assert nothing.value.code == "undo-all-left-out"


@pytest.fixture
def journal_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if an erasure of one of the archived records removed the journal."""

    def erased(_: object, run: str) -> None:
        raise NotFound("run-unknown", "The vault has no journal of the run {run}.", run=run)

    monkeypatch.setattr(undo, "effects_of", erased)


@pytest.mark.usefixtures("journal_gone")
def test_a_mistyped_id_leaves_nothing_out_when_the_journal_was_erased(office: Office) -> None:
    contact = office.record("Contact", "C0")
    done = office.archive()
    with pytest.raises(NotFound) as unknown:
        office.undo(done.run, left_out=without(("Contact", "nosuch")))
    assert unknown.value.code == "undo-record-unknown"
    plan = office.undo(done.run, left_out=without(("Contact", contact)))
    assert named(plan, "left-out-comes").keys() == {"Contact"}


# --- details in the bin -----------------------------------------------------------------------------


def test_a_left_out_contact_comes_back_although_the_plan_says_that_it_stays_out(
    office: Office,
) -> None:
    contact = office.record("Contact", "C0")
    done = office.archive()
    plan = office.undo(done.run, left_out=without(("Contact", contact)))
    assert named(plan, "left-out-comes").keys() == {"Contact"}
    assert "left-out" not in note_codes(plan), "it does not stay away"
    office.restore(plan)
    assert contact in office.live("Contact")


def test_a_detail_of_a_left_out_contact_comes_back_with_both_masters(office: Office) -> None:
    contact = office.record("Contact", "C0")
    role = office.make("Role", "R0", Account=office.account, Contact=contact)
    office.night()
    done = office.archive()
    plan = office.undo(done.run, left_out=without(("Contact", contact), ("Role", role)))
    assert named(plan, "left-out-comes").keys() == {"Contact", "Role"}
    office.restore(plan)
    assert {contact, role} <= {*office.live("Contact"), *office.live("Role")}


def test_a_left_out_account_and_its_contact_stay_away_together(office: Office) -> None:
    contact = office.record("Contact", "C0")
    done = office.archive()
    plan = office.undo(
        done.run, left_out=without(("Account", office.account), ("Contact", contact))
    )
    assert "left-out-comes" not in note_codes(plan)
    assert contact in named(plan, "left-out")["Contact"]
    office.restore(plan)
    assert contact not in office.live("Contact")


def test_a_left_out_contact_that_was_purged_stays_away(office: Office) -> None:
    contact = office.record("Contact", "C0")
    done = office.archive()
    office.platform.purge_bin()
    plan = office.undo(done.run, left_out=without(("Contact", contact)))
    assert contact in named(plan, "left-out")["Contact"]
    assert "left-out-comes" not in note_codes(plan)
    office.restore(plan)
    assert "C0" not in office.names()
    assert "A0" in office.names()


def test_a_left_out_paper_that_the_archive_deleted_by_itself_stays_away(office: Office) -> None:
    paper = office.record("Paper", "P0")
    done = office.archive()
    plan = office.undo(done.run, left_out=without(("Paper", paper)))
    assert "left-out-comes" not in note_codes(plan)
    office.restore(plan)
    assert paper not in office.live("Paper")
