"""OAuth 2.0 flows by which an unattended program signs in (RFC 6749, 7523), and their session.

Tokens live in memory. A rotated refresh token must outlive the process: it is written to the secret
store before its first use.
"""

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode

from unlost.kit.addresses import is_safe
from unlost.kit.http.body import number_in
from unlost.kit.http.client import HttpClient, HttpPolicy, Transport
from unlost.kit.http.failures import redirected, unreachable
from unlost.kit.http.limits import SMALL
from unlost.kit.http.messages import CallFailure, HttpAnswer, HttpCall
from unlost.kit.http.once import SourceLabel
from unlost.kit.http.table import (
    NO_ANSWER_RULES,
    PROXY_RULE,
    AnswerHandling,
    RetryRule,
    RetryTable,
)
from unlost.kit.json_to_arrow import decode
from unlost.kit.jwt import private_key, signed_jwt
from unlost.kit.sessions import AUTHORIZATION, is_sendable, needed
from unlost.kit.sign_in_words import NEUTRAL, SignInWords
from unlost.model.errors import (
    IntegrityError,
    NotAllowed,
    TransientError,
    UnlostError,
    UsageError,
)
from unlost.model.ports.source import Context
from unlost.model.ports.system import Clock, SecretStore

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523, 2.1
ASSERTION_SECONDS = 180  # at most three minutes ahead (Salesforce help, OAuth JWT bearer flow)
# A token is renewed before it ends by a tenth of its life, a minute at most.
LONGEST_MARGIN = 60.0
SHARE_OF_LIFE = 0.1
LONGEST_TEXT = 300  # shown characters of the service's own texts
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}

TOKEN_RETRIES = RetryTable(
    (
        *NO_ANSWER_RULES,
        PROXY_RULE,
        RetryRule(AnswerHandling.RETRY, statuses=frozenset({500})),
    )
)


@dataclass(frozen=True, slots=True)
class OAuthToken:
    """The answer of a token endpoint. ``fields`` are its texts; some are source-specific.

    ``seconds``: the life of the token; None if the answer does not name it.
    """

    access: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)
    seconds: float | None = None


class OAuthFlow(Protocol):
    """A way to sign in."""

    def form(self, secrets: SecretStore, clock: Clock) -> dict[str, str]:
        """The form to send to the token endpoint."""
        ...

    def keep(self, token: OAuthToken, secrets: SecretStore) -> None:
        """Save what the next sign-in needs, durable on return."""
        ...


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """RFC 6749, 4.4: the application's own id and secret; it acts as its run-as user."""

    client_id: str
    stored_as: str = "client_secret"
    scopes: tuple[str, ...] = ()

    def form(self, secrets: SecretStore, clock: Clock) -> dict[str, str]:
        """Id and secret in the body."""
        del clock
        return {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": needed(secrets, self.stored_as),
            **_scope(self.scopes),
        }

    def keep(self, token: OAuthToken, secrets: SecretStore) -> None:
        """Do nothing: the secret does not change."""


@dataclass(frozen=True, slots=True)
class PasswordGrant:
    """RFC 6749, 4.3: the name and password of a user, and the application's id and secret."""

    client_id: str
    user: str
    stored_as: str = "client_secret"
    user_secret: str = "password"  # noqa: S105  its name
    scopes: tuple[str, ...] = ()

    def form(self, secrets: SecretStore, clock: Clock) -> dict[str, str]:
        """Name and password, id, and the client secret if there is one."""
        del clock
        form = {
            "grant_type": "password",
            "username": self.user,
            "password": needed(secrets, self.user_secret),
            "client_id": self.client_id,
            **_scope(self.scopes),
        }
        return form | _client_secret(secrets, self.stored_as)

    def keep(self, token: OAuthToken, secrets: SecretStore) -> None:
        """Do nothing: the password does not change, so a refresh token is not needed."""


@dataclass(frozen=True, slots=True)
class JwtBearer:
    """RFC 7523: an assertion signed with the org's own RSA key, on behalf of ``subject``."""

    client_id: str
    subject: str
    audience: str
    stored_as: str = "private_key"
    words: SignInWords = NEUTRAL

    def form(self, secrets: SecretStore, clock: Clock) -> dict[str, str]:
        """A fresh assertion, RS256."""
        claims: dict[str, str | int] = {
            "iss": self.client_id,
            "sub": self.subject,
            "aud": self.audience,
            "exp": int(clock.now().timestamp()) + ASSERTION_SECONDS,
        }
        key = private_key(needed(secrets, self.stored_as), self.words)
        return {"grant_type": JWT_GRANT, "assertion": signed_jwt(claims, key)}

    def keep(self, token: OAuthToken, secrets: SecretStore) -> None:
        """Do nothing: the key does not change."""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """RFC 6749, 6: a refresh token, which a source may replace at each use."""

    client_id: str
    stored_as: str = "client_secret"
    refresh_as: str = "refresh_token"
    scopes: tuple[str, ...] = ()

    def form(self, secrets: SecretStore, clock: Clock) -> dict[str, str]:
        """The newest refresh token, and the client secret if there is one."""
        del clock
        form = {
            "grant_type": "refresh_token",
            "refresh_token": needed(secrets, self.refresh_as),
            "client_id": self.client_id,
            **_scope(self.scopes),
        }
        return form | _client_secret(secrets, self.stored_as)

    def keep(self, token: OAuthToken, secrets: SecretStore) -> None:
        """Store the new refresh token, if one came, before the next call."""
        fresh = token.fields.get("refresh_token")
        if fresh:
            secrets.put(self.refresh_as, fresh)


def _scope(scopes: tuple[str, ...]) -> dict[str, str]:
    return {"scope": " ".join(scopes)} if scopes else {}


def _client_secret(secrets: SecretStore, name: str) -> dict[str, str]:
    secret = secrets.get(name)
    return {"client_secret": secret} if secret else {}


def understand_oauth(answer: HttpAnswer) -> tuple[str, str]:
    """``error`` and ``error_description`` (which may be missing) of a refusal (RFC 6749, 5.2)."""
    if not answer.is_json:
        return "", ""
    try:
        value = decode(answer.body)
    except (TransientError, IntegrityError):
        return "", ""
    if not isinstance(value, dict):
        return "", ""
    texts = (value.get(name, "") for name in ("error", "error_description"))
    error, description = (text[:LONGEST_TEXT] if isinstance(text, str) else "" for text in texts)
    return error, description


@dataclass(frozen=True, slots=True)
class SignInHint:
    """An explanation for refusals of the token endpoint: those with this ``error`` and text, if set."""

    code: str
    template: str
    next_step: str
    error: str = ""
    contains: str = ""

    def fits(self, failure: CallFailure) -> bool:
        """True if the hint applies to this refusal."""
        return self.error in {"", failure.code} and self.contains.lower() in failure.message.lower()


def oauth_error_factory(
    hints: tuple[SignInHint, ...], words: SignInWords = NEUTRAL
) -> Callable[[CallFailure, AnswerHandling], UnlostError]:
    """Build a function that turns refusals into errors, by the first hint that fits."""

    def to_error(failure: CallFailure, action: AnswerHandling) -> UnlostError:
        if action is AnswerHandling.RETRY or failure.status == 0:
            return unreachable(failure, action)
        if failure.moved_to:
            return redirected(failure, words)
        for hint in hints:
            if hint.fits(failure):
                return NotAllowed(hint.code, hint.template, next_step=hint.next_step)
        reason = " ".join(part for part in (failure.code, failure.message) if part) or "no reason"
        return NotAllowed(
            "sign-in-refused",
            "{host} refused the sign-in ({call} → HTTP {status}: {reason}).",
            next_step="Check the address, the client id and the secret of the org.",
            host=failure.host,
            call=failure.call,
            status=failure.status,
            reason=reason,
        )

    return to_error


class OAuthSession:
    """Signs calls with a token that is fetched on first use, once for all threads.

    A token with a known life is renewed shortly before it ends.
    """

    header = AUTHORIZATION

    def __init__(
        self,
        flow: OAuthFlow,
        *,
        token_url: str,
        client: HttpClient,
        secrets: SecretStore,
        clock: Clock,
        words: SignInWords = NEUTRAL,
    ) -> None:
        """``client`` must not itself sign calls with this session."""
        if not is_safe(token_url):
            raise UsageError(
                "address-not-https",
                "{token_url} is not an https address.",
                next_step="Use an address of the org that begins with https://.",
                token_url=token_url,
            )
        self._flow = flow
        self._url = token_url
        self._client = client
        self._secrets = secrets
        self._clock = clock
        self._words = words
        self._lock = threading.Lock()
        self._token: OAuthToken | None = None
        self._ends = math.inf  # seconds of the clock, when the token must be renewed

    def current(self) -> OAuthToken:
        """The token, fetched on first use and before it ends."""
        with self._lock:
            if self._token is None or self._clock.monotonic() >= self._ends:
                self._token = self._fetch()
            return self._token

    def token(self) -> str:
        """The value of the Authorization header."""
        return f"Bearer {self.current().access}"

    def renew(self, stale: str) -> None:
        """Fetch a new token, unless another thread has already replaced ``stale``."""
        with self._lock:
            if self._token is None or f"Bearer {self._token.access}" == stale:
                self._token = self._fetch()

    def _fetch(self) -> OAuthToken:
        form = self._flow.form(self._secrets, self._clock)
        call = HttpCall(
            "POST",
            self._url,
            FORM,
            urlencode(form).encode(),
            signed=False,
            budgeted=False,
            limits=SMALL,
            harmless=True,
        )
        began = self._clock.monotonic()
        token = self._client.send_for(call, lambda answer: read_token(answer, self._words))
        self._flow.keep(token, self._secrets)
        self._ends = began + _life(token.seconds)
        return token


@contextmanager
def open_session(
    flow: OAuthFlow,
    token_url: str,
    context: Context,
    transport: Transport | None,
    *,
    hints: tuple[SignInHint, ...],
    source: SourceLabel,
    words: SignInWords = NEUTRAL,
) -> Iterator[OAuthSession]:
    """A session with an unsigned client for its tokens, which is closed at the end.

    ``transport`` replaces the network in tests. Raises UsageError (``address-not-https``).
    """
    policy = HttpPolicy(
        TOKEN_RETRIES, understand_oauth, oauth_error_factory(hints, words), source=source
    )
    client = HttpClient(
        policy,
        clock=context.clock,
        entropy=context.entropy,
        budget=context.budget,
        transport=transport,
    )
    try:
        yield OAuthSession(
            flow,
            token_url=token_url,
            client=client,
            secrets=context.secrets,
            clock=context.clock,
            words=words,
        )
    finally:
        client.close()


def _life(seconds: float | None) -> float:
    """Seconds after which a token is renewed."""
    return math.inf if seconds is None else seconds - min(LONGEST_MARGIN, seconds * SHARE_OF_LIFE)


def read_token(answer: HttpAnswer, words: SignInWords = NEUTRAL) -> OAuthToken:
    """The token of an answer; raises NotAllowed if the address is not a token endpoint."""
    value = decode(answer.body) if answer.is_json else None
    access = value.get("access_token") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(access, str) or not is_sendable(access):
        raise NotAllowed(
            "sign-in-not-understood",
            "The address answers, but not with a sign-in for this type of org.",
            next_step=words.sign_in_not_understood,
        )
    fields = {key: text for key, text in value.items() if isinstance(text, str)}
    return OAuthToken(access, fields, _seconds(value.get("expires_in")))


def _seconds(value: object) -> float | None:
    """The life that an answer names, as a number or a text; None if it is none (RFC 6749, 5.1)."""
    text = str(value) if isinstance(value, int | str) else ""
    seconds = number_in({"": text}, "")
    return float(seconds) if seconds else None
