"""Approve the plan of another person on its page, and withdraw an approval."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from unlost.app.actions.restores.approval import approve, withdraw
from unlost.app.actions.restores.kept_plan import show_stored_plan
from unlost.model.errors import UnlostError
from unlost.web.pages.restores.restore import page
from unlost.web.requests import UserRequest


@require_POST
def approve_plan(request: UserRequest, org: str, plan: str) -> HttpResponse:
    """Approve the plan that the page showed."""
    try:
        approve(request.unlost, org, plan, digest=request.POST.get("digest", ""))
    except UnlostError as error:
        return page(request, show_stored_plan(request.unlost, org, plan), error=error)
    messages.success(request, _("You approved this plan. Another person can run it now."))
    return redirect("plan", org=org, plan=plan)


@require_POST
def withdraw_approval(request: UserRequest, org: str, plan: str) -> HttpResponse:
    """Withdraw the approval of a plan."""
    try:
        withdraw(request.unlost, org, plan)
    except UnlostError as error:
        return page(request, show_stored_plan(request.unlost, org, plan), error=error)
    messages.success(request, _("The approval was withdrawn."))
    return redirect("plan", org=org, plan=plan)
