"""The page of the thresholds above which mass changes are reported immediately."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from unlost.app.access import may
from unlost.app.actions.alerts.mass_changes import limit, limits
from unlost.app.actions.orgs.tables import StoredTable, tables
from unlost.model.access import Right
from unlost.model.errors import UnlostError
from unlost.model.mass_changes import MassLimits
from unlost.web.forms.mass_limits import MassLimitsForm, values_of
from unlost.web.forms.problems import add_problem
from unlost.web.needs import needs
from unlost.web.requests import UserRequest, sent

DEFAULT = MassLimits()


@dataclass(frozen=True, slots=True)
class LimitsCard:
    """The thresholds of a table, or of the whole org; ``is_set`` is false for the defaults."""

    table: str
    label: str
    limits: MassLimits
    is_set: bool


@require_http_methods(["GET", "POST"])
def edit(request: UserRequest, org: str) -> HttpResponse:
    """Show the thresholds of an org and its tables, and change those of one."""
    known = limits(request.unlost, org).limits
    stored = tables(request.unlost, org).tables
    table = _table(request, stored)
    chosen = known.get(table) or known.get("") or DEFAULT
    form = MassLimitsForm(stored, sent(request), initial=values_of(chosen, table))
    if form.is_valid():
        try:
            limit(request.unlost, org, form.as_request(), table=form.cleaned_data["table"])
        except UnlostError as error:
            if error.code != "limits-invalid":
                raise
            add_problem(form, error)
        else:
            messages.success(request, _("The thresholds were changed."))
            return redirect("mass-limits", org=org)
    context = {
        "part": "alerts",
        "org": org,
        "cards": _cards(known, stored),
        "form": form,
        "may_operate": may(request.unlost, Right.OPERATE, org),
    }
    status = HTTPStatus.BAD_REQUEST if form.errors else None
    return render(request, "alerts/limits.html", context, status=status)


@require_POST
@needs(Right.OPERATE)
def remove(request: UserRequest, org: str) -> HttpResponse:
    """Remove the thresholds of a table, or those of the whole org: others then apply."""
    limit(request.unlost, org, None, table=request.POST.get("table", ""))
    messages.success(request, _("The thresholds were removed."))
    return redirect("mass-limits", org=org)


def _cards(known: Mapping[str, MassLimits], stored: tuple[StoredTable, ...]) -> list[LimitsCard]:
    labels = {table.table: table.label for table in stored}
    whole = LimitsCard("", "", known.get("", DEFAULT), "" in known)
    others = [
        LimitsCard(name, labels.get(name, name), known[name], is_set=True) for name in known if name
    ]
    return [whole, *sorted(others, key=lambda card: (card.label, card.table))]


def _table(request: UserRequest, stored: tuple[StoredTable, ...]) -> str:
    name = request.GET.get("table", "")
    return name if any(table.table == name for table in stored) else ""
