"""An undo from the application: planned from a run, run like any plan, and taken back again."""

from pathlib import Path

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, Shop, lost_shop
from unlost.app.actions.restores.kept_plan import choose, leave_out, make_plan_now
from unlost.app.actions.restores.outcome import outcome
from unlost.app.actions.restores.plan_groups import GroupValues, show_group, show_groups
from unlost.app.actions.restores.plan_records import plan_records
from unlost.app.actions.restores.restore_plan import (
    PlanRequest,
    PlanResult,
    RestoreRequest,
    make_plan,
)
from unlost.app.actions.restores.restore_run import run_plan
from unlost.catalog.losses import list_losses
from unlost.model.errors import Conflict, NotFound, UsageError
from unlost.model.losses import LossState
from unlost.model.runs.exclusion import RunKind

after_loss = scene(lost_shop)


@pytest.fixture
def shop(world: World, after_loss: Lead) -> Shop:
    return after_loss(world)


@pytest.fixture
def run(shop: Shop) -> str:
    """A restore that brought the customer back."""
    return shop.run(shop.plan(f"Account/{CUSTOMER}")).run


def undo(shop: Shop, run: str, name: str = "undo.json") -> PlanResult:
    return make_plan(shop.app, PlanRequest("sales", undo=run), shop.folder / name)


def actions(plan: PlanResult) -> dict[str, int]:
    return {one.action.value: one.count for one in plan.summary.actions}


def accounts(shop: Shop) -> int:
    return sum(1 for _ in shop.platform.live("Account"))


def test_a_restore_is_taken_back_and_brought_again(shop: Shop, run: str) -> None:
    there = accounts(shop)
    plan = undo(shop, run)
    assert actions(plan) == {"delete": 4}
    result = run_plan(shop.app, Path(plan.file))
    assert result.whole
    assert {one.ending.value: one.count for one in result.endings} == {"deleted": 4}
    assert accounts(shop) == there - 1
    again = undo(shop, result.run, "again.json")
    assert actions(again) == {"undelete": 4}
    assert run_plan(shop.app, Path(again.file)).whole
    assert accounts(shop) == there


def test_what_an_undo_deleted_does_not_count_as_restored(shop: Shop, run: str) -> None:
    taken = run_plan(shop.app, Path(undo(shop, run).file))
    found = outcome(shop.app, taken.run)
    assert found is not None
    assert (found.undone, found.returned, found.failed) == (run, (), 0)
    shop.night()
    now = shop.world.clock.now()
    open_again = list_losses(["sales"], LossState.OPEN, now=now, start=0, most=9).losses
    assert {loss.record for loss in open_again} == {CUSTOMER, shop.paper}, "as before the restore"


def test_a_run_that_goes_on_is_not_undone(shop: Shop, run: str) -> None:
    held = shop.app.lease.hold(shop.oid, kind=RunKind.RESTORE, run=run)
    with held, pytest.raises(Conflict) as busy:
        undo(shop, run)
    assert busy.value.code == "run-in-progress"


def test_an_unknown_run_and_a_second_way_to_choose_are_refused(shop: Shop) -> None:
    with pytest.raises(NotFound) as unknown:
        undo(shop, "restore-of-nobody")
    assert unknown.value.code == "run-unknown"
    both = PlanRequest("sales", records=(f"Account/{CUSTOMER}",), undo="restore-x")
    with pytest.raises(UsageError) as twice:
        make_plan(shop.app, both, shop.folder / "both.json")
    assert twice.value.code == "restore-selection"


def previewed(shop: Shop, run: str) -> GroupValues:
    """The values of the first group of an undo in the console."""
    view = choose(shop.app, "sales", RestoreRequest(PlanRequest("sales", undo=run)))
    make_plan_now(shop.app, "sales", view.plan)
    (group,) = show_groups(shop.app, "sales", view.plan).groups
    return show_group(shop.app, "sales", view.plan, group.table, group.record)


def overwritten(shop: Shop) -> str:
    """A restore that overwrote the name of a live contact."""
    contact = shop.org.create("Contact", {"Name": "Cleo"})
    night = shop.night()
    shop.org.update("Contact", contact, {"Name": "Chloe"})
    shop.night()
    request = PlanRequest("sales", records=(f"Contact/{contact}",), at=str(night))
    plan = make_plan(shop.app, request, shop.folder / "name.json")
    return run_plan(shop.app, Path(plan.file)).run


def test_the_preview_shows_the_values_before_and_after(shop: Shop) -> None:
    (record,) = previewed(shop, overwritten(shop)).records
    (field,) = record.fields
    assert (field.column, field.old, field.new) == ("Name", "Cleo", "Chloe")


def test_a_record_that_is_left_out_stays(shop: Shop, run: str) -> None:
    contact = shop.named("Contact", "Ann")
    request = PlanRequest("sales", undo=run, without=(f"Contact/{contact}",))
    plan = make_plan(shop.app, request, shop.folder / "less.json")
    assert actions(plan) == {"delete": 2, "skip": 1}, "the contact needs its account"
    assert {note.code for note in plan.summary.notes} >= {"left-out", "left-out-needs"}
    run_plan(shop.app, Path(plan.file))
    assert set(shop.live("Contact")) == {contact}
    assert not shop.live("Paper")


def test_an_undo_is_planned_again_without_a_record(shop: Shop, run: str) -> None:
    view = choose(shop.app, "sales", RestoreRequest(PlanRequest("sales", undo=run)))
    make_plan_now(shop.app, "sales", view.plan)
    (paper,) = plan_records(shop.app, "sales", view.plan, "Paper").records
    less = leave_out(shop.app, "sales", view.plan, records=[f"Paper/{paper.record}"])
    made = make_plan_now(shop.app, "sales", less.plan)
    assert made.summary is not None
    assert made.summary.changes == 2, "the paper needs its account"
    assert plan_records(shop.app, "sales", less.plan, "Paper").records == ()
    with pytest.raises(UsageError) as refused:
        leave_out(shop.app, "sales", less.plan, related=False)
    assert refused.value.code == "undo-by-record"


def test_an_undo_of_an_undo_counts_the_files_that_come_back(shop: Shop, run: str) -> None:
    taken = run_plan(shop.app, Path(undo(shop, run).file))
    size = len(b"cocoa and sugar")
    assert undo(shop, taken.run, "again.json").summary.estimate.file_bytes == size
    shop.platform.purge_bin()
    assert undo(shop, taken.run, "anew.json").summary.estimate.file_bytes == size
