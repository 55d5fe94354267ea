"""A provider of OpenID Connect that answers without a network, as allauth asks it."""

from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from requests import ConnectionError as Away

from homes import World
from unlost.app.actions.people.sso import NewProvider, add

ISSUER = "https://id.acme.example/tenant"
SIGN_IN = "https://login.acme.example"
SECRET = "shh, said the provider"
NEW = NewProvider(name="acme", title="Acme", issuer=ISSUER, client_id="console", secret=SECRET)


@dataclass(slots=True)
class Answer:
    fields: dict[str, Any]
    status_code: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})

    def json(self) -> dict[str, Any]:
        return self.fields

    def raise_for_status(self) -> None:
        assert self.status_code == 200


class FakeProvider:
    """Says who ``person`` is to who brings the code; keeps what it was sent for it."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {"sub": "1", "email": "", "email_verified": True}
        self.asked: list[dict[str, Any]] = []
        self.away = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def get(self, url: str, **_: object) -> Answer:
        if self.away:
            raise Away("no route")
        if url.endswith("/.well-known/openid-configuration"):
            return Answer(
                {
                    "issuer": ISSUER,
                    "authorization_endpoint": f"{SIGN_IN}/authorize",
                    "token_endpoint": f"{ISSUER}/token",
                    "userinfo_endpoint": f"{ISSUER}/userinfo",
                    "jwks_uri": f"{ISSUER}/keys",
                }
            )
        assert url == f"{ISSUER}/userinfo"
        return Answer(self.person)

    def request(self, method: str, url: str, **sent: Any) -> Answer:
        assert (method, url) == ("POST", f"{ISSUER}/token")
        self.asked.append(sent)
        return Answer({"access_token": "opaque", "token_type": "Bearer"})

    def vouch(self, email: str, *, sub: str = "1", verified: bool | None = True) -> None:
        self.person = {"sub": sub, "email": email}
        if verified is not None:
            self.person["email_verified"] = verified

    def sign_in(self, client: Client) -> Any:
        """There, and back with a code."""
        there = client.post("/account/sso/acme/?process=login")
        assert there.status_code == 302, there.content
        asked = parse_qs(urlsplit(there["Location"]).query)
        back = {"state": asked["state"][0], "code": "once"}
        return client.get("/account/sso/acme/callback/", back)


def provider(world: World, monkeypatch: pytest.MonkeyPatch, **changed: Any) -> FakeProvider:
    """A provider that is configured in the home."""
    fake = FakeProvider()
    monkeypatch.setattr(
        "unlost.web.signin.adapter.InvitedAdapter.get_requests_session", lambda self: fake
    )
    monkeypatch.setattr("unlost.app.actions.people.sso.sign_in_origin", lambda issuer: SIGN_IN)
    add(world.app, replace(NEW, **changed))
    return fake
