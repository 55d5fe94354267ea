"""Drafts: input stored on the server between two pages, encrypted, in the user's session."""

from collections.abc import Mapping
from typing import Any

from unlost.app.orgs.drafts import open_draft, seal_draft
from unlost.web.requests import UserRequest


def draft(request: UserRequest, name: str) -> Mapping[str, Any]:
    """Return the draft of this name; empty if there is none."""
    sealed = request.session.get(_key(name))
    return open_draft(request.unlost, sealed, place=_place(request, name)) if sealed else {}


def keep_draft(request: UserRequest, name: str, content: Mapping[str, Any]) -> None:
    """Store a draft until the session ends or it is dropped."""
    sealed = seal_draft(request.unlost, content, place=_place(request, name))
    request.session[_key(name)] = sealed


def drop_draft(request: UserRequest, name: str) -> None:
    """Delete a draft."""
    request.session.pop(_key(name), None)


def _key(name: str) -> str:
    return f"draft:{name}"


def _place(request: UserRequest, name: str) -> str:
    return f"{request.unlost.actor.name}/{name}"
