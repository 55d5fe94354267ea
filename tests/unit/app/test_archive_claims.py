"""Nights of archive policies beside people and errors: a night never loses sight of its run."""

from dataclasses import replace
from typing import Any

import pytest

from unit.app.archive_service import (
    CASES,
    CLOSED,
    S,
    Service,
    person,
    save,
    switched_on,
)
from unlost.app.actions.archive import archive_night
from unlost.app.actions.archive.saved_policies import show_saved
from unlost.app.actions.orgs.approval_policy import change as set_approval_policy
from unlost.app.actions.restores.approval import approve
from unlost.app.actions.restores.kept_plan import (
    choose,
    make_plan_now,
    read_stored_plan,
    run_stored_plan,
    waiting,
)
from unlost.app.actions.restores.restore_plan import PlanRequest, RestoreRequest
from unlost.app.actions.restores.restore_run import announce_plan, resume_run
from unlost.app.actions.runs.control import cancel
from unlost.app.archive.day_limit import archived_today
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.people import set_role
from unlost.catalog.runs.runs import RunState, find_run
from unlost.engine.restore.running.passes import archiving
from unlost.model.access import Role
from unlost.model.approval import ApprovalPolicy
from unlost.model.errors import NotAllowed, TransientError
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.jobs import JobKind
from unlost.testing.faults import Crash


def away(*_: object, **__: object) -> None:
    raise TransientError("away", "The vault does not answer.")


def half_done(service: Service) -> str:
    """A night whose archive died after its first call; returns the run."""
    switched_on(service.app)
    writer = service.world.connector.writer("one")
    writer.faults.plant("written", Crash(), table="Case")
    with pytest.raises(Crash):
        service.night()
    writer.faults.clear()
    return service.nights()[0].run


# --- the claim --------------------------------------------------------------------------------------


def test_a_schedule_that_is_switched_off_right_before_the_hand_over_runs_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    switched_on(service.app)
    real = archive_night.run_of

    def switched_off(plan: Any) -> str:
        save(service.app, on=False)
        return real(plan)

    monkeypatch.setattr(archive_night, "run_of", switched_off)
    service.night()
    service.tick(times=3)
    assert (service.states(), service.runs(), len(service.live())) == ([S.DROPPED], 0, CASES)


def test_a_schedule_that_is_switched_off_during_the_hand_over_deletes_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    switched_on(service.app, daily_limit=4)
    real = archive_night.run_stored_plan

    def switched_off(*given: Any, **more: Any) -> Any:
        save(service.app, on=False)
        return real(*given, **more)

    monkeypatch.setattr(archive_night, "run_stored_plan", switched_off)
    service.night()
    service.tick(times=3)
    assert (service.states(), len(service.live())) == ([S.DROPPED], CASES)


def test_a_night_whose_plan_a_person_runs_is_followed_though_the_policy_changes(
    service: Service,
) -> None:
    set_approval_policy(service.app, "sales", ApprovalPolicy(deletes=True))
    switched_on(person(service, "ada"), daily_limit=4)
    service.night()
    (line,) = waiting(service.app, org="sales").plans
    assert line.approval is not None
    approve(person(service, "ben"), "sales", line.plan, digest=line.approval.digest)
    service.holds_back = {JobKind.RESTORE, JobKind.ARCHIVE}
    run_stored_plan(person(service, "eva"), "sales", line.plan)
    save(service.app, on=False)
    assert service.states() == [S.RUNNING]
    service.holds_back = set()
    service.tick(times=3)
    assert (service.states(), len(service.live())) == ([S.DONE], CASES - 2)


# --- errors -----------------------------------------------------------------------------------------


def test_a_night_whose_run_cannot_be_read_is_put_off_and_not_failed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    switched_on(service.app)
    with monkeypatch.context() as patch:
        patch.setattr(archive_night, "journal_of", away)
        service.night()
        service.tick(times=12)
        assert service.states() == [S.RUNNING]
        (alert,) = service.alerts()
        assert "The vault does not answer." in alert.raised.sentence
        patch.setattr(archive_night, "journal_of", lambda *_: 1 / 0)
        service.tick(times=12)
        assert service.states() == [S.RUNNING]
    service.tick(times=2)
    assert service.states() == [S.DONE]
    assert service.alerts() == []


def test_waiting_for_another_run_uses_up_no_tries(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    switched_on(service.app)
    service.holds_back = {JobKind.ARCHIVE}
    service.night()
    service.holds_back = set()
    with service.app.lease.hold(service.oid, kind=RunKind.RESTORE, run="restore-1"):
        service.tick(times=6)
    with monkeypatch.context() as patch:
        patch.setattr(archive_night, "archived_today", away)
        service.tick()
        assert service.states() == [S.PLANNED]
    service.tick(times=2)
    assert service.states() == [S.DONE]


# --- runs that were given up ------------------------------------------------------------------------


def test_an_archive_that_was_cancelled_halfway_switches_the_schedule_off(service: Service) -> None:
    run = half_done(service)
    cancel(service.app, run)
    known = find_run(run)
    assert known is not None
    assert known.state is RunState.ABANDONED
    service.tick()
    assert service.states() == [S.DROPPED]
    view = show_saved(service.app, "sales", "closed")
    assert not view.on
    assert view.problem is not None
    assert view.problem.code == "archive-broken-off"
    assert "some of its records may have left the org" in view.problem.sentence
    resume_run(service.app, run)
    assert len(service.live()) == CASES - 5


def test_an_owner_who_lost_the_right_halfway_does_not_read_that_nothing_was_archived(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "FIRST_TURN", 1)
    monkeypatch.setattr(archiving, "TURN", 1)
    switched_on(person(service, "ada"))
    writer = service.world.connector.writer("one")
    write = writer.write

    def stops(*given: Any, **more: Any) -> Any:
        if len(service.live()) < CASES:
            service.holds_back = {JobKind.RESTORE}
            raise TransientError("away", "The org does not answer.")
        return write(*given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(writer, "write", stops)
        service.night()
    assert len(service.live()) == CASES - 1
    set_role("ada", Role.OPERATOR, org=None)
    service.holds_back = set()
    service.tick(times=8)
    assert service.states() == [S.DROPPED]
    (night,) = service.nights()
    assert night.error is not None
    assert night.error.code == "archive-owner-half"
    assert "Nothing was archived" not in night.error.sentence
    known = find_run(night.run)
    assert known is not None
    assert known.state is RunState.FAILED, "a person can resume it"


# --- the checks at the hand-over --------------------------------------------------------------------


def test_a_related_table_that_would_lose_most_of_its_records_needs_a_confirmation(
    service: Service,
) -> None:
    switched_on(service.app)
    _delete_notes(service)
    service.night()
    assert (service.states(), service.runs()) == ([S.DROPPED], 0)
    (alert,) = service.alerts()
    assert "takes 5 of 7 records of Note, more than half" in alert.raised.sentence
    with pytest.raises(Exception, match="takes 5 of 7 records of Note"):
        switched_on(service.app)
    assert switched_on(service.app, confirm_large=True).may_be_large
    service.night()
    assert service.states()[0] is S.DONE


def _delete_notes(service: Service) -> None:
    """Delete the notes of five open cases."""
    platform = service.world.connector.writer("one").platform
    still_open = service.cases("false")[:5]
    service.world.clock.advance(hours=1)
    for note, row in list(platform.live("Note")):
        if row.cells["Case"] in still_open:
            platform.delete("Note", note, by="U9")


def test_an_archive_that_could_not_start_within_hours_of_its_backup_is_given_up(
    service: Service,
) -> None:
    switched_on(service.app)
    with service.app.lease.hold(service.oid, kind=RunKind.RESTORE, run="restore-1"):
        service.world.clock.advance(hours=1)
    service.holds_back = {JobKind.ARCHIVE}
    service.night()
    service.holds_back = set()
    with service.app.lease.hold(service.oid, kind=RunKind.RESTORE, run="restore-1"):
        service.tick(times=3)
        assert service.states() == [S.PLANNED]
        service.world.clock.advance(hours=12)
    service.tick(times=2)
    assert (service.states(), service.runs()) == ([S.FAILED], 0)
    error = service.nights()[0].error
    assert error is not None
    assert error.code == "archive-late"


def by_hand(service: Service, *, most: int) -> str:
    """Plan the policy by hand; returns the plan."""
    request = RestoreRequest(PlanRequest("sales", archive=CLOSED, most=most))
    view = choose(service.app, "sales", request)
    make_plan_now(service.app, "sales", view.plan)
    return view.plan


def test_the_daily_limit_counts_a_run_by_hand_that_came_between_plan_and_hand_over(
    service: Service,
) -> None:
    switched_on(service.app, daily_limit=4)
    service.holds_back = {JobKind.ARCHIVE}
    service.night()
    service.holds_back = set()
    with service.app.lease.hold(service.oid, kind=RunKind.RESTORE, run="restore-1"):
        service.tick()
    service.holds_back = {JobKind.ARCHIVE}
    run_stored_plan(service.app, "sales", by_hand(service, most=2))
    service.tick()
    assert len(service.live()) == CASES - 1
    service.holds_back = set()
    service.tick(times=8)
    assert (service.states(), service.runs()) == ([S.PLANNED], 1)


def test_a_journal_of_a_run_that_was_never_queued_uses_none_of_the_daily_limit(
    service: Service,
) -> None:
    org = get_org("sales")
    plan = read_stored_plan(service.app, org, by_hand(service, most=4))
    announce_plan(service.app, plan, org)
    assert archived_today(service.app, org, CLOSED.name) == 0


def test_a_run_that_stopped_days_ago_counts_until_it_ends(service: Service) -> None:
    run = half_done(service)
    org = get_org("sales")
    service.world.clock.advance(days=3)
    assert archived_today(service.app, org, CLOSED.name) == 10, "it may go on today"
    assert archived_today(service.app, org, "other") == 0
    cancel(service.app, run)
    assert archived_today(service.app, org, CLOSED.name) == 0
    resume_run(service.app, run)
    assert len(service.live()) == CASES - 5
    assert archived_today(service.app, org, CLOSED.name) == 0, "its call was made days ago"


@pytest.mark.parametrize(("records", "state"), [(9, S.WAITING), (10, S.DONE)])
def test_a_daily_limit_does_not_avoid_the_second_person(
    service: Service, records: int, state: S
) -> None:
    """Ten records match the policy: a plan of four counts with all of them."""
    set_approval_policy(service.app, "sales", ApprovalPolicy(records=records))
    switched_on(person(service, "ada"), daily_limit=4)
    service.night()
    assert service.states() == [state]
    if state is S.DONE:
        return
    (line,) = waiting(service.app, org="sales").plans
    assert line.approval is not None
    with pytest.raises(NotAllowed):
        run_stored_plan(service.app, "sales", line.plan)
    approve(person(service, "ben"), "sales", line.plan, digest=line.approval.digest)
    service.tick(times=3)
    assert (service.states(), len(service.live())) == ([S.DONE], CASES - 2)


def test_a_policy_under_another_name_is_another_policy(service: Service) -> None:
    org = get_org("sales")
    half_done(service)
    assert archived_today(service.app, org, replace(CLOSED, name="x").name) == 0
