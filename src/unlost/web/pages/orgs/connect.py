"""Connect an org in five steps: its kind, the sign-in, the checklist, the tables, the hour.

Input is stored on the server until the last step; nothing is protected before that. The org is
inspected in a thread, as a large org takes longer than a request may.
"""

from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from unlost.app.actions.backups.schedule import change
from unlost.app.actions.orgs.connecting import asks, connectors, missing
from unlost.app.actions.orgs.orgs import AddedOrg, NewOrg, check_name, keep
from unlost.app.home.discovery import connector_label
from unlost.app.orgs.connector_settings import Setting, bare
from unlost.model.access import Right
from unlost.model.decoders import decoder_for
from unlost.model.errors import UnlostError, UsageError
from unlost.model.runs.schedule import Schedule
from unlost.web.forms.connector import SECRET, ConnectorForm, typed_secrets
from unlost.web.forms.problems import add_problem
from unlost.web.forms.schedule import ScheduleForm
from unlost.web.forms.sign_in_method import method_form
from unlost.web.forms.table_picker import PAGE as TABLES_SHOWN
from unlost.web.forms.table_picker import TablePicker, left_out_after, table_picker
from unlost.web.needs import needs
from unlost.web.parts.browser_sign_ins import Purpose, begin_sign_in, callback_address
from unlost.web.parts.drafts import draft, keep_draft
from unlost.web.parts.paging import PageLinks, start_of
from unlost.web.parts.previews import DRAFT, begin, end, progress, seen_org, unseen
from unlost.web.requests import UserRequest, sent
from unlost.web.translate import error_text

STOP_POLLING = 286  # the status that tells htmx to stop polling
KIND, SIGN_IN, CHECKLIST, TABLES, HOUR = range(1, 6)
STEPS = (
    ("connect", gettext_lazy("Kind")),
    ("connect-sign-in", gettext_lazy("Sign in")),
    ("connect-checklist", gettext_lazy("Checklist")),
    ("connect-scope", gettext_lazy("Tables")),
    ("connect-hour", gettext_lazy("Schedule")),
)
LIST_BUTTONS = frozenset(
    {"search", "every", "none", "to"}
)  # those that lead back to the list of tables
PAGES = ("kind", "sign_in", "checklist", "scope", "hour")


class KindForm(forms.Form):
    """The kind of an org, and its name in Unlost."""

    connector = forms.CharField(label=gettext_lazy("Kind of org"))
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=80,
        help_text=gettext_lazy(
            "Name of the org in Unlost, such as sales. It cannot be changed later."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(
        self, data: Any, *, names: tuple[str, ...], taken: set[str], **form_options: Any
    ) -> None:
        super().__init__(data, **form_options)
        self._taken = taken
        choices = [(name, connector_label(name)) for name in names]
        self.fields["connector"].widget = forms.RadioSelect(choices=choices)

    def clean_name(self) -> str:
        """Check that the name can be typed and is not taken."""
        name = str(self.cleaned_data["name"])
        if name in self._taken:
            raise forms.ValidationError(
                _("An org with this name exists. Change its settings on its page.")
            )
        try:
            check_name(name)
        except UsageError as error:
            raise forms.ValidationError(error_text(error)) from error
        return name


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE)
def kind(request: UserRequest) -> HttpResponse:
    """Step 1: choose the connector and the name."""
    names, known = connectors(request.unlost).names, draft(request, DRAFT)
    taken = {org.name for org in request.unlost.orgs()}
    first = {"connector": known.get("connector", names[0]), "name": known.get("name", "")}
    form = KindForm(sent(request), names=names, taken=taken, initial=first)
    if form.is_valid():
        chosen = form.cleaned_data
        try:
            asks(request.unlost, chosen["connector"])
        except UnlostError as error:
            add_problem(form, error, field="connector")
        else:
            same = known if known.get("connector") == chosen["connector"] else {}
            if same.get("name") != chosen["name"]:
                same = unseen(same)
            keep_draft(request, DRAFT, {**same, **chosen})
            return redirect("connect-sign-in")
    return _step(request, KIND, form, {})


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE)
def sign_in(request: UserRequest) -> HttpResponse:
    """Step 2: enter settings and secrets, and start to inspect the org, without adding it yet."""
    at = progress(request)
    known = at.known
    if "connector" not in known:
        return redirect("connect")
    fields = asks(request.unlost, known["connector"])
    if request.method == "POST":
        typed = typed_secrets(request.POST, fields.secrets)
        known = {**known, "secrets": {**known.get("secrets", {}), **typed}}
        keep_draft(request, DRAFT, known)
    config = known.get("config", {})
    form = method_form(
        request,
        fields,
        settings=[setting for setting in fields.settings if not setting.several],
        values={**config, **known.get("tried", {})},
        stored_secrets=known.get("secrets", {}),
    )
    if form.is_valid():
        anew = {name: value for name, value in known.items() if name != "found"}
        new_config = {**_without(config, fields.sign_in.special), **form.config()}
        led = _signing_in(request, form, anew, config=new_config)
        if led is not None:
            return led
    error = at.error if not form.is_bound else None
    more = {"error": error, "callback": callback_address(request)}
    return _step(request, SIGN_IN, form, known, **more)


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE)
def checklist(request: UserRequest) -> HttpResponse:
    """Step 3: show each step of the setup with its state, and what the user cannot see."""
    at = progress(request)
    known = at.known
    if at.going:
        return _in_progress(request, known)
    if not at.is_found:
        return _back(request)
    form = forms.Form(sent(request))
    if form.is_valid() and _begun(request, form, known, config=known["config"]):
        return redirect("connect-checklist")
    steps = seen_org(request, known).checklist
    more = {"org_preview": _added_org(known), "steps_to_do": steps, "error": at.error}
    return _step(request, CHECKLIST, form, known, **more)


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE)
def scope(request: UserRequest) -> HttpResponse:
    """Step 4: choose the tables to back up; all of them, unless some are left out."""
    at = progress(request)
    known = at.known
    if at.going or not at.is_found:
        return redirect("connect-checklist")
    chosen = _chosen(request, known)
    listing = next((setting for setting in chosen if setting.leaves_out), None)
    if listing is not None and request.method == "POST":
        known = _with_picked(request, known, listing)
    form = _scope_form(request, known, [each for each in chosen if each is not listing])
    if LIST_BUTTONS & set(request.POST):
        return redirect(f"{reverse('connect-scope')}?{urlencode(_list_place(request))}")
    if form.is_valid():
        config = {**known["config"], **form.config()}
        if config == _settings(request, known):
            return redirect("connect-hour")
        if _begun(request, form, known, config=config):
            return redirect("connect-checklist")
    picker = _picker(request, known, listing) if listing is not None else None
    pages = (
        PageLinks(picker.start, TABLES_SHOWN, len(picker.shown), picker.matches) if picker else None
    )
    return _step(request, TABLES, form, known, picker=picker, pages=pages)


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE)
def hour(request: UserRequest) -> HttpResponse:
    """Step 5: choose the schedule, and add the org, which is protected from then on."""
    at = progress(request)
    known = at.known
    if at.going or not at.is_found:
        return redirect("connect-checklist")
    org = _added_org(known)
    form = ScheduleForm.of(Schedule(), sent(request))
    if form.is_valid():
        new = NewOrg(known["connector"], known["name"], known["config"], known["secrets"])
        try:
            keep(request.unlost, new)
        except UnlostError as error:
            add_problem(form, error)
        else:
            change(request.unlost, org.name, form.as_request())
            end(request)
            messages.success(request, _("%(org)s is connected.") % {"org": org.name})
            return redirect("org", org=org.name)
    return _step(request, HOUR, form, known, org_preview=org)


# --- checking -------------------------------------------------------------------------------------


def _signing_in(
    request: UserRequest,
    form: ConnectorForm,
    known: Mapping[str, Any],
    *,
    config: Mapping[str, Any],
) -> HttpResponse | None:
    """Go on to the browser sign-in or to the inspection; None with errors in the form."""
    if form.method is None or not form.method.browser:
        return (
            redirect("connect-checklist") if _begun(request, form, known, config=config) else None
        )
    new = NewOrg(known["connector"], known["name"], config, known.get("secrets", {}))
    try:
        return begin_sign_in(request, Purpose.CONNECT, new)
    except UnlostError as error:
        add_problem(form, error)
        return None


def _begun(
    request: UserRequest,
    form: forms.Form,
    known: Mapping[str, Any],
    *,
    config: Mapping[str, Any],
) -> bool:
    """Start to inspect the org; returns False, with errors in the form, if that is not possible."""
    try:
        secrets = known.get("secrets", {})
        lacking = missing(request.unlost, known["connector"], config, known=secrets)
        for name in lacking.secrets:
            shown = SECRET + name in form.fields
            form.add_error(SECRET + name if shown else None, _("Required to sign in."))
        if lacking.secrets:
            return False
        begin(request, known, config=config)
    except UnlostError as error:
        add_problem(form, error)
        return False
    return True


def _in_progress(request: UserRequest, known: Mapping[str, Any]) -> HttpResponse:
    """Render the page during the inspection; for htmx only the fragment that polls again."""
    if request.method == "POST":
        return redirect("connect-checklist")
    if request.htmx:
        return render(request, "connect/seen.html", {"draft": known, "checking": True})
    return _step(request, CHECKLIST, forms.Form(), known, checking=True)


def _back(request: UserRequest) -> HttpResponse:
    """Return to the sign-in step, which shows why nothing was found."""
    if request.htmx:
        return HttpResponseClientRedirect(reverse("connect-sign-in"))
    return redirect("connect-sign-in")


def _scope_form(
    request: UserRequest, known: Mapping[str, Any], settings: Sequence[Setting]
) -> ConnectorForm:
    values = {**known["config"], **known.get("tried", {})}
    return ConnectorForm(sent(request), settings=settings, secrets=(), values=values)


def _without(config: Mapping[str, Any], names: Collection[str]) -> Mapping[str, Any]:
    return {name: value for name, value in config.items() if name not in names}


def _with_picked(
    request: UserRequest, known: Mapping[str, Any], listing: Setting
) -> Mapping[str, Any]:
    """Store which tables were picked on the page; the org is not inspected again for that."""
    shown, picked = request.POST.getlist("shown"), request.POST.getlist("table")
    if "none" in request.POST:
        picked = []
    if "every" in request.POST:
        picked = shown
    before = known["config"].get(listing.name) or ()
    left_out = left_out_after(before, shown=shown, picked=picked)
    config = {**known["config"], listing.name: list(left_out)}
    known = {**known, "config": config}
    keep_draft(request, DRAFT, known)
    return known


def _picker(request: UserRequest, known: Mapping[str, Any], listing: Setting) -> TablePicker:
    tables = seen_org(request, known).tables
    left_out = known["config"].get(listing.name) or ()
    search = request.GET.get("q", "")
    return table_picker(tables, left_out, search=search, start=start_of(request))


def _list_place(request: UserRequest) -> Mapping[str, str]:
    """Return the query of the list that a button leads to: another search, or a page of this one."""
    search = request.POST.get("q", "")
    if "search" in request.POST or search != request.GET.get("q", ""):
        return {"q": search}
    start = request.POST.get("to", request.GET.get("start", ""))
    return {"q": search, "start": start} if start else {"q": search}


def _settings(request: UserRequest, known: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings used for the inspection, completed by defaults."""
    defaults = {setting.name: bare(setting.default) for setting in _chosen(request, known)}
    return {**defaults, **known["config"]}


def _chosen(request: UserRequest, known: Mapping[str, Any]) -> Sequence[Setting]:
    """Return the settings of the third step, such as tables to leave out."""
    fields = asks(request.unlost, known["connector"])
    return [setting for setting in fields.settings if setting.several]


def _added_org(known: Mapping[str, Any]) -> AddedOrg:
    return decoder_for(AddedOrg).convert(known["found"])


def _step(
    request: UserRequest,
    number: int,
    form: forms.Form,
    known: Mapping[str, Any],
    **more: object,
) -> HttpResponse:
    context = {"part": "orgs", "form": form, "draft": known, "steps": STEPS, "number": number}
    page = f"connect/{PAGES[number - 1]}.html"
    status: int | None = HTTPStatus.BAD_REQUEST if form.errors else None
    if request.htmx and number == CHECKLIST:
        page, status = "connect/seen.html", STOP_POLLING
    return render(request, page, context | more, status=status)
