"""A policy that deletes without the recycle bin: only with the right, and undone by new records."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unlost.app.actions.archive.policies import preview_archive
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.losses import losses
from unlost.app.actions.restores.queued_restore import do_restore, hand_over
from unlost.app.actions.restores.restore_plan import PlanResult
from unlost.app.actions.restores.restore_run import RestoreResult, resume_run
from unlost.catalog.mass_changes import backup_changes
from unlost.catalog.runs.runs import RunState, find_run
from unlost.engine.restore.journal.deleted import deletions_of
from unlost.engine.restore.running.passes import archiving
from unlost.model.archive import ArchiveBranch, ArchivePolicy, BranchRule, Comparison, Condition
from unlost.model.errors import NotAllowed
from unlost.model.plan import Action
from unlost.testing.faults import Crash
from unlost.testing.memory_writer import ReplyLost

HARD = ArchivePolicy(
    "all",
    "Account",
    (Condition("Name", Comparison.IS_NOT, ("",)),),
    (ArchiveBranch("Paper", "Account", BranchRule.TAKE),),
    hard_delete=True,
)

opened = scene(open_shop)


@pytest.fixture
def shop(world: World, opened: Lead) -> Shop:
    made: Shop = opened(world)
    set_writer(made.app, WRITER)
    return made


def planned(shop: Shop) -> PlanResult:
    return shop.plan(archive=HARD)


def in_bin(shop: Shop) -> list[str]:
    return [
        key
        for table in shop.org.tables.values()
        for key, record in table.records.items()
        if record.deleted
    ]


def deletes(shop: Shop) -> set[str]:
    return {call[0] for call in shop.writer.calls if "delete" in call[0] and "check" not in call[0]}


def test_records_leave_without_the_recycle_bin_and_are_no_losses(shop: Shop) -> None:
    result = shop.run(planned(shop))
    assert result.whole
    assert shop.live("Account") == shop.live("Contact") == shop.live("Paper") == {}
    assert in_bin(shop) == []
    assert deletes(shop) == {"hard-delete"}
    versions = shop.app.whole_vault.history(shop.oid, "Account", CUSTOMER)
    assert str(versions[-1].op) == "A"
    shop.night()
    assert losses(shop.app, "sales").losses == ()
    assert backup_changes(shop.oid)[0].changes == ()


def test_an_undo_creates_the_records_again(shop: Shop) -> None:
    before = {name: len(shop.live(name)) for name in ("Account", "Contact", "Paper")}
    result = shop.run(planned(shop))
    undo = shop.plan(undo=result.run)
    counts = {line.action: line.count for line in undo.summary.actions}
    assert Action.UNDELETE not in counts
    assert counts[Action.CREATE] == sum(before.values())
    assert shop.run(undo).whole
    assert {name: len(shop.live(name)) for name in before} == before
    assert CUSTOMER not in shop.live("Account")


def test_without_the_right_nothing_is_planned(shop: Shop) -> None:
    shop.writer.may_hard_delete = False
    with pytest.raises(NotAllowed) as refused:
        planned(shop)
    assert refused.value.code == "write-no-hard-delete"


def test_a_right_that_is_lost_after_the_plan_stops_the_run(shop: Shop) -> None:
    plan, before = planned(shop), shop.live("Account")
    shop.writer.may_hard_delete = False
    with pytest.raises(NotAllowed):
        shop.run(plan)
    assert shop.live("Account") == before
    assert deletes(shop) == set()


def test_a_right_that_is_lost_during_the_run_stops_it_and_nothing_is_lost(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "FIRST_TURN", 1)
    run = hand_over(shop.app, Path(planned(shop).file)).run
    before, write = len(shop.live("Account")), shop.writer.write

    def once(*args: object, **more: object) -> object:
        done = write(*args, **more)  # type: ignore[arg-type]
        shop.writer.may_hard_delete = False
        return done

    monkeypatch.setattr(shop.writer, "write", once)
    assert do_restore(shop.app, run) is RunState.FAILED
    stopped = find_run(run)
    assert stopped is not None
    assert stopped.error is not None
    assert stopped.error.code == "write-no-hard-delete"
    assert len(shop.live("Account")) == before - 1
    assert in_bin(shop) == []
    shop.writer.may_hard_delete = True
    monkeypatch.setattr(shop.writer, "write", write)
    assert resume_run(shop.app, run).whole
    assert shop.live("Account") == {}


def vanishing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, table: str, record: str
) -> RestoreResult:
    """Run the plan while the first hard delete takes another record along."""
    platform, plan = shop.platform, planned(shop)
    purge = platform.purge

    def along(name: str, key: str) -> None:
        purge(name, key)
        if record in shop.live(table):
            platform.delete(table, record, by="trigger")
            purge(table, record)

    monkeypatch.setattr(platform, "purge", along)
    monkeypatch.setattr(archiving, "FIRST_TURN", 1)
    return shop.run(plan)


def test_a_planned_record_that_goes_before_its_turn_stops_the_run(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its copy was not verified in this run."""
    result = vanishing(shop, monkeypatch, "Account", CUSTOMER)
    codes = {str(record.key): record.code for record in result.records}
    assert codes[f"Account/{CUSTOMER}"] == "archive-vanished"
    assert "archive-stopped" in codes.values()
    assert shop.live("Account")


def test_a_new_record_that_goes_along_stops_the_run(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = shop.org.create("Contact", {"Name": "New"})
    result = vanishing(shop, monkeypatch, "Contact", new)
    assert f"Contact/{new}" in {str(r.key) for r in result.records if r.code == "archive-vanished"}
    assert shop.live("Account")


@pytest.mark.parametrize("fault", [Crash(), ReplyLost()])
def test_a_lost_answer_is_found_out(shop: Shop, fault: Exception) -> None:
    plan = planned(shop)
    shop.writer.faults.plant("written", fault, table="Account")
    if isinstance(fault, Crash):
        with pytest.raises(Crash):
            shop.run(plan)
        assert resume_run(shop.app, plan.run).whole
    else:
        assert shop.run(plan).whole
    assert in_bin(shop) == []
    assert str(shop.app.whole_vault.history(shop.oid, "Account", CUSTOMER)[-1].op) == "A"


def test_the_plan_says_that_the_bin_is_no_second_net(shop: Shop) -> None:
    notes = {note.code: note for note in planned(shop).summary.notes}
    assert "archive-limits" not in notes
    assert "new id" in notes["archive-hard"].sentence
    soft = shop.plan(archive=replace(HARD, hard_delete=False))
    assert "archive-hard" not in {note.code for note in soft.summary.notes}


def test_the_preview_uses_no_room_of_the_bin(shop: Shop) -> None:
    assert preview_archive(shop.app, "sales", HARD).preview.effects.bin is None


def test_deletions_without_the_bin_count_for_the_limit_of_the_day(shop: Shop) -> None:
    """A finished run counted nothing, so that a schedule deleted as many records again."""
    result = shop.run(planned(shop))
    journal = shop.app.whole_vault.journal(shop.oid, result.run)
    counted = deletions_of(journal, since=shop.app.clock.now() - timedelta(days=1))
    assert counted is not None
    accounts = {key.record for key in counted.records if key.table == "Account"}
    assert CUSTOMER in accounts
