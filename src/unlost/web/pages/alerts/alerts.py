"""Pages of alerts and of the channels by which they are sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from unlost.app.actions.alerts.alerts import (
    acknowledged,
    add_channel,
    channels,
    drop_channel,
    show,
    show_alert,
    try_channels,
)
from unlost.app.actions.alerts.public_address import show_address
from unlost.catalog.alerts import AlertRecord
from unlost.model.access import Right
from unlost.model.alert import AlertRule, Channel, ChannelKind, Urgency
from unlost.model.errors import NotFound, UnlostError
from unlost.web.forms.channel import FORMS
from unlost.web.forms.problems import add_problem
from unlost.web.parts.alert_pages import address, page_of
from unlost.web.parts.drafts import draft, drop_draft, keep_draft
from unlost.web.requests import UserRequest, sent


@dataclass(frozen=True, slots=True)
class AlertLine:
    """An alert with the actor's options; ``link`` is empty if the actor may not open the page."""

    alert: AlertRecord
    zone: str
    link: str
    words: str | Promise
    may_see_to_it: bool

    @property
    def mass(self) -> bool:
        """True for mass changes, which are repaired or expected."""
        return bool(self.link) and self.alert.raised.rule is AlertRule.MASS_CHANGE


@require_GET
def inbox(request: UserRequest) -> HttpResponse:
    """Show open alerts, urgent ones first; with ``?all`` the newest ones, closed ones included."""
    every = "all" in request.GET
    alerts = show(request.unlost, all_of_them=every)
    shown = alerts.alerts if every else sorted(alerts.alerts, key=_waits)
    context = {"part": "alerts", "every": every, "lines": _lines(request, shown)}
    context["orgs"] = request.unlost.orgs()
    return render(request, "alerts/inbox.html", context)


def _waits(alert: AlertRecord) -> bool:
    """Return True for an alert that does not need a person immediately."""
    return alert.raised.urgency is not Urgency.NOW


def _lines(request: UserRequest, alerts: Sequence[AlertRecord]) -> list[AlertLine]:
    actor = request.unlost.actor
    orgs = {org.name: org for org in request.unlost.orgs()}
    alert_lines: list[AlertLine] = []
    for alert in alerts:
        org, page = orgs.get(alert.raised.org), page_of(request.unlost, alert.raised)
        oid = org.oid if org is not None else None
        zone = org.identity.zone if org is not None else "UTC"
        # settings of an org may be changed only by users who manage the home
        goes = actor.may(page.right, None if page.right is Right.MANAGE else oid)
        link = address(alert.raised, page) if goes or page.right is Right.LOOK else ""
        open_still = alert.resolved_at is None and alert.acknowledged_at is None
        sees = open_still and actor.may(Right.OPERATE, oid)
        alert_lines.append(AlertLine(alert, zone, link, page.words, sees))
    return alert_lines


@require_GET
def show_one(request: UserRequest, alert: int) -> HttpResponse:
    """Redirect from the link in a message to the page that repairs or explains the alert."""
    raised = show_alert(request.unlost, alert).raised
    return redirect(address(raised, page_of(request.unlost, raised)))


@require_POST
def acknowledge(request: UserRequest) -> HttpResponse:
    """Acknowledge an alert: no more messages are sent until it is closed."""
    acknowledged(request.unlost, request.POST.get("key", ""))
    messages.success(
        request, _("The alert is acknowledged. No more messages are sent until it is resolved.")
    )
    return redirect("alerts")


@require_GET
def every_channel(request: UserRequest) -> HttpResponse:
    """List the channels."""
    channel_list = channels(request.unlost)
    rows = [
        (channel, channel_list.silent.get(channel.name, ""), _goes_to(channel))
        for channel in channel_list.channels
    ]
    return render(
        request,
        "alerts/channels.html",
        {
            "part": "alerts",
            "rows": rows,
            "kinds": list(ChannelKind),
            "address": show_address(request.unlost).address,
            "here": request.build_absolute_uri("/").rstrip("/"),
        },
    )


def _goes_to(channel: Channel) -> str:
    """Return the address of a channel's messages, unless it is secret."""
    to = channel.settings.get("to")
    if isinstance(to, list | tuple):
        return ", ".join(str(address_part) for address_part in to)
    return str(channel.settings.get("url", ""))


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def add(request: UserRequest, kind: str) -> HttpResponse:
    """Show the form for a new channel, and add it."""
    known = {channel_row.name for channel_row in channels(request.unlost).channels}
    if kind not in set(ChannelKind):
        raise _unknown(kind)
    place = f"channel/{kind}"
    kept_secret = _typed_secret(request, place)
    form = FORMS[ChannelKind(kind)](sent(request), stored_secret=kept_secret)
    if form.is_valid() and form.cleaned_data["name"] in known:
        form.add_error("name", _("A channel with this name exists. Remove it first."))
    if form.is_valid():
        try:
            channel = add_channel(request.unlost, form.request(), secret=form.typed_secret())
        except UnlostError as error:
            add_problem(form, error)
        else:
            drop_draft(request, place)
            message = _("%(channel)s was added. Send a test message to check that it arrives.")
            messages.success(request, message % {"channel": channel.name})
            return redirect("channels")
    status = HTTPStatus.BAD_REQUEST if form.errors else None
    context = {"part": "alerts", "form": form, "kind": kind}
    return render(request, "alerts/add_channel.html", context, status=status)


def _typed_secret(request: UserRequest, place: str) -> str:
    """Return the secret typed now, or before in a form with an error."""
    if request.method != "POST":
        drop_draft(request, place)
        return ""
    typed = request.POST.get("secret", "").strip() or str(draft(request, place).get("secret", ""))
    keep_draft(request, place, {"secret": typed})
    return typed


@require_POST
def test(request: UserRequest, channel: str) -> HttpResponse:
    """Send a test message."""
    (channel_test,) = try_channels(request.unlost, channel).channels
    if channel_test.problem:
        message = _("The test message to %(channel)s failed: %(problem)s")
        problem = " ".join(part for part in (channel_test.problem, channel_test.next_step) if part)
        messages.error(request, message % {"channel": channel, "problem": problem})
    else:
        messages.success(
            request, _("%(channel)s received the test message.") % {"channel": channel}
        )
    return redirect("channels")


@require_POST
def remove(request: UserRequest, channel: str) -> HttpResponse:
    """Remove a channel."""
    drop_channel(request.unlost, channel)
    messages.success(request, _("%(channel)s was removed.") % {"channel": channel})
    return redirect("channels")


def _unknown(kind: str) -> NotFound:
    return NotFound(
        "channel-kind-unknown",
        "There is no kind of channel {kind!r}.",
        next_step="Choose a kind from the list of channels.",
        kind=kind,
    )
