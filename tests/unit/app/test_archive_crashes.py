"""Archives by schedule beside other runs, and in processes that die: none is planned or run twice."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from unit.app.archive_service import CASES, SHUT, S, Service, person, save, switched_on
from unlost.app.actions.archive import archive_night
from unlost.app.actions.archive.archive_night import do_archive
from unlost.app.actions.backups.schedule import ScheduleChange, change
from unlost.app.actions.orgs.approval_policy import change as set_approval_policy
from unlost.app.actions.restores import queued_restore, restore_run
from unlost.app.actions.restores.kept_plan import waiting
from unlost.app.actions.restores.restore_run import resume_run
from unlost.app.actions.runs.control import pause, resume
from unlost.app.archive import due_archives
from unlost.app.archive.problems import surplus
from unlost.catalog.orgs.archive_policies import find_saved_policy, switch_policy_off
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.people import set_role
from unlost.catalog.runs.archive_nights import claim_night
from unlost.catalog.runs.plans import PlanState
from unlost.catalog.runs.queued_restores import release_restore
from unlost.catalog.runs.runs import RunState, find_run
from unlost.engine.restore.running.passes.staying import VANISHED
from unlost.model.access import Role
from unlost.model.approval import ApprovalPolicy
from unlost.model.errors import TransientError, UsageError
from unlost.model.message import Message
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.jobs import JobKind
from unlost.model.saved_policy import WEEK, Weekday
from unlost.testing.faults import Crash

# --- exclusion, crashes -----------------------------------------------------------------------------


def test_an_archive_waits_while_another_run_writes(service: Service) -> None:
    switched_on(service.app)
    service.holds_back = {JobKind.ARCHIVE}
    service.night()
    service.holds_back = set()
    with service.app.lease.hold(service.oid, kind=RunKind.RESTORE, run="restore-1"):
        service.tick(times=3)
        assert (service.states(), service.runs()) == ([S.PLANNED], 0)
    service.tick(times=3)
    assert service.states() == [S.DONE]


def test_a_run_that_never_had_its_turn_gives_way_to_the_next_night(service: Service) -> None:
    switched_on(service.app)
    service.holds_back = {JobKind.RESTORE}
    service.night()
    (first,) = service.nights()
    assert first.state is S.RUNNING
    service.night()
    service.holds_back = set()
    service.tick(times=3)
    assert service.states() == [S.DONE, S.DROPPED]
    run = find_run(first.run)
    assert run is not None
    assert run.state is RunState.ABANDONED
    assert len(service.live()) == CASES - SHUT


def test_a_run_that_gave_way_uses_none_of_the_daily_limit(service: Service) -> None:
    switched_on(service.app, daily_limit=4)
    service.night()
    service.holds_back = {JobKind.RESTORE}
    service.night()
    service.world.clock.advance(hours=1)
    change(service.app, "sales", ScheduleChange(at="22:00"))
    service.until((service.app.clock.now() + timedelta(hours=19)).replace(tzinfo=None).isoformat())
    service.holds_back = set()
    service.tick(times=3)
    assert service.states() == [S.DONE, S.DROPPED, S.DONE]
    assert len(service.live()) == CASES - 4


def test_a_run_that_a_person_paused_does_not_give_way(service: Service) -> None:
    switched_on(service.app)
    service.holds_back = {JobKind.RESTORE}
    service.night()
    pause(service.app, service.nights()[0].run)
    service.night()
    assert service.states() == [S.FAILED, S.RUNNING]
    service.holds_back = set()
    resume(service.app, service.nights()[1].run)
    service.tick(times=3)
    assert service.states() == [S.FAILED, S.DONE]


def test_a_schedule_that_ends_takes_the_plan_that_waits_along(service: Service) -> None:
    set_approval_policy(service.app, "sales", ApprovalPolicy(deletes=True))
    switched_on(person(service, "ada"))
    service.night()
    assert service.states() == [S.WAITING]
    set_role("ada", Role.OPERATOR, org=None)
    service.night()
    assert service.states() == [S.DROPPED, S.DROPPED]
    assert waiting(service.app, org="sales").plans == ()


def test_an_archive_that_stopped_halfway_holds_the_next_one_up(service: Service) -> None:
    switched_on(service.app)
    writer = service.world.connector.writer("one")
    writer.faults.plant("written", Crash(), table="Case")
    with pytest.raises(Crash):
        service.night()
    writer.faults.clear()
    service.night()
    assert service.states() == [S.FAILED, S.RUNNING]
    (alert,) = service.alerts()
    assert "has not ended" in alert.raised.sentence
    resume_run(service.app, service.nights()[1].run)
    service.tick()
    assert service.states() == [S.FAILED, S.DONE]
    assert service.alerts() == []


DEATHS = (
    "choose", "set_night_plan", "make_plan_now", "approval_of_stored", "run_stored_plan", "move_night",
    "end_night",
)  # fmt: skip


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", DEATHS)
def test_a_process_that_dies_anywhere_neither_plans_nor_runs_twice(
    service: Service, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    switched_on(service.app, daily_limit=4)
    call, deaths = getattr(archive_night, step), [1]

    def dying(*given: Any, **more: Any) -> Any:
        if deaths and when == "before":
            deaths.clear()
            raise Crash
        value = call(*given, **more)
        if deaths:
            deaths.clear()
            raise Crash
        return value

    monkeypatch.setattr(archive_night, step, dying)
    with pytest.raises(Crash):
        service.night()
    monkeypatch.setattr(archive_night, step, call)
    service.known.clear()  # the queue starts what was under way again
    service.tick(times=6)
    assert service.states() == [S.DONE]
    assert (service.runs(), len(service.live())) == (1, CASES - 2)
    plans = waiting(service.app, org="sales").plans
    assert not [plan for plan in plans if plan.state is PlanState.PLANNED]


def test_a_run_whose_process_died_before_it_was_queued_is_queued(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    switched_on(service.app)

    def dies(*_: object, **__: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(queued_restore, "queue_restore", dies)
        with pytest.raises(Crash):
            service.night()
    service.known.clear()
    service.tick(times=3)
    assert (service.states(), service.runs()) == ([S.DONE], 1)


def test_an_org_that_is_away_is_tried_again_and_then_reported(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    switched_on(service.app)
    service.holds_back = {JobKind.ARCHIVE}
    service.night()
    service.holds_back = set()

    def away(*_: object, **__: object) -> None:
        raise TransientError("away", "The org does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(service.world.connector, "open_writer", away)
        service.tick(times=2)
        assert service.states() == [S.PLANNING]
        service.tick(times=6)
    assert service.states() == [S.FAILED]
    (alert,) = service.alerts()
    assert "The org does not answer." in alert.raised.sentence
    service.night()
    assert service.states()[0] is S.DONE


def test_a_fault_of_ours_is_reported(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    switched_on(service.app)

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(archive_night, "archived_today", broken)
        service.night()
    assert service.states() == [S.FAILED]
    assert len(service.alerts()) == 1


def test_a_night_of_a_removed_policy_is_nothing(service: Service) -> None:
    assert do_archive(service.app, 999) is None


def test_days_are_typed() -> None:
    from unlost.model.saved_policy import days_of, days_text

    assert days_of("thu, Mon") == (Weekday.MONDAY, Weekday.THURSDAY)
    assert days_of("nightly") == WEEK
    assert [days_text(days) for days in (WEEK, (Weekday.MONDAY, Weekday.THURSDAY), ())] == [
        "nightly", "mon,thu", "off",
    ]  # fmt: skip
    for text in ("", "monday", "mon,never"):
        with pytest.raises(UsageError):
            days_of(text)


# --- runs that are queued, and whose schedule ends ---------------------------------------------------


def queued(service: Service, **more: Any) -> str:
    """A night whose run is queued and has deleted nothing; returns the run."""
    switched_on(person(service, "ada"), **more)
    service.holds_back = {JobKind.RESTORE}
    service.night()
    (night,) = service.nights()
    assert night.state is S.RUNNING
    return night.run


def test_a_queued_run_that_deleted_nothing_does_not_go_on_after_a_switch_off(
    service: Service,
) -> None:
    run = queued(service)
    save(service.app, on=False)
    known = find_run(run)
    assert known is not None
    assert known.state is RunState.ABANDONED
    service.holds_back = set()
    service.tick(times=3)
    assert (service.states(), len(service.live())) == ([S.DROPPED], CASES)


def test_a_run_that_began_to_delete_goes_on_after_a_switch_off(service: Service) -> None:
    switched_on(service.app)
    writer = service.world.connector.writer("one")
    writer.faults.plant("written", Crash(), table="Case")
    with pytest.raises(Crash):
        service.night()
    writer.faults.clear()
    save(service.app, on=False)
    assert service.states() == [S.RUNNING]
    resume_run(service.app, service.nights()[0].run)
    assert len(service.live()) == CASES - SHUT


def test_a_queued_run_of_another_person_goes_on_after_a_switch_off(service: Service) -> None:
    run = queued(service)
    release_restore(run, asked_by="eva")
    save(service.app, on=False)
    assert service.states() == [S.RUNNING]


def test_a_surplus_of_a_run_by_hand_stops_the_queued_run_of_the_schedule(
    service: Service,
) -> None:
    run = queued(service)
    saved = find_saved_policy("sales", "closed")
    assert saved is not None
    org, outcome = (
        get_org("sales"),
        SimpleNamespace(run="r", records=[SimpleNamespace(code=VANISHED)]),
    )
    plan = SimpleNamespace(selection=SimpleNamespace(policy=saved.policy))
    restore_run._after_surplus(service.app, org, plan, outcome)  # type: ignore[arg-type]
    known = find_run(run)
    assert known is not None
    assert (known.state, service.states()) == (RunState.ABANDONED, [S.DROPPED])


def test_a_switch_off_without_a_person_claims_no_run(service: Service) -> None:
    switched_on(service.app)
    service.holds_back = {JobKind.ARCHIVE}
    service.night()
    (night,) = service.nights()
    switch_policy_off(night.policy, why=surplus_of(service))
    assert not claim_night(night.id, run="run", only_if_on=True)
    assert claim_night(night.id, run="run")


def surplus_of(service: Service) -> Message:
    saved = find_saved_policy("sales", "closed")
    assert saved is not None
    return surplus(saved, run="r", vanished=1).message


def test_a_night_ends_though_its_last_job_came_before_the_end_of_its_run(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued(service)
    (night,) = service.nights()
    with monkeypatch.context() as patch:
        patch.setattr(due_archives, "_is_over", lambda _night: True)  # and it resumes right then
        service.tick()
    assert service.states() == [S.RUNNING]
    service.holds_back = set()
    service.tick(times=3)
    assert service.nights()[0].tries > night.tries
    assert service.states() == [S.DONE]
