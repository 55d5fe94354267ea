"""A disk that is full: nobody signs in, or changes a way to sign in, without an audit entry."""

from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client

from homes import World
from unit.web.doors import (
    NEW_PASSWORD,
    PASSWORD,
    browser,
    noted,
    person,
    sign_in_as,
    signed_in,
    text,
)
from unit.web.test_factors import _clock_stands, set_up
from unlost.app.actions.people.people import first_link, link
from unlost.app.people import sign_ins
from unlost.catalog.home.settings import public_address
from unlost.catalog.people.audit import AuditEvent
from unlost.model.errors import StoreError
from unlost.web.served_home import application

__all__ = ["_clock_stands"]


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def lena(world: World) -> Client:
    person(world, "lena")
    client = browser()
    sign_in_as(client, "lena")
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    return client


def fill_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(event: AuditEvent) -> None:
        raise StoreError("database-unusable", "The disk is full.")

    monkeypatch.setattr(sign_ins, "note", refuse)


def test_a_sign_in_that_cannot_be_recorded_is_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(world, "lena")
    client = browser()
    with monkeypatch.context() as patched:
        fill_disk(patched)
        assert sign_in_as(client, "lena").status_code == 503
    assert not signed_in(client)


def test_a_new_password_that_cannot_be_recorded_is_not_set(
    lena: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    with monkeypatch.context() as patched:
        fill_disk(patched)
        assert lena.post("/account/password/change/", form).status_code == 503
    assert get_user_model().objects.get(username="lena").check_password(PASSWORD)
    assert signed_in(lena)
    assert lena.post("/account/password/change/", form).status_code == 302
    assert get_user_model().objects.get(username="lena").check_password(NEW_PASSWORD)


def test_a_password_behind_a_link_that_cannot_be_recorded_is_not_set(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(world, "lena")
    form, client = {"password": NEW_PASSWORD, "again": NEW_PASSWORD}, browser("192.0.2.7")
    path = link(world.app, "lena").path
    with monkeypatch.context() as patched:
        fill_disk(patched)
        assert "The disk is full." in text(client.post(path, form))
    assert get_user_model().objects.get(username="lena").check_password(PASSWORD)
    assert not signed_in(client)
    assert client.post(path, form).status_code == 302, "the link is still good"
    assert get_user_model().objects.get(username="lena").check_password(NEW_PASSWORD)
    (entry,) = noted("password.change")
    assert (entry.deed.actor, entry.deed.detail) == ("lena", {"address": "192.0.2.7"})


def test_a_password_behind_a_link_was_not_recorded_before_the_second_factor(lena: Client) -> None:
    set_up(lena)
    stolen = browser("192.0.2.66")
    stolen.post(link(application(), "lena").path, {"password": NEW_PASSWORD, "again": NEW_PASSWORD})
    assert not signed_in(stolen)
    (entry,) = noted("password.change")
    assert (entry.deed.actor, entry.deed.detail) == ("lena", {"address": "192.0.2.66"})


def test_the_password_of_the_first_admin_and_the_address_of_the_console_are_recorded(
    world: World,
) -> None:
    made = first_link(world.app)
    assert made is not None
    chosen = {"name": "lena", "password": NEW_PASSWORD, "again": NEW_PASSWORD}
    there = "https://unlost.example"
    assert browser().post(made.path, {**chosen, "address": there}).status_code == 302
    assert public_address() == there
    assert [entry.deed.subject for entry in noted("address.set")] == [there]
    assert [entry.deed.actor for entry in noted("password.change")] == ["lena"]


def test_a_second_factor_that_cannot_be_recorded_is_not_added_or_removed(
    lena: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        fill_disk(patched)
        with pytest.raises(AssertionError):
            set_up(lena)
    assert not Authenticator.objects.exists()
    set_up(lena)
    with monkeypatch.context() as patched:
        fill_disk(patched)
        assert lena.post("/account/2fa/totp/deactivate/").status_code == 503
    assert Authenticator.objects.filter(type="totp").exists()
