"""Second factors: set up, asked for, noted, and sealed in the database."""

import re
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.cache import cache
from django.test import Client

from homes import World
from unit.web.doors import (
    NEW_PASSWORD,
    PASSWORD,
    browser,
    clean,
    noted,
    person,
    sign_in_as,
    signed_in,
    text,
)
from unlost.app.actions.people.people import link


@pytest.fixture(autouse=True)
def _clock_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code is of half a minute: it must not end between being read and being sent."""
    begun = time.time()
    monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda: begun))


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def code(secret: str) -> str:
    """What an app shows now."""
    return str(format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))


def set_up(client: Client) -> str:
    """The secret of an app that was set up."""
    page = text(client.get("/account/2fa/totp/activate/"))
    (secret,) = re.findall(r'class="code">([A-Z2-7]{16,})</bdi>', page)
    answer = client.post("/account/2fa/totp/activate/", {"code": code(secret)})
    assert answer.status_code == 302
    return str(secret)


@pytest.fixture
def lena(world: World) -> Client:
    person(world, "lena")
    client = browser()
    sign_in_as(client, "lena")
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    return client


def test_an_app_is_set_up_and_asked_for(lena: Client) -> None:
    secret = set_up(lena)
    cache.clear()  # a code counts once; the test shows the same one again
    client = browser()
    answer = sign_in_as(client, "lena")
    assert answer["Location"] == "/account/2fa/authenticate/"
    assert not signed_in(client)
    page = client.get("/account/2fa/authenticate/")
    clean(page)
    assert "Your second factor" in text(page)
    wrong = client.post("/account/2fa/authenticate/", {"code": "000000"})
    assert wrong.status_code == 200
    assert not signed_in(client)
    answer = client.post("/account/2fa/authenticate/", {"code": code(secret)})
    assert answer.status_code == 302
    assert signed_in(client)
    outcomes = [(one.deed.outcome, one.deed.subject) for one in noted("sign-in")]
    assert outcomes == [("done", ""), ("second-factor-wrong", "code"), ("done", "")]
    assert {one.deed.subject for one in noted("factor.add")} == {"totp", "recovery_codes"}


def test_secrets_of_factors_are_sealed(lena: Client) -> None:
    secret = set_up(lena)
    held = [str(one.data) for one in Authenticator.objects.all()]
    assert len(held) == 2
    assert not any(secret in one for one in held)


def test_recovery_codes_are_shown_saved_renewed_and_sign_in_once(lena: Client) -> None:
    set_up(lena)
    page = lena.get("/account/2fa/recovery-codes/")
    clean(page)
    codes = re.findall(r'class="code">([0-9a-z]{6,})</bdi>', text(page))
    assert len(codes) == 10
    saved = lena.get("/account/2fa/recovery-codes/download/").content.decode()
    assert all(one in saved for one in codes)
    client = browser()
    sign_in_as(client, "lena")
    client.post("/account/2fa/authenticate/", {"code": codes[0]})
    assert signed_in(client)
    again = browser()
    sign_in_as(again, "lena")
    again.post("/account/2fa/authenticate/", {"code": codes[0]})
    assert not signed_in(again)
    ask = lena.get("/account/2fa/recovery-codes/generate/")
    clean(ask)
    assert "9 remaining codes stop working" in text(ask)
    assert "Are you sure" not in text(ask)
    lena.post("/account/2fa/recovery-codes/generate/")
    assert [one.deed.subject for one in noted("factor.renew")] == ["recovery_codes"]


def test_an_app_is_switched_off(lena: Client) -> None:
    set_up(lena)
    page = lena.get("/account/2fa/totp/deactivate/")
    clean(page)
    assert "Are you sure" not in text(page)
    lena.post("/account/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()
    assert "totp" in {one.deed.subject for one in noted("factor.remove")}
    assert sign_in_as(browser(), "lena")["Location"] == "/"


def test_a_change_of_factors_asks_again_who_one_is(world: World) -> None:
    person(world, "lena")
    client = browser()
    sign_in_as(client, "lena")
    answer = client.get("/account/2fa/totp/activate/", follow=True)
    assert answer.redirect_chain[0][0].startswith("/account/reauthenticate/")
    clean(answer)
    assert "Confirm your identity" in text(answer)
    wrong = client.post("/account/reauthenticate/", {"password": "wrong"})
    assert wrong.status_code == 200
    next_page = {"password": PASSWORD, "next": "/account/2fa/totp/activate/"}
    assert client.post("/account/reauthenticate/", next_page)["Location"] == next_page["next"]
    assert client.get("/account/2fa/totp/activate/").status_code == 200


def test_a_passkey_is_added_by_the_browser_alone(lena: Client) -> None:
    page = lena.get("/account/2fa/webauthn/add/")
    clean(page)
    assert 'id="mfa_webauthn_add" type="button"' in text(page)
    assert '"creation_options"' in text(page)
    assert lena.post("/account/2fa/webauthn/add/", {"credential": "{}"}).status_code == 200
    assert not Authenticator.objects.exists()


def test_a_page_of_keys_without_any_says_what_they_are_for(lena: Client) -> None:
    page = lena.get("/account/2fa/webauthn/")
    clean(page)
    assert "None yet" in text(page)


def test_a_link_asks_for_the_second_factor_too(world: World, lena: Client) -> None:
    secret = set_up(lena)
    cache.clear()
    path = link(world.app, "lena").path
    client = browser()
    answer = client.post(path, {"password": NEW_PASSWORD, "again": NEW_PASSWORD})
    assert answer["Location"] == "/account/2fa/authenticate/"
    assert not signed_in(client)
    client.post("/account/2fa/authenticate/", {"code": code(secret)})
    assert signed_in(client)
    assert not signed_in(lena)  # the password is another one
