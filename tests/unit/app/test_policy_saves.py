"""Saving archive policies: nothing that happened meanwhile is undone, and a person saw the effect."""

from dataclasses import replace
from typing import Any

import pytest

from unit.app.archive_service import CLOSED, Service, person, refused, save, switched_on
from unlost.app.actions.archive import saved_policies
from unlost.app.actions.archive.policies import preview_archive
from unlost.app.actions.archive.saved_policies import show_saved
from unlost.catalog.orgs.archive_policies import find_saved_policy, switch_policy_off
from unlost.model.access import ActorKind, Role
from unlost.model.archive import Comparison, Condition
from unlost.model.message import message
from unlost.model.purge import PURGES
from unlost.model.saved_policy import WEEK

WHY = message("archive-surplus", "It stopped.")
MOST_CASES = replace(CLOSED, conditions=(Condition("Closed", Comparison.IS, ("false",)),))


def switch_off(service: Service) -> None:
    saved = find_saved_policy("sales", CLOSED.name)
    assert saved is not None
    switch_policy_off(saved.id, why=WHY)


def test_saving_a_form_from_before_a_switch_off_does_not_switch_it_on_again(
    service: Service,
) -> None:
    seen = switched_on(service.app).version
    switch_off(service)
    refused("archive-policy-changed", service.app, on=True, seen=seen)
    view = show_saved(service.app, "sales", CLOSED.name)
    assert (view.on, view.problem) == (False, WHY)
    assert save(service.app, on=True, seen=view.version).on


def test_a_switch_off_while_a_policy_is_saved_remains(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    switched_on(service.app)
    real = saved_policies._check_limit

    def slow(limit: int) -> None:
        switch_off(service)
        real(limit)

    monkeypatch.setattr(saved_policies, "_check_limit", slow)
    refused("archive-policy-changed", service.app, daily_limit=9)
    view = show_saved(service.app, "sales", CLOSED.name)
    assert (view.on, view.problem, view.daily_limit) == (False, WHY, 1_000)


def test_a_form_for_a_new_policy_does_not_replace_one_that_came_meanwhile(service: Service) -> None:
    assert save(service.app, seen="new").version
    refused("archive-policy-changed", service.app, seen="new", daily_limit=9)


@pytest.mark.parametrize("name", PURGES)
def test_names_of_purges_are_reserved(service: Service, name: str) -> None:
    sentence = refused("archive-policy-reserved", service.app, replace(CLOSED, name=name))
    assert name in sentence


def previewers(service: Service) -> dict[str, Any]:
    ada = person(service, "ada")
    return {
        "token": service.app.acting(replace(ada.actor, kind=ActorKind.TOKEN, name="ada/t")),
        "viewer": person(service, "vic", Role.VIEWER),
        "other person": person(service, "ben"),
    }


@pytest.mark.parametrize("by", ["token", "viewer", "other person"])
def test_a_preview_by_another_does_not_count_as_seen(service: Service, by: str) -> None:
    seen_by = previewers(service)[by]
    ada = service.app.acting(service_actor(service))
    save(ada, MOST_CASES)
    preview_archive(seen_by, "sales", MOST_CASES)
    more = {"on": True, "days": WEEK, "confirm_large": True}
    refused("archive-not-previewed", ada, MOST_CASES, **more)
    preview_archive(ada, "sales", MOST_CASES)
    assert save(ada, MOST_CASES, **more).may_be_large


def service_actor(service: Service) -> Any:
    from unlost.catalog.people.people import actor_of, set_role

    actor = actor_of(set_role("ada", Role.RESTORER, org=None).user)
    assert actor is not None
    return actor


def test_a_preview_ages(service: Service) -> None:
    save(service.app)
    preview_archive(service.app, "sales", CLOSED)
    service.world.clock.advance(days=8)
    sentence = refused("archive-not-previewed", service.app, on=True, days=WEEK)
    assert "in the last 7 days" in sentence
    preview_archive(service.app, "sales", CLOSED)
    assert save(service.app, on=True, days=WEEK).on
    service.world.clock.advance(days=8)
    assert save(service.app, daily_limit=9).on, "a schedule that is on stays on"


def test_a_confirmation_of_a_large_policy_needs_a_recent_preview(service: Service) -> None:
    switched_on(service.app)
    service.world.clock.advance(days=8)
    for case in service.cases("false"):
        service.world.org.update("Case", case, {"Closed": "true"})
    service.night()
    refused("archive-not-previewed", service.app, on=True, confirm_large=True)
