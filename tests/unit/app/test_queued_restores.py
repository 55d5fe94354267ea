"""Restores that the service does: begun at once, gone on with by themselves, told when they halt."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import Shop, lost_shop
from unlost.alerts.rules import raised_alerts
from unlost.app.actions.restores import queued_restore
from unlost.app.actions.restores.queued_restore import do_restore, hand_over, restore_jobs
from unlost.app.actions.restores.restore_run import resume_run, run_plan
from unlost.app.actions.runs.control import cancel, pause, resume
from unlost.app.actions.runs.due_jobs import enqueue_due_jobs
from unlost.app.alerts.alert_facts import Watcher
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.runs.queued_restores import RestoreTry, queue_restore, start_restore
from unlost.catalog.runs.runs import RunRecord, RunState, begin_run, find_run
from unlost.model.alert import AlertRule
from unlost.model.errors import (
    Conflict,
    IntegrityError,
    LimitReached,
    NotAllowed,
    NotFound,
    StoreError,
    TransientError,
    UnlostError,
)
from unlost.model.message import code_of
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.jobs import Job, JobKind
from unlost.model.vault.snapshot import CommitKind
from unlost.testing.clock import START

after_loss = scene(lost_shop)


@pytest.fixture
def lost(world: World, after_loss: Lead) -> Shop:
    return after_loss(world)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs that the engine was asked for at once."""
    found: list[str] = []
    monkeypatch.setattr(
        queued_restore, "enqueue_from_outside", lambda _place, job: found.append(job.id)
    )
    return found


def handed(shop: Shop) -> str:
    return hand_over(shop.app, Path(shop.whole_plan().file)).run


def remembered(run: str) -> RunRecord:
    found = find_run(run)
    assert found is not None
    return found


def ids(shop: Shop) -> list[str]:
    return [job.id for job in restore_jobs(shop.app)]


def halted(shop: Shop) -> list[str]:
    seen = raised_alerts(Watcher().gather(shop.app))
    return [one.subject for one in seen if one.rule is AlertRule.RESTORE_HALTED]


def test_a_restore_is_handed_over_and_done(lost: Shop, asked: list[str]) -> None:
    result = hand_over(lost.app, Path(lost.whole_plan().file))
    assert (result.org, result.served, result.over) == ("sales", False, False)
    assert asked == [f"restore:{result.run}:1"]
    assert remembered(result.run).state is RunState.WAITING
    assert restore_jobs(lost.app) == [
        Job(f"restore:{result.run}:1", JobKind.RESTORE, get_org("sales").oid, result.run)
    ]
    assert do_restore(lost.app, result.run) is RunState.DONE
    assert sorted(str(cells["Name"]) for cells in lost.live("Contact").values()) == ["Ann", "Ben"]
    assert ids(lost) == []
    assert do_restore(lost.app, result.run) is None, "it is over"


def test_a_plan_that_was_run_already_is_not_run_again(lost: Shop, asked: list[str]) -> None:
    plan = lost.whole_plan()
    run_plan(lost.app, Path(plan.file))
    assert hand_over(lost.app, Path(plan.file)).over
    assert asked == []
    assert ids(lost) == []


def test_what_cannot_begin_is_told_at_once(lost: Shop, asked: list[str]) -> None:
    plan = lost.whole_plan()
    lost.world.connector.writers.clear()

    def refuse(*_: object) -> object:
        raise NotAllowed("memory-sign-in", "The password is wrong.")

    lost.world.connector.open_writer = refuse  # type: ignore[method-assign, assignment]
    with pytest.raises(NotAllowed):
        hand_over(lost.app, Path(plan.file))
    assert asked == []
    assert find_run(plan.run) is None


@pytest.mark.parametrize(
    ("error", "minutes"),
    [
        (TransientError("gone", "No answer."), 5),
        (Conflict("busy", "Somebody writes."), 5),
        (LimitReached("spent", "Spent.", resume_at=START + timedelta(days=9)), None),
    ],
)
def test_what_time_may_heal_is_tried_again(
    lost: Shop, asked: list[str], error: UnlostError, minutes: int | None
) -> None:
    run = handed(lost)
    lost.writer.faults.plant("write", error, table="Contact")
    assert do_restore(lost.app, run) is RunState.PARKED
    until = remembered(run).resume_at
    now = lost.world.clock.now()
    assert until == (now + timedelta(minutes=minutes) if minutes else START + timedelta(days=9))
    assert ids(lost) == []
    assert halted(lost) == []
    lost.world.clock.advance(seconds=(until - now).total_seconds())
    assert ids(lost) == [f"restore:{run}:2"]
    assert do_restore(lost.app, run) is RunState.DONE


def test_what_needs_a_person_halts_and_is_told(lost: Shop, asked: list[str]) -> None:
    run = handed(lost)
    lost.writer.faults.plant("write", IntegrityError("odd", "It does not agree."), table="Contact")
    assert do_restore(lost.app, run) is RunState.FAILED
    lost.world.clock.advance(days=1)
    assert ids(lost) == []
    assert halted(lost) == [run]
    assert "resumes" in resume(lost.app, run).sentence
    assert asked[-1] == f"restore:{run}:2"
    assert halted(lost) == []
    assert do_restore(lost.app, run) is RunState.DONE


def test_an_allowance_without_an_end_needs_a_person(lost: Shop, asked: list[str]) -> None:
    run = handed(lost)
    lost.writer.faults.plant("write", LimitReached("full", "The storage is full."), table="Contact")
    assert do_restore(lost.app, run) is RunState.PARKED
    assert halted(lost) == [run]
    resume_run(lost.app, run)
    assert halted(lost) == []


def test_it_is_not_tried_for_ever(lost: Shop, asked: list[str]) -> None:
    run = handed(lost)
    states = []
    for _ in range(14):
        lost.writer.faults.plant("write", TransientError("gone", "No answer."), table="Contact")
        if ids(lost):
            states.append(do_restore(lost.app, run))
        lost.world.clock.advance(hours=2)
    assert states == [RunState.PARKED] * 11 + [RunState.FAILED]
    assert halted(lost) == [run]


def test_a_service_that_stops_goes_on_with_it_at_once(lost: Shop, asked: list[str]) -> None:
    run = handed(lost)
    lost.app.cancel_flag.set()
    lost.writer.faults.plant("write", LimitReached("run-stopped", "Stopped."), table="Contact")
    assert do_restore(lost.app, run) is RunState.PARKED
    assert ids(lost) == [f"restore:{run}:2"]


def test_a_worker_that_died_in_the_middle_is_followed_by_another(
    lost: Shop, asked: list[str]
) -> None:
    run = handed(lost)
    assert start_restore(run, now=lost.world.clock.now()) == RestoreTry(
        1, crashed=False, failures=0
    )
    assert ids(lost) == [f"restore:{run}:1"], "the engine knows this id, or lost it"
    assert do_restore(lost.app, run) is RunState.DONE


def test_what_takes_its_worker_down_each_time_is_not_begun_for_ever(
    lost: Shop, asked: list[str]
) -> None:
    run = handed(lost)
    for number in range(12):
        begun = start_restore(run, now=lost.world.clock.now())
        assert begun == RestoreTry(number + 1, crashed=number > 0, failures=number)
    assert do_restore(lost.app, run) is RunState.FAILED
    assert code_of(remembered(run).error) == "worker-died"
    assert halted(lost) == [run]
    resume(lost.app, run)
    assert do_restore(lost.app, run) is RunState.DONE


def test_one_that_waits_is_not_begun_before_its_time(lost: Shop, asked: list[str]) -> None:
    run = handed(lost)
    lost.writer.faults.plant("write", TransientError("gone", "No answer."), table="Contact")
    assert do_restore(lost.app, run) is RunState.PARKED
    assert do_restore(lost.app, run) is None
    assert remembered(run).state is RunState.PARKED


def test_another_process_at_the_same_restore_is_waited_for(lost: Shop, asked: list[str]) -> None:
    run = handed(lost)
    with (
        lost.world.opened() as other,
        other.lease.hold(lost.oid, kind=RunKind.RESTORE, run=run),
    ):
        assert do_restore(lost.app, run) is RunState.PARKED
    assert remembered(run).resume_at == lost.world.clock.now() + timedelta(minutes=10)


def stopped(shop: Shop, run: str) -> None:
    shop.writer.faults.plant("write", TransientError("gone", "No answer."), table="Contact")
    assert do_restore(shop.app, run) is RunState.PARKED
    shop.world.clock.advance(hours=1)


@pytest.mark.parametrize("before", [lambda _shop, _run: None, stopped])
def test_people_pause_it_and_let_it_go_on(
    lost: Shop, asked: list[str], before: Callable[[Shop, str], None]
) -> None:
    run = handed(lost)
    before(lost, run)
    pause(lost.app, run)
    assert (ids(lost), halted(lost)) == ([], [])
    assert do_restore(lost.app, run) is None, "its job may be queued already"
    assert remembered(run).state is RunState.PARKED
    assert (ids(lost), halted(lost)) == ([], [])
    resume(lost.app, run)
    assert len(ids(lost)) == 1
    assert do_restore(lost.app, run) is RunState.DONE


@pytest.mark.parametrize("before", [lambda _shop, _run: None, stopped])
def test_people_cancel_it(
    lost: Shop, asked: list[str], before: Callable[[Shop, str], None]
) -> None:
    run = handed(lost)
    before(lost, run)
    told = cancel(lost.app, run)
    assert "restore resume" in told.next_step
    assert (ids(lost), halted(lost)) == ([], [])
    assert remembered(run).state is RunState.ABANDONED
    assert do_restore(lost.app, run) is None


def test_one_that_a_person_ran_can_be_handed_over(lost: Shop, asked: list[str]) -> None:
    plan = lost.whole_plan()
    lost.writer.faults.plant("write", TransientError("gone", "No answer."), table="Contact")
    with pytest.raises(TransientError):
        run_plan(lost.app, Path(plan.file))
    assert ids(lost) == [], "nobody asked the service"
    assert hand_over(lost.app, Path(plan.file)).run == plan.run
    assert do_restore(lost.app, plan.run) is RunState.DONE


def test_a_tick_asks_for_what_waits(lost: Shop, asked: list[str]) -> None:
    run = handed(lost)

    class Queue:
        def __init__(self) -> None:
            self.found: list[str] = []
            self.forgotten: list[str] = []

        def enqueue(self, job: Job) -> None:
            self.found.append(job.id)

        def delete_failed(self, ids: object) -> None:
            self.forgotten = list(ids)  # type: ignore[call-overload]

    queue = Queue()
    enqueue_due_jobs(lost.app, queue)
    assert f"restore:{run}:1" in queue.found
    assert f"restore:{run}:1" in queue.forgotten


def test_a_run_that_is_not_the_services_is_left_alone(lost: Shop, asked: list[str]) -> None:
    begin_run("restore-x", org="sales", kind=CommitKind.RESTORE, full=False, at=START)
    assert start_restore("restore-x", now=START) is None
    queued_restore.ask_for(lost.app, "restore-x")
    assert asked == []
    queue_restore("restore-x", org="sales", at=START)
    assert ids(lost) == ["restore:restore-x:1"]


@pytest.mark.parametrize(("act", "state"), [(pause, RunState.PARKED), (cancel, RunState.ABANDONED)])
def test_what_people_want_of_a_running_one_holds_though_its_worker_dies(
    lost: Shop, asked: list[str], act: Callable[[Any, str], Any], state: RunState
) -> None:
    """Once the next worker forgot it, and wrote into the org."""
    run = handed(lost)
    start_restore(run, now=lost.world.clock.now())
    act(lost.app, run)
    assert do_restore(lost.app, run) is None
    assert remembered(run).state is state
    assert (ids(lost), halted(lost)) == ([], [])
    assert len(lost.live("Account")) == 2


def test_one_that_was_cancelled_on_its_way_is_over_and_no_alert(
    lost: Shop, asked: list[str]
) -> None:
    run = handed(lost)
    write = lost.writer.write

    def cancelled(*told: Any, **more: Any) -> Any:
        cancel(lost.app, run)
        raise LimitReached("run-cancelled", "It was cancelled manually.")

    lost.writer.write = cancelled  # type: ignore[method-assign]
    assert do_restore(lost.app, run) is RunState.ABANDONED
    lost.writer.write = write  # type: ignore[method-assign]
    assert (ids(lost), halted(lost)) == ([], [])


def test_one_that_fails_before_it_begins_is_told(
    lost: Shop, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it was listed as running for ever."""
    run = handed(lost)

    def away(*_: object, **__: object) -> None:
        raise NotFound("vault-missing", "The vault is not there.")

    monkeypatch.setattr(queued_restore, "resume_run", away)
    assert do_restore(lost.app, run) is RunState.FAILED
    assert halted(lost) == [run]


def test_waiting_for_others_is_no_failure(lost: Shop, asked: list[str]) -> None:
    run = handed(lost)
    with (
        lost.world.opened() as other,
        other.lease.hold(lost.oid, kind=RunKind.RESTORE, run=run),
    ):
        for _ in range(15):
            assert do_restore(lost.app, run) is RunState.PARKED
            lost.world.clock.advance(seconds=600)
    assert start_restore(run, now=lost.world.clock.now()) == RestoreTry(
        16, crashed=False, failures=0
    )
    assert do_restore(lost.app, run) is RunState.DONE, "one death of its worker is not twelve"


def test_a_queue_that_is_away_does_not_call_a_restore_back(
    lost: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreError("queue-unreadable", "The file cannot be used.")

    monkeypatch.setattr(queued_restore, "enqueue_from_outside", away)
    run = handed(lost)
    assert ids(lost) == [f"restore:{run}:1"], "the next look asks"
