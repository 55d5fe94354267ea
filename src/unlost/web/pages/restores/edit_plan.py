"""Pages that edit a restore plan: values of a record, and replacements for people."""

from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from unlost.app.actions.restores.edit_plan import edit_stored_plan, planned_fields, reassign_in_plan
from unlost.app.actions.restores.kept_plan import show_stored_plan
from unlost.model.errors import UsageError
from unlost.web.forms.problems import done
from unlost.web.forms.values import ValuesForm
from unlost.web.pages.restores.restore import page, planning
from unlost.web.requests import UserRequest, sent

TO = "to-"  # the prefix of fields with a replacement


@require_http_methods(["GET", "POST"])
def edit(request: UserRequest, org: str, plan: str, table: str, record: str) -> HttpResponse:
    """Show the values to restore for a record, and plan again with changed ones."""
    app = request.unlost
    fields = planned_fields(app, org, plan, table, record)
    form = ValuesForm(fields, sent(request))
    view = done(form, lambda: edit_stored_plan(app, org, plan, table, record, form.values()))
    if view is not None:
        return planning(request, view)
    status = HTTPStatus.BAD_REQUEST if form.errors else None
    context = {"part": "runs", "planned": fields, "form": form}
    return render(request, "restore/edit.html", context, status=status)


@require_POST
def give(request: UserRequest, org: str, plan: str) -> HttpResponse:
    """Replace people that records refer to, and plan again."""
    given = {
        name.removeprefix(TO): request.POST[name] for name in request.POST if name.startswith(TO)
    }
    try:
        view = reassign_in_plan(request.unlost, org, plan, given)
    except UsageError as error:
        return page(request, show_stored_plan(request.unlost, org, plan), error=error)
    return planning(request, view)
