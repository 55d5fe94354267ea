"""The authorization page of the web server flow: its checks, the login, and the user's answer.

    request ─ checked ─▶ login page ─ ticket ─▶ consent page ─ Allow | Deny ─▶ redirect to the app

Knows apps, sessions and users; knows no HTTP server.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from unlost_simulators.salesforce.model.users import SimUser, Users
from unlost_simulators.salesforce.oauth.apps import AppRegistry, ConnectedApp
from unlost_simulators.salesforce.oauth.errors import OAuthError
from unlost_simulators.salesforce.oauth.sessions import SessionStore

# What users without a password of their own type.
COMMON_WORD = "not-a-password"
S256 = "S256"
WRONG_LOGIN = "Please check your username and password."


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request of an app to act for a user, with everything that the page must not change."""

    app: ConnectedApp
    redirect_uri: str
    state: str | None = None
    challenge: str | None = None
    login_hint: str = ""
    refusal: str = ""

    def back(self, **parameters: str) -> dict[str, str]:
        """Give the parameters of the redirect to the app."""
        return parameters | ({} if self.state is None else {"state": self.state})


def right_password(person: SimUser, typed: str) -> bool:
    """Return true if this is the user's password; a security token may be appended to it."""
    return typed.startswith(person.password or COMMON_WORD)


@dataclass(slots=True)
class Consent:
    """Logs users in on the authorization page, and takes down their answers."""

    apps: AppRegistry
    sessions: SessionStore
    users: Users
    _tickets: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, query: Mapping[str, str]) -> AuthorizationRequest:
        """Check a request; an unknown app or redirect address is raised, never redirected to."""
        app = self.apps.get(query.get("client_id", ""))
        redirect = query.get("redirect_uri", "")
        if app is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if not redirect or not app.may_redirect(redirect):
            raise OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")
        return AuthorizationRequest(
            app,
            redirect,
            query.get("state"),
            query.get("code_challenge"),
            query.get("login_hint", ""),
            _refusal(app, query),
        )

    def log_in(self, username: str, password: str) -> str | None:
        """Give a ticket for one answer of this user; ``None`` for a wrong name or password."""
        person = self.users.by_username(username)
        if person is None or not person.active or not right_password(person, password):
            return None
        ticket = secrets.token_urlsafe(24)
        with self._lock:
            self._tickets[ticket] = person.id
        return ticket

    def person_of(self, ticket: str) -> SimUser | None:
        """The user whom a ticket belongs to."""
        user_id = self._tickets.get(ticket)
        return None if user_id is None else self.users.by_id(user_id)

    def answer(
        self, request: AuthorizationRequest, ticket: str, *, allowed: bool
    ) -> dict[str, str] | None:
        """Give the parameters of the redirect after Allow or Deny; ``None`` for a used ticket."""
        person = self.person_of(ticket)
        with self._lock:
            known = self._tickets.pop(ticket, None)
        if person is None or known is None:
            return None
        return self.allow(request, person) if allowed else deny(request)

    def allow(self, request: AuthorizationRequest, person: SimUser) -> dict[str, str]:
        """Give the parameters of the redirect with a new code."""
        code = self.sessions.grant_code(
            person.id,
            consumer_key=request.app.consumer_key,
            redirect_uri=request.redirect_uri,
            challenge=request.challenge,
        )
        return request.back(code=code)


def deny(request: AuthorizationRequest) -> dict[str, str]:
    """Give the parameters of the redirect of a user who pressed Deny."""
    return request.back(error="access_denied", error_description="end-user denied authorization")


def _refusal(app: ConnectedApp, query: Mapping[str, str]) -> str:
    """Give the error with which a request goes back to the app before anyone logs in."""
    if query.get("response_type") != "code":
        return "unsupported_response_type"
    if query.get("code_challenge_method", S256) != S256:
        return "invalid_request"
    if app.require_pkce and not query.get("code_challenge"):
        return "invalid_request"
    return ""
