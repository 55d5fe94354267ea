"""Restores that were chosen in the console: kept, planned beside, looked at, made smaller, run."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from homes import SECRET, World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, Shop, lost_shop
from unit.app.test_restore import refused
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.restores import kept_plan as module
from unlost.app.actions.restores import queued_restore
from unlost.app.actions.restores.kept_plan import (
    PlanView,
    choose,
    choose_again,
    discard_plan,
    leave_out,
    make_plan_now,
    run_stored_plan,
    show_stored_plan,
    waiting,
)
from unlost.app.actions.restores.plan_records import plan_records
from unlost.app.actions.restores.queued_restore import do_restore
from unlost.app.actions.restores.restore_plan import PlanRequest, RestoreRequest
from unlost.app.restores import plan_files
from unlost.app.restores.planners import SLOTS
from unlost.catalog.models import PlanRow
from unlost.catalog.orgs.orgs import get_org, save_org
from unlost.catalog.runs.plans import PlanState, begin_plan, find_plan, plan_content
from unlost.catalog.runs.runs import RunState
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import (
    Conflict,
    IntegrityError,
    NotAllowed,
    NotFound,
    TransientError,
    UsageError,
)
from unlost.model.message import code_of
from unlost.model.org import OrgKind
from unlost.model.plan import Action

LOST = RestoreRequest(PlanRequest("sales", lost=("1", "2")))


after_loss = scene(lost_shop)


@pytest.fixture(autouse=True)
def _asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queued_restore, "enqueue_from_outside", lambda _place, _job: None)


@pytest.fixture
def shop(world: World, after_loss: Lead) -> Shop:
    return after_loss(world)


def made(shop: Shop, wanted: RestoreRequest = LOST) -> PlanView:
    return make_plan_now(shop.app, "sales", choose(shop.app, "sales", wanted).plan)


def counted(view: PlanView) -> dict[str, int]:
    assert view.summary is not None
    return {branch.table: branch.count for branch in view.summary.tree}


def stands(shop: Shop, view: PlanView) -> PlanState:
    return show_stored_plan(shop.app, "sales", view.plan).state


# --- choosing and planning ------------------------------------------------------------------------


def test_what_was_chosen_is_kept_before_it_is_planned(shop: Shop) -> None:
    view = choose(shop.app, "sales", LOST)
    assert (view.state, view.summary, view.wanted) == (PlanState.MAKING, None, LOST)
    assert stands(shop, view) is PlanState.MAKING
    assert shop.writer.calls == []


def test_a_plan_is_made_and_told(shop: Shop) -> None:
    view = made(shop)
    assert view.state is PlanState.PLANNED
    assert counted(view) == {"Account": 1, "Contact": 2, "Paper": 1}
    assert view.labels["Account"] == "Account"
    assert not view.typed
    assert show_stored_plan(shop.app, "sales", view.plan) == view
    assert plan_content(view.plan)


def test_it_is_made_once(shop: Shop) -> None:
    view = made(shop)
    before = plan_content(view.plan)
    make_plan_now(shop.app, "sales", view.plan)
    assert plan_content(view.plan) == before


def test_without_a_writer_a_plan_is_kept_as_a_preview(sales: World) -> None:
    reading = Shop(sales)
    reading.lose()
    reading.night()
    view = made(reading)
    assert view.summary is not None
    assert (view.state, view.summary.is_preview) == (PlanState.PLANNED, True)
    assert not view.writer
    refused(NotAllowed, "writer-missing", run_stored_plan, reading.app, "sales", view.plan)
    assert stands(reading, view) is PlanState.PLANNED


def test_what_stands_in_the_way_is_kept_with_it(shop: Shop) -> None:
    view = made(shop, RestoreRequest(PlanRequest("sales", ("Account/nobody",))))
    assert (view.state, code_of(view.error)) == (PlanState.FAILED, "record-unknown")
    assert view.error is not None
    assert "unlost find" in view.error.next_step
    refused(Conflict, "plan-not-made", run_stored_plan, shop.app, "sales", view.plan)


def test_a_fault_of_ours_is_told_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "planned", broken)
    view = made(shop)
    assert (view.state, code_of(view.error)) == (PlanState.FAILED, "ZeroDivisionError")


def test_a_console_that_ended_in_the_middle_broke_it_off(shop: Shop) -> None:
    view = choose(shop.app, "sales", LOST)
    held = shop.app.locks.take("planner-1")
    assert begin_plan(view.plan, slot="planner-1")
    assert stands(shop, view) is PlanState.MAKING
    held.release()  # as the system does when a process ends
    assert stands(shop, view) is PlanState.BROKEN_OFF
    again = choose_again(shop.app, "sales", view.plan)
    assert again.wanted == LOST
    assert make_plan_now(shop.app, "sales", again.plan).state is PlanState.PLANNED


def test_one_that_nobody_began_to_make_broke_off(shop: Shop) -> None:
    view = choose(shop.app, "sales", LOST)
    shop.world.clock.advance(seconds=61)
    assert [one.state for one in waiting(shop.app).plans] == [PlanState.BROKEN_OFF]
    assert stands(shop, view) is PlanState.BROKEN_OFF
    make_plan_now(shop.app, "sales", view.plan)
    assert stands(shop, view) is PlanState.BROKEN_OFF


def test_who_takes_the_seat_of_one_that_ended_knows_that_it_ended(shop: Shop) -> None:
    first, second = (choose(shop.app, "sales", LOST) for _ in range(2))
    begin_plan(first.plan, slot="planner-1")
    begin_plan(second.plan, slot="planner-1")
    held = shop.app.locks.take("planner-1")
    assert stands(shop, first) is PlanState.BROKEN_OFF
    assert stands(shop, second) is PlanState.MAKING
    held.release()


def test_so_many_are_made_at_a_time(shop: Shop) -> None:
    held = [shop.app.locks.take(f"planner-{number}") for number in range(1, SLOTS + 1)]
    view = made(shop)
    assert (view.state, code_of(view.error)) == (PlanState.FAILED, "planners-busy")
    for one in held:
        one.release()
    assert made(shop).state is PlanState.PLANNED


# --- leaving out ----------------------------------------------------------------------------------


def test_a_table_is_left_out(shop: Shop) -> None:
    view = leave_out(shop.app, "sales", made(shop).plan, tables=["Paper"])
    less = make_plan_now(shop.app, "sales", view.plan)
    assert counted(less) == {"Account": 1, "Contact": 2}
    more = leave_out(shop.app, "sales", less.plan, tables=["Contact"])
    assert counted(make_plan_now(shop.app, "sales", more.plan)) == {"Account": 1}


def test_records_are_left_out(shop: Shop) -> None:
    plan = made(shop).plan
    contacts = plan_records(shop.app, "sales", plan, "Contact").records
    assert sorted(one.name for one in contacts) == ["Ann", "Ben"]
    less = leave_out(shop.app, "sales", plan, records=[f"Contact/{contacts[0].record}"])
    after = make_plan_now(shop.app, "sales", less.plan)
    left = plan_records(shop.app, "sales", after.plan, "Contact").records
    assert left == contacts[1:]


def test_only_the_chosen_records_come(shop: Shop) -> None:
    plan = made(shop, RestoreRequest(PlanRequest("sales", (f"Account/{CUSTOMER}",)))).plan
    alone = leave_out(shop.app, "sales", plan, related=False)
    assert counted(make_plan_now(shop.app, "sales", alone.plan)) == {"Account": 1}


def test_what_is_to_be_left_out_must_be_said(shop: Shop) -> None:
    refused(UsageError, "nothing-left-out", leave_out, shop.app, "sales", made(shop).plan)


def test_records_of_a_plan_are_told_in_pages(shop: Shop) -> None:
    plan = made(shop).plan
    first = plan_records(shop.app, "sales", plan, "Contact", most=1)
    rest = plan_records(shop.app, "sales", plan, "Contact", start=1, most=1)
    assert (first.total, first.label) == (2, "Contacts")
    assert {first.records[0].name, rest.records[0].name} == {"Ann", "Ben"}
    assert first.records[0].action is Action.CREATE
    assert plan_records(shop.app, "sales", plan, "Nothing").total == 0


# --- running --------------------------------------------------------------------------------------


def test_a_plan_is_run_once(shop: Shop) -> None:
    view = made(shop)
    handed = run_stored_plan(shop.app, "sales", view.plan)
    assert (handed.org, handed.served) == ("sales", False)
    assert do_restore(shop.app, handed.run) is RunState.DONE
    error = refused(Conflict, "plan-run-already", run_stored_plan, shop.app, "sales", view.plan)
    assert handed.run in error.sentence
    after = show_stored_plan(shop.app, "sales", view.plan)
    assert (after.state, after.run) == (PlanState.RUN, handed.run)


def test_many_records_of_a_production_org_need_its_name(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_files, "TYPED_FROM", 3)
    assert not made(shop).typed, "a sandbox"
    known = get_org("sales")
    save_org(replace(known, identity=replace(known.identity, kind=OrgKind.PRODUCTION)))
    view = made(shop)
    assert view.typed
    for typed in ("", "Sales", "sale"):
        refused(
            UsageError,
            "org-not-typed",
            lambda typed=typed: run_stored_plan(shop.app, "sales", view.plan, typed=typed),
        )
    assert shop.live("Contact") == {}
    assert run_stored_plan(shop.app, "sales", view.plan, typed=" sales ").run
    monkeypatch.setattr(plan_files, "TYPED_FROM", 4)
    assert not show_stored_plan(shop.app, "sales", made(shop).plan).typed


def test_a_plan_whose_bytes_were_changed_is_not_run(shop: Shop) -> None:
    view = made(shop)
    content = plan_content(view.plan).replace(b'"create"', b'"update"', 1)
    PlanRow.objects.filter(id=view.plan).update(content=content)
    refused(IntegrityError, "plan-edited", run_stored_plan, shop.app, "sales", view.plan)
    assert stands(shop, view) is PlanState.PLANNED


def test_what_cannot_begin_leaves_the_plan_as_it_was(shop: Shop) -> None:
    view = made(shop)

    def away(*_: object) -> object:
        raise TransientError("memory-away", "No answer.")

    shop.world.connector.open_writer = away  # type: ignore[method-assign, assignment]
    refused(TransientError, "memory-away", run_stored_plan, shop.app, "sales", view.plan)
    assert stands(shop, view) is PlanState.PLANNED


# --- who and what ---------------------------------------------------------------------------------

ACTS: list[Callable[[Any, str], Any]] = [
    lambda app, plan: show_stored_plan(app, "sales", plan),
    lambda app, plan: make_plan_now(app, "sales", plan),
    lambda app, plan: leave_out(app, "sales", plan, tables=["Paper"]),
    lambda app, plan: choose_again(app, "sales", plan),
    lambda app, plan: discard_plan(app, "sales", plan),
    lambda app, plan: run_stored_plan(app, "sales", plan),
    lambda app, plan: plan_records(app, "sales", plan, "Account"),
]


@pytest.mark.parametrize("act", ACTS)
def test_who_may_not_restore_may_do_none_of_it(shop: Shop, act: Callable[[Any, str], Any]) -> None:
    plan = made(shop).plan
    operator = Actor(ActorKind.PERSON, "otto", (Grant(Role.OPERATOR),))
    refused(NotAllowed, "not-permitted", act, shop.app.acting(operator), plan)
    elsewhere = Actor(ActorKind.PERSON, "eva", (Grant(Role.ADMIN, "oid-of-another"),))
    refused(NotFound, "org-unknown", act, shop.app.acting(elsewhere), plan)
    assert find_plan(plan) is not None


@pytest.mark.parametrize("act", ACTS)
def test_the_plan_of_another_org_is_not_there(shop: Shop, act: Callable[[Any, str], Any]) -> None:
    shop.world.connector.orgs["two"] = replace_tenant(shop)
    add_org(shop.app, NewOrg("memory", "other", {"address": "two"}, {"password": SECRET}))
    plan = made(shop).plan
    PlanRow.objects.filter(id=plan).update(org=2)
    refused(NotFound, "plan-unknown", act, shop.app, plan)


def replace_tenant(shop: Shop) -> Any:
    from unlost.testing.org import MemoryOrg

    return MemoryOrg(shop.world.clock, tenant="T-2", label="Other")


def test_plans_that_wait_are_listed_and_can_be_forgotten(shop: Shop) -> None:
    first, second = made(shop), choose(shop.app, "sales", LOST)
    lines = waiting(shop.app).plans
    assert {(one.plan, one.records) for one in lines} == {(first.plan, 4), (second.plan, None)}
    assert waiting(shop.app, org="sales").plans == lines
    refused(NotFound, "org-unknown", lambda: waiting(shop.app, org="nothing"))
    discard_plan(shop.app, "sales", first.plan)
    refused(NotFound, "plan-unknown", show_stored_plan, shop.app, "sales", first.plan)


def test_one_that_was_run_is_not_forgotten(shop: Shop) -> None:
    view = made(shop)
    run_stored_plan(shop.app, "sales", view.plan)
    discard_plan(shop.app, "sales", view.plan)
    assert stands(shop, view) is PlanState.RUN


def test_old_plans_are_forgotten_by_themselves(shop: Shop) -> None:
    view, was_run = made(shop), made(shop)
    run_stored_plan(shop.app, "sales", was_run.plan)
    shop.world.clock.advance(seconds=timedelta(days=15).total_seconds())
    choose(shop.app, "sales", LOST)
    assert find_plan(view.plan) is None
    assert stands(shop, was_run) is PlanState.RUN
    refused(NotFound, "plan-unknown", plan_records, shop.app, "sales", was_run.plan, "Account")
