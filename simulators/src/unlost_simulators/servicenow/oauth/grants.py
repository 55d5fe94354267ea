"""``/oauth_token.do``: the grants password, refresh_token and client_credentials."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from unlost_simulators.kit.http.calls import Answer, Call, json_answer
from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.model.users import OAuthClient
from unlost_simulators.servicenow.oauth.sessions import ACCESS_SECONDS, Sessions

SCOPE = "useraccount"


def token(instance: Instance, sessions: Sessions, call: Call) -> Answer:
    """Answer a request for a token."""
    form = call.form()
    client = _client(instance, call, form)
    if client is None:
        return _refused("invalid_client", "client credentials are invalid")
    match form.get("grant_type"):
        case "password":
            user = instance.users.with_password(form.get("username", ""), form.get("password", ""))
            return _granted(sessions, client, user.name if user else None, refresh=None)
        case "refresh_token":
            text = form.get("refresh_token", "")
            name = sessions.user_of_refresh(text, client.client_id)
            return _granted(sessions, client, name, refresh=text)
        case "client_credentials":
            return _of_client(instance, sessions, client)
        case other:
            return _refused("unsupported_grant_type", f"grant type {other}")


def _of_client(instance: Instance, sessions: Sessions, client: OAuthClient) -> Answer:
    """Give a token for the client's application user; the grant is off by default."""
    user = instance.users.get(client.application_user or "")
    if not instance.settings.client_credentials or user is None or not user.active:
        return _refused("access_denied", "client credentials grant is not enabled")
    access = sessions.open(user.name, client.client_id)
    return json_answer(_document(access))


def _granted(
    sessions: Sessions, client: OAuthClient, user: str | None, *, refresh: str | None
) -> Answer:
    if user is None:
        return _refused("access_denied", "access_denied")
    access = sessions.open(user, client.client_id)
    refresh = refresh or sessions.grant(user, client.client_id)
    return json_answer({**_document(access), "refresh_token": refresh})


def _document(access: str) -> dict[str, object]:
    return {
        "access_token": access,
        "scope": SCOPE,
        "token_type": "Bearer",
        "expires_in": ACCESS_SECONDS,
    }


def _refused(code: str, text: str) -> Answer:
    return json_answer({"error": code, "error_description": text}, 401)


def _client(instance: Instance, call: Call, form: Mapping[str, str]) -> OAuthClient | None:
    pair = basic(call) or (form.get("client_id", ""), form.get("client_secret", ""))
    client = instance.clients.get(pair[0])
    return client if client is not None and client.secret == pair[1] else None


def basic(call: Call) -> tuple[str, str] | None:
    """Give name and password of Basic authentication, or None."""
    scheme, _, text = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password
