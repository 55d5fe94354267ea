"""Plans that delete name their effects, and their runs keep within the room in the recycle bin."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from unit.engine.archive.test_run import POLICY, Office, archived, note_codes, stayed
from unlost.engine.archive.effect_notes import effect_notes
from unlost.engine.restore.values.bin_notes import planned_room, pushes_others
from unlost.model.archive_effects import (
    ArchiveEffects,
    BinRoom,
    GivenNumber,
    LosingFiles,
    SummaryChange,
    UnreturningCount,
)
from unlost.model.archive_facts import ArchiveFacts, BinRule
from unlost.model.errors import UsageError
from unlost.model.plan import NoteWeight, RestorePlan
from unlost.model.source.schema import ColumnTrait, TableTrait
from unlost.testing.faults import Crash

OTHERS = 5
BIN = ArchiveFacts(bin=BinRule("data storage", 1, timedelta(days=15)))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Twelve old records in four groups, five accounts of other people, and a bin."""
    made = Office(tmp_path)
    for table in ("Account", "Contact", "Paper"):
        made.org.tables[table].traits |= {TableTrait.UNDELETE}
    for number in range(OTHERS):
        made.make("Account", f"N{number}", Number="new")
    made.night()
    yield made
    made.close()


def plan_with_bin(office: Office, capacity: int, *, hard: bool = False) -> RestorePlan:
    limits = {"data storage": float(capacity << 20)}
    policy = replace(POLICY, hard_delete=hard)
    return office.archive_plan(policy=policy, facts=BIN, limits=limits)


def delete_others(office: Office, count: int) -> None:
    for number in range(count):
        office.platform.delete("Account", office.record("Account", f"N{number}"), by="someone")


def test_a_plan_hides_how_many_records_of_other_people_it_pushes_out(office: Office) -> None:
    delete_others(office, 3)
    office.night()
    plan = plan_with_bin(office, 13)
    (note,) = [note for note in plan.notes if note.code == "archive-bin-pushes"]
    assert (note.weight, note.count) == (NoteWeight.WARNING, 2)
    assert "moves 12 records into the recycle bin, which has room for 10." in note.sentence
    assert "purges 2 records that people deleted" in note.sentence
    assert planned_room(plan.notes) is None
    assert stayed(office.run(plan)) == {}, "a person saw the number, and ran the plan"


def test_a_run_pushes_records_of_other_people_out_of_the_bin(office: Office) -> None:
    plan = plan_with_bin(office, 14)
    assert planned_room(plan.notes) == 14
    office.clock.advance(hours=2)
    delete_others(office, 5)
    outcome = office.run(plan)
    assert archived(outcome) == {"Account": 3, "Contact": 3, "Paper": 3}
    assert set(stayed(outcome).values()) == {"archive-bin-full"}
    assert len(stayed(outcome)) == 3, "one whole group"


def test_records_of_an_earlier_archive_count_as_those_of_other_people(office: Office) -> None:
    first = plan_with_bin(office, 12)
    assert stayed(office.run(first)) == {}
    office.night()
    office.make("Account", "Old again", Number="old")
    office.night()
    second = plan_with_bin(office, 12)
    assert planned_room(second.notes) == 12, "the archived records leave the bin first"
    assert not pushes_others(second.notes)


def test_an_archive_that_came_later_leaves_the_bin_after_the_records_of_people(
    office: Office,
) -> None:
    """Archived records were dated by their last change, and seemed to leave first."""
    office.clock.advance(hours=2)
    delete_others(office, 2)
    office.night()
    assert stayed(office.run(plan_with_bin(office, 20))) == {}
    office.night()
    office.make("Account", "Old again", Number="old")
    office.night()
    second = plan_with_bin(office, 20)
    assert planned_room(second.notes) == 6


def test_what_people_deleted_before_the_backup_took_its_room_twice(office: Office) -> None:
    """The readings of a run begin before the backup."""
    delete_others(office, 2)
    office.night()
    plan = plan_with_bin(office, 14)
    assert planned_room(plan.notes) == 12
    assert stayed(office.run(plan)) == {}


@pytest.mark.parametrize("seen", [False, True])
def test_records_of_an_archive_that_did_not_end_leave_room_in_the_bin(
    office: Office, seen: bool
) -> None:
    """Also if a backup saw them: then they look like deletions of people."""
    delete_others(office, 3)
    office.night()
    office.writer.faults.plant("write", Crash(), table="Account")
    office.clock.advance(hours=2)
    with pytest.raises(Crash):
        office.run(plan_with_bin(office, 40))
    office.writer.faults.clear()
    if seen:
        office.night()
    office.make("Account", "Old again", Number="old")
    office.night()
    plan = plan_with_bin(office, 40)
    assert planned_room(plan.notes) == 40 - 3 - 12, "of eight records it is unknown if they left"


@pytest.mark.parametrize("hard", [True, False])
def test_a_plan_without_the_bin_has_a_limit_of_the_bin(office: Office, hard: bool) -> None:
    capacity = 1 if hard else 0  # 0: unknown
    office.clock.advance(hours=2)
    codes = note_codes(plan_with_bin(office, capacity, hard=hard))
    assert not codes & {"archive-bin-room", "archive-bin-pushes"}


def test_a_plan_is_larger_than_the_whole_recycle_bin(office: Office) -> None:
    """Its own first records would leave the bin before it ends, and could not be undeleted."""
    plan = plan_with_bin(office, 7)
    assert {step.table for step in plan.steps} == {"Account", "Contact", "Paper"}
    assert len(plan.steps) == 6, "two whole groups of three records"
    (note,) = [note for note in plan.notes if note.code == "archive-bin-cut"]
    assert "do not fit into the recycle bin together" in note.sentence
    assert "archive-rest" in note_codes(plan)
    assert planned_room(plan.notes) == 7
    assert len(plan_with_bin(office, 7, hard=True).steps) == 12


def test_a_group_that_does_not_fit_into_the_whole_bin_goes_into_it(office: Office) -> None:
    with pytest.raises(UsageError) as refused:
        plan_with_bin(office, 2)
    assert refused.value.code == "archive-bin-group"


def test_records_that_skip_the_bin_are_cut_to_its_capacity(office: Office) -> None:
    office.org.tables["Paper"].traits -= {TableTrait.UNDELETE}
    office.org.tables["Contact"].traits -= {TableTrait.UNDELETE}
    office.night(full=True)
    assert len(plan_with_bin(office, 4).steps) == 12


def test_a_plan_hides_what_never_comes_back_and_new_numbers(office: Office) -> None:
    columns = office.org.tables["Account"].columns
    columns["Name"] = replace(columns["Name"], traits=frozenset({ColumnTrait.AUTO_NUMBER}))
    office.night()
    plan = office.archive_plan(facts=ArchiveFacts(unreturning=frozenset({"Paper"})))
    sentences = {note.code: note.sentence for note in plan.notes}
    assert sentences["archive-unreturning"].startswith("4 records of Paper cannot be brought back")
    assert "gives it a new Name" in sentences["archive-number"]


@pytest.mark.parametrize(
    ("effects", "words"),
    [
        (
            ArchiveEffects((SummaryChange("Account", "Total", "Line", 2, 1.2e6, 4.5),)),
            "The total of Account.Total changes from 1,200,000 to 4.50, on 2 records outside this plan.",
        ),
        (
            ArchiveEffects((SummaryChange("Account", "Total", "Line", 1, 7),)),
            ("Account.Total may change on 1 record outside this plan, if it is a roll-up of Line. Its "
            "total is now 7."),
        ),
        (
            ArchiveEffects(numbers=(GivenNumber("Case", "Number"),)),
            ("If a record of Case is created again, the org gives it a new Number. You can still find "
            "it by the old one."),
        ),
        (
            ArchiveEffects(unreturning=(UnreturningCount("CaseHistory", 3),)),
            ("3 records of CaseHistory cannot be brought back, because the org does not let anyone "
            "write them. They stay in the vault."),
        ),
        (
            ArchiveEffects(files=(LosingFiles("Case", 1, 2),)),
            ("1 record of Case stay and lose 2 files. You can still open the files on the pages of "
            "these records in Unlost."),
        ),
        (
            ArchiveEffects(bin=BinRoom(10, 3, 7, free=7)),
            ("The recycle bin has room for 7 records, and this plan moves 7 into it. If people delete "
            "other records first, the records that no longer fit stay in the org."),
        ),
    ],
)  # fmt: skip
def test_notes_on_effects_in_words(effects: ArchiveEffects, words: str) -> None:
    (note,) = effect_notes(effects)
    assert note.sentence == words


def test_a_plan_that_adds_nothing_to_the_bin_has_a_note_on_it() -> None:
    assert list(effect_notes(ArchiveEffects(bin=BinRoom(10, 12, 0)))) == []
