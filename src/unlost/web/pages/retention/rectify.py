"""Correct a value of a record in all backups: show the plan, confirm it, run it in a thread."""

from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from unlost.app.actions.records.show import ShowResult, show
from unlost.app.actions.retention.rectify import RectifyPlan, plan
from unlost.model.access import Right
from unlost.model.errors import UnlostError
from unlost.web.forms.correct import CorrectForm
from unlost.web.forms.privacy import AgreeForm
from unlost.web.forms.problems import add_problem, done
from unlost.web.needs import needs
from unlost.web.parts.erasures import begin
from unlost.web.requests import UserRequest, sent


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE)
def correct(request: UserRequest, org: str, table: str, record: str) -> HttpResponse:
    """Show the form for a field and its correct value, and then the plan."""
    shown = show(request.unlost, org, table, record, at="latest")
    form = CorrectForm(shown.fields, shown.values, sent(request))
    return _page(request, shown, form, seen=_planned(request, shown, form))


@require_POST
@needs(Right.MANAGE)
def corrected(request: UserRequest, org: str, table: str, record: str) -> HttpResponse:
    """Start the correction of the plan, once the name of the org was typed."""
    shown = show(request.unlost, org, table, record, at="latest")
    form, agreed = (
        CorrectForm(shown.fields, shown.values, request.POST),
        AgreeForm(request.POST, org=org),
    )
    if form.is_valid() and agreed.is_valid():
        correction_request = form.as_request(shown.table, shown.record)
        try:
            begin(request.unlost, org, correction_request, plan=request.POST.get("plan", ""))
        except UnlostError as error:
            add_problem(form, error)
        else:
            return redirect("privacy", org=org)
    return _page(request, shown, form, seen=_planned(request, shown, form), agreed=agreed)


def _planned(request: UserRequest, shown: ShowResult, form: CorrectForm) -> RectifyPlan | None:
    record_key = (shown.table, shown.record)
    return done(form, lambda: plan(request.unlost, shown.org, form.as_request(*record_key)))


def _page(
    request: UserRequest,
    shown: ShowResult,
    form: CorrectForm,
    *,
    seen: RectifyPlan | None,
    agreed: AgreeForm | None = None,
) -> HttpResponse:
    current = [(field, shown.values.get(field.column)) for field in shown.fields]
    context = {
        "part": "records",
        "org": shown.org,
        "shown": shown,
        "filled": [row for row in current if row[1] not in (None, "")],
        "form": form,
        "seen": seen,
        "versions": sum(table.versions for table in seen.tables) if seen is not None else 0,
        "agreed": agreed or AgreeForm(org=shown.org),
    }
    wrong = form.errors or (agreed is not None and agreed.errors)
    status = HTTPStatus.BAD_REQUEST if wrong else None
    return render(request, "records/correct.html", context, status=status)
