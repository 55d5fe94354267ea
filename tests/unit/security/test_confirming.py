"""A stolen session gives no access to others, and no token that outlives it: both ask who sits there."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.account import app_settings
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client

from homes import World
from unit.web.conftest import SignIn, signed_in_just_now
from unit.web.doors import NEW_PASSWORD, PASSWORD, browser, clean, person, text
from unit.web.providers import provider
from unlost.app.actions.people.people import first_link
from unlost.app.actions.people.tokens import tokens
from unlost.catalog.models import LinkRow, User
from unlost.catalog.people.people import PersonRole, find_person, get_person
from unlost.catalog.people.sso import list_providers
from unlost.model.access import Role

TOKEN = {"name": "dashboard", "owner": "admin-all", "role": "viewer", "org": "", "days": "30"}
SSO = {"name": "acme", "issuer": "https://id.acme.example", "client_id": "c", "secret": "hush-hush"}
OF_TOM = "/settings/people/of/tom/"
GIVING: Mapping[str, dict[str, str]] = {
    "/settings/tokens/": TOKEN,
    "/settings/people/add/": {"name": "eve", "role": "admin", "org": ""},
    OF_TOM: {"full_name": "Tom", "email": "eve@evil.example"},
    f"{OF_TOM}role/": {"role": "admin", "org": ""},
    f"{OF_TOM}role/take/": {"org": ""},
    f"{OF_TOM}link/": {},
    f"{OF_TOM}return/": {},
    f"{OF_TOM}factors/": {},
    "/settings/sso/": SSO,
    "/settings/sso/saml/": {"name": "saml", "metadata": "<EntityDescriptor/>"},
}
TAKING = (f"{OF_TOM}remove/",)  # whoever finds a thief must not be slowed down


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    cache.clear()


@pytest.fixture
def stolen(world: World, sign_in: SignIn) -> Client:
    """The session of an admin, who typed a password an hour ago."""
    person(world, "tom")
    client = sign_in()
    user = User.objects.get(username="admin-all")
    user.set_password(PASSWORD)
    user.save()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    signed_in_just_now(client, user.pk, ago=3600)
    return client


def state() -> tuple[Any, ...]:
    tom = get_person("tom")
    return (
        tom.roles, tom.email, tom.full_name, tom.active, find_person("eve"),
        LinkRow.objects.count(), len(list_providers()),
    )  # fmt: skip


@pytest.mark.parametrize("path", GIVING)
def test_a_stolen_session_gives_nobody_access(world: World, stolen: Client, path: str) -> None:
    before = state()
    answer = stolen.post(path, GIVING[path])
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/reauthenticate/?next=")
    assert state() == before
    assert tokens(world.app).tokens == ()
    wrong = stolen.post("/account/reauthenticate/", {"password": "guessed it", "next": path})
    assert wrong.status_code == 200
    assert state() == before


@pytest.mark.parametrize("path", TAKING)
def test_access_is_taken_away_without_a_question(stolen: Client, path: str) -> None:
    stolen.post(path)
    assert not get_person("tom").active


def test_what_was_sent_is_done_once_the_password_was_right(stolen: Client) -> None:
    stolen.post(f"{OF_TOM}role/", GIVING[f"{OF_TOM}role/"])
    page = stolen.get(f"/account/reauthenticate/?next={OF_TOM}role/")
    clean(page)
    assert "what they may do" in text(page)
    stolen.post("/account/reauthenticate/", {"password": PASSWORD, "next": f"{OF_TOM}role/"})
    assert get_person("tom").roles == (PersonRole(Role.ADMIN, None),)
    assert stolen.post(f"{OF_TOM}role/take/", {"org": ""}).status_code == 302
    assert get_person("tom").roles == (), "and for five minutes nothing asks again"


def test_a_token_is_shown_after_the_password(stolen: Client) -> None:
    stolen.post("/settings/tokens/", TOKEN)
    confirmed = {"password": PASSWORD, "next": "/settings/tokens/"}
    answer = stolen.post("/account/reauthenticate/", confirmed)
    assert len(re.findall(r'value="unl_[a-z0-9]+"', text(answer))) == 1


def test_who_signed_in_just_now_is_not_asked(world: World, stolen: Client) -> None:
    signed_in_just_now(stolen, User.objects.get(username="admin-all").pk)
    assert stolen.post("/settings/tokens/", TOKEN).status_code == 200
    assert len(tokens(world.app).tokens) == 1


def test_who_chose_a_password_behind_a_link_just_now_is_not_asked(world: World) -> None:
    made = first_link(world.app)
    assert made is not None
    chosen = {"name": "lena", "full_name": "Lena", "password": PASSWORD, "again": PASSWORD}
    client = browser()
    assert client.post(made.path, chosen).status_code == 302
    assert client.post("/settings/tokens/", {**TOKEN, "owner": "lena"}).status_code == 200
    signed_in_just_now(client, User.objects.get(username="lena").pk, ago=3600)
    again = client.post("/settings/tokens/", {**TOKEN, "owner": "lena", "name": "b"})
    assert again.status_code == 302
    assert len(tokens(world.app).tokens) == 1


def test_a_secret_that_was_typed_is_kept_nowhere(stolen: Client) -> None:
    assert stolen.get("/settings/sso/")["Location"].startswith("/account/reauthenticate/")
    stolen.post("/settings/sso/", SSO)
    assert "hush-hush" not in str(dict(stolen.session))
    confirmed = {"password": PASSWORD, "next": "/settings/sso/"}
    assert stolen.post("/account/reauthenticate/", confirmed)["Location"] == "/settings/sso/"
    assert stolen.get("/settings/sso/").status_code == 200


def test_a_confirmation_is_that_of_its_person(world: World, stolen: Client) -> None:
    other = person(world, "mallory")
    signed_in_just_now(stolen, other.pk)
    assert stolen.post("/settings/tokens/", TOKEN).status_code == 302


def test_a_person_without_a_password_confirms_it_by_single_sign_on(
    world: World, sign_in: SignIn
) -> None:
    client = sign_in()
    mine = User.objects.get(username="admin-all")
    signed_in_just_now(client, mine.pk, ago=app_settings.REAUTHENTICATION_TIMEOUT + 1)
    answer = client.post("/settings/tokens/", TOKEN)
    assert answer["Location"] == "/account/confirm/?next=%2Fsettings%2Ftokens%2F"
    assert tokens(world.app).tokens == ()
    page = client.get(answer["Location"])
    clean(page)
    assert "Ask an Unlost admin for a link" in text(page), "there is no provider"
    signed_in_just_now(client, mine.pk)
    assert client.get(answer["Location"])["Location"] == "/settings/tokens/"
    elsewhere = client.get("/account/confirm/?next=https://evil.example/")
    assert elsewhere["Location"] == "/"


WAYS_IN: Mapping[str, dict[str, str]] = {
    "/account/password/set/": {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
    "/account/2fa/totp/activate/": {"code": "123456"},
    "/account/2fa/webauthn/add/": {"name": "mine", "credential": "{}"},
}


@pytest.mark.parametrize("path", WAYS_IN)
def test_a_stolen_session_of_single_sign_on_sets_no_password_and_no_factor(
    world: World, sign_in: SignIn, path: str
) -> None:
    """A thief who sets one could then confirm everything with it."""
    client = sign_in()
    mine = User.objects.get(username="admin-all")
    signed_in_just_now(client, mine.pk, ago=3600)
    for answer in (client.get(path), client.post(path, WAYS_IN[path])):
        assert answer.status_code == 302
        assert answer["Location"] == f"/account/confirm/?{urlencode({'next': path})}"
    assert not User.objects.get(username="admin-all").has_usable_password()
    assert not Authenticator.objects.exists()
    signed_in_just_now(client, mine.pk)
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", WAYS_IN)
def test_a_stranger_is_sent_to_the_sign_in(world: World, path: str) -> None:
    answer = browser().post(path, WAYS_IN[path], follow=True)
    assert answer.redirect_chain[-1][0].startswith("/account/login/?next=")


def test_a_new_single_sign_on_confirms_its_person(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = provider(world, monkeypatch)
    lena = person(world, "lena", role=Role.ADMIN, email="lena@acme.example")
    lena.set_unusable_password()
    lena.save()
    acme.vouch("lena@acme.example")
    client = browser()
    acme.sign_in(client)
    signed_in_just_now(client, lena.pk, ago=3600)
    mine = {**TOKEN, "owner": "lena"}
    asked = client.post("/settings/tokens/", mine)["Location"]
    assert "Sign in with Acme" in text(client.get(asked))
    acme.sign_in(client)
    assert client.post("/settings/tokens/", mine).status_code == 200
    assert len(tokens(world.app).tokens) == 1
