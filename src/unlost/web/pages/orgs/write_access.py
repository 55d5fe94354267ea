"""Pages of an org's connection: settings, credentials, a refreshed sandbox, the write user."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from unlost.app.access import may
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
from unlost.app.actions.restores.kept_plan import choose_again
from unlost.model.access import Right
from unlost.model.errors import NotFound, UnlostError
from unlost.web.forms.connector import SECRET, ConnectorForm, typed_secrets
from unlost.web.forms.problems import add_problem
from unlost.web.needs import needs
from unlost.web.pages.restores.restore import planning
from unlost.web.parts.drafts import draft, drop_draft, keep_draft
from unlost.web.requests import UserRequest, sent


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE)
def settings(request: UserRequest, org: str) -> HttpResponse:
    """Show settings and credentials; a change is stored only if the sign-in succeeds."""
    known = org_settings(request.unlost, org)
    fields = asks(request.unlost, known.connector)
    name = f"settings/{org}"
    typed = _typed(request, name, fields)
    form = ConnectorForm(
        sent(request),
        settings=fields.settings,
        secrets=fields.secrets,
        values=known.config,
        stored_secrets={*known.secrets, *typed},
    )
    if form.is_valid() and _complete(request, form, fields, {*known.secrets, *typed}):
        try:
            added = add_org(request.unlost, NewOrg(known.connector, org, form.config(), typed))
        except UnlostError as error:
            add_problem(form, error)
        else:
            drop_draft(request, name)
            messages.success(request, _("%(org)s answers with the new settings.") % {"org": org})
            _show_gaps(request, added.gaps)
            return redirect("org", org=org)
    return _shown(request, "orgs/settings.html", form, {"org": org, "connector": known.connector})


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
    name = f"writer/{org}"
    typed = _typed(request, name, fields)
    form = ConnectorForm(
        sent(request),
        settings=[setting for setting in fields.settings if not setting.several],
        secrets=fields.secrets,
        values=known.config,
        stored_secrets={*known.secrets, *typed},
    )
    if form.is_valid() and _complete(request, form, fields, {*known.secrets, *typed}):
        try:
            set_writer(request.unlost, NewWriter(org, _differing(form, known), typed))
        except UnlostError as error:
            add_problem(form, error)
        else:
            drop_draft(request, name)
            messages.success(request, _("Restores can write to %(org)s.") % {"org": org})
            return _planned_again(request, org) or redirect(f"{request.path}?check=1")
    plan = request.GET.get("plan", "")
    waiting = plan if plan.replace("-", "").isalnum() else ""
    context = {"org": org, "known": known, "waiting": waiting, **_checked(request, org, known)}
    return _shown(request, "orgs/writer.html", form, context)


def _planned_again(request: UserRequest, org: str) -> HttpResponse | None:
    """Plan the restore again that waited for the write user; None if there is none."""
    plan = request.GET.get("plan", "")
    if not plan or not may(request.unlost, Right.RESTORE, org):
        return None
    try:
        view = choose_again(request.unlost, org, plan)
    except NotFound:  # it was discarded, or is too old
        return None
    return planning(request, view)


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
    try:
        lacking = missing(request.unlost, fields.connector, form.config(), known=known)
    except UnlostError as error:
        add_problem(form, error)
        return False
    for name in lacking.secrets:
        form.add_error(SECRET + name, _("Required to sign in."))
    return not lacking.secrets


def _differing(form: ConnectorForm, known: WriterSettings) -> Mapping[str, Any]:
    config = form.config()
    return {name: value for name, value in config.items() if known.config.get(name) != value}


def _checked(request: UserRequest, org: str, known: WriterSettings) -> dict[str, Any]:
    """Return the missing permissions of the write user, if requested."""
    if request.method == "POST" or "check" not in request.GET or not known.present:
        return {}
    try:
        checked: WriterResult = check_writer(request.unlost, org)
    except UnlostError as error:
        return {"error": error}
    return {"checked": checked}


def _show_gaps(request: UserRequest, gaps: int) -> None:
    if gaps:
        message = ngettext(
            "%(count)s gap: the next certificate lists it.",
            "%(count)s gaps: the next certificate lists them.",
            gaps,
        )
        messages.warning(request, message % {"count": gaps})


def _shown(
    request: UserRequest, page: str, form: ConnectorForm, context: Mapping[str, Any]
) -> HttpResponse:
    status = HTTPStatus.BAD_REQUEST if form.errors else None
    return render(request, page, {"part": "orgs", "form": form, **context}, status=status)
