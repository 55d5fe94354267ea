"""Identity of the caller: ``/id/ORG/USER`` and ``/services/oauth2/userinfo``."""

from __future__ import annotations

from typing import Any

from unlost_simulators.kit.http.calls import Answer, json_answer
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.ids import BARE
from unlost_simulators.salesforce.model.users import SimUser

# Suffix of each address in ``urls``; clients replace {version} themselves.
SERVICES = {
    "enterprise": "/services/Soap/c/{version}/",
    "metadata": "/services/Soap/m/{version}/",
    "partner": "/services/Soap/u/{version}/",
    "rest": "/services/data/v{version}/",
    "sobjects": "/services/data/v{version}/sobjects/",
    "search": "/services/data/v{version}/search/",
    "query": "/services/data/v{version}/query/",
    "recent": "/services/data/v{version}/recent/",
    "tooling_soap": "/services/Soap/T/{version}/",
    "tooling_rest": "/services/data/v{version}/tooling/",
    "profile": "/",
    "feeds": "/services/data/v{version}/chatter/feeds",
    "groups": "/services/data/v{version}/chatter/groups",
    "users": "/services/data/v{version}/chatter/users",
    "feed_items": "/services/data/v{version}/chatter/feed-items",
    "feed_elements": "/services/data/v{version}/chatter/feed-elements",
    "custom_domain": "",
}


def userinfo(context: Context) -> Answer:
    """Answer ``/services/oauth2/userinfo``."""
    return json_answer(_openid(context, _caller(context)))


def identity(context: Context) -> Answer:
    """Answer the identity address of a user, to that user."""
    user = _caller(context)
    org_id, user_id = context.call.segments[1:3]
    same_org = org_id[:BARE] == context.sim.org.id18[:BARE]
    if not same_org or user_id[:BARE] != user.id[:BARE]:
        raise SalesforceError(404, "NOT_FOUND", "The requested resource does not exist")
    return json_answer(_identity(context, user))


def _caller(context: Context) -> SimUser:
    header = context.call.headers.get("authorization", "").partition(" ")[2].strip()
    token = header or context.call.query.get("oauth_token") or _form_token(context)
    user_id = context.sim.sessions.user_of(token)
    user = None if user_id is None else context.sim.org.users.by_id(user_id)
    if user is None:
        raise SalesforceError(401, "INVALID_SESSION_ID", "Session expired or invalid")
    return user


def _form_token(context: Context) -> str:
    return context.call.form().get("access_token", "") if context.call.method == "POST" else ""


def _urls(context: Context, user: SimUser) -> dict[str, str]:
    base = context.sim.settings.base_url
    urls = {name: base + suffix for name, suffix in SERVICES.items()}
    urls["profile"] = f"{base}/{user.id}"
    return urls


def _openid(context: Context, user: SimUser) -> dict[str, Any]:
    base = context.sim.settings.base_url
    first, _, last = user.name.rpartition(" ")
    return {
        "sub": context.sim.tokens.identity_url(user.id),
        "user_id": user.id,
        "organization_id": context.sim.org.id18,
        "preferred_username": user.username,
        "nickname": user.username.partition("@")[0],
        "name": user.name,
        "email": user.email,
        "email_verified": True,
        "given_name": first or None,
        "family_name": last,
        "zoneinfo": "Europe/Berlin",
        "photos": {"picture": f"{base}/profilephoto/005/F", "thumbnail": f"{base}/profilephoto/005/T"},
        "profile": f"{base}/{user.id}",
        "picture": f"{base}/profilephoto/005/F",
        "urls": _urls(context, user),
        "active": user.active,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "utcOffset": 3600000,
        "updated_at": context.sim.org.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip


def _identity(context: Context, user: SimUser) -> dict[str, Any]:
    first, _, last = user.name.rpartition(" ")
    return {
        "id": context.sim.tokens.identity_url(user.id),
        "asserted_user": True,
        "user_id": user.id,
        "organization_id": context.sim.org.id18,
        "username": user.username,
        "nick_name": user.username.partition("@")[0],
        "display_name": user.name,
        "email": user.email,
        "email_verified": True,
        "first_name": first or None,
        "last_name": last,
        "timezone": "Europe/Berlin",
        "photos": {},
        "addr_street": None,
        "addr_city": None,
        "addr_state": None,
        "addr_country": None,
        "addr_zip": None,
        "mobile_phone": None,
        "mobile_phone_verified": False,
        "status": {"created_date": None, "body": None},
        "urls": _urls(context, user),
        "active": user.active,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "utcOffset": 3600000,
        "last_modified_date": context.sim.org.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        "is_app_installed": True,
    }
