"""Signing in: forms, signatures, rotation, and what refusals are called."""

import base64
import json
import threading
from urllib.parse import parse_qs

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from fakes.wire import Wire, context, json_answer
from unlost.kit.http import Backoff, HttpClient, HttpPolicy, SourceLabel
from unlost.kit.jwt import private_key
from unlost.kit.oauth import (
    JWT_GRANT,
    TOKEN_RETRIES,
    ClientCredentials,
    JwtBearer,
    OAuthFlow,
    OAuthSession,
    OAuthToken,
    PasswordGrant,
    RefreshToken,
    SignInHint,
    oauth_error_factory,
    open_session,
    understand_oauth,
)
from unlost.model.errors import NotAllowed, TransientError, UsageError
from unlost.testing.clock import START, VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.system import FreeBudget, MemorySecretStore

URL = "https://login.example/token"
HINTS = (
    SignInHint(
        "gone",
        "It was revoked.",
        "Sign in again.",
        error="invalid_grant",
        contains="revoked",
    ),
)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


PEM = pem(KEY)


class Desk:
    def __init__(self, flow: OAuthFlow, **secrets: str) -> None:
        self.wire = Wire()
        self.secrets = MemorySecretStore(secrets)
        self.budget = FreeBudget()
        self.clock = VirtualClock()
        client = HttpClient(
            HttpPolicy(
                TOKEN_RETRIES, understand_oauth, oauth_error_factory(HINTS), backoff=Backoff(2)
            ),
            clock=self.clock,
            entropy=SeededEntropy(),
            budget=self.budget,
            transport=self.wire.transport,
        )
        self.session = OAuthSession(
            flow, token_url=URL, client=client, secrets=self.secrets, clock=self.clock
        )

    def form(self, call: int = -1) -> dict[str, str]:
        sent = parse_qs(self.wire.calls[call].content.decode())
        return {name: values[0] for name, values in sent.items()}


def token(access: str = "A!1", **more: object) -> httpx.Response:
    return json_answer({"access_token": access, "instance_url": "https://x", **more})


def test_client_credentials_are_sent_in_the_body_and_take_no_api_call() -> None:
    desk = Desk(ClientCredentials("key"), client_secret="s&=+ecret")
    desk.wire.on("POST", "token", token())
    assert desk.session.token() == "Bearer A!1"
    assert desk.session.token() == "Bearer A!1"
    assert len(desk.wire.calls) == 1
    assert desk.form() == {
        "grant_type": "client_credentials", "client_id": "key", "client_secret": "s&=+ecret",
    }  # fmt: skip
    assert desk.session.current().fields["instance_url"] == "https://x"
    assert desk.budget.taken == 0


def test_a_jwt_is_signed_rs256_and_expires_in_three_minutes() -> None:
    desk = Desk(JwtBearer("key", "me@x", "https://login.example"), private_key=PEM)
    desk.wire.on("POST", "token", token())
    desk.session.token()
    form = desk.form()
    assert form["grant_type"] == JWT_GRANT
    head, claims, signature = form["assertion"].split(".")
    raw = [base64.urlsafe_b64decode(part + "==") for part in (head, claims, signature)]
    assert json.loads(raw[0]) == {"alg": "RS256", "typ": "JWT"}
    assert json.loads(raw[1]) == {
        "iss": "key", "sub": "me@x", "aud": "https://login.example",
        "exp": int(START.timestamp()) + 180,
    }  # fmt: skip
    signed = f"{head}.{claims}".encode()
    KEY.public_key().verify(raw[2], signed, padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    "text",
    ["no key", pem(ec.generate_private_key(ec.SECP256R1())), PEM[:100]],
    ids=["no key", "another kind", "cut"],
)
def test_what_is_no_rsa_key_is_told(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        private_key(text)
    assert caught.value.code == "private-key-unreadable"


def test_a_rotated_refresh_token_is_stored_before_it_is_used() -> None:
    desk = Desk(RefreshToken("key"), refresh_token="r1", client_secret="s")
    desk.wire.on("POST", "token", token("A1", refresh_token="r2"), token("A2"))
    assert desk.session.token() == "Bearer A1"
    assert desk.secrets.get("refresh_token") == "r2"
    desk.session.renew("Bearer A1")
    assert desk.form()["refresh_token"] == "r2"
    assert desk.form()["client_secret"] == "s"
    assert desk.secrets.get("refresh_token") == "r2"


def test_a_public_app_sends_no_secret() -> None:
    desk = Desk(RefreshToken("key"), refresh_token="r1")
    desk.wire.on("POST", "token", token())
    desk.session.token()
    assert "client_secret" not in desk.form()


def test_many_threads_that_meet_an_ended_session_sign_in_once() -> None:
    desk = Desk(ClientCredentials("key"), client_secret="s")
    desk.wire.on("POST", "token", token("A1"), token("A2"), token("A3"))
    stale = desk.session.token()
    threads = [threading.Thread(target=desk.session.renew, args=(stale,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert desk.session.token() == "Bearer A2"
    assert len(desk.wire.calls) == 2


def test_a_missing_secret_is_told_by_name() -> None:
    desk = Desk(ClientCredentials("key"))
    with pytest.raises(NotAllowed, match="client secret") as caught:
        desk.session.token()
    assert caught.value.code == "secret-missing"


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (json_answer({"error": "invalid_grant", "error_description": "was REVOKED"}, 400), "gone", "revoked"),
        (json_answer({"error": "invalid_grant"}, 400), "sign-in-refused", "invalid_grant"),
        (json_answer(["strange"], 400), "sign-in-refused", "HTTP 400"),
        (httpx.Response(404, content=b"<html>"), "sign-in-refused", "HTTP 404"),
        (json_answer({}, 400) , "sign-in-refused", "no reason"),
    ],
)  # fmt: skip
def test_refusals_are_told_in_words(answer: httpx.Response, code: str, words: str) -> None:
    desk = Desk(ClientCredentials("key"), client_secret="s")
    desk.wire.on("POST", "token", answer)
    with pytest.raises(NotAllowed, match=words) as caught:
        desk.session.token()
    assert caught.value.code == code
    assert caught.value.next_step
    assert len(desk.wire.calls) == 1


def test_half_a_json_refusal_is_still_a_refusal() -> None:
    desk = Desk(ClientCredentials("key"), client_secret="s")
    headers = {"Content-Type": "application/json"}
    desk.wire.on("POST", "token", httpx.Response(400, content=b'{"error":', headers=headers))
    with pytest.raises(NotAllowed):
        desk.session.token()


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b"<html>hello</html>", headers={"Content-Type": "text/html"}),
        json_answer({"no": "token"}),
        json_answer(["A!1"]),
    ],
)
def test_an_address_that_is_no_token_endpoint_is_told(answer: httpx.Response) -> None:
    desk = Desk(ClientCredentials("key"), client_secret="s")
    desk.wire.on("POST", "token", answer)
    with pytest.raises(NotAllowed) as caught:
        desk.session.token()
    assert caught.value.code == "sign-in-not-understood"


def test_one_cut_answer_to_the_sign_in_fails_nothing() -> None:
    """Once it failed the backup, although its message says that it is asked again."""
    desk = Desk(ClientCredentials("key"), client_secret="s")
    half = httpx.Response(200, headers={"Content-Type": "application/json"}, content=b'{"access')
    desk.wire.on("POST", "token", half, token())
    assert desk.session.token() == "Bearer A!1"
    assert len(desk.wire.made("POST", "token")) == 2


def test_an_unreachable_host_is_told_by_name_and_loses_nothing() -> None:
    desk = Desk(ClientCredentials("key"), client_secret="s")
    desk.wire.on("POST", "token", httpx.ConnectError("name not known"))
    with pytest.raises(TransientError, match=r"login\.example does not answer") as caught:
        desk.session.token()
    assert caught.value.code == "source-unreachable"
    assert "Nothing was lost" in caught.value.next_step
    assert len(desk.wire.calls) == 2


def test_an_untrusted_certificate_is_told() -> None:
    desk = Desk(ClientCredentials("key"), client_secret="s")
    desk.wire.on("POST", "token", httpx.ConnectError("certificate: expired"))
    with pytest.raises(NotAllowed) as caught:
        desk.session.token()
    assert caught.value.code == "source-not-trusted"


def test_tokens_are_never_fetched_in_the_clear() -> None:
    with pytest.raises(UsageError) as caught:
        OAuthSession(
            ClientCredentials("key"),
            token_url="http://login.example/token",
            client=None,  # type: ignore[arg-type]
            secrets=MemorySecretStore(),
            clock=VirtualClock(),
        )
    assert caught.value.code == "address-not-https"


def test_a_session_brings_the_client_of_its_tokens_and_closes_it() -> None:
    wire = Wire()
    wire.on(
        "POST",
        "token",
        token(),
        json_answer({"error": "invalid_grant", "error_description": "revoked"}, 400),
    )
    opened = open_session(
        ClientCredentials("key"),
        URL,
        context(client_secret="s"),
        wire.transport,
        hints=HINTS,
        source=SourceLabel("The shop", "shop"),
    )
    with opened as session:
        assert session.token() == "Bearer A!1"
        with pytest.raises(NotAllowed) as caught:
            session.renew("Bearer A!1")
        assert caught.value.code == "gone"
    with pytest.raises(RuntimeError, match="closed"):
        session.renew("Bearer A!1")


SCOPES = ("useraccount", "a b")
SECRETS = {"password": "pä&=+ss", "client_secret": "s", "refresh_token": "r1"}


@pytest.mark.parametrize(
    ("flow", "form"),
    [
        (
            PasswordGrant("key", "unlost.backup", scopes=SCOPES),
            {"grant_type": "password", "username": "unlost.backup", "password": "pä&=+ss"},
        ),
        (ClientCredentials("key", scopes=SCOPES), {"grant_type": "client_credentials"}),
        (
            RefreshToken("key", scopes=SCOPES),
            {"grant_type": "refresh_token", "refresh_token": "r1"},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_scopes_are_asked_for_with_every_grant(flow: OAuthFlow, form: dict[str, str]) -> None:
    desk = Desk(flow, **SECRETS)
    desk.wire.on("POST", "token", token())
    desk.session.token()
    sent = {"client_id": "key", "client_secret": "s", "scope": "useraccount a b"}
    assert desk.form() == form | sent


def test_a_password_grant_of_a_public_app_sends_no_secret_and_no_scope() -> None:
    desk = Desk(PasswordGrant("key", "me"), password="p")
    desk.wire.on("POST", "token", token(refresh_token="r2"))
    desk.session.token()
    assert desk.form() == {
        "grant_type": "password", "username": "me", "password": "p", "client_id": "key",
    }  # fmt: skip
    assert desk.secrets.get("refresh_token") is None


@pytest.mark.parametrize("life", [1799, "1799"])
def test_a_token_is_renewed_before_it_ends(life: object) -> None:
    desk = Desk(ClientCredentials("key"), client_secret="s")
    desk.wire.on("POST", "token", token("A1", expires_in=life), token("A2", expires_in=life))
    assert desk.session.token() == "Bearer A1"
    desk.clock.advance(seconds=1799 - 61)
    assert desk.session.token() == "Bearer A1"
    desk.clock.advance(seconds=2)
    assert desk.session.token() == "Bearer A2"
    assert len(desk.wire.calls) == 2


def test_a_short_life_is_used_to_nine_tenths() -> None:
    desk = Desk(ClientCredentials("key"), client_secret="s")
    desk.wire.on("POST", "token", token("A1", expires_in=10), token("A2"))
    desk.session.token()
    desk.clock.advance(seconds=8)
    assert desk.session.token() == "Bearer A1"
    desk.clock.advance(seconds=1)
    assert desk.session.token() == "Bearer A2"


@pytest.mark.parametrize("life", [None, 0, -5, "soon", False, 1.5, "", [7]])
def test_a_token_without_a_life_that_can_be_is_used_until_it_is_refused(life: object) -> None:
    desk = Desk(ClientCredentials("key"), client_secret="s")
    desk.wire.on("POST", "token", token("A1", expires_in=life), token("A2"))
    desk.session.token()
    desk.clock.advance(days=400)
    assert desk.session.token() == "Bearer A1"


def test_a_token_that_ended_is_renewed_once_for_all_threads() -> None:
    desk = Desk(ClientCredentials("key"), client_secret="s")
    desk.wire.on("POST", "token", token("A1", expires_in=100), token("A2", expires_in=100))
    desk.session.token()
    desk.clock.advance(seconds=100)
    tokens: list[str] = []
    threads = [
        threading.Thread(target=lambda: tokens.append(desk.session.token())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tokens == ["Bearer A2"] * 8
    assert len(desk.wire.calls) == 2


def test_a_refused_token_starts_a_new_life() -> None:
    desk = Desk(ClientCredentials("key"), client_secret="s")
    desk.wire.on("POST", "token", token("A1", expires_in=100), token("A2", expires_in=100))
    desk.session.token()
    desk.clock.advance(seconds=80)
    desk.session.renew("Bearer A1")
    desk.clock.advance(seconds=80)
    assert desk.session.token() == "Bearer A2"
    assert len(desk.wire.calls) == 2


def test_no_token_stands_in_a_repr() -> None:
    assert "A!1" not in repr(OAuthToken("A!1", {"access_token": "A!1"}))


def test_the_next_steps_are_neutral_where_the_connector_gives_no_words() -> None:
    desk = Desk(ClientCredentials("key"), client_secret="s")
    desk.wire.on(
        "POST", "token", httpx.Response(302, headers={"Location": "https://other.example"})
    )
    with pytest.raises(NotAllowed) as caught:
        desk.session.token()
    assert "My Domain" not in caught.value.next_step
    desk.wire.on("POST", "token", json_answer({}))
    with pytest.raises(NotAllowed) as caught:
        desk.session.token()
    assert caught.value.next_step == "Check the address of the org."
