"""Settings, hidden columns: the columns that viewers and operators of an org cannot see."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from unlost.app.actions.orgs.hidden_columns import hidden as list_hidden
from unlost.app.actions.orgs.hidden_columns import hide as hide_column
from unlost.app.actions.orgs.hidden_columns import hideable
from unlost.app.actions.orgs.hidden_columns import show as show_column
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.model.access import Right
from unlost.model.errors import UnlostError
from unlost.web.failing import status_of
from unlost.web.requests import UserRequest


@require_GET
def hidden(request: UserRequest) -> HttpResponse:
    """Show the hidden columns of an org, and the columns of a table that can be hidden."""
    orgs = request.unlost.orgs(Right.MANAGE)
    # Without the right the action refuses it.
    first = next(iter(orgs or request.unlost.orgs()), None)
    org = request.GET.get("org") or (first.name if first is not None else None)
    if org is None:
        return render(request, "settings/hidden.html", {"part": "settings", "tab": "hidden"})
    return _page(request, org, request.GET.get("table") or None, orgs=orgs)


@require_POST
def hide(request: UserRequest, org: str) -> HttpResponse:
    """Hide a column; an invalid name is shown again with the reason."""
    column = request.POST.get("column", "").strip()
    try:
        hide_column(request.unlost, org, column)
    except UnlostError as error:
        if not request.unlost.actor.may_somewhere(Right.MANAGE):
            raise
        orgs = request.unlost.orgs(Right.MANAGE)
        return _page(request, org, None, orgs=orgs, typed=column, error=error)
    message = _("%(column)s is now hidden from viewers and operators of %(org)s.")
    messages.success(request, message % {"org": org, "column": column})
    return _back(org, column)


@require_POST
def show(request: UserRequest, org: str) -> HttpResponse:
    """Show a hidden column to viewers and operators again."""
    column = request.POST.get("column", "")
    show_column(request.unlost, org, column)
    message = _("%(column)s is visible again to everyone who may read records of %(org)s.")
    messages.success(request, message % {"org": org, "column": column})
    return _back(org, column)


def _back(org: str, column: str) -> HttpResponse:
    table = column.partition(".")[0]
    return redirect(f"{reverse('hidden')}?{urlencode({'org': org, 'table': table})}")


def _page(
    request: UserRequest,
    org: str,
    table: str | None,
    *,
    orgs: Sequence[ProtectedOrg],
    typed: str = "",
    error: UnlostError | None = None,
) -> HttpResponse:
    hidden_of_org = list_hidden(request.unlost, org)
    choices = hideable(request.unlost, org, table=table)
    context = {
        "part": "settings",
        "tab": "hidden",
        "orgs": orgs,
        "org": org,
        "hidden": hidden_of_org.columns,
        "choices": choices,
        "columns": [(name, f"{choices.table}.{name}") for name in choices.columns],
        "typed": typed,
        "error": error,
    }
    status = 200 if error is None else status_of(error)
    return render(request, "settings/hidden.html", context, status=status)
