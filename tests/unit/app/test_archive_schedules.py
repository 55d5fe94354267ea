"""Saved archive policies, run by the service after nightly backups: nights pass by themselves."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from homes import World
from scenes import Lead, scene, with_sales
from unit.app.shop import WRITER
from unit.app.test_follow import refresh
from unlost.app.actions.alerts.alerts import watch
from unlost.app.actions.archive import archive_night
from unlost.app.actions.archive.archive_night import do_archive
from unlost.app.actions.archive.archives import list_archives
from unlost.app.actions.archive.policies import archive_policies, preview_archive
from unlost.app.actions.archive.saved_policies import (
    PolicyRequest,
    SavedPolicyView,
    list_saved,
    remove_policy,
    save_policy,
    show_saved,
)
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.night import do_night
from unlost.app.actions.backups.schedule import ScheduleChange, change
from unlost.app.actions.orgs.approval_policy import change as set_approval_policy
from unlost.app.actions.orgs.follow import follow
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.restores import queued_restore
from unlost.app.actions.restores.approval import approve
from unlost.app.actions.restores.kept_plan import discard_plan, run_stored_plan, waiting
from unlost.app.actions.restores.queued_restore import do_restore
from unlost.app.actions.restores.restore_run import resume_run
from unlost.app.actions.runs.control import pause, resume
from unlost.app.actions.runs.due_jobs import enqueue_due_jobs
from unlost.app.alerts.alert_facts import Watcher
from unlost.app.archive.due_archives import enqueue_archives
from unlost.app.compose import Application
from unlost.catalog.alerts import AlertRecord, list_alerts
from unlost.catalog.home.copying import settings_digest
from unlost.catalog.orgs.archive_policies import saved_policies
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.audit import newest
from unlost.catalog.people.people import actor_of, add_person, set_active, set_role
from unlost.catalog.runs.archive_nights import archive_nights_of, open_archive_nights
from unlost.catalog.runs.plans import PlanState
from unlost.catalog.runs.runs import RunState, find_run
from unlost.model.access import Role
from unlost.model.alert import AlertRule, Urgency
from unlost.model.approval import ApprovalPolicy
from unlost.model.archive import ArchivePolicy, Comparison, Condition
from unlost.model.errors import Conflict, NotAllowed, NotFound, TransientError, UsageError
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.jobs import Job, JobKind
from unlost.model.saved_policy import WEEK, ArchiveNight, ArchiveNightState, Weekday
from unlost.model.source.schema import DeleteRule, Reference, WireKind
from unlost.testing.faults import Crash

CLOSED = ArchivePolicy("closed", "Case", (Condition("Closed", Comparison.IS, ("true",)),))
CASES, SHUT = 12, 5
QUARTER = timedelta(minutes=15)
S = ArchiveNightState


class Service:
    """Does each job once, at once; the clock moves by quarters of an hour, each with a tick."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.app: Application = world.app
        self.oid = get_org("sales").oid
        self.known: set[str] = set()
        self.holds_back: set[JobKind] = set()

    def delete_failed(self, ids: Iterable[str]) -> None:
        """Nothing breaks off here."""

    def enqueue(self, job: Job) -> None:
        if job.id in self.known or job.kind in self.holds_back:
            return
        self.known.add(job.id)
        if job.kind is JobKind.NIGHT:
            do_night(self.app, job.org, job.subject)
        elif job.kind is JobKind.ARCHIVE:
            do_archive(self.app, int(job.subject))
        elif job.kind is JobKind.RESTORE:
            do_restore(self.app, job.subject)

    def tick(self, *, times: int = 1) -> None:
        for _ in range(times):
            self.world.clock.advance(seconds=QUARTER.total_seconds())
            self.enqueue_due()

    def enqueue_due(self) -> None:
        enqueue_due_jobs(self.app, self)
        enqueue_archives(self.app, self)

    def until(self, moment: str) -> None:
        """Let the time pass until a moment, with a tick at each quarter of an hour."""
        end = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        while self.app.clock.now() < end:
            self.tick()

    def night(self) -> None:
        """Let the time pass until the next backup at three, and an hour more."""
        now = self.app.clock.now()
        three = now.replace(hour=3, minute=0, second=0, microsecond=0)
        wait = three - now if three > now else three - now + timedelta(days=1)
        self.world.clock.advance(seconds=(wait - QUARTER).total_seconds())
        self.tick(times=4)

    # --- what became of it ---------------------------------------------------------------------

    def live(self, table: str = "Case") -> set[str]:
        return {key for key, _ in self.world.connector.writer("one").platform.live(table)}

    def cases(self, closed: str) -> list[str]:
        platform = self.world.connector.writer("one").platform
        return [key for key, row in platform.live("Case") if row.cells["Closed"] == closed]

    def nights(self) -> list[ArchiveNight]:
        """The newest first."""
        (saved,) = saved_policies("sales")
        return list(archive_nights_of(saved.id, most=50))

    def states(self) -> list[ArchiveNightState]:
        return [night.state for night in self.nights()]

    def alerts(self) -> list[AlertRecord]:
        watch(self.app, Watcher())
        rule = AlertRule.ARCHIVE_SCHEDULE
        return [a for a in list_alerts() if a.raised.rule is rule and a.resolved_at is None]

    def runs(self) -> int:
        return len(list_archives(self.app, "sales").runs)


def filled(world: World) -> None:
    """Cases, of which some are closed, with a note each; a schedule at three; a write user."""
    with_sales(world)
    org = world.org
    org.add_table("Case", {"Name": WireKind.TEXT, "Closed": WireKind.TEXT})
    org.add_table(
        "Note",
        {"Case": WireKind.REFERENCE},
        references={"Case": Reference(("Case",), DeleteRule.CASCADE)},
    )
    for number in range(CASES):
        closed = "true" if number < SHUT else "false"
        case = org.create("Case", {"Name": f"Case {number}", "Closed": closed})
        org.create("Note", {"Case": case})
    change(world.app, "sales", ScheduleChange(at="03:00", window=0))
    set_writer(world.app, WRITER)
    backup(world.app, "sales")


living = scene(filled)


@pytest.fixture(autouse=True)
def _asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queued_restore, "enqueue_from_outside", lambda _place, _job: None)


@pytest.fixture
def service(world: World, living: Lead) -> Service:
    living(world)
    return Service(world)


def save(app: Application, policy: ArchivePolicy = CLOSED, **more: Any) -> SavedPolicyView:
    return save_policy(app, "sales", PolicyRequest(policy, **more))


def switched_on(app: Application, policy: ArchivePolicy = CLOSED, **more: Any) -> SavedPolicyView:
    """Save a policy, preview it, and switch its schedule on."""
    save(app, policy)
    preview_archive(app, "sales", policy)
    return save(app, policy, **{"on": True, "days": WEEK} | more)


def person(service: Service, name: str, role: Role = Role.RESTORER) -> Application:
    add_person(name, at=service.app.clock.now())
    actor = actor_of(set_role(name, role, org=None).user)
    assert actor is not None
    return service.app.acting(actor)


def refused(code: str, app: Application, policy: ArchivePolicy = CLOSED, **more: Any) -> str:
    with pytest.raises((UsageError, NotAllowed, Conflict)) as caught:
        save(app, policy, **more)
    assert caught.value.code == code
    return caught.value.sentence


# --- saving -----------------------------------------------------------------------------------------


def test_a_saved_policy_hides_a_ready_made_one_of_its_name(service: Service) -> None:
    mine = replace(CLOSED, name="closed-case", unchanged_days=7)
    before = settings_digest()
    view = save(service.app, mine)
    assert (view.policy, view.on, view.days, view.previewed) == (mine, False, (), None)
    ready = archive_policies(service.app, "sales")
    assert (ready.policies, ready.saved) == ((mine,), ("closed-case",))
    assert ready.named("closed-case") == mine
    assert settings_digest() != before, "copies of the home have it"
    (listed,) = list_saved(service.app, "sales").policies
    assert listed == view == show_saved(service.app, "sales", "closed-case")
    remove_policy(service.app, "sales", "closed-case")
    assert archive_policies(service.app, "sales").saved == ()
    with pytest.raises(NotFound):
        show_saved(service.app, "sales", "closed-case")


def test_a_policy_that_cannot_be_used_is_not_saved(service: Service) -> None:
    gone = replace(CLOSED, conditions=(Condition("Shut", Comparison.IS, ("true",)),))
    assert refused("archive-column", service.app, gone) == "Case has no column Shut."
    refused("archive-everything", service.app, replace(CLOSED, conditions=()))
    for name in ("", " a", "a/b", "x" * 121, "a\n", "a.json"):
        refused("archive-policy-unnamed", service.app, replace(CLOSED, name=name))
    for limit in (0, 200_001):
        refused("archive-limit", service.app, daily_limit=limit)
    assert list_saved(service.app, "sales").policies == ()


def test_an_org_has_a_limited_number_of_policies(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlost.app.actions.archive.saved_policies.MOST", 1)
    save(service.app)
    save(service.app)
    refused("archive-policies-too-many", service.app, replace(CLOSED, name="other"))


def test_saving_needs_the_right_to_restore(service: Service) -> None:
    operator = person(service, "otto", Role.OPERATOR)
    refused("not-permitted", operator)
    save(service.app)
    assert len(list_saved(operator, "sales").policies) == 1
    with pytest.raises(NotAllowed):
        remove_policy(operator, "sales", "closed")


def test_a_schedule_needs_days_and_a_preview_of_the_policy_as_it_is(service: Service) -> None:
    refused("archive-no-days", service.app, on=True)
    refused("archive-not-previewed", service.app, on=True, days=WEEK)
    save(service.app)
    preview_archive(service.app, "sales", replace(CLOSED, unchanged_days=3))
    refused("archive-not-previewed", service.app, on=True, days=WEEK)
    preview_archive(service.app, "sales", CLOSED)
    assert save(service.app, on=True, days=WEEK).on
    refused("archive-not-previewed", service.app, replace(CLOSED, unchanged_days=3))


def test_a_policy_of_most_of_its_table_needs_a_confirmation(service: Service) -> None:
    most = replace(CLOSED, conditions=(Condition("Closed", Comparison.IS, ("false",)),))
    save(service.app, most)
    preview_archive(service.app, "sales", most)
    sentence = refused("archive-large", service.app, most, on=True, days=WEEK)
    assert "selects 7 of 12 records of Case, more than half" in sentence
    view = save(service.app, most, on=True, days=WEEK, confirm_large=True)
    assert view.on
    assert view.may_be_large
    assert not save(service.app, CLOSED, on=False).may_be_large, "another policy"


def test_a_refreshed_sandbox_has_the_policies_and_no_schedule(service: Service) -> None:
    switched_on(service.app)
    refresh(service.world)
    follow(service.app, "sales")
    (view,) = list_saved(service.app, "sales").policies
    assert (view.policy, view.on, view.previewed) == (CLOSED, False, None)
    assert {
        each.is_on for name in service.app.names().values() for each in saved_policies(name)
    } == {False}


# --- nights -----------------------------------------------------------------------------------------


def test_records_leave_after_each_backup_up_to_the_daily_limit(service: Service) -> None:
    switched_on(service.app, daily_limit=4)  # records: two cases with their notes
    service.night()
    assert (service.states(), len(service.live()), service.runs()) == ([S.DONE], CASES - 2, 1)
    service.tick(times=40)
    assert service.runs() == 1, "once after each backup"
    service.night()
    service.night()
    assert service.states() == [S.DONE, S.DONE, S.DONE]
    assert len(service.live()) == len(service.live("Note")) == CASES - SHUT
    service.night()
    assert service.states()[0] is S.NOTHING
    assert service.alerts() == []


def test_a_schedule_begins_after_the_next_scheduled_backup_of_its_days(service: Service) -> None:
    service.night()
    day = service.app.clock.now().date()
    switched_on(service.app, days=(WEEK[(day.weekday() + 2) % 7],))
    service.tick(times=8)
    assert service.nights() == []
    service.night()
    assert service.nights() == []
    service.night()
    assert service.states() == [S.DONE]


def test_a_backup_by_hand_is_followed_by_no_archive(service: Service) -> None:
    switched_on(service.app)
    service.world.clock.advance(hours=1)
    backup(service.app, "sales")
    service.tick(times=2)
    assert service.nights() == []


def test_a_service_that_was_down_archives_only_after_the_next_backup(service: Service) -> None:
    switched_on(service.app)
    service.holds_back = {JobKind.ARCHIVE}
    service.night()
    service.world.clock.advance(hours=13)
    service.holds_back = set()
    service.enqueue_due()
    assert service.states() == [S.FAILED]
    assert service.runs() == 0


def test_a_schedule_that_is_switched_off_archives_nothing(service: Service) -> None:
    switched_on(service.app)
    service.holds_back = {JobKind.ARCHIVE}
    service.night()
    save(service.app, on=False)
    service.holds_back = set()
    service.tick()
    assert service.states() == [S.DROPPED]
    service.night()
    assert (len(service.nights()), service.runs()) == (1, 0)


def test_the_owner_is_in_the_audit_as_a_schedule(service: Service) -> None:
    switched_on(person(service, "ada"))
    service.night()
    acts = [e.deed for e in newest(most=99) if e.deed.kind.value == "schedule"]
    assert {(act.actor, act.act) for act in acts} == {
        ("ada", "restore.choose"), ("ada", "restore.make"), ("ada", "restore.start"),
    }  # fmt: skip
    assert {act.outcome for act in acts} == {"done"}


@pytest.mark.parametrize("gone", ["role", "person"])
def test_an_owner_without_the_right_ends_the_schedule(service: Service, gone: str) -> None:
    switched_on(person(service, "ada"))
    if gone == "role":
        set_role("ada", Role.OPERATOR, org=None)
    else:
        set_active("ada", active=False)
    service.night()
    assert (service.states(), service.runs()) == ([S.DROPPED], 0)
    view = show_saved(service.app, "sales", "closed")
    assert not view.on
    (alert,) = service.alerts()
    assert alert.raised.urgency is Urgency.NOW
    assert "ada switched on the schedule of closed, but may no longer restore" in (
        alert.raised.sentence
    )
    switched_on(service.app)
    assert service.alerts() == []
    service.night()
    assert service.states()[0] is S.DONE


def test_a_right_that_is_lost_between_plan_and_run_ends_the_schedule(service: Service) -> None:
    switched_on(person(service, "ada"))
    service.holds_back = {JobKind.RESTORE}
    service.night()
    assert service.states() == [S.RUNNING]
    set_role("ada", Role.OPERATOR, org=None)
    service.holds_back = set()
    service.tick(times=2)
    assert service.states() == [S.DROPPED]
    assert not show_saved(service.app, "sales", "closed").on
    assert len(service.live()) == CASES


def test_a_column_that_is_gone_raises_an_alert_and_nothing_leaves(service: Service) -> None:
    switched_on(service.app)
    columns = service.world.org.tables["Case"].columns
    shut = columns.pop("Closed")
    service.night()
    assert (service.states(), service.runs(), len(service.live())) == ([S.FAILED], 0, CASES)
    (alert,) = service.alerts()
    assert alert.raised.urgency is Urgency.SOON
    assert "Case has no column Closed." in alert.raised.sentence
    assert show_saved(service.app, "sales", "closed").on, "it is tried again"
    columns["Closed"] = shut
    service.night()
    assert service.states()[0] is S.DONE
    assert service.alerts() == []


def test_a_policy_that_came_to_match_most_of_its_table_is_switched_off(service: Service) -> None:
    switched_on(service.app)
    service.world.clock.advance(hours=1)
    for case in service.cases("false"):
        service.world.org.update("Case", case, {"Closed": "true"})
    service.night()
    assert (service.states(), service.runs()) == ([S.DROPPED], 0)
    (alert,) = service.alerts()
    assert "selects 12 of 12 records of Case" in alert.raised.sentence


def test_a_surplus_of_vanished_records_switches_the_schedule_off(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trigger deletes another case with each one."""
    switched_on(service.app)
    platform = service.world.connector.writer("one").platform
    delete, other = platform.delete, service.cases("false")[0]

    def trigger(table: str, record: str, *, by: str) -> None:
        delete(table, record, by=by)
        if table == "Case" and other in service.live():
            delete(table, other, by=by)

    monkeypatch.setattr(platform, "delete", trigger)
    service.night()
    service.tick()
    assert service.states() == [S.DONE]
    view = show_saved(service.app, "sales", "closed")
    assert not view.on
    (alert,) = service.alerts()
    assert alert.raised.urgency is Urgency.NOW
    assert "stopped, because 2 records vanished" in alert.raised.sentence
    assert "unlost archive policy save sales closed --nightly" in alert.raised.next_step
    service.night()
    assert len(service.nights()) == 1


# --- a second person --------------------------------------------------------------------------------


@pytest.fixture
def strict(service: Service) -> Service:
    set_approval_policy(service.app, "sales", ApprovalPolicy(deletes=True))
    switched_on(person(service, "ada"), daily_limit=4)
    service.night()
    return service


def approved_by(service: Service, app: Application) -> None:
    (line,) = waiting(service.app, org="sales").plans
    assert line.approval is not None
    approve(app, "sales", line.plan, digest=line.approval.digest)


def test_a_plan_waits_for_a_second_person_and_runs_when_it_is_approved(strict: Service) -> None:
    assert (strict.states(), strict.runs()) == ([S.WAITING], 0)
    (alert,) = strict.alerts()
    assert alert.raised.urgency is Urgency.SOON
    assert "waits for a second person" in alert.raised.sentence
    strict.tick(times=5)
    assert strict.states() == [S.WAITING]
    approved_by(strict, person(strict, "ben"))
    strict.tick(times=3)
    assert (strict.states(), len(strict.live())) == ([S.DONE], CASES - 2)
    assert strict.alerts() == []


def test_the_next_night_replaces_a_plan_that_waits(strict: Service) -> None:
    (old,) = waiting(strict.app, org="sales").plans
    strict.night()
    (new,) = waiting(strict.app, org="sales").plans
    assert new.plan != old.plan
    assert strict.states() == [S.WAITING, S.DROPPED]
    approved_by(strict, person(strict, "ben"))
    strict.tick(times=3)
    assert strict.runs() == 1


def test_a_person_runs_or_discards_the_plan_that_waits(strict: Service) -> None:
    approved_by(strict, person(strict, "ben"))
    (line,) = waiting(strict.app, org="sales").plans
    run_stored_plan(person(strict, "eva"), "sales", line.plan)
    strict.tick(times=3)
    assert (strict.states(), strict.runs()) == ([S.DONE], 1)
    strict.night()
    (line,) = waiting(strict.app, org="sales").plans
    discard_plan(strict.app, "sales", line.plan)
    strict.tick()
    assert strict.states()[0] is S.DROPPED


def test_an_approval_that_is_void_does_not_run(strict: Service) -> None:
    approved_by(strict, person(strict, "ben"))
    set_role("ben", Role.OPERATOR, org=None)
    strict.tick(times=12)
    assert (strict.states(), strict.runs()) == ([S.WAITING], 0)
    set_role("ben", Role.RESTORER, org=None)
    strict.tick(times=6)
    assert strict.states() == [S.DONE]


def test_a_plan_that_was_approved_late_waits_for_a_day_with_room(strict: Service) -> None:
    """The limit is for the day on which the records leave."""
    by_hand = replace(CLOSED, name="closed")
    from unlost.app.actions.restores.kept_plan import choose, make_plan_now
    from unlost.app.actions.restores.restore_plan import PlanRequest, RestoreRequest

    ben = person(strict, "ben")
    view = choose(ben, "sales", RestoreRequest(PlanRequest("sales", archive=by_hand, most=2)))
    view = make_plan_now(ben, "sales", view.plan)
    eva = person(strict, "eva")
    assert view.approval is not None
    approve(eva, "sales", view.plan, digest=view.approval.digest)
    run_stored_plan(ben, "sales", view.plan)
    strict.tick()
    assert len(strict.live()) == CASES - 1
    approved_by(strict, ben)
    strict.tick(times=8)
    assert strict.states() == [S.WAITING]
    change(strict.app, "sales", ScheduleChange(at="off"))
    strict.until((strict.app.clock.now() + timedelta(days=1)).replace(tzinfo=None).isoformat())
    assert strict.states() == [S.DONE]


def test_a_change_of_the_policy_discards_the_plan_that_waits(strict: Service) -> None:
    save(strict.app, replace(CLOSED, unchanged_days=400), on=False)
    assert strict.states() == [S.DROPPED]
    assert waiting(strict.app, org="sales").plans == ()


def test_a_policy_that_is_removed_takes_its_waiting_plan_along(strict: Service) -> None:
    remove_policy(strict.app, "sales", "closed")
    assert waiting(strict.app, org="sales").plans == ()
    assert open_archive_nights() == []
    assert strict.alerts() == []


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
