"""Pages of an org's connection: settings, credentials, a refreshed sandbox, the write user."""

from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from unlost.app.actions.orgs.checklist import org_checklist
from unlost.app.actions.orgs.connecting import ConnectorFields, asks, missing
from unlost.app.actions.orgs.follow import follow as follow_org
from unlost.app.actions.orgs.org_page import org_settings
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.orgs.write_access import (
    NewWriter,
    WriterResult,
    WriterSettings,
    check_writer,
    set_writer,
    writer_settings,
)
from unlost.model.access import Right
from unlost.model.errors import UnlostError
from unlost.web.forms.connector import SECRET, ConnectorForm, typed_secrets
from unlost.web.forms.problems import add_problem
from unlost.web.forms.sign_in_method import method_form
from unlost.web.needs import needs
from unlost.web.pages.orgs.saved import (
    differing,
    planned_again,
    show_continued,
    show_gaps,
    show_same_user,
    waiting_plan,
)
from unlost.web.parts.browser_sign_ins import Purpose, begin_sign_in, callback_address
from unlost.web.parts.drafts import draft, drop_draft, keep_draft
from unlost.web.requests import UserRequest

STORED = "stored"  # the button that saves settings with the stored sign-in by browser


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE)
def settings(request: UserRequest, org: str) -> HttpResponse:
    """Show settings and credentials; a change is stored only if the sign-in succeeds."""
    known = org_settings(request.unlost, org)
    fields = asks(request.unlost, known.connector)
    typed = _typed(request, f"settings/{org}", fields)
    stored = {*known.secrets, *typed}
    form = method_form(
        request, fields, settings=fields.settings, values=known.config, stored_secrets=stored
    )
    if form.is_valid():
        new = NewOrg(known.connector, org, form.config(), typed)
        led = _browser(request, form, Purpose.SETTINGS, new, before=known.config) or (
            _save(request, form, new) if _complete(request, form, fields, stored) else None
        )
        if led is not None:
            return led
    context = {
        "org": org,
        "connector": known.connector,
        **_sign_in(request, form, fields, known.config, stored),
    }
    return _shown(request, "orgs/settings.html", form, context)


@require_GET
@needs(Right.MANAGE)
def checklist(request: UserRequest, org: str) -> HttpResponse:
    """Show the steps of the org's setup; ``?check`` signs in and checks each of them."""
    context: dict[str, Any] = {"part": "orgs", "org": org, "callback": callback_address(request)}
    if "check" in request.GET:
        try:
            checked = org_checklist(request.unlost, org)
        except UnlostError as error:
            context["error"] = error
        else:
            context |= {"steps_to_do": checked.steps, "missing": checked.missing}
    return render(request, "orgs/checklist.html", context)


@require_POST
@needs(Right.MANAGE)
def follow(request: UserRequest, org: str) -> HttpResponse:
    """Point the name to the refreshed sandbox."""
    followed = follow_org(request.unlost, org)
    message = _("%(org)s now stands for the new sandbox. The old one is kept as %(kept)s.")
    messages.success(request, message % {"org": org, "kept": followed.kept_as})
    return redirect("org", org=org)


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE)
def writer(request: UserRequest, org: str) -> HttpResponse:
    """Show and set the write user; ``?check`` lists its missing permissions."""
    known = writer_settings(request.unlost, org)
    fields = asks(request.unlost, known.connector)
    typed = _typed(request, f"writer/{org}", fields)
    stored = {*known.secrets, *typed}
    settings = [setting for setting in fields.settings if not setting.several]
    form = method_form(
        request, fields, settings=settings, values=_usual(fields, known), stored_secrets=stored
    )
    if form.is_valid():
        new = NewOrg(known.connector, org, {**known.config, **form.config()}, typed)
        plan = waiting_plan(request)
        led = _browser(request, form, Purpose.WRITER, new, before=known.config, plan=plan) or (
            _save_writer(request, form, known, typed)
            if _complete(request, form, fields, stored)
            else None
        )
        if led is not None:
            return led
    context = {"org": org, "known": known, "waiting": waiting_plan(request)}
    context |= _checked(request, org, known)
    context |= _sign_in(request, form, fields, known.config, stored)
    return _shown(request, "orgs/writer.html", form, context)


def _usual(fields: ConnectorFields, known: WriterSettings) -> Mapping[str, Any]:
    """Return the values that the form shows at first: never the identity of the backup user."""
    personal = {setting.name for setting in fields.settings if setting.personal}
    shown = frozenset[str]() if known.present else personal
    return {name: value for name, value in known.config.items() if name not in shown}


def _browser(
    request: UserRequest,
    form: ConnectorForm,
    purpose: Purpose,
    new: NewOrg,
    *,
    before: Mapping[str, Any],
    plan: str = "",
) -> HttpResponse | None:
    """Go to the sign-in by browser if the form needs one; None, with errors in it, if not.

    The restore ``plan`` waits for it.
    """
    if form.method is None or not form.method.browser or STORED in request.POST:
        return None
    try:
        return begin_sign_in(request, purpose, new, before=before, plan=plan)
    except UnlostError as error:
        add_problem(form, error)
        return None


def _save(request: UserRequest, form: ConnectorForm, new: NewOrg) -> HttpResponse | None:
    """Sign in and save the settings of an org; None with errors in the form."""
    try:
        added = add_org(request.unlost, new)
    except UnlostError as error:
        add_problem(form, error)
        return None
    drop_draft(request, f"settings/{new.name}")
    messages.success(request, _("%(org)s answers with the new settings.") % {"org": new.name})
    show_gaps(request, added.gaps)
    show_continued(request, added.continues)
    return redirect("org", org=new.name)


def _save_writer(
    request: UserRequest, form: ConnectorForm, known: WriterSettings, typed: Mapping[str, str]
) -> HttpResponse | None:
    """Sign in and save the write user of an org; None with errors in the form."""
    changed = differing(form.config(), known)
    try:
        result = set_writer(request.unlost, NewWriter(known.org, changed, typed))
    except UnlostError as error:
        add_problem(form, error)
        return None
    drop_draft(request, f"writer/{known.org}")
    messages.success(request, _("Restores can write to %(org)s.") % {"org": known.org})
    show_continued(request, result.continues)
    again = planned_again(request, known.org, waiting_plan(request))
    if again is not None:  # else the page of the write user says it
        show_same_user(request, result)
    return again or redirect(f"{request.path}?check=1")


def _sign_in(
    request: UserRequest,
    form: ConnectorForm,
    fields: ConnectorFields,
    config: Mapping[str, Any],
    stored: Collection[str],
) -> dict[str, object]:
    """Return what the form's buttons need to know about the sign-in by browser."""
    if form.method is None:
        return {}
    tried = {**config, form.rules.setting: form.method.name}
    try:
        lacking = missing(request.unlost, fields.connector, tried, known=stored).secrets
    except UnlostError:
        lacking = ("settings",)
    return {"callback": callback_address(request), "signed_in": not lacking}


def _typed(request: UserRequest, name: str, fields: ConnectorFields) -> dict[str, str]:
    """Return the secrets typed now, or before in a form with an error."""
    if request.method != "POST":
        drop_draft(request, name)
        return {}
    typed = {**draft(request, name), **typed_secrets(request.POST, fields.secrets)}
    keep_draft(request, name, typed)
    return typed


def _complete(
    request: UserRequest, form: ConnectorForm, fields: ConnectorFields, known: set[str]
) -> bool:
    """Return True if the settings are valid and no secret is missing; errors are in the form."""
    if form.errors:
        return False
    try:
        lacking = missing(request.unlost, fields.connector, form.config(), known=known)
    except UnlostError as error:
        add_problem(form, error)
        return False
    for name in lacking.secrets:
        shown = SECRET + name in form.fields
        form.add_error(SECRET + name if shown else None, _("Required to sign in."))
    return not lacking.secrets


def _checked(request: UserRequest, org: str, known: WriterSettings) -> dict[str, Any]:
    """Return the missing permissions of the write user, if requested."""
    if request.method == "POST" or "check" not in request.GET or not known.present:
        return {}
    try:
        checked: WriterResult = check_writer(request.unlost, org)
    except UnlostError as error:
        return {"error": error}
    return {"checked": checked}


def _shown(
    request: UserRequest, page: str, form: ConnectorForm, context: Mapping[str, Any]
) -> HttpResponse:
    status = HTTPStatus.BAD_REQUEST if form.errors else None
    return render(request, page, {"part": "orgs", "form": form, **context}, status=status)
