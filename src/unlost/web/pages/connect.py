"""Connect an org in four steps: its kind, the sign-in, the scope, the hour.

What is typed is kept on the server until the last step; nothing is protected before that.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from unlost.app.actions.connecting import asks, connectors, missing
from unlost.app.actions.orgs import AddedOrg, NewOrg, check_name, keep, look
from unlost.app.actions.schedule import change
from unlost.app.connector_settings import bare
from unlost.model.access import Right
from unlost.model.errors import UnlostError, UsageError
from unlost.model.learned import learned
from unlost.model.schedule import Schedule
from unlost.web.drafts import draft, drop_draft, keep_draft
from unlost.web.forms.connector import SECRET, ConnectorForm, typed_secrets
from unlost.web.forms.problems import add_problem
from unlost.web.forms.schedule import ScheduleForm
from unlost.web.needs import needs
from unlost.web.requests import Asked, sent
from unlost.web.said import told

DRAFT = "connect"
STEPS = (
    ("connect", gettext_lazy("Kind")),
    ("connect-sign-in", gettext_lazy("Sign in")),
    ("connect-scope", gettext_lazy("Scope")),
    ("connect-hour", gettext_lazy("Hour")),
)


class Kind(forms.Form):
    """What kind of org it is, and what people will call it."""

    connector = forms.CharField(label=gettext_lazy("Kind of org"))
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=80,
        help_text=gettext_lazy("What you call it here, such as sales. It cannot be changed later."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, data: Any, *, names: tuple[str, ...], taken: set[str], **told: Any) -> None:
        super().__init__(data, **told)
        self._taken = taken
        choices = [(name, name.replace("-", " ").title()) for name in names]
        self.fields["connector"].widget = forms.RadioSelect(choices=choices)

    def clean_name(self) -> str:
        """A name that can be typed, and that stands for no org yet."""
        name = str(self.cleaned_data["name"])
        if name in self._taken:
            raise forms.ValidationError(
                _("There is an org of this name. Its settings are on its own page.")
            )
        try:
            check_name(name)
        except UsageError as error:
            raise forms.ValidationError(told(error)) from error
        return name


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE)
def kind(request: Asked) -> HttpResponse:
    """Step 1: which connector, and the name."""
    names, known = connectors(request.unlost).names, draft(request, DRAFT)
    taken = {org.name for org in request.unlost.orgs()}
    first = {"connector": known.get("connector", names[0]), "name": known.get("name", "")}
    form = Kind(sent(request), names=names, taken=taken, initial=first)
    if form.is_valid():
        chosen = form.cleaned_data
        try:
            asks(request.unlost, chosen["connector"])
        except UnlostError as error:
            add_problem(form, error, field="connector")
        else:
            same = known if known.get("connector") == chosen["connector"] else {}
            keep_draft(request, DRAFT, {**same, **chosen})
            return redirect("connect-sign-in")
    return _step(request, 1, form, {})


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE)
def sign_in(request: Asked) -> HttpResponse:
    """Step 2: settings and secrets. Sent off, it signs in and looks around, and keeps nothing."""
    known = draft(request, DRAFT)
    if "connector" not in known:
        return redirect("connect")
    asked = asks(request.unlost, known["connector"])
    if request.method == "POST":
        typed = typed_secrets(request.POST, asked.secrets)
        known = {**known, "secrets": {**known.get("secrets", {}), **typed}}
        keep_draft(request, DRAFT, known)
    form = ConnectorForm(
        sent(request),
        settings=[one for one in asked.settings if not one.several],
        secrets=asked.secrets,
        values=known.get("config", {}),
        kept=known.get("secrets", {}),
    )
    if form.is_valid():
        config = {**known.get("config", {}), **form.config()}
        seen = _looked(request, form, {**known, "config": config})
        if seen is not None:
            keep_draft(request, DRAFT, seen)
            return redirect("connect-scope")
    return _step(request, 2, form, known)


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE)
def scope(request: Asked) -> HttpResponse:
    """Step 3: what the user sees and what not; which tables are left out."""
    known = draft(request, DRAFT)
    if "found" not in known:
        return redirect("connect-sign-in")
    asked = asks(request.unlost, known["connector"])
    chosen = [one for one in asked.settings if one.several]
    form = ConnectorForm(sent(request), settings=chosen, secrets=(), values=known["config"])
    if form.is_valid():
        config = {**known["config"], **form.config()}
        before = {**{one.name: bare(one.default) for one in chosen}, **known["config"]}
        if config == before and "again" not in request.POST:
            return redirect("connect-hour")
        seen = _looked(request, form, {**known, "config": config})
        if seen is not None:
            keep_draft(request, DRAFT, seen)
            messages.info(request, _("Unlost looked again."))
            return redirect("connect-scope")
    found = learned(AddedOrg).convert(known["found"])
    return _step(request, 3, form, known, found=found)


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE)
def hour(request: Asked) -> HttpResponse:
    """Step 4: when it is backed up. Sent off, the org is kept, and protected from then on."""
    known = draft(request, DRAFT)
    if "found" not in known:
        return redirect("connect-sign-in")
    found = learned(AddedOrg).convert(known["found"])
    form = ScheduleForm.of(Schedule(), sent(request))
    if form.is_valid():
        try:
            keep(request.unlost, _new(known))
        except UnlostError as error:
            add_problem(form, error)
        else:
            change(request.unlost, found.name, form.wish())
            drop_draft(request, DRAFT)
            messages.success(request, _("%(org)s is connected.") % {"org": found.name})
            return redirect("org", org=found.name)
    return _step(request, 4, form, known, found=found)


def _looked(request: Asked, form: ConnectorForm, known: Mapping[str, Any]) -> dict[str, Any] | None:
    """The draft with what a look found; None if it could not look, which the form tells then."""
    try:
        lacking = missing(
            request.unlost, known["connector"], known["config"], known=known.get("secrets", {})
        )
        for name in lacking.secrets:
            form.add_error(SECRET + name, _("This is needed to sign in."))
        if lacking.secrets:
            return None
        looked = look(request.unlost, _new(known))
    except UnlostError as error:
        add_problem(form, error)
        return None
    found = msgspec.to_builtins(looked.found)
    return {**known, "secrets": dict(looked.secrets), "found": found}


def _new(known: Mapping[str, Any]) -> NewOrg:
    return NewOrg(known["connector"], known["name"], known["config"], known.get("secrets", {}))


def _step(
    request: Asked,
    number: int,
    form: forms.Form,
    known: Mapping[str, Any],
    **more: object,
) -> HttpResponse:
    context = {"part": "orgs", "form": form, "draft": known, "steps": STEPS, "number": number}
    names = ("kind", "sign_in", "scope", "hour")
    return render(
        request,
        f"connect/{names[number - 1]}.html",
        context | more,
        status=HTTPStatus.BAD_REQUEST if form.errors else None,
    )
