"""Pages of the loss inbox: the list, one loss with its records, and decisions about it."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from unlost.app.actions.records.losses import (
    dismiss,
    loss_detail,
    losses,
    reopen,
)
from unlost.model.access import Right
from unlost.model.errors import UnlostError
from unlost.model.losses import LossState
from unlost.web.failing import status_of
from unlost.web.needs import needs
from unlost.web.parts.paging import PageLinks, start_of
from unlost.web.requests import UserRequest

PAGE = 25
RECORDS = 200
LONGEST_NUMBER = 12  # digits


@require_GET
def every(request: UserRequest) -> HttpResponse:
    """List the losses of all orgs, of one, or of one backup, in one state.

    Of a backup with a single loss, redirect to that loss.
    """
    org, start, state = request.GET.get("org") or None, start_of(request), _state(request)
    backup = _backup(request) if org is not None else None
    page = losses(request.unlost, org, state=state, start=start, most=PAGE, backup=backup)
    if backup is not None and page.total == 1:
        return redirect("loss", org=org, loss=page.losses[0].loss)
    context = {
        "part": "losses",
        "org": org,
        "backup": backup,
        "page": page,
        "state": state.value,
        "pages": PageLinks(start, PAGE, len(page.losses), page.total),
    }
    return render(request, "losses/list.html", context)


@require_GET
@needs(Right.READ)
def show(request: UserRequest, org: str, loss: int) -> HttpResponse:
    """Show a loss, its records, and the form to dismiss it."""
    return _page(request, org, loss)


@require_POST
@needs(Right.OPERATE)
def dismissed(request: UserRequest, org: str, loss: int) -> HttpResponse:
    """Dismiss a loss with the reason of the form."""
    reason = request.POST.get("reason", "")
    try:
        dismiss(request.unlost, org, loss, reason=reason)
    except UnlostError as error:
        if error.code not in ("loss-reason-missing", "loss-not-open"):
            raise
        return _page(request, org, loss, error=error)
    messages.success(request, _("The loss was dismissed. It can be reopened."))
    return redirect("losses")


@require_POST
@needs(Right.OPERATE)
def reopened(request: UserRequest, org: str, loss: int) -> HttpResponse:
    """Put a loss back into the inbox."""
    try:
        reopen(request.unlost, org, loss)
    except UnlostError as error:
        if error.code != "loss-not-dismissed":
            raise
        return _page(request, org, loss, error=error)
    messages.success(request, _("The loss is open again."))
    return redirect("loss", org=org, loss=loss)


def _page(
    request: UserRequest, org: str, loss: int, *, error: UnlostError | None = None
) -> HttpResponse:
    start, table = start_of(request), request.GET.get("table") or None
    detail = loss_detail(request.unlost, org, loss, table=table, start=start, most=RECORDS)
    context = {
        "part": "losses",
        "org": org,
        "detail": detail,
        "line": detail.loss,
        "error": error,
        "pages": PageLinks(start, RECORDS, len(detail.records), detail.total),
    }
    status = status_of(error) if error is not None else HTTPStatus.OK
    return render(request, "losses/show.html", context, status=status)


def _backup(request: UserRequest) -> int | None:
    text = request.GET.get("backup", "")
    return int(text) if text.isdecimal() and len(text) < LONGEST_NUMBER else None


def _state(request: UserRequest) -> LossState:
    text = request.GET.get("state", "")
    return LossState(text) if text in set(LossState) else LossState.OPEN
