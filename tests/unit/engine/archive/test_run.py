"""An archive run: nothing is deleted without a copy, and a run that stopped goes on."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unit.engine.restore.atelier import Atelier, actions
from unlost.engine.archive.journal import RecordStayed
from unlost.engine.archive.run import ArchiveOutcome, ArchivePorts, ArchiveRequest, archive
from unlost.model.archive import (
    ArchiveBranch,
    ArchivePolicy,
    BranchRule,
    Comparison,
    Condition,
    StayReason,
)
from unlost.model.errors import Conflict, TransientError, UsageError
from unlost.model.plan import Action
from unlost.model.source.schema import DeleteRule, Reference, TableTrait, WireKind
from unlost.model.source.writing import Identity, WriteOp
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

    def request(self, **changes: Any) -> ArchiveRequest:
        made = ArchiveRequest("archive-1", self.oid, POLICY, self.head.info.number, at_a_time=2)
        return replace(made, **changes)

    def archive_ports(self) -> ArchivePorts:
        return ArchivePorts(
            source=self.source,
            writer=self.writer,
            vault=self.vault,
            lease=self.lease,
            clock=self.clock,
        )

    def archive(self, **changes: Any) -> ArchiveOutcome:
        self.clock.advance(hours=2)
        return archive(self.request(**changes), self.archive_ports())

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


ALL_OLD = {f"{letter}{number}" for letter in "ACP" for number in range(4)}
NEW = {"A4", "C4", "P4"}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.close()


def test_old_records_leave_the_org_and_are_archived(office: Office) -> None:
    done = office.archive()
    assert office.names() == NEW
    assert done.records == {"Account": 4, "Contact": 4, "Paper": 4}
    assert done.stayed == ()
    for table, name in (("Account", "A0"), ("Contact", "C0"), ("Paper", "P0")):
        assert office.ops(table, name) == ["U", "A"]
    newest = office.vault.commits(office.oid)[-1]
    assert (newest.kind, newest.run) == (CommitKind.ARCHIVE, "archive-1")


def test_the_org_deletes_contacts_along(office: Office) -> None:
    office.archive()
    deleted = [
        (table, rows) for op, table, rows in office.writer.calls if op == WriteOp.DELETE.value
    ]
    assert deleted == [("Paper", 2), ("Account", 2)] * 2


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


def test_a_backup_after_it_changes_nothing(office: Office) -> None:
    office.archive()
    office.night()
    office.night(full=True)
    assert office.ops("Account", "A0") == ["U", "A"]
    assert office.ops("Contact", "C0") == ["U", "A"]


def test_a_backup_between_deletion_and_commit_is_no_loss(office: Office) -> None:
    """The second batch fails; the backup sees the first one gone."""
    office.writer.faults.plant("write", Crash(), table="Account", after=1)
    with pytest.raises(Crash):
        office.archive()
    request = office.request()
    office.night()
    assert office.ops("Account", "A0") == ["U", "D"]
    office.writer.faults.clear()
    archive(request, office.archive_ports())
    assert office.ops("Account", "A0") == ["U", "D", "A"]
    assert office.ops("Account", "A3") == ["U", "A"]


def test_a_run_that_is_over_returns_its_outcome(office: Office) -> None:
    request = office.request()
    first = office.archive()
    calls = len(office.writer.calls)
    assert archive(request, office.archive_ports()) == first
    assert len(office.writer.calls) == calls


def test_a_record_that_changed_stays_with_all_that_belongs_to_it(office: Office) -> None:
    office.clock.advance(hours=2)
    contact = office.record("Contact", "C1")
    office.org.update("Contact", contact, {"Name": "C1"}, by="U9")
    done = office.archive()
    assert office.names() == NEW | {"A1", "C1", "P1"}
    assert RecordStayed("Contact", contact, StayReason.CHANGED) in done.stayed
    assert {stay.reason for stay in done.stayed} == {StayReason.CHANGED, StayReason.BRANCH}
    assert done.records == {"Account": 3, "Contact": 3, "Paper": 3}


def test_a_new_record_that_would_be_lost_keeps_nothing_and_is_noticed(office: Office) -> None:
    """A contact that came after the copy would be deleted with its account."""
    office.clock.advance(hours=2)
    account = office.record("Account", "A0")
    office.make("Contact", "fresh", Account=account)
    done = office.archive()
    assert "fresh" in office.names()
    assert "A0" in office.names()
    assert done.records["Account"] == 3


def test_a_record_that_others_deleted_is_no_archived_one(office: Office) -> None:
    office.clock.advance(hours=2)
    contact = office.record("Contact", "C0")
    office.platform.delete("Contact", contact, by="U9")
    done = office.archive()
    assert office.names() == NEW
    assert done.stayed == (RecordStayed("Contact", contact, StayReason.GONE),)
    office.night()
    assert office.ops("Contact", "C0") == ["U", "D"]


def test_what_is_on_legal_hold_stays(office: Office) -> None:
    held = Hold(HoldTarget(HoldScope.RECORD, "Account", office.record("Account", "A2")))
    office.archive(holds=(held,))
    assert office.names() == NEW | {"A2", "C2", "P2"}


def test_a_file_without_a_copy_stays(office: Office) -> None:
    paper = office.record("Paper", "P3")
    (file,) = office.head.files("Paper", [paper])
    real = office.vault.open_file

    def damaged(org: str, blob: str) -> Any:
        if blob == file.blob:
            from unlost.model.errors import IntegrityError

            raise IntegrityError("pack-damaged", "The pack is damaged.")
        return real(org, blob)

    office.vault.open_file = damaged
    done = office.archive()
    assert office.names() == NEW | {"A3", "C3", "P3"}
    assert RecordStayed("Paper", paper, StayReason.COPY, "The pack is damaged.") in done.stayed


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
    assert {(s.table, s.reason) for s in done.stayed} == {
        ("Account", StayReason.REFUSED), ("Contact", StayReason.REFUSED),
    }  # fmt: skip
    assert done.records == {"Account": 3, "Contact": 3, "Paper": 4}
    assert office.ops("Contact", "C1") == ["U"]


def test_a_lost_answer_is_looked_up(office: Office) -> None:
    office.writer.faults.plant("written", ReplyLost(), table="Account")
    assert office.archive().records["Account"] == 4


def test_a_call_that_never_answers_ends_in_named_records(office: Office) -> None:
    office.writer.faults.plant("write", ReplyLost(), table="Paper", times=3)
    done = office.archive()
    assert {s.table for s in done.stayed} == {"Paper"}
    assert len(done.stayed) == 2


def test_more_that_vanishes_stops_the_run_within_a_batch(
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
    with pytest.raises(Conflict) as stopped:
        office.archive()
    assert stopped.value.code == "archive-more-vanished"
    assert f"Account/{other}" in str(stopped.value)
    assert {"A2", "A3"} <= office.names(), "the second batch was not begun"


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
    assert office.archive().records["Account"] == 4
    office.night()
    assert office.ops("Account", "A4") == ["U", "D"]


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
    assert done.records["Account"] == 3


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


def test_an_org_that_does_not_tell_of_new_records_is_refused(office: Office) -> None:
    office.org.tables["Contact"].traits -= {TableTrait.INCREMENTAL}
    office.night()
    office.writer.referrers = lambda queries: [None for _ in queries]
    with pytest.raises(UsageError) as refused:
        office.archive()
    assert refused.value.code == "archive-no-changes"
    assert office.names() >= ALL_OLD


def test_another_policy_under_the_same_run_is_refused(office: Office) -> None:
    office.writer.faults.plant("write", Crash(), table="Account", after=1)
    request = office.request()
    with pytest.raises(Crash):
        office.archive()
    other = replace(request, policy=replace(POLICY, branches=()))
    with pytest.raises(Conflict) as refused:
        archive(other, office.archive_ports())
    assert refused.value.code == "archive-changed"


@pytest.mark.parametrize("call", ["write", "written"])
@pytest.mark.parametrize("after", range(4))
def test_a_crash_at_any_call_loses_and_doubles_nothing(
    office: Office, call: str, after: int
) -> None:
    office.writer.faults.plant(call, Crash(), after=after)
    request = office.request()
    with pytest.raises(Crash):
        office.archive()
    for name in ALL_OLD - office.names():
        table = {"A": "Account", "C": "Contact", "P": "Paper"}[name[0]]
        assert office.ops(table, name)[0] == "U", "the vault has it"
    office.writer.faults.clear()
    done = archive(request, office.archive_ports())
    assert done.records == {"Account": 4, "Contact": 4, "Paper": 4}
    assert office.names() == NEW


def test_an_error_of_the_org_stops_the_run_and_it_goes_on(office: Office) -> None:
    away = TransientError("org-away", "The org does not answer.")
    office.writer.faults.plant("write", away, table="Account")
    request = office.request()
    with pytest.raises(TransientError):
        office.archive()
    assert archive(request, office.archive_ports()).records["Account"] == 4
