"""Archived records stand apart from deleted ones: in comparisons, lists, histories, and the inbox."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.compare import CompareResult, RecordChange, RecordSlice, compare
from unlost.app.actions.records.history import history
from unlost.app.actions.records.losses import losses
from unlost.app.actions.records.lost import lost
from unlost.app.actions.records.record_list import record_list
from unlost.app.actions.records.watch import WatchRequest, add_watch, watched_changes
from unlost.app.actions.restores.restore_plan import PlanResult
from unlost.app.actions.restores.restore_run import resume_run
from unlost.app.records.lists.queries import ListKind, ListQuery
from unlost.catalog.mass_changes import backup_changes
from unlost.catalog.orgs.watches import stored_watches
from unlost.engine.records.history import EventKind
from unlost.model.archive import ArchivePolicy, Comparison, Condition
from unlost.model.errors import UsageError
from unlost.model.losses import FoldReason, LossState
from unlost.model.mass_changes import MassKind
from unlost.model.source.writing import Identity
from unlost.model.vault.snapshot import ChangeKind
from unlost.testing.faults import Crash

EVERY = ArchivePolicy("all", "Account", (Condition("Name", Comparison.IS_NOT, ("",)),))
KEY = f"Account/{CUSTOMER}"

opened = scene(open_shop)


@pytest.fixture
def shop(world: World, opened: Lead) -> Shop:
    made: Shop = opened(world)
    set_writer(made.app, WRITER)
    return made


def archived(shop: Shop) -> str:
    """Archive all accounts, and return the run."""
    return shop.run(shop.plan(archive=EVERY)).run


def stopped(shop: Shop) -> PlanResult:
    """An archive whose records are gone, and which the vault does not know yet."""
    plan: PlanResult = shop.plan(archive=EVERY)
    shop.writer.faults.plant("written", Crash(), table="Account")
    with pytest.raises(Crash):
        shop.run(plan)
    shop.writer.faults.clear()
    assert shop.live("Account") == {}
    return plan


def delete_contact(shop: Shop, name: str) -> str:
    contact = shop.named("Contact", name)
    shop.platform.delete("Contact", contact, by="U1")
    return contact


def row(result: CompareResult, record: str = CUSTOMER) -> RecordChange:
    (row,) = [row for row in result.rows if row.record == record]
    return row


# --- comparisons ----------------------------------------------------------------------------------


def test_a_comparison_shows_archived_records_as_deleted(shop: Shop) -> None:
    accounts = len(shop.live("Account"))
    delete_contact(shop, "Ann")
    shop.night()
    run = archived(shop)
    shop.night()
    whole = {table.table: table for table in compare(shop.app, "sales", "1", "latest").tables}
    assert (whole["Account"].archived, whole["Account"].deleted) == (accounts, 0)
    assert (whole["Contact"].archived, whole["Contact"].deleted) == (1, 1)
    assert whole["Account"].total == accounts
    known = compare(shop.app, "sales", "1", "latest", table="Account")
    assert {line.change for line in known.rows} == {ChangeKind.ARCHIVED}
    (line,) = [info for info in shop.app.vault.commits(shop.oid) if info.run == run]
    assert (row(known).archive_run, row(known).archived_at) == (run, line.as_of)
    assert (row(known).changes, row(known).restored_as) == ((), "")


def test_a_comparison_lists_archived_records_alone(shop: Shop) -> None:
    delete_contact(shop, "Ann")
    shop.night()
    archived(shop)
    shop.night()
    part = RecordSlice(kind=ChangeKind.ARCHIVED)
    rows = compare(shop.app, "sales", "1", "latest", table="Contact", part=part).rows
    assert [line.name for line in rows] == ["Ben"]


def test_the_live_org_has_lost_what_was_archived(shop: Shop) -> None:
    """No backup has seen the archive yet."""
    run = archived(shop)
    known = compare(shop.app, "sales", "latest", "live", table="Account")
    assert (known.tables[0].deleted, row(known).archive_run) == (0, run)


def test_an_archive_that_has_not_ended_counts_as_deletions(shop: Shop) -> None:
    plan = stopped(shop)
    assert (
        row(compare(shop.app, "sales", "latest", "live", table="Account")).archive_run == plan.run
    )
    shop.night()
    between = compare(shop.app, "sales", "1", "latest", table="Account")
    assert (between.tables[0].deleted, row(between).archived_at) == (0, None)
    assert row(between).archive_run == plan.run
    newest = str(shop.app.vault.snapshots(shop.oid)[-1].number)
    assert resume_run(shop.app, plan.run).whole
    shop.night()
    # The backup between the two saw deletions, for ever.
    for other in (newest, "latest"):
        after = compare(shop.app, "sales", "1", other, table="Account")
        assert (after.tables[0].deleted, row(after).archive_run) == (0, plan.run)
    assert compare(shop.app, "sales", newest, "latest", table="Account").tables == ()


def test_a_deletion_before_an_archive_counts_as_archived(shop: Shop) -> None:
    """The archive was planned after the backup that saw the deletion."""
    contact = delete_contact(shop, "Ann")
    shop.night()
    stopped(shop)
    shop.night()
    rows = compare(shop.app, "sales", "1", "2", table="Contact").rows
    assert [(line.record, line.change) for line in rows] == [(contact, ChangeKind.DELETED)]


# --- and back -------------------------------------------------------------------------------------


def test_an_undeleted_record_still_reads_as_archived(shop: Shop) -> None:
    for table in ("Account", "Contact", "Paper"):
        usual = shop.platform.capability(table)
        shop.platform.allow(replace(usual, identity=Identity.UNDELETE))
    run = archived(shop)
    middle = shop.night()
    assert shop.run(shop.plan(undo=run)).whole
    shop.night()
    over_both = {table.table: table for table in compare(shop.app, "sales", "1", "latest").tables}
    gone = [(t.archived, t.deleted, t.created, t.revived) for t in over_both.values()]
    assert set(gone) <= {(0, 0, 0, 0)}
    back = compare(shop.app, "sales", str(middle), "latest", table="Account")
    assert {line.change for line in back.rows} == {ChangeKind.REVIVED}
    kinds = [entry.kind for entry in history(shop.app, "sales", "Account", CUSTOMER).entries]
    assert kinds == [EventKind.CREATED, EventKind.ARCHIVED, EventKind.REVIVED]


def test_a_record_that_came_back_under_a_new_id_is_nowhere_named(shop: Shop) -> None:
    run = archived(shop)
    shop.night()
    shop.platform.purge_bin()
    assert shop.run(shop.plan(undo=run)).whole
    shop.night()
    (fresh,) = [key for key, cells in shop.live("Account").items() if key != CUSTOMER][:1]
    known = compare(shop.app, "sales", "1", "latest", table="Account")
    restored = row(known)
    assert (restored.change, restored.archive_run) == (ChangeKind.ARCHIVED, run)
    assert row(known, restored.restored_as).change is ChangeKind.CREATED
    assert fresh in {line.restored_as for line in known.rows}
    kinds = [entry.kind for entry in history(shop.app, "sales", "Account", CUSTOMER).entries]
    assert kinds == [EventKind.CREATED, EventKind.ARCHIVED, EventKind.RESTORED]


# --- lists, and restores of what was lost ---------------------------------------------------------


def listed(shop: Shop, change: ChangeKind) -> list[str]:
    query = ListQuery(ListKind.CHANGED, "Contact", older="1", newer="latest", change=change)
    return [record.record for record in record_list(shop.app, "sales", query).records]


def test_archived_records_are_among_the_lost_ones(shop: Shop) -> None:
    ann, ben = delete_contact(shop, "Ann"), shop.named("Contact", "Ben")
    shop.night()
    accounts = len(shop.live("Account"))
    archived(shop)
    shop.night()
    known = lost(shop.app, "sales", "1", "latest")
    assert [record.record for record in known.records] == [ann]
    assert known.archived == accounts + 1
    assert listed(shop, ChangeKind.DELETED) == [ann]
    assert listed(shop, ChangeKind.ARCHIVED) == [ben]
    plan = json.loads(Path(shop.plan(lost=("1", "latest"), related=False).file).read_text())
    assert [step["record"] for step in plan["steps"]] == [ann]


def test_records_of_an_open_archive_are_among_the_lost_ones(shop: Shop) -> None:
    stopped(shop)
    shop.night()
    assert lost(shop.app, "sales", "1", "latest").records == ()
    assert listed(shop, ChangeKind.DELETED) == []
    assert len(listed(shop, ChangeKind.ARCHIVED)) == 2
    with pytest.raises(UsageError) as refused:
        shop.plan(lost=("1", "latest"))
    assert refused.value.code == "restore-nothing"


# --- histories ------------------------------------------------------------------------------------


def test_a_history_says_that_an_archived_record_was_deleted(shop: Shop) -> None:
    run = archived(shop)
    shop.night()
    known = history(shop.app, "sales", "Account", CUSTOMER)
    last = known.entries[-1]
    assert (last.kind, last.run, last.by, last.fields) == (EventKind.ARCHIVED, run, None, ())
    assert (known.alive, known.archived_at) == (False, last.until)


def test_a_history_names_the_write_user_for_an_open_archive(shop: Shop) -> None:
    plan = stopped(shop)
    shop.night()
    for _ in range(2):
        last = history(shop.app, "sales", "Account", CUSTOMER).entries[-1]
        assert (last.kind, last.run, last.by) == (EventKind.ARCHIVED, plan.run, None)
        shop.writer.faults.clear()
        resume_run(shop.app, plan.run)
        shop.night()
    entries = history(shop.app, "sales", "Account", CUSTOMER).entries
    assert [entry.kind for entry in entries] == [EventKind.CREATED, EventKind.ARCHIVED]


def test_a_watched_set_calls_archived_records_deleted(shop: Shop) -> None:
    request = WatchRequest("mine", records=(KEY,), deletions=True)
    add_watch(shop.app, "sales", request)
    run = archived(shop)
    live = watched_changes(shop.app, "sales", "mine", live=True).changes
    assert {change.entry.kind for change in live} == {EventKind.ARCHIVED}
    shop.night()
    changes = watched_changes(shop.app, "sales", "mine").changes
    assert {(change.entry.kind, change.entry.run) for change in changes} == {
        (EventKind.ARCHIVED, run)
    }
    (watch,) = stored_watches(["sales"])
    assert watch.hits == ()


def test_a_watched_set_alerts_about_an_open_archive(shop: Shop) -> None:
    add_watch(shop.app, "sales", WatchRequest("mine", records=(KEY,), deletions=True))
    plan = stopped(shop)
    shop.night()
    (watch,) = stored_watches(["sales"])
    assert watch.hits == ()
    changes = watched_changes(shop.app, "sales", "mine").changes
    assert {(change.entry.kind, change.entry.run) for change in changes} == {
        (EventKind.ARCHIVED, plan.run)
    }


# --- the inbox, and alerts ------------------------------------------------------------------------


def folded(shop: Shop) -> set[tuple[str, FoldReason | None, str]]:
    lines = losses(shop.app, "sales", state=LossState.FOLDED).losses
    return {(line.table, line.folded, line.archive_run) for line in lines}


def test_the_inbox_does_not_name_the_archive(shop: Shop) -> None:
    run = archived(shop)
    shop.night()
    assert losses(shop.app, "sales").losses == ()
    assert folded(shop) == {("Account", FoldReason.ARCHIVED, run)}


def test_the_inbox_hides_a_loss_behind_an_archive(shop: Shop) -> None:
    """Ann was deleted by a person, and hangs on an account that was archived afterwards."""
    ann = delete_contact(shop, "Ann")
    shop.night()
    run = archived(shop)
    shop.night()
    (loss,) = losses(shop.app, "sales").losses
    assert (loss.table, loss.record) == ("Contact", ann)
    assert ("Account", FoldReason.ARCHIVED, run) in folded(shop)


def test_a_rebuilt_home_finds_losses_in_a_finished_archive(shop: Shop) -> None:
    """A backup saw the deletions before the archive ended; all backups are evaluated again."""
    plan = stopped(shop)
    shop.night()
    assert resume_run(shop.app, plan.run).whole
    shop.night()
    shop.lose_database()
    shop.night()
    assert losses(shop.app, "sales").losses == ()
    assert ("Account", FoldReason.ARCHIVED, plan.run) in folded(shop)
    changes = [change for backup in backup_changes(shop.oid) for change in backup.changes]
    assert [change for change in changes if change.kind is MassKind.DELETED] == []


def test_an_archive_of_a_plan_file_is_found_again(shop: Shop) -> None:
    """The plan file is all that a person has: the comparison names the same run."""
    plan = shop.plan(archive=EVERY)
    assert Path(plan.file).exists()
    run = shop.run(plan).run
    shop.night()
    known = compare(shop.app, "sales", "1", "latest", table="Account")
    assert {line.archive_run for line in known.rows} == {run}
