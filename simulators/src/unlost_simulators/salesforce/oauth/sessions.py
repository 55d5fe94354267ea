"""Access tokens, refresh tokens and authorization codes that the org has given out.

Sessions die by idleness on the virtual clock: a run that starts a virtual day later has to log in
again, as it would have to in life.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from unlost_simulators.salesforce.oauth.errors import invalid_grant

# Default of the session settings page: two hours of idleness.
DEFAULT_IDLE_SECONDS = 7200
CODE_LIFETIME = timedelta(minutes=15)


@dataclass(slots=True)
class Session:
    """One live access token."""

    token: str
    user_id: str
    consumer_key: str | None
    last_used: datetime


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A token that gives new access tokens until it is revoked or rotated away."""

    token: str
    user_id: str
    consumer_key: str


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """A single-use code of the web server flow, bound to its PKCE challenge."""

    code: str
    user_id: str
    consumer_key: str
    redirect_uri: str
    challenge: str | None
    issued: datetime


class SessionStore:
    """All tokens of one org; every method is safe to call from many threads."""

    def __init__(self, org_id: str, now: Callable[[], datetime]) -> None:
        self._org_id = org_id
        self._now = now
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._refresh: dict[str, RefreshToken] = {}
        self._codes: dict[str, AuthorizationCode] = {}
        self.idle_seconds = DEFAULT_IDLE_SECONDS

    def open(self, user_id: str, *, consumer_key: str | None) -> str:
        """Start a session and give its access token, ``00D…!…``."""
        token = f"{self._org_id[:15]}!AQ{secrets.token_urlsafe(69)}"
        with self._lock:
            self._sessions[token] = Session(token, user_id, consumer_key, self._now())
        return token

    def user_of(self, token: str) -> str | None:
        """Give the user of a live token and keep the session alive; ``None`` when it is dead."""
        now = self._now()
        with self._lock:
            session = self._sessions.get(token)
            if session is None:
                return None
            if now - session.last_used > timedelta(seconds=self.idle_seconds):
                del self._sessions[token]
                return None
            session.last_used = max(now, session.last_used)
            return session.user_id

    def end(self, token: str) -> bool:
        """Revoke an access token, or a refresh token with all access tokens of its grant."""
        with self._lock:
            if self._sessions.pop(token, None) is not None:
                return True
            grant = self._refresh.pop(token, None)
            if grant is None:
                return False
            self._drop(
                lambda each: (
                    each.user_id == grant.user_id and each.consumer_key == grant.consumer_key
                )
            )
            return True

    def end_all(self, user_id: str | None = None) -> int:
        """End every session, or every session of one user; give how many there were."""
        with self._lock:
            before = len(self._sessions)
            self._drop(lambda each: user_id is None or each.user_id == user_id)
            return before - len(self._sessions)

    def count(self) -> int:
        """Give the number of sessions that were opened and not ended."""
        with self._lock:
            return len(self._sessions)

    def grant_refresh(self, user_id: str, *, consumer_key: str) -> str:
        """Give a new refresh token."""
        token = f"5Aep861{secrets.token_urlsafe(60)}"
        with self._lock:
            self._refresh[token] = RefreshToken(token, user_id, consumer_key)
        return token

    def use_refresh(self, token: str, *, consumer_key: str, rotate: bool) -> RefreshToken:
        """Accept a refresh token of this app; with rotation it can be used only this once."""
        with self._lock:
            grant = self._refresh.get(token)
            if grant is None or grant.consumer_key != consumer_key:
                raise invalid_grant("expired access/refresh token")
            if rotate:
                del self._refresh[token]
            return grant

    def revoke_grants(self, user_id: str | None = None) -> int:
        """Revoke all refresh tokens, or those of one user, with all access tokens of these grants.

        Gives how many refresh tokens there were.
        """
        with self._lock:
            doomed = [
                grant
                for grant in self._refresh.values()
                if user_id is None or grant.user_id == user_id
            ]
            pairs = {(grant.user_id, grant.consumer_key) for grant in doomed}
            for grant in doomed:
                del self._refresh[grant.token]
            self._drop(lambda each: (each.user_id, each.consumer_key) in pairs)
            return len(doomed)

    def grant_code(
        self, user_id: str, *, consumer_key: str, redirect_uri: str, challenge: str | None
    ) -> str:
        """Give an authorization code that can be redeemed once within 15 minutes."""
        code = f"aPrx{secrets.token_urlsafe(48)}"
        entry = AuthorizationCode(code, user_id, consumer_key, redirect_uri, challenge, self._now())
        with self._lock:
            self._codes[code] = entry
        return code

    def redeem_code(
        self, code: str, *, consumer_key: str, redirect_uri: str, verifier: str | None
    ) -> AuthorizationCode:
        """Accept an authorization code once, with its redirect address and PKCE verifier."""
        with self._lock:
            entry = self._codes.pop(code, None)
        if entry is None or self._now() - entry.issued > CODE_LIFETIME:
            raise invalid_grant("expired authorization code")
        if entry.consumer_key != consumer_key:
            raise invalid_grant("invalid authorization code")
        if entry.redirect_uri != redirect_uri:
            raise invalid_grant("redirect_uri must match configuration")
        if entry.challenge is not None and s256(verifier or "") != entry.challenge:
            raise invalid_grant("invalid code verifier")
        return entry

    def _drop(self, doomed: Callable[[Session], bool]) -> None:
        self._sessions = {t: s for t, s in self._sessions.items() if not doomed(s)}


def s256(verifier: str) -> str:
    """Give the PKCE S256 challenge of a verifier (RFC 7636)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
