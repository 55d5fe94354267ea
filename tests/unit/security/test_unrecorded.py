"""A disk that is full: nobody signs in, or changes a way to sign in, without an audit entry."""

from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client

from homes import World
from unit.web.doors import NEW_PASSWORD, PASSWORD, browser, person, sign_in_as, signed_in
from unit.web.test_factors import _clock_stands, set_up
from unlost.app.people import sign_ins
from unlost.catalog.people.audit import AuditEvent
from unlost.model.errors import StoreError

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
