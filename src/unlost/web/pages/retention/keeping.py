"""Pages of retention: rules with a preview, forgetting, and legal holds."""

from collections.abc import Sequence
from http import HTTPStatus
from itertools import groupby
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from unlost.app.access import rights_in
from unlost.app.actions.orgs.tables import tables
from unlost.app.actions.retention.forget import ForgetPlan, ForgottenBackup, forget, plan
from unlost.app.actions.retention.holds import HoldRequest, hold, holds, lift
from unlost.app.actions.retention.keeping import change, show
from unlost.catalog.vault.keeping import NUMBERS
from unlost.model.access import Right
from unlost.model.errors import UnlostError
from unlost.model.instants import in_zone
from unlost.web.forms.keeping import HoldForm, KeepForm, preset_choices
from unlost.web.forms.problems import add_problem
from unlost.web.needs import needs
from unlost.web.requests import UserRequest


@require_GET
def keeping(request: UserRequest, org: str) -> HttpResponse:
    """Show rules and legal holds; with numbers in the address, also a preview of these rules."""
    is_preview = any(name in request.GET for name in NUMBERS)
    form = KeepForm(request.GET) if is_preview else None
    return _page(request, org, form=form)


@require_POST
@needs(Right.MANAGE)
def rules(request: UserRequest, org: str) -> HttpResponse:
    """Set the rules. Nothing is forgotten yet."""
    form = KeepForm(request.POST)
    if not form.is_valid():
        return _page(request, org, form=form)
    change(request.unlost, org, form.as_request())
    messages.success(request, _("The rules of %(org)s were saved.") % {"org": org})
    return redirect("keeping", org=org)


@require_POST
@needs(Right.MANAGE)
def forgotten(request: UserRequest, org: str) -> HttpResponse:
    """Forget the backups of the preview."""
    done = forget(request.unlost, org, plan=request.POST.get("plan", ""))
    message = ngettext(
        "%(count)s backup of %(org)s was forgotten.",
        "%(count)s backups of %(org)s were forgotten.",
        done.nights,
    )
    messages.success(request, message % {"count": f"{done.nights:,}", "org": org})
    return redirect("keeping", org=org)


@require_POST
@needs(Right.OPERATE)
def place_hold(request: UserRequest, org: str) -> HttpResponse:
    """Set a legal hold; from the page of a record, on that record."""
    form = HoldForm(request.POST)
    if form.is_valid():
        hold_request = form.as_request()
        try:
            hold(request.unlost, org, hold_request)
        except UnlostError as error:
            add_problem(form, error, field=None)
        else:
            messages.success(
                request, _("The legal hold was set. Its data is neither forgotten nor erased.")
            )
            table, _slash, record = hold_request.record.partition("/")
            if record and "back" in request.POST:
                return redirect("record", org=org, table=table, record=record)
            return redirect("keeping", org=org)
    return _page(request, org, hold_form=form)


@require_POST
@needs(Right.MANAGE)
def lifted(request: UserRequest, org: str) -> HttpResponse:
    """Lift a legal hold."""
    sent = request.POST
    table, record, night = (sent.get(name, "") for name in ("table", "record", "night"))
    hold_request = HoldRequest(
        table="" if record else table,
        record=f"{table}/{record}" if record else "",
        night=int(night) if night.isdecimal() and night != "0" else None,
        everything="org" in sent,
    )
    lift(request.unlost, org, hold_request)
    messages.success(
        request, _("The legal hold was lifted. The data can be forgotten and erased again.")
    )
    return redirect("keeping", org=org)


def _page(
    request: UserRequest,
    org: str,
    *,
    form: KeepForm | None = None,
    hold_form: HoldForm | None = None,
) -> HttpResponse:
    (retention,) = show(request.unlost, org).orgs
    can = rights_in(request.unlost, org)
    initial = {name: getattr(retention.rules, name) for name in NUMBERS}
    seen = _preview(request, org, form) if can["operate"] else None
    context = {
        "part": "orgs",
        "org": org,
        "retention": retention,
        "zone": retention.zone,
        "can": can,
        "form": form or KeepForm(initial=initial),
        "presets": preset_choices(retention.rules),
        "seen": seen,
        "same": seen is not None and seen.rules == retention.rules,
        "labels": _labels(request, org) if seen is not None else {},
        "years": _by_year(seen.staying, zone=retention.zone) if seen is not None else (),
        "holds": holds(request.unlost, org).holds if can["read"] else None,
        "hold_form": hold_form or HoldForm(),
    }
    wrong = [
        wrong_form
        for wrong_form in (form, hold_form)
        if wrong_form is not None and wrong_form.errors
    ]
    status = HTTPStatus.BAD_REQUEST if wrong else None
    return render(request, "orgs/keeping.html", context, status=status)


def _labels(request: UserRequest, org: str) -> dict[str, str]:
    return {table.table: table.label for table in tables(request.unlost, org).tables}


def _preview(request: UserRequest, org: str, form: forms.Form | None) -> ForgetPlan | None:
    """Return the plan for typed rules; None if there are none or they are invalid."""
    if not isinstance(form, KeepForm) or not form.is_valid():
        return None
    return plan(request.unlost, org, form.as_request())


def _by_year(
    nights: Sequence[ForgottenBackup], *, zone: str
) -> list[tuple[int, list[ForgottenBackup]]]:
    """Group backups by year, newest first."""
    place = ZoneInfo(zone)

    def year(night: ForgottenBackup) -> int:
        return in_zone(night.as_of, place).year

    newest = sorted(nights, key=lambda night: night.number, reverse=True)
    return [(number, list(some)) for number, some in groupby(newest, key=year)]
