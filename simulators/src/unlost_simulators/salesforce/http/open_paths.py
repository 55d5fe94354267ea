"""Paths that need no session of the data API: version list, OAuth, identity."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

from unlost_simulators.kit.http.calls import (
    Answer,
    Call,
    json_answer,
)
from unlost_simulators.salesforce.http.consent_page import authorize
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.http.identity import identity, userinfo
from unlost_simulators.salesforce.http.routes import method_not_allowed
from unlost_simulators.salesforce.model import versions
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.oauth.errors import OAuthError
from unlost_simulators.salesforce.oauth.grants import TokenCall, parse_basic

type Opened = Callable[[Context], Answer]


def find(call: Call) -> Opened | None:
    """Give the handler of an open path, or ``None`` when the path belongs to the data API."""
    segments = [part.lower() for part in call.segments]
    if segments == ["services", "data"]:
        return version_list
    if segments[:2] == ["services", "oauth2"] and len(segments) == 3:
        return _OAUTH.get(segments[2])
    if segments[:1] == ["id"] and len(segments) == 3:
        return identity
    return None


def version_list(context: Context) -> Answer:
    """Answer ``GET /services/data``."""
    if context.call.method not in ("GET", "HEAD"):
        raise method_not_allowed(context.call.method, ["GET"])
    return json_answer(versions.listing())


def token(context: Context) -> Answer:
    """Answer the token endpoint; refusals are not in the array form."""
    if context.call.method != "POST":
        raise method_not_allowed(context.call.method, ["POST"])
    try:
        return _never_cached(json_answer(context.sim.tokens.grant(_token_call(context.call))))
    except OAuthError as error:
        return _never_cached(json_answer(error.body(), error.status))


def revoke(context: Context) -> Answer:
    """Answer ``/services/oauth2/revoke``, by form or by query."""
    form = {**context.call.query, **context.call.form()}
    if not context.sim.sessions.end(form.get("token", "")):
        error = OAuthError("unsupported_token_type", "this token type is not supported")
        return json_answer(error.body(), error.status)
    return Answer(200, content_type=None)


def introspect(context: Context) -> Answer:
    """Answer ``/services/oauth2/introspect`` for an access token."""
    user_id = context.sim.sessions.user_of(context.call.form().get("token", ""))
    user = None if user_id is None else context.sim.org.users.by_id(user_id)
    if user is None:
        return json_answer({"active": False})
    sub = context.sim.tokens.identity_url(user.id)
    return json_answer({"active": True, "scope": "api", "username": user.username, "sub": sub})


def _token_call(call: Call) -> TokenCall:
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    # Parameters in the address are accepted too, as by the real endpoint.
    form = dict(parse_qsl(call.target.partition("?")[2], keep_blank_values=True))
    if kind in ("", "application/x-www-form-urlencoded"):
        form |= call.form()
    return TokenCall(form, call.host, parse_basic(call.headers.get("authorization")))


def _never_cached(answer: Answer) -> Answer:
    answer.headers["Cache-Control"] = "no-cache, no-store"
    answer.headers["Pragma"] = "no-cache"
    return answer


def _session_only(handler: Opened) -> Opened:
    def checked(context: Context) -> Answer:
        try:
            return handler(context)
        except SalesforceError as error:
            return Answer(403, f"Bad_OAuth_Token {error.code}".encode(), "text/html")

    return checked


_OAUTH: dict[str, Opened] = {
    "token": token,
    "authorize": authorize,
    "revoke": revoke,
    "introspect": introspect,
    "userinfo": _session_only(userinfo),
}
