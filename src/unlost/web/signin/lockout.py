"""Lockout of a name at an address after too many wrong passwords."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from unlost.catalog.people.lockouts import list_lockouts
from unlost.web.served_home import application
from unlost.web.signin.adapter import address_of


def typed_name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str | None:
    """Return the name under which wrong passwords are counted, in lower case."""
    name = (credentials or {}).get("username") or request.POST.get("login")
    return str(name).strip().lower() or None if name else None


def locked(
    request: HttpRequest, response: HttpResponse, credentials: Mapping[str, Any] | None
) -> HttpResponse:
    """Render the page with the end of the lockout and the next step."""
    name = typed_name(request, credentials)
    lockouts = list_lockouts(at=application().clock.now(), name=name) if name else []
    here = next((lockout for lockout in lockouts if lockout.address == address_of(request)), None)
    context = {"until": here.until if here is not None else None}
    return render(request, "account/locked.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
