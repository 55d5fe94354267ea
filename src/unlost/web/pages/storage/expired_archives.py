"""The page of archived records whose retention has ended: request, approve, withdraw, and erase."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from unlost.app.access import rights_in
from unlost.app.actions.archive.expired import (
    approve_removal,
    list_expired,
    request_removal,
    withdraw_removal,
)
from unlost.model.access import Right
from unlost.model.errors import UnlostError
from unlost.web.failing import status_of
from unlost.web.needs import needs
from unlost.web.parts.erasures import RemovalStart, begin
from unlost.web.requests import UserRequest


@require_GET
def show(request: UserRequest, org: str) -> HttpResponse:
    """Show what is due, and the request to erase it."""
    return _page(request, org)


@require_POST
@needs(Right.MANAGE)
def request_it(request: UserRequest, org: str) -> HttpResponse:
    """Request the erasure that the page showed."""
    return _step(
        request,
        org,
        lambda plan: request_removal(request.unlost, org, plan=plan),
        success=_("The erasure was requested. Another admin can approve it now."),
    )


@require_POST
@needs(Right.MANAGE)
def approve(request: UserRequest, org: str) -> HttpResponse:
    """Approve the erasure that the page showed."""
    return _step(
        request,
        org,
        lambda plan: approve_removal(request.unlost, org, plan=plan),
        success=_("You approved this erasure. Another admin can start it now."),
    )


@require_POST
@needs(Right.MANAGE)
def withdraw(request: UserRequest, org: str) -> HttpResponse:
    """Withdraw the request."""
    return _step(
        request,
        org,
        lambda _plan: withdraw_removal(request.unlost, org),
        success=_("The request was withdrawn."),
    )


@require_POST
@needs(Right.MANAGE)
def erase(request: UserRequest, org: str) -> HttpResponse:
    """Start the erasure; the page of privacy requests shows its progress and its proof."""
    try:
        begin(request.unlost, org, RemovalStart(), plan=request.POST.get("plan", ""))
    except UnlostError as error:
        return _page(request, org, error=error)
    return redirect("privacy", org=org)


def _step(
    request: UserRequest, org: str, act: Callable[[str], object], *, success: str
) -> HttpResponse:
    try:
        act(request.POST.get("plan", ""))
    except UnlostError as error:
        return _page(request, org, error=error)
    messages.success(request, success)
    return redirect("expired", org=org)


def _page(request: UserRequest, org: str, *, error: UnlostError | None = None) -> HttpResponse:
    seen = list_expired(request.unlost, org)
    context = {
        "part": "storage",
        "org": org,
        "seen": seen,
        "removal": seen.request,
        "can": rights_in(request.unlost, org),
        "error": error,
    }
    status = status_of(error) if error is not None else None
    return render(request, "storage/expired.html", context, status=status)
