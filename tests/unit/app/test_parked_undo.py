"""Undos of stopped runs, of runs whose journal is gone, and of runs of another org or vault."""

from datetime import timedelta
from pathlib import Path

import pytest

from homes import SECRET, World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, Shop, lost_shop
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.restores import queued_restore
from unlost.app.actions.restores.queued_restore import do_restore, hand_over, restore_jobs
from unlost.app.actions.restores.restore_plan import PlanRequest, PlanResult, make_plan
from unlost.app.actions.restores.restore_run import (
    plan_retry,
    resume_run,
    run_detail,
    run_plan,
    runs,
)
from unlost.app.actions.retention.erase import ErasureRequest, erase
from unlost.app.actions.retention.erase import plan as erasure_plan
from unlost.app.actions.runs.control import resume
from unlost.app.actions.runs.run import run_status
from unlost.catalog.models import Run
from unlost.catalog.runs.runs import RunRecord, RunState, find_run
from unlost.model.errors import Conflict, LimitReached, NotFound
from unlost.testing.org import MemoryOrg

after_loss = scene(lost_shop)


@pytest.fixture
def shop(world: World, after_loss: Lead, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(queued_restore, "enqueue_from_outside", lambda _place, _job: None)
    return after_loss(world)


def undo(shop: Shop, run: str, name: str = "undo.json", *, org: str = "sales") -> PlanResult:
    return make_plan(shop.app, PlanRequest(org, undo=run), shop.folder / name)


def parked(shop: Shop) -> str:
    """A restore by the service that goes on tomorrow: the account is there, a contact is not."""
    run = hand_over(shop.app, Path(shop.whole_plan().file)).run
    tomorrow = shop.app.clock.now() + timedelta(hours=10)
    spent = LimitReached("calls-spent", "No calls are left today.", resume_at=tomorrow)
    shop.writer.faults.plant("write", spent, table="Contact")
    do_restore(shop.app, run)
    shop.writer.faults.clear()
    assert (record(run).state, record(run).resume_at) == (RunState.PARKED, tomorrow)
    assert shop.live("Contact") == {}
    return run


def record(run: str) -> RunRecord:
    known = find_run(run)
    assert known is not None
    return known


def erased(shop: Shop, key: str) -> None:
    wish = ErasureRequest((key,))
    erase(shop.app, "sales", wish, plan=erasure_plan(shop.app, "sales", wish).digest)


def test_a_parked_restore_is_due_no_more_after_its_undo(shop: Shop) -> None:
    """At midnight it created the other records, and committed the ids of deleted ones."""
    run = parked(shop)
    run_plan(shop.app, Path(undo(shop, run).file))
    shop.world.clock.advance(hours=11)
    assert restore_jobs(shop.app) == []
    assert do_restore(shop.app, run) is None
    assert shop.live("Contact") == {}
    assert (record(run).state, record(run).undone) == (RunState.ABANDONED, True)


def test_a_queued_undo_ends_its_run_before_its_turn(shop: Shop) -> None:
    run = parked(shop)
    queued = hand_over(shop.app, Path(undo(shop, run).file)).run
    assert record(run).undone
    shop.world.clock.advance(hours=11)
    assert [job.subject for job in restore_jobs(shop.app)] == [queued]


def test_a_run_that_was_undone_says_so_wherever_it_is_continued(shop: Shop) -> None:
    run = parked(shop)
    undoing = run_plan(shop.app, Path(undo(shop, run).file)).run
    ended = record(run).ended_at
    shop.world.clock.advance(hours=1)
    for go_on in (resume_run, resume, plan_retry):
        with pytest.raises(Conflict) as over:
            go_on(shop.app, run)
        assert over.value.code == "restore-undone"
        assert undoing in over.value.sentence
    assert (record(run).state, record(run).ended_at) == (RunState.ABANDONED, ended)
    assert run_status(shop.app, run).undone
    assert run_detail(shop.app, run).line.error == record(run).error


def test_a_crash_before_the_home_noted_the_end_of_the_run(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = parked(shop)
    with monkeypatch.context() as patch:
        patch.setattr("unlost.app.actions.restores.restore_run.end_undone", lambda *_: None)
        run_plan(shop.app, Path(undo(shop, run).file))
    assert record(run).state is RunState.PARKED
    shop.world.clock.advance(hours=11)
    assert do_restore(shop.app, run) is RunState.ABANDONED
    assert record(run).undone
    assert restore_jobs(shop.app) == []
    assert shop.live("Contact") == {}


def test_a_home_without_the_run_lists_it_as_ended_by_its_undo(shop: Shop) -> None:
    run = parked(shop)
    run_plan(shop.app, Path(undo(shop, run).file))
    Run.objects.filter(id=run).delete()
    (line,) = [line for line in runs(shop.app).runs if line.run == run]
    assert line.state == "abandoned"
    assert line.error is not None
    status = run_status(shop.app, run)
    assert (status.state, status.undone) == ("abandoned", True)


def test_an_undo_of_a_run_that_went_on_since_its_plan_is_refused(shop: Shop) -> None:
    run = parked(shop)
    plan = undo(shop, run)
    resume_run(shop.app, run)
    there = shop.live("Contact")
    with pytest.raises(Conflict) as outdated:
        run_plan(shop.app, Path(plan.file))
    assert outdated.value.code == "undo-outdated"
    assert shop.live("Contact") == there
    assert record(run).state is RunState.DONE
    run_plan(shop.app, Path(undo(shop, run, "again.json").file))
    assert shop.live("Contact") == {}


# --- journals that are gone -----------------------------------------------------------------------


def test_a_run_with_an_erased_record_is_called_unknown_though_it_is_listed(shop: Shop) -> None:
    run = shop.run(shop.plan(f"Account/{CUSTOMER}")).run
    erased(shop, f"Account/{CUSTOMER}")
    with pytest.raises(NotFound) as gone:
        undo(shop, run)
    assert gone.value.code == "journal-gone"
    assert run in gone.value.sentence


def test_a_parked_run_with_an_erased_record_is_called_unknown(shop: Shop) -> None:
    run = parked(shop)
    Run.objects.filter(id=run).update(state=RunState.ABANDONED.value)
    erased(shop, f"Account/{CUSTOMER}")
    with pytest.raises(NotFound) as gone:
        undo(shop, run)
    assert gone.value.code == "journal-gone"


def test_an_undo_of_an_undo_without_the_first_journal_failed_at_its_start(shop: Shop) -> None:
    """It previewed well."""
    run = shop.run(shop.plan(f"Account/{CUSTOMER}")).run
    taken = run_plan(shop.app, Path(undo(shop, run).file)).run
    erased(shop, f"Account/{CUSTOMER}")
    with pytest.raises(NotFound) as gone:
        undo(shop, taken, "again.json")
    assert gone.value.code == "journal-gone"


# --- runs of others -------------------------------------------------------------------------------


def test_a_run_of_another_org_is_undone_in_this_one(shop: Shop) -> None:
    run = shop.run(shop.plan(f"Account/{CUSTOMER}")).run
    there = shop.live("Account")
    shop.world.connector.orgs["two"] = MemoryOrg(shop.world.clock, tenant="T-2", label="Other")
    add_org(shop.app, NewOrg("memory", "other", {"address": "two"}, {"password": SECRET}))
    backup(shop.app, "other")
    with pytest.raises(NotFound) as unknown:
        undo(shop, run, org="other")
    assert unknown.value.code == "run-unknown"
    assert shop.live("Account") == there


def test_a_run_of_another_vault_is_undone_in_this_one(shop: Shop) -> None:
    """Its home has no such run, and its vault no such journal."""
    with pytest.raises(NotFound) as unknown:
        undo(shop, "restore-20261130-120000-0badcafe")
    assert unknown.value.code == "run-unknown"


def test_a_second_undo_of_a_run_finds_nothing_to_do(shop: Shop) -> None:
    run = shop.run(shop.plan(f"Account/{CUSTOMER}")).run
    first, second = undo(shop, run), undo(shop, run, "second.json")
    run_plan(shop.app, Path(first.file))
    there = {name: shop.live(name) for name in ("Account", "Contact", "Paper")}
    run_plan(shop.app, Path(second.file))
    third = undo(shop, run, "third.json")
    assert {one.action.value for one in third.summary.actions} == {"unchanged"}
    assert there == {name: shop.live(name) for name in ("Account", "Contact", "Paper")}
