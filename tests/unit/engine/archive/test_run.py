"""An archive run: nothing is deleted without a copy, and a run that stopped goes on."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unit.engine.restore.atelier import Atelier, actions
from unlost.engine.archive.planning import ArchiveRequest, plan_archive
from unlost.engine.restore.running import copies
from unlost.engine.restore.running.execute import execute
from unlost.engine.restore.running.passes import archiving
from unlost.engine.restore.running.session import RestorePorts
from unlost.engine.restore.values.outcome import Ending, RestoreOutcome
from unlost.model.archive import (
    ArchiveBranch,
    ArchivePolicy,
    BranchRule,
    Comparison,
    Condition,
)
from unlost.model.errors import Conflict, IntegrityError, TransientError, UsageError
from unlost.model.plan import Action, RestorePlan
from unlost.model.source.schema import DeleteRule, Reference, TableTrait, WireKind
from unlost.model.source.writing import Identity, LateColumn, WriteOp
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget
from unlost.model.vault.snapshot import CommitKind
from unlost.testing.faults import Crash
from unlost.testing.memory_writer import ReplyLost
from unlost.testing.platform import RowRefused

OLD = Condition("Number", Comparison.IS, ("old",))
POLICY = ArchivePolicy(
    "old accounts",
    "Account",
    (OLD,),
    (ArchiveBranch("Paper", "Account", BranchRule.TAKE),),
)


class Office(Atelier):
    """Accounts with contacts and papers, of which some are old."""

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        for number in range(5):
            age = "old" if number < 4 else "new"
            account = self.make("Account", f"A{number}", Number=age)
            self.make("Contact", f"C{number}", Account=account)
            paper = self.org.attach("Paper", f"P{number}", b"x" * (100 + number))
            self.org.update("Paper", paper, {"Account": account})
        self.night()
        self.account = self.record("Account", "A0")

    def restore_ports(self) -> RestorePorts:
        return replace(super().restore_ports(), source=self.source)

    def archive_plan(self, **changes: Any) -> RestorePlan:
        self.plans += 1
        order = replace(ArchiveRequest(POLICY), **changes)
        return plan_archive(self.oid, self.planning(), order, plan_id=f"a-{self.plans}")

    def archive(self, **changes: Any) -> RestoreOutcome:
        self.clock.advance(hours=2)
        return self.run(self.archive_plan(**changes))

    def run(self, plan: RestorePlan) -> RestoreOutcome:
        outcome = self.try_restore(plan)
        assert isinstance(outcome, RestoreOutcome), outcome
        return outcome

    def names(self, *tables: str) -> set[str]:
        """The names of live records."""
        return {
            str(cells["Name"])
            for table in tables or ("Account", "Contact", "Paper")
            for cells in self.live(table).values()
        }

    def ops(self, table: str, name: str) -> list[str]:
        """The history of the record of this name, by ops."""
        for record, held in self.org.tables[table].records.items():
            if held.cells["Name"] == name:
                return [str(v.op) for v in self.vault.history(self.oid, table, record)]
        raise AssertionError(name)

    def record(self, table: str, name: str) -> str:
        records = self.org.tables[table].records
        return next(key for key, held in records.items() if held.cells["Name"] == name)


def archived(outcome: RestoreOutcome) -> dict[str, int]:
    """The number of archived records by table."""
    counts: dict[str, int] = {}
    for record in outcome.records:
        if record.ending is Ending.ARCHIVED:
            counts[record.table] = counts.get(record.table, 0) + 1
    return counts


def stayed(outcome: RestoreOutcome) -> dict[str, str]:
    """The codes of records that were not archived, by TABLE/ID."""
    return {str(r.key): r.code for r in outcome.records if r.ending is not Ending.ARCHIVED}


def note_codes(plan: RestorePlan) -> set[str]:
    return {note.code for note in plan.notes}


ALL_OLD = {f"{letter}{number}" for letter in "ACP" for number in range(4)}
NEW = {"A4", "C4", "P4"}
EACH = {"Account": 4, "Contact": 4, "Paper": 4}


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(
        archiving, "FIRST_TURN", 3
    )  # one group of an account, a contact and a paper
    monkeypatch.setattr(archiving, "TURN", 6)
    made = Office(tmp_path)
    yield made
    made.close()


def test_old_records_leave_the_org_and_are_archived(office: Office) -> None:
    done = office.archive()
    assert office.names() == NEW
    assert archived(done) == EACH
    assert done.whole
    for table, name in (("Account", "A0"), ("Contact", "C0"), ("Paper", "P0")):
        assert office.ops(table, name) == ["U", "A"]
    newest = office.vault.commits(office.oid)[-1]
    assert (newest.kind, newest.run) == (CommitKind.ARCHIVE, "archive-a-1")


def test_the_org_deletes_contacts_along(office: Office) -> None:
    office.archive()
    deleted = [
        (table, rows) for op, table, rows in office.writer.calls if op == WriteOp.DELETE.value
    ]
    assert deleted == [
        ("Paper", 1), ("Account", 1), ("Paper", 2), ("Account", 2), ("Paper", 1), ("Account", 1),
    ]  # fmt: skip


def test_the_journal_has_no_values_of_archived_records(office: Office) -> None:
    office.archive()
    journal = b"".join(office.vault.journal(office.oid, "archive-a-1").read())
    assert b'"before"' not in journal


def test_an_archived_record_has_its_last_state_and_its_file(office: Office) -> None:
    office.archive()
    paper = office.record("Paper", "P1")
    versions = office.vault.history(office.oid, "Paper", paper)
    assert versions[-1].cells["BodySize"] == "101"
    (file,) = office.head.files("Paper", [paper])
    with office.vault.open_file(office.oid, file.blob) as body:
        assert body.read() == b"x" * 101


@pytest.mark.parametrize("days", [1, 20])
def test_an_archived_account_comes_back_with_all_of_it(office: Office, days: int) -> None:
    """From the recycle bin, or as a new record when that is empty."""
    for table in ("Account", "Contact", "Paper"):
        office.allow(table, identity=Identity.UNDELETE)
    office.archive()
    office.clock.advance(days=days)
    if days > 15:
        office.platform.purge_bin()
    office.night()
    plan = office.plan_of(("Account", office.account))
    taken = Action.CREATE if days > 15 else Action.UNDELETE
    assert set(actions(plan).values()) == {taken}
    assert office.restore(plan).whole
    assert office.names() == NEW | {"A0", "C0", "P0"}


@pytest.mark.parametrize("days", [1, 20])
def test_an_undo_puts_all_archived_records_back(office: Office, days: int) -> None:
    for table in ("Account", "Contact", "Paper"):
        office.allow(table, identity=Identity.UNDELETE)
    before = office.names()
    done = office.archive()
    office.clock.advance(days=days)
    if days > 15:
        office.platform.purge_bin()
    plan = office.undo(done.run)
    assert office.restore(plan).whole
    assert office.names() == before


def test_a_backup_after_it_changes_nothing(office: Office) -> None:
    office.archive()
    office.night()
    office.night(full=True)
    assert office.ops("Account", "A0") == ["U", "A"]
    assert office.ops("Contact", "C0") == ["U", "A"]


@pytest.mark.parametrize("emptied", [False, True])
def test_a_full_backup_resurrects_or_buries_archived_records(office: Office, emptied: bool) -> None:
    """With and without the rows that the recycle bin delivers; also of an archive that stopped."""
    keys = [(t, office.record(t, f"{t[0]}{number}")) for t in EACH for number in range(4)]
    office.archive(most=7)
    office.writer.faults.plant("write", Crash(), table="Account", after=1)
    office.clock.advance(hours=2)
    plan = office.archive_plan()
    with pytest.raises(Crash):
        office.run(plan)
    office.writer.faults.clear()
    if emptied:
        office.platform.purge_bin()
    office.night(full=True)
    assert archived(office.run(plan)) == {"Account": 2, "Contact": 2, "Paper": 2}
    for _ in range(2):
        office.night(full=True)
        last = {str(office.vault.history(office.oid, *key)[-1].op) for key in keys}
        assert last == {"A"}
        assert {office.head.tables()[table].alive for table in EACH} == {1}
        counts = office.vault.commits(office.oid)[-1].counts
        assert (counts.deleted, counts.revived, counts.created) == (0, 0, 0)


def test_a_backup_between_deletion_and_commit_is_no_loss(office: Office) -> None:
    """The second turn fails; the backup sees the first one gone."""
    office.writer.faults.plant("write", Crash(), table="Account", after=1)
    office.clock.advance(hours=2)
    plan = office.archive_plan()
    with pytest.raises(Crash):
        office.run(plan)
    office.night()
    assert office.ops("Account", "A0") == ["U", "D"]
    office.writer.faults.clear()
    assert archived(office.run(plan)) == EACH
    assert office.ops("Account", "A0") == ["U", "D", "A"]
    assert office.ops("Account", "A3") == ["U", "A"]


def test_a_run_that_is_over_returns_its_outcome(office: Office) -> None:
    plan = office.archive_plan()
    first = office.run(plan)
    calls = len(office.writer.calls)
    assert office.run(plan) == first
    assert len(office.writer.calls) == calls


def test_a_plan_of_few_records_is_continued_by_the_next_one(office: Office) -> None:
    plan = office.archive_plan(most=7)
    assert len(plan.steps) == 6
    assert "archive-rest" in note_codes(plan)
    office.run(plan)
    assert office.names() == NEW | {f"{letter}{number}" for letter in "ACP" for number in (2, 3)}
    last = office.archive_plan()
    assert "archive-rest" not in note_codes(last)
    office.run(last)
    assert office.names() == NEW
    with pytest.raises(UsageError) as nothing:
        office.archive_plan()
    assert nothing.value.code == "archive-nothing"


def test_records_that_an_earlier_plan_could_not_archive_are_left_out(office: Office) -> None:
    key = next(step.key for step in office.archive_plan().steps if step.table == "Account")
    plan = office.archive_plan(without=frozenset({key}))
    assert key not in {step.key for step in plan.steps}
    assert len(plan.steps) == 9


def test_a_record_that_changed_stays_with_all_that_belongs_to_it(office: Office) -> None:
    office.clock.advance(hours=2)
    contact = office.record("Contact", "C1")
    office.org.update("Contact", contact, {"Name": "C1"}, by="U9")
    plan = office.archive_plan()
    assert "archive-stays-changed" in note_codes(plan)
    assert archived(office.run(plan)) == {"Account": 3, "Contact": 3, "Paper": 3}
    assert office.names() == NEW | {"A1", "C1", "P1"}


def test_a_record_that_changed_after_the_plan_stays_with_its_group(office: Office) -> None:
    plan = office.archive_plan()
    office.clock.advance(hours=2)
    paper = office.record("Paper", "P1")
    office.org.update("Paper", paper, {"Name": "P1 edited"}, by="U9")
    done = office.run(plan)
    assert stayed(done) == {
        f"Paper/{paper}": "restore-changed-since",
        f"Account/{office.record('Account', 'A1')}": "archive-together",
        f"Contact/{office.record('Contact', 'C1')}": "archive-together",
    }
    assert office.names() == NEW | {"A1", "C1", "P1 edited"}
    assert office.ops("Account", "A1") == ["U"]


@pytest.mark.parametrize("planned", [True, False])
def test_a_new_record_that_would_be_lost_keeps_its_account(office: Office, planned: bool) -> None:
    """A contact that came after the copy would be deleted with its account."""
    office.clock.advance(hours=2)
    early = office.archive_plan()
    office.make("Contact", "fresh", Account=office.record("Account", "A0"))
    plan = early if planned else office.archive_plan()
    assert ("archive-stays-referred" in note_codes(plan)) is not planned
    done = office.run(plan)
    assert {"fresh", "A0", "C0", "P0"} <= office.names()
    assert archived(done)["Account"] == 3
    assert set(stayed(done).values()) == (
        {"archive-referred", "archive-together"} if planned else set()
    )


def test_a_record_that_others_deleted_is_no_archived_one(office: Office) -> None:
    plan = office.archive_plan()
    office.clock.advance(hours=2)
    contact = office.record("Contact", "C0")
    office.platform.delete("Contact", contact, by="U9")
    done = office.run(plan)
    assert stayed(done)[f"Contact/{contact}"] == "archive-gone"
    assert {"A0", "P0"} <= office.names(), "they belonged to it"
    office.night()
    assert office.ops("Contact", "C0") == ["U", "D"]


def test_what_is_on_legal_hold_stays(office: Office) -> None:
    held = Hold(HoldTarget(HoldScope.RECORD, "Account", office.record("Account", "A2")))
    office.archive(holds=(held,))
    assert office.names() == NEW | {"A2", "C2", "P2"}


def test_a_large_file_without_a_copy_stays(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "SMALL", 0)
    paper = office.record("Paper", "P3")
    (file,) = office.head.files("Paper", [paper])
    real = office.vault.open_file

    def damaged(org: str, blob: str) -> Any:
        if blob == file.blob:
            raise IntegrityError("pack-damaged", "The pack is damaged.")
        return real(org, blob)

    office.vault.open_file = damaged
    done = office.archive()
    assert office.names() == NEW | {"A3", "C3", "P3"}
    (sentence,) = [r.sentence for r in done.records if r.code == "archive-no-copy"]
    assert sentence == f"Paper/{paper} stays in the org. The pack is damaged."


def test_a_file_that_the_vault_never_had_stays(office: Office, monkeypatch: Any) -> None:
    real = type(office.head).files
    lacking = office.record("Paper", "P2")

    def files(head: Any, table: str, records: Any) -> Any:
        return [file for file in real(head, table, records) if file.record != lacking]

    monkeypatch.setattr(type(office.head), "files", files)
    done = office.archive()
    assert stayed(done)[f"Paper/{lacking}"] == "archive-no-copy"
    assert {"A2", "C2", "P2"} <= office.names()


def test_a_record_that_the_org_refuses_to_delete_is_named(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete: Callable[..., None] = office.platform.delete
    refused = office.record("Account", "A1")

    def stubborn(table: str, record: str, *, by: str) -> None:
        if record == refused:
            raise RowRefused("DELETE_FAILED", "It is locked by an approval.")
        delete(table, record, by=by)

    monkeypatch.setattr(office.platform, "delete", stubborn)
    done = office.archive()
    assert set(stayed(done)) == {
        f"Account/{refused}", f"Contact/{office.record('Contact', 'C1')}",
    }  # fmt: skip
    assert archived(done) == {"Account": 3, "Contact": 3, "Paper": 4}
    assert office.ops("Contact", "C1") == ["U"]


def test_a_table_whose_records_may_not_be_deleted_stays_whole(office: Office) -> None:
    office.allow("Account", ops=frozenset({WriteOp.CREATE}), reason="It is read-only.")
    with pytest.raises(UsageError) as refused:
        office.archive_plan()
    assert refused.value.code == "archive-not-allowed"


def test_papers_that_may_not_be_deleted_keep_their_accounts(office: Office) -> None:
    office.allow("Paper", ops=frozenset({WriteOp.CREATE}))
    with pytest.raises(UsageError) as nothing:
        office.archive_plan()
    assert nothing.value.code == "archive-all-stay"


def test_an_activated_record_stays(office: Office) -> None:
    office.allow("Paper", late=(LateColumn("Name", locks=("P1",)),))
    plan = office.archive_plan()
    assert "archive-stays-locked" in note_codes(plan)
    office.run(plan)
    assert {"A1", "C1", "P1"} <= office.names()
    assert "A2" not in office.names()


def test_a_lost_answer_is_looked_up(office: Office) -> None:
    office.writer.faults.plant("written", ReplyLost(), table="Account")
    assert archived(office.archive())["Account"] == 4


def test_more_that_vanishes_stops_the_run_within_a_turn(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trigger deletes another account with each one."""
    delete: Callable[..., None] = office.platform.delete
    other = office.record("Account", "A4")

    def trigger(table: str, record: str, *, by: str) -> None:
        delete(table, record, by=by)
        if table == "Account" and not office.org.tables["Account"].records[other].deleted:
            delete("Account", other, by=by)

    monkeypatch.setattr(office.platform, "delete", trigger)
    done = office.archive()
    assert stayed(done)[f"Account/{other}"] == "archive-vanished"
    assert list(stayed(done).values()).count("archive-stopped") == 9
    assert archived(done) == {"Account": 1, "Contact": 1, "Paper": 1}
    assert {"A1", "A2", "A3"} <= office.names(), "the second turn was not begun"
    assert office.ops("Account", "A0") == ["U", "A"]
    assert not done.whole


def test_people_may_delete_records_meanwhile(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete: Callable[..., None] = office.platform.delete
    other = office.record("Account", "A4")

    def busy(table: str, record: str, *, by: str) -> None:
        delete(table, record, by=by)
        if not office.org.tables["Account"].records[other].deleted:
            delete("Account", other, by="U9")

    monkeypatch.setattr(office.platform, "delete", busy)
    assert archived(office.archive())["Account"] == 4
    office.night()
    assert office.ops("Account", "A4") == ["U", "D"]


def test_records_that_vanished_before_the_run_do_not_stop_it(office: Office) -> None:
    plan = office.archive_plan()
    office.clock.advance(hours=2)
    office.platform.delete("Account", office.record("Account", "A4"), by=office.writer.user)
    office.clock.advance(hours=2)
    assert archived(office.run(plan)) == EACH


def test_a_table_that_does_not_deliver_its_changes_is_compared(office: Office) -> None:
    office.org.tables["Paper"].traits -= {TableTrait.INCREMENTAL}
    office.night()
    paper = office.record("Paper", "P2")
    office.org.update("Paper", paper, {"Name": "P2 edited"})
    office.archive()
    assert office.names() == NEW | {"A2", "C2", "P2 edited"}


def test_a_new_contact_is_noticed_though_the_table_does_not_deliver_changes(office: Office) -> None:
    office.org.tables["Contact"].traits -= {TableTrait.INCREMENTAL}
    office.night()
    office.make("Contact", "fresh", Account=office.record("Account", "A0"))
    done = office.archive()
    assert {"fresh", "A0", "C0", "P0"} <= office.names()
    assert archived(done)["Account"] == 3


def test_a_first_mail_of_a_table_that_was_empty_is_noticed(office: Office) -> None:
    office.org.add_table(
        "Mail",
        {"Name": WireKind.TEXT, "Account": WireKind.REFERENCE},
        references={"Account": Reference(("Account",), DeleteRule.CASCADE)},
    )
    office.night()
    office.make("Mail", "first", Account=office.record("Account", "A3"))
    office.archive()
    assert office.names("Account", "Mail") == {"A3", "A4", "first"}


def test_a_table_that_came_after_the_backup_is_asked(office: Office) -> None:
    office.org.add_table(
        "Mail",
        {"Name": WireKind.TEXT, "Account": WireKind.REFERENCE},
        references={"Account": Reference(("Account",), DeleteRule.CASCADE)},
    )
    office.make("Mail", "first", Account=office.record("Account", "A3"))
    office.archive()
    assert office.names("Account", "Mail") == {"A3", "A4", "first"}


def test_an_org_that_does_not_tell_of_new_records_keeps_all(office: Office) -> None:
    office.org.tables["Contact"].traits -= {TableTrait.INCREMENTAL}
    office.night()
    office.writer.referrers = lambda queries: [None for _ in queries]
    with pytest.raises(UsageError) as refused:
        office.archive()
    assert refused.value.code == "archive-unlooked"
    assert office.names() >= ALL_OLD


def test_a_table_with_a_gap_is_refused(office: Office) -> None:
    office.org.hidden_columns.add(("Contact", "Name"))
    office.night()
    with pytest.raises(UsageError) as refused:
        office.archive_plan()
    assert refused.value.code == "archive-gap"
    assert "Contact" in str(refused.value)


def test_another_plan_under_the_same_run_is_refused(office: Office) -> None:
    office.writer.faults.plant("write", Crash(), table="Account", after=1)
    plan = office.archive_plan()
    with pytest.raises(Crash):
        office.run(plan)
    office.plans -= 1
    other = office.archive_plan(most=4)
    with pytest.raises(Conflict) as refused:
        office.run(other)
    assert refused.value.code == "restore-other-plan"


def test_a_program_that_cannot_read_the_org_does_not_archive(office: Office) -> None:
    plan = office.archive_plan()
    with pytest.raises(UsageError) as refused:
        execute(plan, replace(office.restore_ports(), source=None))
    assert refused.value.code == "archive-source"
    assert office.names() >= ALL_OLD


@pytest.mark.parametrize("call", ["write", "written"])
@pytest.mark.parametrize("after", range(6))
def test_a_crash_at_any_call_loses_and_doubles_nothing(
    office: Office, call: str, after: int
) -> None:
    office.writer.faults.plant(call, Crash(), after=after)
    plan = office.archive_plan()
    with pytest.raises(Crash):
        office.run(plan)
    for name in ALL_OLD - office.names():
        table = {"A": "Account", "C": "Contact", "P": "Paper"}[name[0]]
        assert office.ops(table, name)[0] == "U", "the vault has it"
    office.writer.faults.clear()
    assert archived(office.run(plan)) == EACH
    assert office.names() == NEW


def test_an_error_of_the_org_stops_the_run_and_it_goes_on(office: Office) -> None:
    away = TransientError("org-away", "The org does not answer.")
    office.writer.faults.plant("write", away, table="Account")
    plan = office.archive_plan()
    with pytest.raises(TransientError):
        office.run(plan)
    assert archived(office.run(plan))["Account"] == 4
