"""What happens to an org while an archive runs: nothing leaves it whose present state is not stored."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import unlost.engine.restore.running.execute as executing
from unit.engine.archive.test_run import (
    EACH,
    POLICY,
    Office,
    archived,
    note_codes,
    stayed,
)
from unlost.engine.restore.running.passes import archiving, staying
from unlost.model.archive import ArchiveBranch, ArchivePolicy, BranchRule, Comparison, Condition
from unlost.model.errors import Conflict, IntegrityError, TransientError, UsageError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.plan import RecordKey, RestorePlan
from unlost.model.source.schema import DeleteRule, Reference, TableTrait, WireKind
from unlost.model.source.shared_files import KeepingColumn, SharedFile
from unlost.model.source.writing import Identity
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget
from unlost.model.vault.snapshot import CommitKind, Lineage, TableCommit
from unlost.testing.faults import Crash
from unlost.testing.memory_writer import ReplyLost
from unlost.testing.platform import RowRefused
from unlost.testing.source import MemorySource

TEXT, LINK = WireKind.TEXT, WireKind.REFERENCE
TEAMS = ArchivePolicy(
    "teams",
    "Team",
    (Condition("Name", Comparison.IS, ("T0",)),),
    (ArchiveBranch("Player", "Team", BranchRule.TAKE),),
)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(archiving, "FIRST_TURN", 3)
    monkeypatch.setattr(archiving, "TURN", 6)
    made = Office(tmp_path)
    yield made
    made.close()


def crashed(office: Office) -> RestorePlan:
    """A plan whose run ended before it deleted the second account."""
    office.writer.faults.plant("write", Crash(), table="Account", after=1)
    plan = office.archive_plan()
    with pytest.raises(Crash):
        office.run(plan)
    office.writer.faults.clear()
    office.clock.advance(hours=2)
    return plan


def uncommitted(office: Office, monkeypatch: pytest.MonkeyPatch) -> RestorePlan:
    """A plan whose run ended right before its commit."""
    plan, real = office.archive_plan(), executing.commit_archived

    def power_cut(*_: Any, **__: Any) -> None:
        raise Crash

    monkeypatch.setattr(executing, "commit_archived", power_cut)
    with pytest.raises(Crash):
        office.run(plan)
    monkeypatch.setattr(executing, "commit_archived", real)
    office.clock.advance(hours=2)
    return plan


def let_undelete(office: Office) -> None:
    for table in ("Account", "Contact", "Paper"):
        office.allow(table, identity=Identity.UNDELETE)


# --- people work on ---------------------------------------------------------------------------------


def test_a_contact_that_came_for_a_later_turn_is_still_known(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = office.writer.write

    def slow(op: Any, table: Any, rows: Any, *, token: str) -> Any:
        outcomes = real(op, table, rows, token=token)
        office.clock.advance(hours=1)
        return outcomes

    monkeypatch.setattr(office.writer, "write", slow)
    plan = office.archive_plan()
    office.clock.advance(hours=2)
    office.make("Contact", "fresh", Account=office.record("Account", "A3"))
    office.clock.advance(hours=2)
    office.run(plan)
    assert {"fresh", "A3", "C3", "P3"} <= office.names()


@pytest.mark.parametrize("few", [3, 100])
def test_a_contact_that_moved_to_another_planned_account_stays_with_it(
    office: Office, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(archiving, "FIRST_TURN", few)
    plan = office.archive_plan()
    office.clock.advance(hours=2)
    first = office.record("Account", "A0")
    moved = {"Account": first, "Name": "C3 edited"}
    office.org.update("Contact", office.record("Contact", "C3"), moved, by="U9")
    office.clock.advance(hours=2)
    office.run(plan)
    assert {"C3 edited", "A0", "C0", "P0"} <= office.names()


def test_an_edit_while_files_are_verified_is_seen(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "FIRST_TURN", 100)
    plan = office.archive_plan()
    office.clock.advance(hours=2)
    real = office.vault.read_files
    edited = {"Account": "A1", "Contact": "C2"}

    def opened(org: str, blobs: Any) -> Any:
        for table, name in edited.items():
            office.org.update(table, office.record(table, name), {"Name": f"{name}!"}, by="U9")
        edited.clear()
        return real(org, blobs)

    office.vault.read_files = opened
    office.run(plan)
    assert {"A1!", "C1", "P1", "A2", "C2!", "P2"} <= office.names()


def test_an_edit_between_comparison_and_call_is_seen_by_its_time(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison is over, and the changes of the org are read last."""
    monkeypatch.setattr(archiving, "FIRST_TURN", 100)
    plan = office.archive_plan()
    office.clock.advance(hours=2)
    real, edited = office.source.plan_reads, ["C1"]

    def reads(table: Any, since: Any, **more: Any) -> Any:
        while edited:
            record = office.record("Contact", edited.pop())
            office.org.update("Contact", record, {"Name": "C1!"}, by="U9")
        return real(table, since, **more)

    monkeypatch.setattr(office.source, "plan_reads", reads)
    done = office.run(plan)
    assert stayed(done)[f"Contact/{office.record('Contact', 'C1!')}"] == "restore-changed-since"
    assert {"A1", "C1!", "P1"} <= office.names()


def test_a_contact_that_others_deleted_between_comparison_and_call_keeps_its_account(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "FIRST_TURN", 100)
    plan = office.archive_plan()
    office.clock.advance(hours=2)
    contact, real = office.record("Contact", "C1"), office.source.plan_reads

    def reads(table: Any, since: Any, **more: Any) -> Any:
        if not office.org.tables["Contact"].records[contact].deleted:
            office.platform.delete("Contact", contact, by="U9")
        return real(table, since, **more)

    monkeypatch.setattr(office.source, "plan_reads", reads)
    done = office.run(plan)
    assert stayed(done)[f"Contact/{contact}"] == "archive-gone"
    assert {"A1", "P1"} <= office.names(), "they belonged to it"
    office.night()
    assert office.ops("Contact", "C1") == ["U", "D"]


@pytest.mark.parametrize("edit", [True, False])
def test_a_team_with_another_lead_stays(office: Office, edit: bool) -> None:
    """The team and its lead refer to each other: the run itself empties that reference."""
    team = office.make("Team", "T0")
    player = office.make("Player", "p", Team=team)
    other = office.make("Player", "q")
    office.org.update("Team", team, {"Lead": player})
    office.night()
    plan = office.archive_plan(policy=TEAMS)
    assert any(step.columns for step in plan.steps)
    office.clock.advance(hours=2)
    if edit:
        office.org.update("Team", team, {"Lead": other}, by="U9")
    office.clock.advance(hours=2)
    done = office.run(plan)
    assert archived(done) == ({} if edit else {"Team": 1, "Player": 1})
    assert (team in office.live("Team")) is edit


def test_a_value_in_a_new_column_is_not_lost(office: Office) -> None:
    plan = office.archive_plan()
    office.clock.advance(hours=2)
    office.org.add_column("Account", "Extra", TEXT)
    office.org.update("Account", office.record("Account", "A1"), {"Extra": "precious"}, by="U9")
    assert archived(office.run(plan)) == {}
    assert "A1" in office.names()


def test_a_value_that_the_write_user_cannot_read_counts_by_its_time(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = office.archive_plan()
    office.clock.advance(hours=2)
    edited = office.record("Account", "A1")
    office.org.update("Account", edited, {"Number": "edited"}, by="U9")
    real = office.writer.fetch

    def blind(table: Any, ids: Any, *, columns: Any) -> Any:
        return real(table, ids, columns=[name for name in columns if name != "Number"])

    monkeypatch.setattr(office.writer, "fetch", blind)
    done = office.run(plan)
    assert stayed(done)[f"Account/{edited}"] == "restore-changed-since"
    assert archived(done)["Account"] == 3


def test_without_any_proof_of_sameness_a_record_stays(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, hidden = office.writer.fetch, {"Number", "Modified", "ModifiedBy"}

    def blind(table: Any, ids: Any, *, columns: Any) -> Any:
        return real(table, ids, columns=[name for name in columns if name not in hidden])

    plan = office.archive_plan()
    monkeypatch.setattr(office.writer, "fetch", blind)
    assert archived(office.run(plan)) == {}


@pytest.mark.parametrize("follows", [True, False])
def test_a_file_that_a_new_post_shows_stays(office: Office, follows: bool) -> None:
    office.org.add_table("Document", {"Name": TEXT})
    cascade = DeleteRule.CASCADE
    office.org.add_table(
        "Link",
        {"Name": TEXT, "Document": LINK, "Holder": LINK},
        references={
            "Document": Reference(("Document",), cascade),
            "Holder": Reference(("Account",), cascade),
        },
    )
    office.org.add_table(
        "Post",
        {"Name": TEXT, "Document": LINK},
        references={"Document": Reference(("Document",), DeleteRule.SET_NULL)},
    )
    if not follows:
        office.org.tables["Post"].traits -= {TableTrait.INCREMENTAL}
    document = office.make("Document", "doc")
    office.make("Link", "l", Document=document, Holder=office.record("Account", "A3"))
    office.make("Post", "old post")
    office.night()
    keeping = (KeepingColumn("Post", "Document"),)
    shared = (SharedFile("Document", "Link", "Document", "Holder", None, keeping),)
    plan = office.archive_plan(shared=shared)
    assert any(step.table == "Document" for step in plan.steps)
    office.clock.advance(hours=1)
    office.make("Post", "new post", Document=document)
    office.run(plan)
    assert "doc" in office.names("Document")


@pytest.mark.parametrize("scope", [HoldScope.RECORD, HoldScope.TABLE])
def test_a_hold_that_is_newer_than_the_plan_counts(office: Office, scope: HoldScope) -> None:
    plan = office.archive_plan()
    record = office.record("Paper", "P1")
    target = HoldTarget(scope, "Paper", record if scope is HoldScope.RECORD else "")
    office.vault.change_holds(office.oid, placed=[Hold(target)], run="hold-1")
    done = office.run(plan)
    assert stayed(done)[f"Paper/{record}"] == "archive-on-hold"
    assert archived(done).get("Account", 0) == (3 if scope is HoldScope.RECORD else 0)


def test_a_hold_by_an_earlier_id_keeps_the_record(office: Office) -> None:
    """A lost record came back under a new id, and its hold named the old one."""
    paper = office.record("Paper", "P1")
    lost = RecordKey("Paper", "lost")
    commit = office.vault.begin(
        office.oid, run="restore-1", kind=CommitKind.RESTORE, identity=office.org.identity
    )
    added = commit.lineage([Lineage("Paper", lost.record, paper, office.oid, "restore-1")])
    commit.finish([TableCommit(added.table, (added,))], as_of=office.clock.now())
    plan = office.archive_plan()
    held = Hold(HoldTarget(HoldScope.RECORD, lost.table, lost.record))
    office.vault.change_holds(office.oid, placed=[held], run="hold-1")
    done = office.run(plan)
    assert stayed(done)[f"Paper/{paper}"] == "archive-on-hold"


# --- what nobody planned ----------------------------------------------------------------------------


def test_a_child_that_was_born_and_deleted_along_is_noticed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete, first = office.platform.delete, office.record("Account", "A1")

    def hooked(table: str, record: str, *, by: str) -> None:
        if record == first:
            office.make("Contact", "fresh", Account=first)
        delete(table, record, by=by)

    monkeypatch.setattr(office.platform, "delete", hooked)
    done = office.archive()
    assert "archive-vanished" in stayed(done).values()
    assert not done.whole


def test_a_planned_record_that_a_trigger_deletes_before_its_turn_stops_the_run(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = office.archive_plan()
    office.clock.advance(hours=2)
    last = office.record("Contact", "C3")
    office.org.update("Contact", last, {"Name": "C3 edited"}, by="U9")
    office.clock.advance(hours=2)
    delete = office.platform.delete

    def trigger(table: str, record: str, *, by: str) -> None:
        delete(table, record, by=by)
        if table == "Account" and not office.org.tables["Contact"].records[last].deleted:
            delete("Contact", last, by=by)

    monkeypatch.setattr(office.platform, "delete", trigger)
    done = office.run(plan)
    assert stayed(done)[f"Contact/{last}"] == "archive-vanished"
    assert archived(done)["Account"] == 1
    assert [r.record for r in done.records].count(last) == 1, "it has one outcome"


def test_a_stop_stays_a_stop_after_a_crash(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The surplus is noted before the others are refused: between both, the process dies."""
    monkeypatch.setattr(archiving, "FIRST_TURN", 1)
    plan = office.archive_plan()
    office.clock.advance(hours=2)
    last = office.record("Contact", "C3")
    delete, refuse = office.platform.delete, archiving._refuse

    def trigger(table: str, record: str, *, by: str) -> None:
        delete(table, record, by=by)
        if table == "Account" and not office.org.tables["Contact"].records[last].deleted:
            delete("Contact", last, by=by)

    def power_cut(session: Any, steps: Any, why: Any) -> None:
        if why is staying.stopped:
            raise Crash
        refuse(session, steps, why)

    monkeypatch.setattr(office.platform, "delete", trigger)
    monkeypatch.setattr(archiving, "_refuse", power_cut)
    with pytest.raises(Crash):
        office.run(plan)
    monkeypatch.setattr(archiving, "_refuse", refuse)
    live = office.names()
    office.clock.advance(hours=1)
    done = office.run(plan)
    assert office.names() == live, "no record follows"
    assert "archive-stopped" in stayed(done).values()


def test_a_backup_user_who_does_not_see_everything_is_refused(office: Office) -> None:
    sentence = "The backup user sees only shared records."
    gap = Finding.of(FindingKind.PERMISSION_MISSING, Severity.GAP, sentence, "Grant it.")
    office.org.findings.append(gap)
    office.night()
    with pytest.raises(UsageError) as refused:
        office.archive_plan()
    assert refused.value.code == "archive-gap"
    assert sentence in str(refused.value)


def test_a_table_that_is_not_read_and_goes_along_is_refused(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = MemorySource.discover

    def discover(source: MemorySource) -> Any:
        schema = real(source)
        return replace(schema, tables=tuple(t for t in schema.tables if t.name != "Mail"))

    monkeypatch.setattr(MemorySource, "discover", discover)
    cascade = {"Account": Reference(("Account",), DeleteRule.CASCADE)}
    office.org.add_table("Mail", {"Name": TEXT, "Account": LINK}, references=cascade)
    gap = Finding.of(FindingKind.TABLE_EXCLUDED, Severity.GAP, "Mail is left out.", table="Mail")
    office.org.findings.append(gap)
    office.night()
    with pytest.raises(UsageError, match="Mail is left out"):
        office.archive_plan()


def test_a_backup_without_certificate_is_no_proof(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(office.head), "certificate", lambda _: None)
    with pytest.raises(UsageError, match="no certificate"):
        office.archive_plan()


@pytest.mark.parametrize("planned", [True, False])
def test_a_table_that_cannot_be_read_completely_keeps_all(
    office: Office, monkeypatch: pytest.MonkeyPatch, planned: bool
) -> None:
    plan = office.archive_plan()
    real = MemorySource.read

    def read(source: MemorySource, task: Any) -> Any:
        for page in real(source, task):
            yield replace(page, incomplete=True)

    monkeypatch.setattr(MemorySource, "read", read)
    office.clock.advance(hours=2)
    office.org.update("Account", office.record("Account", "A4"), {"Name": "A4"})
    if planned:
        assert set(stayed(office.run(plan)).values()) == {"archive-referred"}
        return
    with pytest.raises(UsageError) as refused:
        office.archive_plan()
    assert refused.value.code == "archive-unlooked"


def test_a_run_asks_again_for_tables_that_cannot_be_read(office: Office) -> None:
    office.org.tables["Contact"].traits -= {TableTrait.INCREMENTAL}
    office.night()
    plan = office.archive_plan()
    office.writer.referrers = lambda queries: [None for _ in queries]
    assert set(stayed(office.run(plan)).values()) == {"archive-referred"}


# --- after a crash ----------------------------------------------------------------------------------


def test_an_account_that_came_back_before_the_end_is_not_archived(office: Office) -> None:
    plan = crashed(office)
    first = office.record("Account", "A0")
    office.platform.undelete("Account", first, by="U9")
    office.night()
    office.run(plan)
    office.clock.advance(hours=2)
    office.night()
    assert office.ops("Account", "A0")[-1] == "U"


def test_an_account_that_was_edited_before_a_late_commit_keeps_its_values(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = uncommitted(office, monkeypatch)
    first = office.record("Account", "A0")
    office.platform.undelete("Account", first, by="U9")
    office.org.update("Account", first, {"Number": "precious"}, by="U9")
    office.night()
    office.platform.delete("Account", first, by="U9")
    office.clock.advance(hours=2)
    office.night()
    office.run(plan)
    newest = office.vault.history(office.oid, "Account", first)[-1]
    assert (str(newest.op), newest.cells["Number"]) == ("D", "precious")
    assert office.ops("Account", "A1")[-1] == "A"


def test_a_contact_that_another_user_deleted_after_a_crash_is_not_ours(office: Office) -> None:
    office.writer.faults.plant("write", Crash(), table="Account", after=0)
    plan = office.archive_plan()
    with pytest.raises(Crash):
        office.run(plan)
    office.writer.faults.clear()
    contact = office.record("Contact", "C0")
    office.clock.advance(hours=2)
    office.org.update("Contact", contact, {"Name": "C0 edited"}, by="U9")
    office.platform.delete("Contact", contact, by="U9")
    office.clock.advance(hours=2)
    office.night()
    done = office.run(plan)
    assert stayed(done)[f"Contact/{contact}"] == "archive-gone"
    assert office.vault.history(office.oid, "Contact", contact)[-1].op.value == "D"


def test_a_contact_that_another_user_deleted_while_its_account_stayed_is_not_ours(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = office.platform.delete
    account, contact = office.record("Account", "A1"), office.record("Contact", "C1")

    def hooked(table: str, record: str, *, by: str) -> None:
        if record == account:
            delete("Contact", contact, by="U9")
            raise RowRefused("DELETE_FAILED", "It is locked.")
        delete(table, record, by=by)

    monkeypatch.setattr(office.platform, "delete", hooked)
    done = office.archive()
    assert stayed(done)[f"Contact/{contact}"] == "archive-together"


def test_a_lost_answer_does_not_take_a_record_of_another_user(office: Office) -> None:
    """The call never arrived, and a person deleted the paper at the same time."""
    paper = office.record("Paper", "P0")
    real = office.writer.write

    def lost(op: Any, table: Any, rows: Any, *, token: str) -> Any:
        if any(row.id == paper for row in rows):
            office.writer.write = real
            office.platform.delete("Paper", paper, by="U9")
            office.writer.faults.plant("write", ReplyLost(), table="Paper")
        return real(op, table, rows, token=token)

    office.writer.write = lost
    done = office.archive()
    assert f"Paper/{paper}" in stayed(done) or archived(done)["Paper"] == 4
    assert office.ops("Paper", "P0") in (["U"], ["U", "A"])


def test_a_record_that_was_erased_after_a_crash_does_not_stop_the_end(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = crashed(office)
    last = RecordKey("Account", office.record("Account", "A3"))

    def erased(_: str, keys: Any) -> frozenset[RecordKey]:
        return frozenset({last}) & frozenset(keys)

    monkeypatch.setattr(office.vault, "erased", erased)
    done = office.run(plan)
    assert stayed(done)[str(last)] == "archive-no-copy"
    assert office.ops("Account", "A0") == ["U", "A"]


def test_a_plan_with_an_erased_record_does_not_begin(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = office.archive_plan()
    monkeypatch.setattr(office.vault, "erased", lambda _, keys: frozenset(list(keys)[:1]))
    with pytest.raises(Conflict) as refused:
        office.run(plan)
    assert refused.value.code == "restore-erased"


def test_a_damaged_row_stays_with_its_group_and_the_others_go(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = office.archive_plan()
    real, last = type(office.head).get, office.record("Account", "A3")

    def get(head: Any, table: str, ids: Any, **more: Any) -> Any:
        if table == "Account" and last in list(ids) and not more:
            raise IntegrityError("segment-damaged", "The segment is damaged.")
        return real(head, table, ids, **more)

    # Few records are read together, as of a large table.
    monkeypatch.setattr("unlost.engine.restore.running.wanted.READ_ROWS", 1)
    monkeypatch.setattr(type(office.head), "get", get)
    with pytest.raises(IntegrityError):
        office.head.get("Account", [last])
    done = office.run(plan)
    assert stayed(done)[f"Account/{last}"] == "archive-no-copy"
    assert archived(done)["Account"] == 3


def test_erased_papers_are_missing_in_a_late_commit(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = uncommitted(office, monkeypatch)
    real = type(office.head).get

    def get(head: Any, table: str, ids: Any, **more: Any) -> Any:
        rows = real(head, table, ids, **more)
        return rows.slice(0, 0) if table == "Paper" else rows

    monkeypatch.setattr(type(office.head), "get", get)
    assert archived(office.run(plan)) == EACH
    monkeypatch.undo()
    assert office.ops("Account", "A0") == ["U", "A"]
    assert office.ops("Paper", "P0") == ["U"]


def test_the_columns_of_a_backup_since_the_plan_remain(office: Office) -> None:
    plan = crashed(office)
    office.org.add_column("Account", "Extra", TEXT)
    office.org.add_table("Mail", {"Name": TEXT})
    office.night()
    office.run(plan)
    newest = office.vault.at(office.oid, office.vault.commits(office.oid)[-1].number)
    account = newest.schema().table("Account")
    assert account is not None
    assert account.column("Extra") is not None
    assert newest.schema().table("Mail") is not None


def test_an_archive_that_has_not_ended_cannot_be_undone(office: Office) -> None:
    let_undelete(office)
    away = TransientError("org-away", "The org does not answer.")
    plan = office.archive_plan()
    office.writer.faults.plant("fetch", away, table="Account", after=1)
    with pytest.raises(TransientError):
        office.run(plan)
    office.writer.faults.clear()
    with pytest.raises(Conflict) as refused:
        office.undo("archive-a-1")
    assert refused.value.code == "archive-open"


@pytest.mark.parametrize("days", [1, 20])
def test_an_undo_sets_references_of_records_that_stayed(office: Office, days: int) -> None:
    let_undelete(office)
    office.platform.relinks = False
    before = {
        cells["Name"]: cells["Account"] is not None for cells in office.live("Paper").values()
    }
    done = office.archive(policy=replace(POLICY, branches=()))
    assert len(office.live("Paper")) == 5
    office.clock.advance(days=days)
    if days > 15:
        office.platform.purge_bin()
    office.night()
    assert office.restore(office.undo(done.run)).whole
    after = {cells["Name"]: cells["Account"] is not None for cells in office.live("Paper").values()}
    assert after == before


# --- backups -----------------------------------------------------------------------------------------


def test_the_next_certificate_counts_archived_records_as_gone(office: Office) -> None:
    office.archive()
    office.clock.advance(hours=12)
    office.night()
    certificate = office.head.certificate()
    assert certificate is not None
    assert not [f for line in certificate.tables for f in line.findings]
    (accounts,) = [line for line in certificate.tables if line.table == "Account"]
    assert (accounts.live, accounts.stored, accounts.deleted) == (1, 1, 0)


def test_the_next_backup_reads_only_changes(office: Office) -> None:
    """The cursors of the tables outlive the commit of an archive."""
    office.archive()
    office.clock.advance(hours=12)
    office.night()
    certificate = office.head.certificate()
    assert certificate is not None
    assert not any(line.full for line in certificate.tables if line.table == "Account")


def test_a_backup_that_began_before_an_archive_does_not_go_on(office: Office) -> None:
    office.source.faults.plant("read", Crash(), table="Account")
    with pytest.raises(Crash):
        office.night(run="night-7")
    office.source.faults.clear()
    office.archive()
    with pytest.raises(Conflict) as outrun:
        office.night(run="night-7")
    assert outrun.value.code == "backup-outrun"
    office.clock.advance(hours=1)
    office.night()
    assert office.ops("Account", "A0") == ["U", "A"]


def test_more_than_one_turn_is_small_first(office: Office) -> None:
    for number in range(9):
        office.make("Contact", f"X{number}", Account=office.account)
    office.night()
    turns = [len(turn) for turn in archiving._turns(office.archive_plan().steps)]
    assert turns == [3, 6, 12]


def test_groups_that_are_larger_than_a_plan_are_named(office: Office) -> None:
    with pytest.raises(UsageError) as refused:
        office.archive_plan(most=2)
    assert refused.value.code == "archive-group-large"


def test_a_preview_without_write_user_says_so(office: Office) -> None:
    from unlost.engine.archive.planning import ArchiveRequest, plan_archive
    from unlost.model.plan import PlanBasis

    ports = replace(office.planning(), basis=PlanBasis.BACKUP_USER)
    plan = plan_archive(office.oid, ports, ArchiveRequest(POLICY), plan_id="p")
    assert "writer-missing" in note_codes(plan)
