"""Sessions end: after a time whatever their person does, without a page, and at a sign-out."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from homes import World
from unit.web.doors import browser, noted, person, sign_in_as, signed_in
from unlost.app.home.home import read_home_key
from unlost.model.access import Role
from unlost.web.serving import ReachedAddress, set_up
from unlost.web.signin.rules import DEFAULT_RULES, SignInRules

PROGRESS = {"HX-Request": "true"}
STRICT = SignInRules(session=timedelta(hours=2), idle=timedelta(minutes=30))


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    cache.clear()


@pytest.fixture
def strict(world: World) -> Iterator[SignInRules]:
    set_up(read_home_key(world.home), ReachedAddress(), rules=STRICT)
    yield STRICT
    set_up(read_home_key(world.home), ReachedAddress())


@pytest.fixture
def lena(world: World) -> Client:
    person(world, "lena")
    client = browser("192.0.2.7")
    sign_in_as(client, "lena")
    assert signed_in(client)
    return client


def pass_time(world: World, **time: float) -> None:
    world.clock.advance(seconds=timedelta(**time).total_seconds())


def test_a_session_that_is_used_all_day_ends_nevertheless(
    world: World, lena: Client, strict: SignInRules
) -> None:
    for _ in range(7):
        pass_time(world, minutes=17)
        assert signed_in(lena)
    pass_time(world, minutes=17)
    answer = lena.get("/orgs/")
    assert answer["Location"] == "/account/login/?next=%2Forgs%2F"
    assert not signed_in(lena)
    (entry,) = noted("session.end")
    assert (entry.deed.actor, entry.deed.subject) == ("lena", "too old")
    assert entry.deed.detail == {"address": "192.0.2.7"}


def test_a_browser_that_was_left_open_is_signed_out(
    world: World, lena: Client, strict: SignInRules
) -> None:
    pass_time(world, minutes=29)
    assert signed_in(lena)
    pass_time(world, minutes=30)
    assert not signed_in(lena)
    assert [one.deed.subject for one in noted("session.end")] == ["idle"]
    assert not Session.objects.exists()


def test_a_page_that_asks_for_its_own_progress_keeps_no_session_open(
    world: World, lena: Client, strict: SignInRules
) -> None:
    for _ in range(5):
        pass_time(world, minutes=5)
        assert lena.get("/runs/", headers=PROGRESS).status_code == 286
    pass_time(world, minutes=5)
    answer = lena.get("/runs/", headers=PROGRESS)
    assert answer["HX-Redirect"].startswith("/account/login/"), "the whole page leaves"
    assert not signed_in(lena)


def test_only_polls_do_not_hide_a_session_from_its_end(world: World, strict: SignInRules) -> None:
    person(world, "lena")
    client = browser()
    sign_in_as(client, "lena")
    assert client.get("/runs/", headers=PROGRESS).status_code == 286
    pass_time(world, hours=2)
    assert "HX-Redirect" in client.get("/runs/", headers=PROGRESS)


def test_a_clock_that_was_set_back_signs_nobody_out(world: World, lena: Client) -> None:
    world.clock.advance(seconds=-3 * 24 * 3600)
    assert signed_in(lena)


def test_a_change_after_the_end_changes_nothing(
    world: World, lena: Client, strict: SignInRules
) -> None:
    pass_time(world, hours=3)
    assert lena.post("/settings/", {"theme": "dark"})["Location"].startswith("/account/login/")
    assert not noted("profile.set")


def test_without_a_choice_a_day_at_work_is_enough(world: World) -> None:
    assert settings.SIGN_IN_RULES == DEFAULT_RULES
    assert timedelta(hours=12) == DEFAULT_RULES.session
    assert timedelta(hours=1) == DEFAULT_RULES.idle
    assert settings.SESSION_COOKIE_AGE == 12 * 3600


def test_signing_out_clears_what_the_browser_has_of_the_console(lena: Client) -> None:
    assert "Clear-Site-Data" not in lena.get("/account/logout/")
    answer = lena.post("/account/logout/")
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert answer.cookies["sessionid"].value == ""
    assert not signed_in(lena)


def test_the_draft_of_a_session_that_was_left_is_deleted_at_the_next_sign_in(
    world: World,
) -> None:
    person(world, "lena", role=Role.ADMIN)
    leaving = browser("192.0.2.7")
    sign_in_as(leaving, "lena")
    leaving.post("/connect/", {"connector": "memory", "name": "shop"})
    left = leaving.session.session_key
    assert "draft:connect" in leaving.session
    Session.objects.filter(pk=left).update(expire_date=timezone.now() - timedelta(seconds=1))
    person(world, "omar")
    other = browser("192.0.2.8")
    sign_in_as(other, "omar")
    assert signed_in(other)
    assert not Session.objects.filter(pk=left).exists()
