"""Saved archive policies, run by the service after nightly backups: nights pass by themselves."""

from dataclasses import replace
from datetime import timedelta

import pytest

from unit.app.archive_service import (
    CASES,
    CLOSED,
    SHUT,
    S,
    Service,
    person,
    refused,
    save,
    switched_on,
)
from unit.app.test_follow import refresh
from unlost.app.actions.archive.policies import archive_policies, preview_archive
from unlost.app.actions.archive.saved_policies import (
    list_saved,
    remove_policy,
    show_saved,
)
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.schedule import ScheduleChange, change
from unlost.app.actions.orgs.approval_policy import change as set_approval_policy
from unlost.app.actions.orgs.follow import follow
from unlost.app.actions.restores.approval import approve
from unlost.app.actions.restores.kept_plan import discard_plan, run_stored_plan, waiting
from unlost.app.compose import Application
from unlost.catalog.archive_models import ArchivePolicyRow
from unlost.catalog.home.copying import settings_digest
from unlost.catalog.orgs.archive_policies import saved_policies
from unlost.catalog.people.audit import newest
from unlost.catalog.people.people import set_active, set_role
from unlost.catalog.runs.archive_nights import open_archive_nights
from unlost.model.access import Role
from unlost.model.alert import Urgency
from unlost.model.approval import ApprovalPolicy
from unlost.model.archive import Comparison, Condition
from unlost.model.errors import NotAllowed, NotFound
from unlost.model.message import code_of
from unlost.model.runs.jobs import JobKind
from unlost.model.saved_policy import WEEK
from unlost.model.source.quota import Quota
from unlost.model.source.schema import TableTrait

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


def test_a_schedule_that_is_on_is_not_taken_over_without_a_preview(service: Service) -> None:
    ada = person(service, "ada")
    switched_on(service.app)
    refused("archive-not-previewed", ada)
    assert not save(ada, on=False).on
    preview_archive(ada, "sales", CLOSED)
    assert save(ada, on=True).owner == "ada"


def test_a_daily_limit_does_not_rise_without_a_new_preview(service: Service) -> None:
    limit = switched_on(service.app).daily_limit
    service.world.clock.advance(days=8)
    refused("archive-not-previewed", service.app, daily_limit=limit + 1)
    assert save(service.app, daily_limit=limit - 1).on
    preview_archive(service.app, "sales", CLOSED)
    assert save(service.app, daily_limit=limit + 1).on


def test_a_preview_by_an_unknown_person_does_not_count(service: Service) -> None:
    save(service.app)
    preview_archive(service.app, "sales", CLOSED)
    ArchivePolicyRow.objects.update(previewed_by="", previewer="")  # stored by an earlier version
    refused("archive-not-previewed", service.app, on=True, days=WEEK)


def test_a_policy_of_most_of_its_table_needs_a_confirmation(service: Service) -> None:
    most = replace(CLOSED, conditions=(Condition("Closed", Comparison.IS, ("false",)),))
    save(service.app, most)
    preview_archive(service.app, "sales", most)
    sentence = refused("archive-large", service.app, most, on=True, days=WEEK)
    assert "takes 7 of 12 records of Case, more than half" in sentence
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
    assert "ada, who saved the policy closed last, may no longer restore" in (alert.raised.sentence)
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
    assert "takes 12 of 12 records of Case" in alert.raised.sentence


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
    assert "stopped: 2 records vanished" in alert.raised.sentence
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


def fill_bin(service: Service, *, deleted: int, capacity: int) -> None:
    """Other people delete open cases of an org whose bin has room for so many records."""
    org = service.world.org
    org.tables["Case"].traits |= {TableTrait.UNDELETE}
    limit = float(capacity << 20)
    service.world.connector.source("one").quota = (Quota("data storage", 1.0, limit, "bytes"),)
    for case in service.cases("false")[:deleted]:
        service.world.connector.writer("one").platform.delete("Case", case, by="someone")


def test_a_schedule_pushes_records_of_other_people_out_of_the_bin(service: Service) -> None:
    switched_on(service.app)
    fill_bin(service, deleted=2, capacity=2)
    service.night()
    (night,) = service.nights()
    assert (night.state, code_of(night.error)) == (S.NOTHING, "archive-bin-full")
    assert len(service.cases("true")) == SHUT


def test_a_bin_with_less_room_than_the_smallest_group_fails_the_night(service: Service) -> None:
    switched_on(service.app)
    fill_bin(service, deleted=1, capacity=2)
    service.night()
    (night,) = service.nights()
    assert (night.state, code_of(night.error)) == (S.NOTHING, "archive-bin-full")
    assert len(service.cases("true")) == SHUT
    assert service.alerts() == []


def test_a_daily_limit_below_the_smallest_group_is_blamed_on_the_bin(service: Service) -> None:
    switched_on(service.app, daily_limit=1)
    fill_bin(service, deleted=1, capacity=4)
    service.night()
    (night,) = service.nights()
    assert (night.state, code_of(night.error)) == (S.FAILED, "archive-group-large")
    assert len(service.alerts()) == 1


def test_a_schedule_archives_more_than_the_bin_has_room_for(service: Service) -> None:
    switched_on(service.app)
    fill_bin(service, deleted=1, capacity=4)
    service.night()
    assert service.states() == [S.DONE]
    assert len(service.cases("true")) == SHUT - 1, "a case and its note; the room is for 3 records"
