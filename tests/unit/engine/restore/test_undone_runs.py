"""A run that its undo ended, runs that went on meanwhile, and legal holds."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from unit.engine.restore.atelier import Atelier
from unit.engine.restore.undone_shop import Restored, codes, life, org_of
from unlost.engine.restore.journal.entries import RunUndone
from unlost.engine.restore.journal.log import RestoreLog
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.values.outcome import Ending, ParkedRestore
from unlost.model.errors import Conflict, LimitReached
from unlost.model.plan import Action, RestorePlan
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget

SPENT = LimitReached("calls-spent", "No calls are left today.")


@pytest.fixture
def shop(tmp_path: Path) -> Atelier:
    return Atelier(tmp_path)


def lost_pair(shop: Atelier) -> RestorePlan:
    """The plan of two lost records, one of each table."""
    account, contact = shop.make("Account", "Candy"), shop.make("Contact", "Ann")
    shop.night()
    shop.lose("Account", account)
    shop.lose("Contact", contact)
    return shop.plan_of(("Account", account), ("Contact", contact))


def parked(shop: Atelier) -> RestorePlan:
    """A restore that created an account, and waits for calls to create a contact."""
    plan = lost_pair(shop)
    shop.writer.faults.plant("write", SPENT, table="Contact")
    assert isinstance(shop.try_restore(plan), ParkedRestore)
    assert shop.live("Account")
    return plan


def hold(shop: Atelier, table: str, record: str) -> None:
    target = HoldTarget(HoldScope.RECORD, table, record)
    shop.vault.change_holds(shop.oid, placed=(Hold(target, "claim", "ada"),), run="hold-1")


# --- the undone run does not go on ----------------------------------------------------------------


def test_a_record_that_a_parked_restore_created_came_back_twice_after_its_undo(
    shop: Atelier,
) -> None:
    """Its commit was missing, and a new reference kept the record."""
    plan = parked(shop)
    undo = shop.undo(run_of(plan))
    ((live, _),) = shop.live("Account").items()
    shop.make("Memo", "newer", About=live)
    shop.restore(undo)
    lost = next(step.record for step in plan.steps if step.table == "Account")
    assert life(shop, lost) == live
    shop.restore(shop.plan_of(("Account", lost)))
    assert [*shop.live("Account")] == [live]


def test_both_ids_of_a_record_that_a_parked_restore_created_brought_back_two(
    shop: Atelier,
) -> None:
    plan = parked(shop)
    ((live, _),) = shop.live("Account").items()
    shop.night()
    shop.restore(shop.undo(run_of(plan)))
    shop.platform.purge_bin()
    shop.night()
    lost = next(step.record for step in plan.steps if step.table == "Account")
    shop.restore(shop.plan_of(("Account", lost), ("Account", live)))
    assert len(shop.live("Account")) == 1


def test_a_parked_undo_of_an_undo_leaves_one_record(shop: Atelier) -> None:
    """It created a record anew, and its own undo left it alone."""
    plan = lost_pair(shop)
    shop.restore(plan)
    undo = shop.undo(run_of(plan))
    shop.restore(undo)
    shop.platform.purge_bin()
    again = shop.undo(run_of(undo))
    shop.writer.faults.plant("write", SPENT, table="Contact")
    assert isinstance(shop.try_restore(again), ParkedRestore)
    ((live, _),) = shop.live("Account").items()
    last = shop.undo(run_of(again))
    shop.make("Memo", "newer", About=live)
    shop.restore(last)
    lost = next(step.record for step in plan.steps if step.table == "Account")
    shop.restore(shop.plan_of(("Account", lost)))
    assert [*shop.live("Account")] == [live]


def test_a_parked_restore_went_on_after_it_was_undone(shop: Atelier) -> None:
    plan = parked(shop)
    shop.restore(shop.undo(run_of(plan)))
    assert not shop.live("Account")
    with pytest.raises(Conflict) as over:
        shop.try_restore(plan)
    assert over.value.code == "restore-undone"
    assert (shop.live("Account"), shop.live("Contact")) == ({}, {})


def test_an_undo_that_was_planned_before_its_run_went_on_is_refused(shop: Atelier) -> None:
    plan = parked(shop)
    early = shop.undo(run_of(plan))
    shop.restore(plan)
    there = org_of(shop)
    with pytest.raises(Conflict) as outdated:
        shop.try_restore(early)
    assert outdated.value.code == "undo-outdated"
    assert org_of(shop) == there
    assert run_of(early) not in shop.vault.journals(shop.oid), "it has not begun"
    shop.restore(shop.undo(run_of(plan)))
    assert (shop.live("Account"), shop.live("Contact")) == ({}, {})


def test_a_crash_between_the_two_journals_leaves_the_run_over(
    shop: Atelier, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = parked(shop)
    undo = shop.undo(run_of(plan))
    write = RestoreLog.write

    def crash(log: RestoreLog, entry: object) -> int:
        number = write(log, entry)  # type: ignore[arg-type]
        if isinstance(entry, RunUndone):
            raise KeyboardInterrupt
        return number

    with monkeypatch.context() as patch:
        patch.setattr(RestoreLog, "write", crash)
        with pytest.raises(KeyboardInterrupt):
            shop.try_restore(undo)
    with pytest.raises(Conflict) as over:
        shop.try_restore(plan)
    assert over.value.code == "restore-undone"
    assert shop.restore(undo).whole
    assert not shop.live("Account")


@pytest.mark.parametrize("after", range(4))
@pytest.mark.parametrize("call", ["fetch", "write", "written"])
def test_a_parked_restore_is_undone_whatever_call_the_undo_stops_at(
    shop: Atelier, call: str, after: int
) -> None:
    plan = parked(shop)
    undo = shop.undo(run_of(plan))
    shop.writer.faults.plant(call, KeyboardInterrupt(), after=after)
    with suppress(KeyboardInterrupt):
        shop.try_restore(undo)
    shop.writer.faults.planted.clear()
    with pytest.raises(Conflict):
        shop.try_restore(plan)
    shop.restore(undo)
    assert not shop.live("Account")


def test_a_parked_undo_went_on_after_it_was_undone(shop: Atelier) -> None:
    plan = lost_pair(shop)
    shop.restore(plan)
    undo = shop.undo(run_of(plan))
    shop.writer.faults.plant("write", SPENT, after=1)
    assert isinstance(shop.try_restore(undo), ParkedRestore)
    assert len({*shop.live("Account"), *shop.live("Contact")}) == 1
    shop.restore(shop.undo(run_of(undo)))
    there = org_of(shop)
    assert shop.live("Account")
    assert shop.live("Contact")
    with pytest.raises(Conflict) as over:
        shop.try_restore(undo)
    assert over.value.code == "restore-undone"
    assert org_of(shop) == there


def test_a_run_whose_commit_is_missing_would_commit_ids_of_deleted_records(
    shop: Atelier, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = lost_pair(shop)
    with monkeypatch.context() as patch:
        patch.setattr("unlost.engine.restore.running.execute._commit", stop)
        with pytest.raises(KeyboardInterrupt):
            shop.try_restore(plan)
    with pytest.raises(Conflict) as open_still:
        shop.undo(run_of(plan))
    assert open_still.value.code == "undo-uncommitted"
    shop.restore(plan)
    shop.restore(shop.undo(run_of(plan)))
    assert not shop.live("Account")


def stop(*_: object) -> None:
    raise KeyboardInterrupt


# --- the same run twice ---------------------------------------------------------------------------


def test_a_second_undo_of_a_run_finds_nothing_to_do(shop: Atelier) -> None:
    restored = Restored(shop)
    shop.restore(shop.undo(restored.run))
    again = shop.undo(restored.run)
    assert {step.action for step in again.steps} == {Action.UNCHANGED}
    shop.restore(again)
    assert org_of(shop) == restored.before


@pytest.mark.parametrize("make", [parked, lost_pair])
def test_a_second_undo_that_was_planned_before_the_first_ran_does_no_harm(
    shop: Atelier, make: Callable[[Atelier], RestorePlan]
) -> None:
    plan = make(shop)
    if make is lost_pair:
        shop.restore(plan)
    first, second = shop.undo(run_of(plan)), shop.undo(run_of(plan))
    shop.restore(first)
    before = org_of(shop)
    shop.restore(second)
    assert org_of(shop) == before


# --- legal holds ----------------------------------------------------------------------------------


@pytest.mark.parametrize("by_live_id", [True, False])
def test_an_undo_deleted_a_record_on_legal_hold(shop: Atelier, *, by_live_id: bool) -> None:
    restored = Restored(shop)
    hold(shop, "Account", restored.live if by_live_id else restored.account)
    plan = shop.undo(restored.run)
    assert "on-hold" in codes(plan)
    shop.restore(plan)
    assert restored.live in shop.live("Account")


def test_an_undo_deleted_the_master_of_a_detail_on_legal_hold(shop: Atelier) -> None:
    restored = Restored(shop)
    (contact, _) = shop.named("Contact", "Ann")
    hold(shop, "Contact", contact)
    shop.restore(shop.undo(restored.run))
    assert contact in shop.live("Contact")
    assert restored.live in shop.live("Account")


@pytest.mark.parametrize("table", ["Account", "Contact"])
def test_an_undo_deleted_a_record_on_a_hold_that_came_after_the_plan(
    shop: Atelier, table: str
) -> None:
    restored = Restored(shop)
    name = {"Account": "Candy", "Contact": "Ann"}[table]
    (record, _) = shop.named(table, name)
    plan = shop.undo(restored.run)
    assert "on-hold" not in codes(plan)
    hold(shop, table, record)
    outcome = shop.restore(plan)
    assert record in shop.live(table)
    assert restored.live in shop.live("Account")
    (one,) = [one for one in outcome.records if one.record == record]
    assert (one.ending, one.code) == (Ending.FAILED, "undo-on-hold")


def test_an_undo_deleted_the_target_of_a_record_on_a_hold_that_came_after_the_plan(
    shop: Atelier,
) -> None:
    restored = Restored(shop)
    account = shop.make("Account", "Sweets")
    memo = shop.make("Memo", "Note", About=account)
    shop.night()
    shop.lose("Memo", memo)
    shop.lose("Account", account)
    shop.night()
    plan = shop.plan_of(("Memo", memo))
    shop.restore(plan)
    undo = shop.undo(run_of(plan))
    (live, _), (target, _) = shop.named("Memo", "Note"), shop.named("Account", "Sweets")
    hold(shop, "Memo", live)
    shop.restore(undo)
    assert shop.live("Memo")[live]["About"] == target
    assert restored.live in shop.live("Account")
