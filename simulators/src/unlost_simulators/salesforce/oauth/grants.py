"""The token endpoint's decisions: one grant in, one token answer or one refusal out.

Knows apps, sessions and users; knows no HTTP server.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from unlost_simulators.salesforce.model.users import SimUser, Users
from unlost_simulators.salesforce.oauth import jwt
from unlost_simulators.salesforce.oauth.apps import AppRegistry, ConnectedApp
from unlost_simulators.salesforce.oauth.consent import right_password
from unlost_simulators.salesforce.oauth.errors import OAuthError, invalid_grant
from unlost_simulators.salesforce.oauth.sessions import SessionStore

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "api id refresh_token"
LOGIN_HOSTS = frozenset({"login.salesforce.com", "test.salesforce.com", "login.localhost"})
SETUP_SUFFIX = ".salesforce-setup.com"


@dataclass(frozen=True, slots=True)
class TokenCall:
    """A call of the token endpoint: its form, its Basic credentials, the host that it went to."""

    form: Mapping[str, str]
    host: str
    basic: tuple[str, str] | None = None

    @property
    def client_id(self) -> str:
        """Give the consumer key, from Basic credentials or from the body."""
        return self.basic[0] if self.basic else self.form.get("client_id", "")

    @property
    def client_secret(self) -> str | None:
        """Give the consumer secret, from Basic credentials or from the body."""
        return self.basic[1] if self.basic else self.form.get("client_secret")

    @property
    def at_login_host(self) -> bool:
        """True if the call went to a login host and not to the org's own domain."""
        return is_login_host(self.host)


@dataclass(frozen=True, slots=True)
class Issue:
    """The parts of a token response."""

    person: SimUser
    app: ConnectedApp
    call: TokenCall
    refresh_token: str | None = None
    signed: bool = True


class TokenIssuer:
    """Gives out tokens for one org."""

    def __init__(
        self,
        *,
        org_id: str,
        base_url: Callable[[], str],
        apps: AppRegistry,
        sessions: SessionStore,
        users: Users,
        now: Callable[[], datetime],
        wall_clock: Callable[[], datetime],
    ) -> None:
        self._org_id = org_id
        self._base_url = base_url
        self._apps = apps
        self._sessions = sessions
        self._users = users
        self._now = now
        self._wall_clock = wall_clock

    def grant(self, call: TokenCall) -> dict[str, str]:
        """Give the JSON object of a token answer, or raise ``OAuthError``."""
        kind = call.form.get("grant_type", "")
        handlers: dict[str, Callable[[TokenCall], dict[str, str]]] = {
            JWT_BEARER: self._jwt,
            "client_credentials": self._client_credentials,
            "refresh_token": self._refresh,
            "authorization_code": self._code,
            "password": self._password_flow,
        }
        handler = handlers.get(kind)
        if handler is None:
            raise OAuthError("unsupported_grant_type", "grant type not supported")
        return handler(call)

    def identity_url(self, user_id: str, *, at_login_host: bool = False) -> str:
        """Give the address under which the identity of a user is served."""
        base = "https://login.salesforce.com" if at_login_host else self._base_url()
        return f"{base}/id/{self._org_id}/{user_id}"

    def _jwt(self, call: TokenCall) -> dict[str, str]:
        assertion = jwt.decode(call.form.get("assertion", ""))
        app = self._apps.get(assertion.issuer)
        if app is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        jwt.check_signature(assertion, app.rsa_keys())
        jwt.check_audience(assertion, [self._base_url(), f"https://{call.host}"])
        jwt.check_expiry(assertion, self._wall_clock)
        person = self._users.by_username(assertion.subject)
        if person is None or not app.approves(person.username):
            raise invalid_grant("user hasn't approved this consumer")
        return self._issue(Issue(person, app, call, signed=False))

    def _client_credentials(self, call: TokenCall) -> dict[str, str]:
        if call.at_login_host:
            raise invalid_grant("request not supported on this domain")
        app = self._authentic_app(call)
        if app.run_as is None:
            raise invalid_grant("no client credentials user enabled")
        person = self._users.by_username(app.run_as)
        if person is None:
            raise invalid_grant("no client credentials user enabled")
        return self._issue(Issue(person, app, call)) | {
            "token_format": "opaque",
            "api_instance_url": self._base_url(),
        }

    def _refresh(self, call: TokenCall) -> dict[str, str]:
        app = self._authentic_app(call)
        old = self._sessions.use_refresh(
            call.form.get("refresh_token", ""),
            consumer_key=app.consumer_key,
            rotate=app.rotate_refresh,
        )
        person = self._users.by_id(old.user_id)
        if person is None:
            raise invalid_grant("expired access/refresh token")
        fresh = None
        if app.rotate_refresh:
            fresh = self._sessions.grant_refresh(person.id, consumer_key=app.consumer_key)
        return self._issue(Issue(person, app, call, refresh_token=fresh))

    def _code(self, call: TokenCall) -> dict[str, str]:
        app = self._authentic_app(call, secret_optional="code_verifier" in call.form)
        entry = self._sessions.redeem_code(
            call.form.get("code", ""),
            consumer_key=app.consumer_key,
            redirect_uri=call.form.get("redirect_uri", ""),
            verifier=call.form.get("code_verifier"),
        )
        person = self._users.by_id(entry.user_id)
        if person is None:
            raise invalid_grant("expired authorization code")
        fresh = self._sessions.grant_refresh(person.id, consumer_key=app.consumer_key)
        return self._issue(Issue(person, app, call, refresh_token=fresh))

    def _password_flow(self, call: TokenCall) -> dict[str, str]:
        app = self._authentic_app(call)
        person = self._users.by_username(call.form.get("username", ""))
        if not app.password_flow or person is None:
            raise invalid_grant("authentication failure")
        if not right_password(person, call.form.get("password", "")):
            raise invalid_grant("authentication failure - Invalid Password")
        return self._issue(Issue(person, app, call))

    def _authentic_app(self, call: TokenCall, *, secret_optional: bool = False) -> ConnectedApp:
        app = self._apps.get(call.client_id)
        if app is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if call.client_secret is None and (secret_optional or app.consumer_secret is None):
            return app
        given = (call.client_secret or "").encode()
        if not hmac.compare_digest(given, (app.consumer_secret or "").encode()):
            raise OAuthError("invalid_client", "invalid client credentials")
        return app

    def _issue(self, issue: Issue) -> dict[str, str]:
        if not issue.person.active:
            raise OAuthError("inactive_user", "user is inactive")
        identity = self.identity_url(issue.person.id, at_login_host=issue.call.at_login_host)
        token = self._sessions.open(issue.person.id, consumer_key=issue.app.consumer_key)
        answer = {
            "access_token": token,
            "scope": SCOPE,
            "instance_url": self._base_url(),
            "id": identity,
            "token_type": "Bearer",
        }
        if issue.signed:
            issued_at = str(int(self._now().timestamp() * 1000))
            answer["issued_at"] = issued_at
            answer["signature"] = signature(issue.app.consumer_secret, identity, issued_at)
        if issue.refresh_token is not None:
            answer["refresh_token"] = issue.refresh_token
        return answer


def is_login_host(host: str) -> bool:
    """Return true if a ``Host`` header names a login host, where My Domain flows are refused."""
    name = host.rsplit(":", 1)[0].lower() if not host.endswith("]") else host.lower()
    return name in LOGIN_HOSTS or name.endswith(SETUP_SUFFIX)


def signature(secret: str | None, identity: str, issued_at: str) -> str:
    """Give the base64 HMAC-SHA256 over identity address and issue time, keyed by the secret."""
    mac = hmac.new((secret or "").encode(), (identity + issued_at).encode(), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


def parse_basic(header: str | None) -> tuple[str, str] | None:
    """Read ``Authorization: Basic …`` into key and secret; ``None`` for anything else."""
    if header is None or header[:6].lower() != "basic ":
        return None
    try:
        key, _, secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        return None
    return key, secret
