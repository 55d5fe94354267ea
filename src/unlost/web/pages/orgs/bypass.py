"""The page of the bypass that is on while a restore writes to an org."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from unlost.app.actions.orgs.bypass import change, show
from unlost.model.access import Right
from unlost.web.forms.bypass import BypassForm, values_of
from unlost.web.forms.problems import done
from unlost.web.needs import needs
from unlost.web.requests import UserRequest, sent


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE)
def edit(request: UserRequest, org: str) -> HttpResponse:
    """Show and change the bypass of an org."""
    known = show(request.unlost, org)
    form = BypassForm(sent(request), initial=values_of(known.bypass), kinds=known.kinds)
    if done(form, lambda: change(request.unlost, org, **form.as_request())) is not None:
        messages.success(request, _("The bypass of %(org)s was saved.") % {"org": org})
        return redirect("org-bypass", org=org)
    context = {"part": "orgs", "org": org, "known": known, "form": form}
    status = HTTPStatus.BAD_REQUEST if form.errors else None
    return render(request, "orgs/bypass.html", context, status=status)
