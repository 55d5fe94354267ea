"""The certificate of a backup, and decisions about the gaps on it."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from unlost.app.access import may
from unlost.app.actions.backups.certificate import certificate as certified
from unlost.app.actions.backups.gaps import accept, reopen
from unlost.app.actions.orgs.org_page import is_whole, ranked
from unlost.model.access import Right
from unlost.model.errors import Conflict, UnlostError, UsageError
from unlost.model.finding import Finding
from unlost.model.gaps import PASSING, gap_id
from unlost.web.failing import status_of
from unlost.web.needs import needs
from unlost.web.requests import UserRequest

FOLDED = 10  # tables without a difference or gap; more are folded
LONGEST_NUMBER = 12  # digits


@dataclass(frozen=True, slots=True)
class GapView:
    """An open gap on the page."""

    id: str
    gap: Finding

    @property
    def lasts(self) -> bool:
        """True if it can be accepted: it is not about one backup alone."""
        return self.gap.kind not in PASSING


@require_GET
def certificate(request: UserRequest, org: str, at: str) -> HttpResponse:
    """Show the certificate of a backup: gaps first, then the tables, differing ones first."""
    return _page(request, org, at)


@require_POST
@needs(Right.OPERATE)
def accepted(request: UserRequest, org: str) -> HttpResponse:
    """Accept a gap of the newest backup with the reason of the form."""
    gap = request.POST.get("gap", "")
    try:
        acceptance = accept(request.unlost, org, gap, reason=request.POST.get("reason", ""))
    except (UsageError, Conflict) as error:
        return _page(request, org, "latest", error=error, chosen=gap)
    messages.success(request, _("The gap is accepted. It raises no alert until it changes."))
    return redirect("certificate", org=org, at=str(acceptance.snapshot))


@require_POST
@needs(Right.OPERATE)
def reopened(request: UserRequest, org: str) -> HttpResponse:
    """Take back the acceptance of a gap."""
    number = request.POST.get("acceptance", "")
    known = int(number) if number.isdecimal() and len(number) < LONGEST_NUMBER else 0
    try:
        reopen(request.unlost, org, known)
    except Conflict as error:
        return _page(request, org, "latest", error=error)
    messages.success(request, _("The gap is open again."))
    return redirect("org", org=org)


def _page(
    request: UserRequest, org: str, at: str, *, error: UnlostError | None = None, chosen: str = ""
) -> HttpResponse:
    shown = certified(request.unlost, org, at=at)
    tables = ranked(shown.certificate)
    whole = [line for line in tables if is_whole(line)]
    folded = whole if len(whole) > FOLDED else []
    operates = may(request.unlost, Right.OPERATE, org)
    context = {
        "part": "orgs",
        "certified": shown,
        "proof": shown.certificate,
        "zone": shown.zone,
        "gaps": [GapView(gap_id(gap), gap) for gap in shown.open_gaps],
        "accepted": shown.accepted,
        "can_accept": shown.newest and operates,
        "can_reopen": operates,
        "count": len(tables),
        "differing": sum(line.differs for line in tables),
        "tables": tables[: len(tables) - len(folded)],
        "folded": folded,
        "error": error,
        "chosen": chosen,
    }
    status = status_of(error) if error is not None else None
    return render(request, "orgs/certificate.html", context, status=status)
