"""Pages of backup schedules."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from unlost.app.access import rights_in
from unlost.app.actions.backups.schedule import change, show
from unlost.model.access import Right
from unlost.model.errors import UnlostError
from unlost.web.forms.problems import add_problem
from unlost.web.forms.schedule import OrgScheduleForm, values_of
from unlost.web.requests import UserRequest, sent

HOURLY = "hourly-"  # the prefix of error codes about hourly tables


@require_GET
def every(request: UserRequest) -> HttpResponse:
    """List all orgs with their next runs and last nightly backups."""
    schedules = show(request.unlost).schedules
    operated = {org.name for org in request.unlost.orgs(Right.OPERATE)}
    context = {"part": "schedules", "schedules": schedules, "operated": operated}
    return render(request, "schedules/every.html", context)


@require_http_methods(["GET", "POST"])
def edit(request: UserRequest, org: str) -> HttpResponse:
    """Show the schedule of an org, and change it if the actor may."""
    (schedule,) = show(request.unlost, org).schedules
    form = OrgScheduleForm(sent(request), initial=values_of(schedule.schedule))
    if form.is_valid():
        try:
            change(request.unlost, org, form.as_request())
        except UnlostError as error:
            field = "hourly_tables" if error.code.startswith(HOURLY) else None
            if error.code == "not-permitted":
                raise
            add_problem(form, error, field=field)
        else:
            messages.success(request, _("The schedule of %(org)s was changed.") % {"org": org})
            return redirect("schedules")
    context = {
        "part": "schedules",
        "org_schedule": schedule,
        "form": form,
        "org": org,
        "zone": schedule.zone,
    }
    context["can"] = rights_in(request.unlost, org)
    status = HTTPStatus.BAD_REQUEST if form.errors else None
    return render(request, "schedules/one.html", context, status=status)
