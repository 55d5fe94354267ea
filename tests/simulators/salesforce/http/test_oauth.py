"""The token endpoint's decisions: every flow, and every refusal with its exact text."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.salesforce.model.users import SimUser, Users
from unlost_simulators.salesforce.oauth.apps import AppRegistry, ConnectedApp, load_rsa_key
from unlost_simulators.salesforce.oauth.consent import Consent
from unlost_simulators.salesforce.oauth.errors import OAuthError
from unlost_simulators.salesforce.oauth.grants import (
    JWT_BEARER,
    TokenCall,
    TokenIssuer,
    is_login_host,
    parse_basic,
)
from unlost_simulators.salesforce.oauth.sessions import SessionStore, s256

ORG = "00D000000000062EAA"
DOMAIN = "chocolate.my.salesforce.com"
BASE = f"https://{DOMAIN}"
WALL = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def assertion(*, key: rsa.RSAPrivateKey = KEY, alg: str = "RS256", **claims: object) -> str:
    base = {
        "iss": "app",
        "sub": "backup@chocolate.example",
        "aud": "https://login.salesforce.com",
        "exp": int(WALL.timestamp()) + 180,
    }
    head = b64(json.dumps({"alg": alg}).encode())
    body = b64(json.dumps({**base, **claims}).encode())
    signed = f"{head}.{body}"
    return f"{signed}.{b64(key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


class Bench:
    """A token issuer with its surroundings; the virtual clock is years from the wall clock."""

    def __init__(self) -> None:
        self.clock = VirtualClock(datetime(2026, 3, 1, tzinfo=UTC))
        self.users = Users(
            [
                SimUser("005Dn0000000001IAA", "backup@chocolate.example"),
                SimUser("005Dn0000000002IAA", "gone@chocolate.example", active=False),
                SimUser("005Dn0000000003IAA", "own@chocolate.example", password="cocoa"),
            ]
        )
        self.apps = AppRegistry(
            [
                ConnectedApp(
                    "app", "secret", run_as="backup@chocolate.example", public_keys=(pem(KEY),)
                ),
                ConnectedApp("bare", "secret"),
                ConnectedApp("old", "secret", password_flow=True),
                ConnectedApp(
                    "strict",
                    "secret",
                    public_keys=(pem(KEY),),
                    approved=frozenset({"other@chocolate.example"}),
                ),
            ]
        )
        self.sessions = SessionStore(ORG, self.clock.now)
        self.consent = Consent(self.apps, self.sessions, self.users)
        self.issuer = TokenIssuer(
            org_id=ORG,
            base_url=lambda: BASE,
            apps=self.apps,
            sessions=self.sessions,
            users=self.users,
            now=self.clock.now,
            wall_clock=lambda: WALL,
        )

    def grant(self, kind: str, *, host: str = DOMAIN, basic=None, **form: str) -> dict[str, str]:
        return self.issuer.grant(TokenCall({"grant_type": kind, **form}, host, basic))

    def refusal(self, kind: str, **rest: object) -> OAuthError:
        with pytest.raises(OAuthError) as caught:
            self.grant(kind, **rest)
        return caught.value


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_jwt_answer_has_exactly_the_documented_members(bench: Bench) -> None:
    answer = bench.grant(JWT_BEARER, assertion=assertion())
    assert set(answer) == {"access_token", "scope", "instance_url", "id", "token_type"}
    assert answer["access_token"].startswith("00D000000000062!")
    assert answer["instance_url"] == BASE
    assert answer["id"] == f"{BASE}/id/{ORG}/005Dn0000000001IAA"
    assert bench.sessions.user_of(answer["access_token"]) == "005Dn0000000001IAA"


@pytest.mark.parametrize(
    "expires",
    [
        str(int(WALL.timestamp()) + 60),
        WALL.timestamp() + 299,
        int(WALL.timestamp()) + 30 * 86_400,
        int(WALL.timestamp() * 1_000) + 300,  # milliseconds, as a released client sends them
    ],
)
def test_jwt_expiry_may_be_text_or_number_and_far_ahead(bench: Bench, expires: object) -> None:
    assert bench.grant(JWT_BEARER, assertion=assertion(exp=expires))["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("changed", "error", "text"),
    [
        ({"aud": "https://example.org"}, "invalid_grant", "audience is invalid"),
        ({"aud": None}, "invalid_grant", "audience is invalid"),
        ({"exp": int(WALL.timestamp()) - 1}, "invalid_grant", "expired authorization code"),
        ({"exp": "Infinity"}, "invalid_grant", "expired authorization code"),
        ({"exp": "NaN"}, "invalid_grant", "expired authorization code"),
        ({"exp": "soon"}, "invalid_grant", "expired authorization code"),
        ({"sub": "nobody@x"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"iss": "strict"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"iss": "unknown"}, "invalid_client_id", "client identifier invalid"),
        ({"key": OTHER_KEY}, "invalid_grant", "invalid assertion"),
        ({"alg": "none"}, "invalid_grant", "algorithm not supported"),
    ],
)
def test_jwt_refusals(bench: Bench, changed: dict[str, object], error: str, text: str) -> None:
    refusal = bench.refusal(JWT_BEARER, assertion=assertion(**changed))
    assert refusal.body() == {"error": error, "error_description": text}
    assert refusal.status == 400


@pytest.mark.parametrize("broken", ["", "a.b", "a.b.c", "!!!.###.$$$", f"{b64(b'[]')}.e30.e30"])
def test_jwt_that_is_none(bench: Bench, broken: str) -> None:
    assert bench.refusal(JWT_BEARER, assertion=broken).error == "invalid_grant"


def test_jwt_takes_my_domain_as_audience_and_a_second_key(bench: Bench) -> None:
    app = bench.apps.get("app")
    bench.apps.change("app", public_keys=(*app.public_keys, pem(OTHER_KEY)))
    answer = bench.grant(JWT_BEARER, assertion=assertion(key=OTHER_KEY, aud=f"{BASE}/"))
    assert answer["instance_url"] == BASE


def test_only_rsa_keys_can_be_registered() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(TypeError, match="only RSA"):
        load_rsa_key(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


@pytest.mark.parametrize("by_basic", [True, False])
def test_client_credentials_by_basic_and_by_body(bench: Bench, by_basic: bool) -> None:
    if by_basic:
        answer = bench.grant("client_credentials", basic=("app", "secret"))
    else:
        answer = bench.grant("client_credentials", client_id="app", client_secret="secret")
    expected = hmac.new(b"secret", (answer["id"] + answer["issued_at"]).encode(), hashlib.sha256)
    assert answer["signature"] == base64.b64encode(expected.digest()).decode()
    assert answer["issued_at"] == str(int(bench.clock.now().timestamp() * 1000))
    assert "expires_in" not in answer
    assert "refresh_token" not in answer


@pytest.mark.parametrize(
    "host", ["login.salesforce.com", "test.salesforce.com", "x.salesforce-setup.com:443"]
)
def test_client_credentials_only_at_my_domain(bench: Bench, host: str) -> None:
    refusal = bench.refusal("client_credentials", host=host, basic=("app", "secret"))
    assert refusal.description == "request not supported on this domain"


@pytest.mark.parametrize(
    ("key", "secret", "error", "text"),
    [
        ("nobody", "secret", "invalid_client_id", "client identifier invalid"),
        ("app", "wrong", "invalid_client", "invalid client credentials"),
        ("app", "", "invalid_client", "invalid client credentials"),
        ("bare", "secret", "invalid_grant", "no client credentials user enabled"),
    ],
)
def test_client_credentials_refusals(
    bench: Bench, key: str, secret: str, error: str, text: str
) -> None:
    refusal = bench.refusal("client_credentials", client_id=key, client_secret=secret)
    assert (refusal.error, refusal.description) == (error, text)


def test_refresh_without_rotation_can_be_repeated(bench: Bench) -> None:
    token = bench.sessions.grant_refresh("005Dn0000000001IAA", consumer_key="app")
    form = {"refresh_token": token, "client_id": "app", "client_secret": "secret"}
    first = bench.grant("refresh_token", **form)
    second = bench.grant("refresh_token", **form)
    assert first["access_token"] != second["access_token"]
    assert "refresh_token" not in first


def test_refresh_with_rotation_spends_the_token(bench: Bench) -> None:
    bench.apps.change("app", rotate_refresh=True)
    token = bench.sessions.grant_refresh("005Dn0000000001IAA", consumer_key="app")
    form = {"client_id": "app", "client_secret": "secret"}
    fresh = bench.grant("refresh_token", refresh_token=token, **form)["refresh_token"]
    assert fresh != token
    again = bench.refusal("refresh_token", refresh_token=token, **form)
    assert again.description == "expired access/refresh token"
    assert bench.grant("refresh_token", refresh_token=fresh, **form)["refresh_token"] != fresh


def test_refresh_token_belongs_to_one_app(bench: Bench) -> None:
    token = bench.sessions.grant_refresh("005Dn0000000001IAA", consumer_key="app")
    refusal = bench.refusal(
        "refresh_token", refresh_token=token, client_id="bare", client_secret="secret"
    )
    assert refusal.description == "expired access/refresh token"


def test_revoking_a_refresh_token_ends_its_sessions(bench: Bench) -> None:
    token = bench.sessions.grant_refresh("005Dn0000000001IAA", consumer_key="app")
    form = {"refresh_token": token, "client_id": "app", "client_secret": "secret"}
    access = bench.grant("refresh_token", **form)["access_token"]
    assert bench.sessions.end(token)
    assert bench.sessions.user_of(access) is None
    assert not bench.sessions.end(token)


def test_password_flow_is_for_apps_that_opted_in(bench: Bench) -> None:
    form = {"client_secret": "secret", "username": "backup@chocolate.example"}
    word = "not-a-password"
    refusal = bench.refusal("password", client_id="app", password=word, **form)
    assert refusal.description == "authentication failure"
    answer = bench.grant("password", client_id="old", password=word + "TOKEN", **form)
    assert bench.sessions.user_of(answer["access_token"]) == "005Dn0000000001IAA"
    wrong = bench.refusal("password", client_id="old", password="no", **form)
    assert wrong.description == "authentication failure - Invalid Password"


def test_a_users_own_password_counts(bench: Bench) -> None:
    form = {"client_id": "old", "client_secret": "secret", "username": "own@chocolate.example"}
    assert bench.grant("password", password="cocoa", **form)["access_token"]
    assert bench.refusal("password", password="not-a-password", **form).error == "invalid_grant"


def test_inactive_users_get_no_token(bench: Bench) -> None:
    bench.apps.change("app", run_as="gone@chocolate.example")
    refusal = bench.refusal("client_credentials", basic=("app", "secret"))
    assert refusal.error == "inactive_user"


def test_unknown_grant_type(bench: Bench) -> None:
    assert bench.refusal("magic").body() == {
        "error": "unsupported_grant_type",
        "error_description": "grant type not supported",
    }


def web_code(bench: Bench, **query: str) -> dict[str, str]:
    base = {"client_id": "app", "redirect_uri": "http://localhost/cb", "response_type": "code"}
    request = bench.consent.read({**base, **query})
    assert request.redirect_uri == "http://localhost/cb"
    ticket = bench.consent.log_in("backup@chocolate.example", "not-a-password")
    assert ticket is not None
    answer = bench.consent.answer(request, ticket, allowed=True)
    assert answer is not None
    return answer


def test_web_server_flow_with_pkce(bench: Bench) -> None:
    sent = web_code(bench, state="s1", code_challenge=s256("verifier"))
    assert sent["state"] == "s1"
    form = {"code": sent["code"], "client_id": "app", "redirect_uri": "http://localhost/cb"}
    answer = bench.grant("authorization_code", code_verifier="verifier", **form)
    assert answer["refresh_token"]
    again = bench.refusal("authorization_code", code_verifier="verifier", **form)
    assert again.description == "expired authorization code"


def test_web_server_flow_refuses_a_wrong_verifier_and_a_late_code(bench: Bench) -> None:
    form = {"client_id": "app", "client_secret": "secret", "redirect_uri": "http://localhost/cb"}
    code = web_code(bench, code_challenge=s256("verifier"))["code"]
    refusal = bench.refusal("authorization_code", code=code, code_verifier="other", **form)
    assert refusal.description == "invalid code verifier"
    late = web_code(bench)["code"]
    bench.clock.advance(timedelta(minutes=16))
    refusal = bench.refusal("authorization_code", code=late, **form)
    assert refusal.description == "expired authorization code"


def test_web_server_flow_refuses_another_redirect_address_at_the_exchange(bench: Bench) -> None:
    code = web_code(bench, code_challenge=s256("verifier"))["code"]
    refusal = bench.refusal(
        "authorization_code", code=code, code_verifier="verifier", client_id="app",
        redirect_uri="http://localhost/other",
    )  # fmt: skip
    assert refusal.description == "redirect_uri must match configuration"


def test_a_refresh_token_of_the_web_server_flow_rotates_and_is_revoked(bench: Bench) -> None:
    bench.apps.change("app", rotate_refresh=True)
    code = web_code(bench, code_challenge=s256("verifier"))["code"]
    form = {"client_id": "app", "redirect_uri": "http://localhost/cb"}
    first = bench.grant("authorization_code", code=code, code_verifier="verifier", **form)
    old = first["refresh_token"]
    fresh = bench.grant("refresh_token", refresh_token=old, basic=("app", "secret"))
    assert fresh["refresh_token"] != old
    again = bench.refusal("refresh_token", refresh_token=old, basic=("app", "secret"))
    assert again.description == "expired access/refresh token"
    assert bench.sessions.revoke_grants("005Dn0000000003IAA") == 0
    assert bench.sessions.revoke_grants("005Dn0000000001IAA") == 1
    assert bench.sessions.user_of(fresh["access_token"]) is None
    gone = bench.refusal(
        "refresh_token", refresh_token=fresh["refresh_token"], basic=("app", "secret")
    )
    assert gone.description == "expired access/refresh token"


def test_session_slides_and_dies_of_idleness_on_the_virtual_clock(bench: Bench) -> None:
    token = bench.sessions.open("005Dn0000000001IAA", consumer_key=None)
    for _ in range(3):
        bench.clock.advance(timedelta(minutes=119))
        assert bench.sessions.user_of(token) == "005Dn0000000001IAA"
    bench.clock.advance(timedelta(minutes=121))
    assert bench.sessions.user_of(token) is None


def test_idle_time_is_settable_and_sessions_can_be_ended(bench: Bench) -> None:
    bench.sessions.idle_seconds = 5
    token = bench.sessions.open("005Dn0000000001IAA", consumer_key=None)
    other = bench.sessions.open("005Dn0000000003IAA", consumer_key=None)
    assert bench.sessions.end_all("005Dn0000000001IAA") == 1
    assert bench.sessions.user_of(token) is None
    bench.clock.advance(timedelta(seconds=6))
    assert bench.sessions.user_of(other) is None
    assert bench.sessions.count() == 0


def test_basic_header() -> None:
    header = "Basic " + base64.b64encode(b"key:se:cret").decode()
    assert parse_basic(header) == ("key", "se:cret")
    assert parse_basic("Bearer x") is None
    assert parse_basic("Basic %%%") is None
    assert parse_basic(None) is None


def test_login_hosts() -> None:
    assert is_login_host("LOGIN.salesforce.com:443")
    assert is_login_host("login.localhost:8443")
    assert not is_login_host("127.0.0.1:8080")
    assert not is_login_host("[::1]")
