"""Signing in: the pages of it, what is closed, and what is noted."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.test import Client

from homes import World
from unit.web.conftest import SignIn
from unit.web.doors import (
    NEW_PASSWORD,
    PASSWORD,
    browser,
    clean,
    few_queries,
    noted,
    person,
    sign_in_as,
    signed_in,
    text,
)
from unlost.model.access import Role

CLOSED = (
    "signup/",
    "email/",
    "confirm-email/",
    "confirm-email/abc/",
    "phone/change/",
    "phone/verify/",
    "password/reset/",
    "password/reset/done/",
    "password/reset/key/1-abc/",
    "password/reset/key/done/",
    "login/code/",
    "login/code/confirm/",
    "signup/passkey/",
    "2fa/trust/",
    "2fa/webauthn/signup/",
    "3rdparty/",
    "3rdparty/signup/",
    "3rdparty/login/cancelled/",
    "social/signup/",
    "oidc/acme/login/",
)
ENTRANCE = ("login/", "inactive/", "sso-cancelled/", "sso-error/")
OWN = (
    "logout/",
    "password/change/",
    "2fa/",
    "2fa/totp/activate/",
    "2fa/webauthn/",
    "2fa/webauthn/add/",
    "sessions/",
    "reauthenticate/",
)


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    """Who tried too often is known to the process; each test begins anew."""
    cache.clear()


def test_a_home_without_an_admin_says_how_to_get_one(world: World) -> None:
    assert "unlost user link" in text(browser().get("/account/login/"))
    person(world, "ada", role=Role.ADMIN)
    assert "unlost user link" not in text(browser().get("/account/login/"))


def test_a_name_and_a_password_open_the_console(world: World) -> None:
    person(world, "lena")
    client = browser("192.0.2.7")
    answer = sign_in_as(client, "Lena")  # in any case
    assert answer.status_code == 302
    assert answer["Location"] == "/"
    assert signed_in(client)
    (entry,) = noted("sign-in")
    assert (entry.deed.actor, entry.deed.outcome) == ("lena", "done")
    assert entry.deed.detail == {"address": "192.0.2.7"}


def test_the_form_asks_in_our_words(world: World) -> None:
    page = text(browser().get("/account/login/"))
    assert '<label for="id_login">Name</label>' in page
    assert "placeholder" not in page
    assert "Ask an Unlost admin for a link" in page


def test_a_wrong_password_is_noted_by_name_alone(world: World) -> None:
    person(world, "lena")
    answer = sign_in_as(browser(), "lena", "guessed it")
    assert answer.status_code == 200
    assert "not correct" in text(answer)
    (entry,) = noted("sign-in")
    assert (entry.deed.actor, entry.deed.outcome) == ("lena", "sign-in-wrong")
    assert "guessed it" not in str(entry)


def test_what_was_typed_as_a_name_is_cut_and_made_readable(world: World) -> None:
    sign_in_as(browser(), "a\u202eb\tc" + "x" * 140)
    (entry,) = noted("sign-in")
    assert entry.deed.actor.startswith("abcxxx")
    assert len(entry.deed.actor) <= 150


def test_signing_out_ends_the_session_and_is_noted(world: World) -> None:
    person(world, "lena")
    client = browser()
    sign_in_as(client, "lena")
    assert client.get("/account/logout/").status_code == 200  # asks, and ends nothing
    assert signed_in(client)
    assert client.post("/account/logout/")["Location"] == "/account/login/"
    assert not signed_in(client)
    assert [entry.deed.actor for entry in noted("sign-out")] == ["lena"]


def test_what_is_closed_does_not_exist(world: World, sign_in: SignIn) -> None:
    strange, known = Client(SERVER_NAME="localhost"), sign_in()
    for path in CLOSED:
        assert strange.get(f"/account/{path}").status_code == 404, path
        assert known.get(f"/account/{path}").status_code == 404, path
        assert known.post(f"/account/{path}").status_code == 404, path


def test_pages_of_the_entrance_are_clean(world: World) -> None:
    for path in ENTRANCE:
        answer = browser().get(f"/account/{path}")
        clean(answer)
        page = text(answer)
        assert 'class="alone"' in page, path
        assert "/account/signup" not in page, path
        assert "/account/password/reset" not in page, path


def test_pages_of_ones_own_sign_in_are_clean(world: World) -> None:
    person(world, "lena")
    client = browser()
    sign_in_as(client, "lena")
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    for path in OWN:
        with few_queries(13):  # allauth looks for each kind of factor by itself
            answer = client.get(f"/account/{path}")
        assert answer.status_code == 200, path
        clean(answer)
        page = text(answer)
        assert 'class="side"' in page, path  # in the frame
        for closed in ("/account/email", "/account/signup", "/account/3rdparty", "Are you sure"):
            assert closed not in page, path


def test_scripts_of_passkeys_are_served(world: World) -> None:
    page = text(browser().get("/account/login/"))
    scripts = re.findall(r'<script src="/static/([^"]+)"', page)
    assert "mfa/js/webauthn.js" in scripts
    assert all(Path(str(finders.find(script))).is_file() for script in scripts)
    assert 'id="passkey_login"' in page


def test_a_passkey_login_begins_with_a_challenge(world: World) -> None:
    answer = browser().get("/account/2fa/webauthn/login/", headers={"accept": "application/json"})
    assert answer.json()["request_options"]["publicKey"]["challenge"]


def test_a_password_that_is_changed_ends_the_other_sessions(world: World) -> None:
    person(world, "lena")
    here, there = browser(), browser()
    sign_in_as(here, "lena")
    sign_in_as(there, "lena")
    form = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    assert here.post("/account/password/change/", form).status_code == 302
    assert signed_in(here)
    assert not signed_in(there)
    assert [entry.deed.actor for entry in noted("password.change")] == ["lena"]


def test_a_weak_password_is_told_beside_the_form(world: World) -> None:
    person(world, "lena")
    client = browser()
    sign_in_as(client, "lena")
    form = {"oldpassword": PASSWORD, "password1": "short", "password2": "short"}
    answer = client.post("/account/password/change/", form)
    assert answer.status_code == 200
    assert "at least 12 characters" in text(answer)
    assert noted("password.change") == []


def test_sessions_are_listed_and_the_others_end(world: World) -> None:
    person(world, "lena")
    here, there = browser(HTTP_USER_AGENT="Here/1"), browser("192.0.2.9", HTTP_USER_AGENT="There/2")
    sign_in_as(here, "lena")
    sign_in_as(there, "lena")
    page = text(here.get("/account/sessions/"))
    assert "Here/1" in page
    assert "There/2" in page
    assert "192.0.2.9" in page
    assert here.post("/account/sessions/").status_code == 302
    assert signed_in(here)
    assert not signed_in(there)


def test_one_session_is_ended_and_no_other(world: World) -> None:
    person(world, "lena")
    person(world, "tom")
    here, there, third = browser(), browser("192.0.2.9"), browser("192.0.2.10")
    toms = browser("192.0.2.11")
    for client, name in ((here, "lena"), (there, "lena"), (third, "lena"), (toms, "tom")):
        sign_in_as(client, name)
        assert signed_in(client)
    ends = re.findall(r"/account/sessions/\d+/end/", text(here.get("/account/sessions/")))
    assert len(ends) == 2  # not this one, and none of Tom's
    assert here.get(ends[0]).status_code == 405
    assert toms.post(ends[0]).status_code == 404
    assert there.post(ends[0]).status_code == 302  # its own: it is signed out by that
    assert not signed_in(there)
    assert signed_in(here)
    assert signed_in(third)
    assert here.post(ends[0]).status_code == 404
    assert "The session was ended" in text(here.post(ends[1], follow=True))
    assert not signed_in(third)
    assert signed_in(toms)
    assert [one.deed.subject for one in noted("session.end")] == ["192.0.2.10", "192.0.2.9"]
    assert browser().post(ends[0])["Location"].startswith("/account/login/?next=")


def test_ending_sessions_from_afar_is_noted(world: World) -> None:
    person(world, "lena")
    here, there = browser(), browser("192.0.2.9")
    sign_in_as(here, "lena")
    sign_in_as(there, "lena")
    assert "1 session was ended" in text(here.post("/account/sessions/", follow=True))
    (entry,) = noted("session.end")
    assert (entry.deed.actor, entry.deed.subject) == ("lena", "192.0.2.9")
    assert entry.deed.detail == {"address": "127.0.0.1"}


def test_nobody_comes_in_who_was_removed(world: World, sign_in: SignIn) -> None:
    admin = sign_in()
    person(world, "lena")
    client = browser()
    sign_in_as(client, "lena")
    assert signed_in(client)
    admin.post("/settings/people/of/lena/remove/")
    assert not signed_in(client)
    answer = sign_in_as(browser(), "lena")
    assert answer["Location"] == "/account/inactive/"
    assert "removed you" in text(browser().get("/account/inactive/"))
    admin.post("/settings/people/of/lena/return/")
    assert not signed_in(client)  # the old session does not come back
    assert sign_in_as(browser(), "lena")["Location"] == "/"


def test_the_next_page_is_one_of_ours(world: World) -> None:
    person(world, "lena", role=Role.ADMIN)
    sent = {"login": "lena", "password": PASSWORD, "next": "https://evil.example/"}
    assert browser().post("/account/login/", sent)["Location"] == "/"
    sent["next"] = "/settings/people/"
    assert browser().post("/account/login/", sent)["Location"] == "/settings/people/"
