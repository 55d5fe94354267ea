"""Runs are paused, cancelled and let go on by people, within seconds and without loss."""

from collections.abc import Callable

import pytest

from homes import WRITE_SECRET, World
from unit.app.test_nights import Nights
from unlost.alerts.rules import raised_alerts
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.night import do_night
from unlost.app.actions.orgs.write_access import NewWriter, set_writer
from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
from unlost.app.actions.restores.restore_run import resume_run, run_plan
from unlost.app.actions.runs.control import cancel, pause, resume
from unlost.app.alerts.alert_facts import Watcher
from unlost.app.home.cancellation import POLL_SECONDS, RunCancellation
from unlost.catalog.runs.nights import nights_of
from unlost.catalog.runs.runs import RunState, find_run, list_runs, set_command
from unlost.model.alert import AlertRule
from unlost.model.errors import Conflict, LimitReached, NotFound
from unlost.model.message import code_of
from unlost.model.runs.jobs import RunCommand
from unlost.model.runs.night import NightState


@pytest.fixture
def nights(sales: World) -> Nights:
    return Nights(sales)


def meanwhile(world: World, monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]) -> None:
    """Let ``call`` happen in the middle of the next backup, which then asks for its allowance."""
    source = world.connector.source("one")
    discover = source.discover
    done: list[bool] = []

    def interrupted() -> object:
        if not done:
            done.append(True)
            call()
            world.clock.advance(seconds=POLL_SECONDS)
        world.connector.contexts[-1].budget.take()
        return discover()

    monkeypatch.setattr(source, "discover", interrupted)


def running(world: World) -> str:
    (run,) = [one.id for one in list_runs("sales") if one.state is RunState.RUNNING]
    return run


def test_a_run_that_is_paused_stops_and_goes_on_where_it_was(
    sales: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(sales, monkeypatch, lambda: pause(sales.app, running(sales)))
    with pytest.raises(LimitReached) as caught:
        backup(sales.app, "sales")
    assert caught.value.code == "run-paused"
    (run,) = list_runs("sales")
    assert (run.state, code_of(run.error)) == (RunState.PARKED, "run-paused")
    done = backup(sales.app, "sales")
    assert (done.run, done.resumed, done.snapshot) == (run.id, True, 1)


def test_a_run_that_is_cancelled_is_given_up_and_the_next_one_begins_anew(
    sales: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    meanwhile(sales, monkeypatch, lambda: told.append(cancel(sales.app, running(sales))))
    with pytest.raises(LimitReached) as caught:
        backup(sales.app, "sales")
    assert caught.value.code == "run-cancelled"
    assert told[0].sentence.endswith("stops within seconds.")
    (run,) = list_runs("sales")
    assert (run.state, code_of(run.error)) == (RunState.ABANDONED, "run-cancelled")
    done = backup(sales.app, "sales")
    assert (done.resumed, done.snapshot) == (False, 1)
    assert done.run != run.id


def test_a_paused_night_waits_until_it_is_let_go_on(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = nights.world
    meanwhile(world, monkeypatch, lambda: pause(world.app, running(world)))
    nights.pass_time(minutes=24 * 60)
    (night,) = nights_of(nights.oid, most=5)
    assert (night.state, night.next_at, code_of(night.error)) == (
        NightState.WAITING, None, "run-paused",
    )  # fmt: skip
    assert night.tries == 1, "it is not tried by itself"
    told = resume(world.app, night.run)
    assert "within one minute" in told.sentence
    nights.pass_time(minutes=5)
    assert nights_of(nights.oid, most=5)[0].state is NightState.DONE


def test_a_cancelled_night_is_over_and_the_next_one_comes(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = nights.world
    meanwhile(world, monkeypatch, lambda: cancel(world.app, running(world)))
    nights.pass_time(minutes=48 * 60)
    states = [(one.state, code_of(one.error)) for one in nights_of(nights.oid, most=5)]
    assert states[-1] == (NightState.GIVEN_UP, "run-cancelled")
    assert states[0] == (NightState.DONE, "")


def test_a_night_that_waits_is_paused_and_cancelled_without_running(nights: Nights) -> None:
    world = nights.world
    source = world.connector.source("one")

    def away() -> object:
        raise LimitReached("quota", "spent")

    kept, source.discover = source.discover, away  # type: ignore[method-assign,assignment]
    nights.pass_time(minutes=18 * 60)
    (night,) = nights_of(nights.oid, most=5)
    assert night.state is NightState.WAITING
    tries = night.tries
    assert "is paused. Nothing is lost." in pause(world.app, night.run).sentence
    nights.pass_time(minutes=120)
    assert nights_of(nights.oid, most=5)[0].tries == tries
    source.discover = kept  # type: ignore[method-assign]
    cancel(world.app, night.run)
    assert nights_of(nights.oid, most=5)[0].state is NightState.GIVEN_UP
    run = find_run(night.run)
    assert run is not None
    assert run.state is RunState.ABANDONED
    with pytest.raises(Conflict) as caught:
        resume(world.app, night.run)
    assert caught.value.code == "run-over"
    assert do_night(world.app, nights.oid, night.name) is None


def test_what_is_not_there_or_over_is_told(sales: World) -> None:
    for act in (pause, cancel, resume):
        with pytest.raises(NotFound):
            act(sales.app, "run-nobody-knows")
    done = backup(sales.app, "sales")
    for act in (pause, cancel, resume):
        with pytest.raises(Conflict) as caught:
            act(sales.app, done.run)
        assert caught.value.code == "run-over"


@pytest.mark.parametrize("act", [pause, cancel])
def test_a_restore_that_is_stopped_is_gone_on_with(
    sales: World, monkeypatch: pytest.MonkeyPatch, act: Callable[..., object], tmp_path: object
) -> None:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    set_writer(sales.app, NewWriter("sales", {}, {"password": WRITE_SECRET}))
    backup(sales.app, "sales")
    sales.org.delete("Account", "A40017")
    sales.org.purge("Account", "A40017")
    sales.clock.advance(days=1)
    backup(sales.app, "sales")
    file = tmp_path / "plan.json"
    make_plan(sales.app, PlanRequest("sales", records=("Account/A40017",)), file)
    writer = sales.connector.writer("one")
    write = writer.write

    def interrupted(*told: object, **named: object) -> object:
        (run,) = [one.id for one in list_runs("sales") if one.state is RunState.RUNNING]
        act(sales.app, run)
        sales.clock.advance(seconds=POLL_SECONDS)
        sales.connector.contexts[-1].budget.take()
        return write(*told, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(writer, "write", interrupted)
    with pytest.raises(LimitReached) as caught:
        run_plan(sales.app, file)
    assert caught.value.code == "run-paused"
    monkeypatch.setattr(writer, "write", write)
    (run,) = [one.id for one in list_runs("sales") if one.state is RunState.PARKED]
    assert f"unlost restore resume {run}" in resume(sales.app, run).next_step
    assert resume_run(sales.app, run).whole


def test_what_people_want_is_looked_up_every_two_seconds(sales: World) -> None:
    asked = []
    cancel_flag = RunCancellation(
        "run", sales.clock, lambda run: (asked.append(run), RunCommand.NONE)[1]
    )
    for _ in range(10):
        cancel_flag.check()
    assert len(asked) == 1
    sales.clock.advance(seconds=POLL_SECONDS)
    cancel_flag.check()
    assert len(asked) == 2
    assert not set_command("nobody", RunCommand.PAUSE)


# --- what a review found --------------------------------------------------------------------------


def test_a_second_process_does_not_undo_a_cancel(
    sales: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def both() -> None:
        cancel(sales.app, running(sales))
        with sales.opened() as other, pytest.raises(Conflict) as caught:
            backup(other, "sales")
        assert caught.value.code == "run-in-progress"

    meanwhile(sales, monkeypatch, both)
    with pytest.raises(LimitReached) as caught:
        backup(sales.app, "sales")
    assert caught.value.code == "run-cancelled"


def test_a_night_that_met_a_paused_run_goes_on_when_that_does(nights: Nights) -> None:
    world = nights.world
    source = world.connector.source("one")

    def away() -> object:
        world.connector.contexts[-1].budget.take()
        raise LimitReached("quota", "spent")

    kept, source.discover = source.discover, away  # type: ignore[method-assign,assignment]
    nights.pass_time(minutes=18 * 60)
    (first,) = nights_of(nights.oid, most=5)
    pause(world.app, first.run)
    nights.pass_time(minutes=24 * 60)
    second = nights_of(nights.oid, most=5)[0]
    assert (second.state, code_of(second.error)) == (NightState.WAITING, "run-paused")
    assert second.run != first.run
    source.discover = kept  # type: ignore[method-assign]
    nights.pass_time(minutes=120)
    assert nights_of(nights.oid, most=5)[0].state is NightState.WAITING, "it is paused still"
    resume(world.app, first.run)
    nights.pass_time(minutes=10)
    assert nights_of(nights.oid, most=5)[0].state is NightState.DONE


def test_a_night_whose_process_was_killed_is_cancelled_for_good(nights: Nights) -> None:
    world = nights.world
    source = world.connector.source("one")

    def killed() -> object:
        raise KeyboardInterrupt

    kept, source.discover = source.discover, killed  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        nights.pass_time(minutes=18 * 60)
    (night,) = nights_of(nights.oid, most=5)
    assert night.state is NightState.RUNNING
    source.discover = kept  # type: ignore[method-assign]
    cancel(world.app, night.run)
    assert nights_of(nights.oid, most=5)[0].state is NightState.GIVEN_UP
    nights.pass_time(minutes=60)
    assert len(list_runs("sales")) == 1, "it is not made anew"


def test_a_paused_run_is_not_told_to_go_on_by_itself(nights: Nights) -> None:
    world = nights.world
    source = world.connector.source("one")

    def away() -> object:
        raise LimitReached("quota", "spent")

    source.discover = away  # type: ignore[method-assign,assignment]
    nights.pass_time(minutes=18 * 60)
    (night,) = nights_of(nights.oid, most=5)
    pause(world.app, night.run)
    said = {one.rule: one for one in raised_alerts(Watcher().gather(world.app))}
    assert "does not resume automatically" in said[AlertRule.NIGHT_PARKED].next_step
    assert AlertRule.NIGHT_FAILED not in said
