"""The columns of an org by which people can search, beside those that are always searched."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from unlost.app.actions.orgs.searched_columns import choices, chosen
from unlost.app.actions.orgs.searched_columns import choose as choose_column
from unlost.app.actions.orgs.searched_columns import drop as drop_column
from unlost.web.requests import UserRequest


@require_GET
def searched(request: UserRequest, org: str) -> HttpResponse:
    """Show the chosen columns, and the columns of a table that can be chosen."""
    context = {
        "part": "orgs",
        "org": org,
        "chosen": chosen(request.unlost, org).columns,
        "choices": choices(request.unlost, org, table=request.GET.get("table") or None),
    }
    return render(request, "orgs/searched.html", context)


@require_POST
def choose(request: UserRequest, org: str) -> HttpResponse:
    """Search a column from the next backup on."""
    column = request.POST.get("column", "").strip()
    choose_column(request.unlost, org, column)
    message = _("%(column)s is searched from the next backup of %(org)s on.")
    messages.success(request, message % {"org": org, "column": column})
    return _back(org, column)


@require_POST
def drop(request: UserRequest, org: str) -> HttpResponse:
    """Take back the choice of a column."""
    column = request.POST.get("column", "").strip()
    drop_column(request.unlost, org, column)
    message = _("%(column)s is no longer searched in records of %(org)s that change from now on.")
    messages.success(request, message % {"org": org, "column": column})
    return _back(org, column)


def _back(org: str, column: str) -> HttpResponse:
    table = column.partition(".")[0]
    return redirect(f"{reverse('searched', kwargs={'org': org})}?{urlencode({'table': table})}")
