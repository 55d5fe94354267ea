"""OAuth 2.0 flows by which an unattended program signs in (RFC 6749, 7523), and their session.

Tokens live in memory. A rotated refresh token must outlive the process: it is written to the secret
store before its first use.
"""

import base64
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from unlost.kit.addresses import is_safe
from unlost.kit.http.client import HttpClient
from unlost.kit.http.limits import SMALL
from unlost.kit.http.messages import CallFailure, HttpAnswer, HttpCall
from unlost.kit.http.table import AnswerHandling, RetryRule, RetryTable
from unlost.kit.json_to_arrow import decode
from unlost.model.errors import (
    IntegrityError,
    NotAllowed,
    TransientError,
    UnlostError,
    UsageError,
)
from unlost.model.ports.system import Clock, SecretStore

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523, 2.1
ASSERTION_SECONDS = 180  # at most three minutes ahead (Salesforce help, OAuth JWT bearer flow)
# A token of other characters cannot be sent in a header (RFC 6750, 2.1).
_SENDABLE = re.compile(r"[\x21-\x7e]+")
LONGEST_TEXT = 300  # shown characters of the service's own texts
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}

# Statuses that the proxy in front of a token endpoint gives for a while.
TOKEN_RETRIES = RetryTable(
    (
        RetryRule(AnswerHandling.FAIL, statuses=frozenset({0}), contains="certificate"),
        RetryRule(
            AnswerHandling.FAIL, codes=frozenset({"UnsupportedProtocol", "LocalProtocolError"})
        ),
        RetryRule(AnswerHandling.RETRY, statuses=frozenset({0, 406, 420, 429, 500, 502, 503, 504})),
    )
)


@dataclass(frozen=True, slots=True)
class OAuthToken:
    """The answer of a token endpoint. ``fields`` are its texts; some are source-specific."""

    access: str
    fields: Mapping[str, str]


class OAuthFlow(Protocol):
    """A way to sign in."""

    def form(self, secrets: SecretStore, clock: Clock) -> dict[str, str]:
        """The form to send to the token endpoint."""
        ...

    def keep(self, token: OAuthToken, secrets: SecretStore) -> None:
        """Save what the next sign-in needs, durable on return."""
        ...


def needed(secrets: SecretStore, name: str) -> str:
    """A secret that must exist; raises NotAllowed (``secret-missing``)."""
    value = secrets.get(name)
    if not value:
        raise NotAllowed(
            "secret-missing",
            "The {secret} of this org is not stored.",
            next_step="Enter it again with `unlost org add` (for restores: `unlost org "
            "writer`). Existing backups are kept.",
            secret=name.replace("_", " "),
        )
    return value


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """RFC 6749, 4.4: the application's own id and secret; it acts as its run-as user."""

    client_id: str
    stored_as: str = "client_secret"

    def form(self, secrets: SecretStore, clock: Clock) -> dict[str, str]:
        """Id and secret in the body."""
        del clock
        return {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": needed(secrets, self.stored_as),
        }

    def keep(self, token: OAuthToken, secrets: SecretStore) -> None:
        """Do nothing: the secret does not change."""


@dataclass(frozen=True, slots=True)
class JwtBearer:
    """RFC 7523: an assertion signed with the org's own RSA key, on behalf of ``subject``."""

    client_id: str
    subject: str
    audience: str
    stored_as: str = "private_key"

    def form(self, secrets: SecretStore, clock: Clock) -> dict[str, str]:
        """A fresh assertion, RS256."""
        claims: dict[str, str | int] = {
            "iss": self.client_id,
            "sub": self.subject,
            "aud": self.audience,
            "exp": int(clock.now().timestamp()) + ASSERTION_SECONDS,
        }
        key = private_key(needed(secrets, self.stored_as))
        return {"grant_type": JWT_GRANT, "assertion": signed_jwt(claims, key)}

    def keep(self, token: OAuthToken, secrets: SecretStore) -> None:
        """Do nothing: the key does not change."""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """RFC 6749, 6: a refresh token, which a source may replace at each use."""

    client_id: str
    stored_as: str = "client_secret"
    refresh_as: str = "refresh_token"

    def form(self, secrets: SecretStore, clock: Clock) -> dict[str, str]:
        """The newest refresh token, and the client secret if there is one."""
        del clock
        form = {
            "grant_type": "refresh_token",
            "refresh_token": needed(secrets, self.refresh_as),
            "client_id": self.client_id,
        }
        secret = secrets.get(self.stored_as)
        return form | ({"client_secret": secret} if secret else {})

    def keep(self, token: OAuthToken, secrets: SecretStore) -> None:
        """Store the new refresh token, if one came, before the next call."""
        fresh = token.fields.get("refresh_token")
        if fresh:
            secrets.put(self.refresh_as, fresh)


def private_key(pem: str) -> rsa.RSAPrivateKey:
    """The RSA key of a PEM text; raises UsageError (``private-key-unreadable``)."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise _no_key() from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise _no_key()
    return key


def _no_key() -> UsageError:
    return UsageError(
        "private-key-unreadable",
        "The stored private key is not an RSA key in PEM format without a passphrase.",
        next_step="Store the .key file for the certificate of the External Client App.",
    )


def signed_jwt(claims: Mapping[str, str | int], key: rsa.RSAPrivateKey) -> str:
    """A JSON Web Token, RS256 (RFC 7515, 7519)."""
    head = _segment({"alg": "RS256", "typ": "JWT"})
    signing = f"{head}.{_segment(claims)}"
    signature = key.sign(signing.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signing}.{_base64url(signature)}"


def _segment(value: Mapping[str, str | int]) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


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
    """An explanation for a refusal of the token endpoint; empty fields match anything."""

    error: str
    contains: str
    code: str
    template: str
    next_step: str

    def fits(self, failure: CallFailure) -> bool:
        """True if the hint applies to this refusal."""
        return self.error in {"", failure.code} and self.contains.lower() in failure.message.lower()


def oauth_error_factory(
    hints: tuple[SignInHint, ...],
) -> Callable[[CallFailure, AnswerHandling], UnlostError]:
    """Build a function that turns refusals into errors, by the first hint that fits."""

    def to_error(failure: CallFailure, action: AnswerHandling) -> UnlostError:
        if action is AnswerHandling.RETRY or failure.status == 0:
            return unreachable(failure, action)
        if failure.moved_to:
            return redirected(failure)
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


def unreachable(failure: CallFailure, action: AnswerHandling) -> UnlostError:
    """The error for a host that did not answer, or whose proxy answered in its place."""
    if action is not AnswerHandling.RETRY:
        return NotAllowed(
            "source-not-trusted",
            "{host} cannot be trusted, or a connection is not possible ({call}: {message}).",
            next_step="Check the address. Behind a company proxy, add its certificate to the "
            "system's store, or name it in SSL_CERT_FILE.",
            host=failure.host,
            call=failure.call,
            message=failure.message,
        )
    what = f"HTTP {failure.status}" if failure.status else failure.message or "no answer"
    return TransientError(
        "source-unreachable",
        "{host} does not answer ({call} → {reason}).",
        next_step="Check the address and the network, proxy and firewall of this machine, then "
        "try again. Nothing was lost.",
        retry_after=failure.retry_after,
        host=failure.host,
        call=failure.call,
        reason=what,
    )


def redirected(failure: CallFailure) -> NotAllowed:
    """The error for an answer that leads elsewhere: a token is sent only where it was meant for."""
    return NotAllowed(
        "source-redirects",
        "{host} redirects {call} to {target}. Unlost does not follow redirects, so that secrets "
        "stay with the org.",
        next_step="Check the address of the org. Use its My Domain, not an address that leads "
        "there. Check the proxies between this machine and the source.",
        host=failure.host,
        call=failure.call,
        target=failure.moved_to,
    )


class OAuthSession:
    """Signs calls with a token that is fetched on first use, once for all threads."""

    header = "Authorization"

    def __init__(
        self,
        flow: OAuthFlow,
        *,
        token_url: str,
        client: HttpClient,
        secrets: SecretStore,
        clock: Clock,
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
        self._lock = threading.Lock()
        self._token: OAuthToken | None = None

    def current(self) -> OAuthToken:
        """The token, fetched on first use."""
        with self._lock:
            if self._token is None:
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
        token = self._client.send_for(call, read_token)
        self._flow.keep(token, self._secrets)
        return token


def read_token(answer: HttpAnswer) -> OAuthToken:
    """The token of an answer; raises NotAllowed if the address is not a token endpoint."""
    value = decode(answer.body) if answer.is_json else None
    access = value.get("access_token") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(access, str) or not _is_sendable(access):
        raise NotAllowed(
            "sign-in-not-understood",
            "The address answers, but not with a sign-in for this type of org.",
            next_step="Check the org's address (its My Domain, without a path).",
        )
    fields = {key: text for key, text in value.items() if isinstance(text, str)}
    return OAuthToken(access, fields)


def _is_sendable(token: str) -> bool:
    return _SENDABLE.fullmatch(token) is not None
