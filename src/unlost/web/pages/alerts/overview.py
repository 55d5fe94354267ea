"""The home page: the state of each org."""

from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from unlost.app.access import may
from unlost.app.actions.alerts.overview import overview
from unlost.app.actions.records.losses import first_losses
from unlost.app.actions.restores.approval import approvals
from unlost.model.access import Right
from unlost.web.requests import UserRequest


@require_GET
def home(request: UserRequest) -> HttpResponse:
    """Show each org as a card: protection, last backup, storage, active runs.

    The card of an org whose newest backup is being compared asks again, until that is done.
    """
    seen = overview(request.unlost)
    compared = request.GET.get("compared")
    if compared is not None and any(org.name == compared and not org.compared for org in seen.orgs):
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    # Reading names is audited, so nothing is read if nothing was lost.
    lost = any(may(request.unlost, Right.READ, org.name) for org in seen.orgs if org.losses)
    losses = first_losses(request.unlost).orgs if lost else {}
    restores = request.unlost.actor.may_somewhere(Right.RESTORE)
    waiting = approvals(request.unlost).plans if restores else ()
    context = {"part": "home", "overview": seen, "losses": losses, "approvals": waiting}
    return render(request, "home.html", context)
