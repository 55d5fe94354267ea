"""A restore starts only while the role of the person who asked for it still allows it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from unit.app.shop import CUSTOMER, Shop
from unlost.alerts.rules import raised_alerts
from unlost.app.actions.people.people import add, change_role, remove
from unlost.app.actions.people.tokens import drop, make, tokens
from unlost.app.actions.restores.kept_plan import choose, make_plan_now, run_stored_plan
from unlost.app.actions.restores.queued_restore import do_restore, hand_over, restore_jobs
from unlost.app.actions.restores.restore_plan import PlanRequest, RestoreRequest
from unlost.app.actions.runs.control import resume
from unlost.app.alerts.alert_facts import Watcher
from unlost.app.compose import Application
from unlost.catalog.people.people import actor_of
from unlost.catalog.people.tokens import actor_of_token
from unlost.catalog.runs.runs import RunState, find_run
from unlost.model.access import SERVICE, Role
from unlost.model.alert import AlertRule
from unlost.model.errors import TransientError
from unlost.model.message import code_of


@pytest.fixture(autouse=True)
def _queued(monkeypatch: pytest.MonkeyPatch) -> None:
    place = "unlost.app.actions.restores.queued_restore.enqueue_from_outside"
    monkeypatch.setattr(place, lambda _place, _job: None)


def acting(
    shop: Shop, name: str, role: Role = Role.RESTORER, *, org: str | None = None
) -> Application:
    actor = actor_of(add(shop.app, name, role=role, org=org).user)
    assert actor is not None
    opened: Application = shop.app.acting(actor)
    return opened


def by_token(shop: Shop, owner: str) -> Application:
    add(shop.app, owner, role=Role.RESTORER)
    text = make(shop.app, "night/job", role=Role.RESTORER, owner=owner, days=1).text
    actor = actor_of_token(text, at=shop.world.clock.now())
    assert actor is not None
    opened: Application = shop.app.acting(actor)
    return opened


def handed(shop: Shop, app: Application) -> str:
    return hand_over(app, Path(shop.whole_plan().file)).run


def start(shop: Shop, run: str) -> RunState | None:
    return do_restore(shop.app.acting(SERVICE), run)


def refused(shop: Shop, run: str) -> None:
    assert start(shop, run) is RunState.FAILED
    known = find_run(run)
    assert known is not None
    assert code_of(known.error) == "restore-no-longer-allowed"
    assert shop.live("Contact") == {}
    assert CUSTOMER not in shop.live("Account")
    assert restore_jobs(shop.app) == [], "it is not tried again by itself"
    alerts = raised_alerts(Watcher().gather(shop.app))
    assert run in [alert.subject for alert in alerts if alert.rule is AlertRule.RESTORE_HALTED]


LOSSES: dict[str, Callable[[Shop], object]] = {
    "removed": lambda shop: remove(shop.app, "rita"),
    "a smaller role": lambda shop: change_role(shop.app, "rita", Role.OPERATOR),
    "no role": lambda shop: change_role(shop.app, "rita", None),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_queued_restore_of_a_person_who_lost_the_role_does_not_start(
    shop: Shop, loss: str
) -> None:
    run = handed(shop, acting(shop, "rita"))
    LOSSES[loss](shop)
    refused(shop, run)


def test_a_restore_of_the_console_is_checked_too(shop: Shop) -> None:
    rita = acting(shop, "rita")
    wanted = RestoreRequest(PlanRequest("sales", lost=("2", "3")))
    view = make_plan_now(rita, "sales", choose(rita, "sales", wanted).plan)
    run = run_stored_plan(rita, "sales", view.plan).run
    change_role(shop.app, "rita", Role.VIEWER)
    refused(shop, run)


def test_a_role_in_another_org_is_none_here(shop: Shop) -> None:
    rita = acting(shop, "rita", org="sales")
    run = handed(shop, rita)
    change_role(shop.app, "rita", None, org="sales")
    refused(shop, run)


def test_a_restore_of_a_person_who_has_the_role_starts(shop: Shop) -> None:
    run = handed(shop, acting(shop, "rita", org="sales"))
    assert start(shop, run) is RunState.DONE
    assert len(shop.live("Contact")) == 2


def test_a_queued_restore_of_a_token_that_was_deleted_does_not_start(shop: Shop) -> None:
    run = handed(shop, by_token(shop, "rita"))
    drop(shop.app, tokens(shop.app).tokens[0].id)
    refused(shop, run)


def test_a_queued_restore_of_a_token_that_has_ended_does_not_start(shop: Shop) -> None:
    run = handed(shop, by_token(shop, "rita"))
    shop.world.clock.advance(days=2)
    refused(shop, run)


def test_a_token_never_starts_more_than_its_owner_may(shop: Shop) -> None:
    run = handed(shop, by_token(shop, "rita"))
    change_role(shop.app, "rita", Role.VIEWER)
    refused(shop, run)


def test_a_restore_of_a_token_that_is_good_starts(shop: Shop) -> None:
    assert start(shop, handed(shop, by_token(shop, "rita"))) is RunState.DONE


def test_a_restore_that_waits_is_checked_again_before_it_goes_on(shop: Shop) -> None:
    run = handed(shop, acting(shop, "rita"))
    shop.writer.faults.plant("write", TransientError("gone", "No answer."), table="Account")
    assert start(shop, run) is RunState.PARKED
    shop.world.clock.advance(hours=1)
    remove(shop.app, "rita")
    refused(shop, run)


def test_another_person_who_may_restore_has_it_run(shop: Shop) -> None:
    run = handed(shop, acting(shop, "rita"))
    remove(shop.app, "rita")
    refused(shop, run)
    resume(acting(shop, "omar", Role.OPERATOR), run)
    refused(shop, run)  # an operator lends no right to restore
    resume(acting(shop, "rob"), run)
    assert start(shop, run) is RunState.DONE
    assert len(shop.live("Contact")) == 2


def test_a_restore_that_the_machine_asked_for_needs_no_person(shop: Shop) -> None:
    assert start(shop, handed(shop, shop.app)) is RunState.DONE
