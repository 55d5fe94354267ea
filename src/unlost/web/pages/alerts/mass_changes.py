"""Pages of mass changes: those of a backup with their repair, and those that are expected."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from unlost.app.access import may
from unlost.app.actions.alerts.mass_changes import (
    ExpectedRequest,
    ExpectRequest,
    MassChangeLine,
    MuteRequest,
    expect,
    expected,
    mass_changes,
    mute,
    silences,
    unsilence,
)
from unlost.app.actions.alerts.public_address import set_address
from unlost.model.access import Right
from unlost.model.errors import UnlostError, UsageError
from unlost.model.mass_changes import MassKind
from unlost.web.failing import status_of
from unlost.web.requests import UserRequest


@dataclass(frozen=True, slots=True)
class MassCard:
    """A mass change on its page; ``what`` is the kind of its repair, empty if there is none."""

    line: MassChangeLine
    what: str


@require_GET
def show(request: UserRequest, org: str, backup: int) -> HttpResponse:
    """Show the mass changes of a backup, each with its repair."""
    return _page(request, org, backup)


@require_POST
def answer(request: UserRequest, org: str, backup: int) -> HttpResponse:
    """Mark a mass change as expected."""
    posted = request.POST
    try:
        change_request = ExpectedRequest(
            backup,
            posted.get("table", ""),
            _kind(posted.get("change", "")),
            posted.get("reason", ""),
            posted.get("column", ""),
        )
        expected(request.unlost, org, change_request)
    except UsageError as error:
        return _page(request, org, backup, error=error)
    messages.success(request, _("The change is marked as expected. It can still be repaired."))
    return redirect("mass-changes", org=org, backup=backup)


@require_GET
def silence_list(request: UserRequest, org: str) -> HttpResponse:
    """List the expected and muted mass changes of an org, with forms to add one."""
    return _silences(request, org)


@require_POST
def announce(request: UserRequest, org: str) -> HttpResponse:
    """Announce a mass change."""
    posted = request.POST
    change_request = ExpectRequest(
        posted.get("what", ""), posted.get("until", ""), posted.get("reason", "")
    )
    try:
        expect(request.unlost, org, change_request)
    except UsageError as error:
        return _silences(request, org, error=error)
    messages.success(request, _("The change is expected and raises no alert."))
    return redirect("silences", org=org)


@require_POST
def muted(request: UserRequest, org: str) -> HttpResponse:
    """Mute a pattern of mass changes."""
    posted = request.POST
    table, _dot, column = posted.get("what", "").strip().partition(".")
    kind = posted.get("change", "")
    size = posted.get("most", "").strip()
    change_request = MuteRequest(
        until=posted.get("until", ""),
        reason=posted.get("reason", ""),
        table=table,
        column=column,
        change=MassKind(kind) if kind in set(MassKind) else None,
        user=posted.get("user", ""),
        most=int(size) if size.isdecimal() and len(size) < 12 else 0,
    )
    try:
        mute(request.unlost, org, change_request)
    except UsageError as error:
        return _silences(request, org, error=error)
    messages.success(request, _("The pattern is left to the daily digest."))
    return redirect("silences", org=org)


@require_POST
def end(request: UserRequest, org: str) -> HttpResponse:
    """End an expected or muted mass change."""
    number = request.POST.get("silence", "")
    unsilence(request.unlost, org, int(number) if number.isdecimal() and len(number) < 12 else 0)
    messages.success(request, _("It has ended. Such changes raise alerts again."))
    return redirect("silences", org=org)


@require_POST
def address(request: UserRequest) -> HttpResponse:
    """Save the address of the console."""
    try:
        set_address(request.unlost, request.POST.get("address", ""))
    except UsageError as error:
        messages.error(request, error.message.sentence)
    else:
        messages.success(request, _("The address was saved."))
    return redirect("channels")


# --- inside ---------------------------------------------------------------------------------------


def _page(
    request: UserRequest, org: str, backup: int, *, error: UnlostError | None = None
) -> HttpResponse:
    shown = mass_changes(request.unlost, org, backup)
    cards = [MassCard(line, _repair(line)) for line in shown.changes]
    context = {
        "part": "alerts",
        "org": org,
        "shown": shown,
        "now": [card for card in cards if card.line.now],
        "others": [card for card in cards if not card.line.now],
        "may_read": may(request.unlost, Right.READ, org),
        "may_restore": may(request.unlost, Right.RESTORE, org),
        "may_operate": may(request.unlost, Right.OPERATE, org),
        "error": error,
    }
    status = status_of(error) if error is not None else None
    return render(request, "alerts/mass_changes.html", context, status=status)


def _repair(line: MassChangeLine) -> str:
    if line.change.kind.of_column:
        return "changed"
    return "" if line.change.kind is MassKind.CREATED else "lost"


def _silences(request: UserRequest, org: str, *, error: UnlostError | None = None) -> HttpResponse:
    context = {
        "part": "alerts",
        "org": org,
        "shown": silences(request.unlost, org),
        "kinds": list(MassKind),
        "may_operate": may(request.unlost, Right.OPERATE, org),
        "typed": request.POST,
        "error": error,
    }
    status = status_of(error) if error is not None else None
    return render(request, "alerts/silences.html", context, status=status)


def _kind(text: str) -> MassKind:
    if text not in set(MassKind):
        raise UsageError(
            "mass-kind-unknown",
            "There is no kind of mass change {kind!r}.",
            next_step="Choose the change on the page of its backup.",
            kind=text,
        )
    return MassKind(text)
