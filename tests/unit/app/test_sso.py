"""Providers of single sign-on: asked who they are, kept with a sealed secret, forgotten."""

from dataclasses import replace

import pytest

from homes import World
from unlost.app.actions.people.sso import NewProvider, add, providers, remove
from unlost.app.people import sso
from unlost.app.people.sso import open_secret, sign_in_origin
from unlost.catalog.home.copying import settings_digest
from unlost.catalog.people.sso import sealed_secret
from unlost.kit.http.get import JsonDocument
from unlost.model.errors import Conflict, NotAllowed, NotFound, UsageError

ISSUER = "https://id.acme.example/tenant"
NEW = NewProvider(name="acme", title="", issuer=f"{ISSUER}/", client_id="console", secret="shh")


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the provider tells of itself, at the address where that stands."""
    told = {"issuer": ISSUER, "authorization_endpoint": "https://login.acme.example:8443/authorize"}

    def get(url: str) -> JsonDocument:
        assert url == f"{ISSUER}/.well-known/openid-configuration"
        return JsonDocument(url, told)

    monkeypatch.setattr(sso, "get_document", get)
    return told


def test_the_site_of_the_sign_in_is_what_the_provider_says(described: dict[str, str]) -> None:
    assert sign_in_origin(ISSUER) == "https://login.acme.example:8443"


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "https://id.acme.example/{tenantid}"},
        {"issuer": ""},
        {"authorization_endpoint": ""},
        {"authorization_endpoint": "/authorize"},
    ],
)
def test_a_description_of_somebody_else_is_refused(
    described: dict[str, str], wrong: dict[str, str]
) -> None:
    described |= wrong
    with pytest.raises(UsageError) as caught:
        sign_in_origin(ISSUER)
    assert caught.value.code == "sso-issuer"


def test_a_provider_is_kept_with_its_secret_sealed(world: World, described: dict[str, str]) -> None:
    before = settings_digest()
    added = add(world.app, NEW)
    assert (added.name, added.title, added.issuer) == ("acme", "acme", ISSUER)
    assert providers(world.app).providers == (added,)
    assert settings_digest() != before  # the next copy of the home has it
    sealed = sealed_secret("acme")
    assert "shh" not in sealed
    assert open_secret(world.app, "acme", sealed) == "shh"
    with pytest.raises(NotAllowed):
        open_secret(world.app, "other", sealed)
    with pytest.raises(Conflict):
        add(world.app, NEW)
    assert remove(world.app, "acme") == added
    for gone in (sealed_secret, lambda name: remove(world.app, name)):
        with pytest.raises(NotFound):
            gone("acme")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "Big"},
        {"name": "a/b"},
        {"name": "-a"},
        {"title": "x" * 41},
        {"client_id": ""},
        {"client_id": "x" * 192},
        {"secret": ""},
    ],
)
def test_what_cannot_be_kept_is_refused_before_anybody_is_asked(
    world: World, wrong: dict[str, str]
) -> None:
    with pytest.raises(UsageError) as caught:
        add(world.app, replace(NEW, **wrong))
    assert caught.value.code == ("sso-name" if {"name", "title"} & set(wrong) else "sso-invalid")
