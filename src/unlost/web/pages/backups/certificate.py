"""The certificate of a backup, and decisions about the gaps on it."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from unlost.app.access import may
from unlost.app.actions.backups.certificate import certificate as certified
from unlost.app.actions.backups.gaps import accept_many, reopen
from unlost.app.actions.backups.snapshots import snapshots
from unlost.app.actions.orgs.org_page import is_whole, ranked
from unlost.model.access import Right
from unlost.model.errors import Conflict, NotFound, UnlostError, UsageError
from unlost.web.failing import status_of
from unlost.web.needs import needs
from unlost.web.parts.gap_kinds import gaps_by_kind
from unlost.web.requests import UserRequest

FOLDED = 10  # tables without a difference or gap; more are folded
LONGEST_NUMBER = 12  # digits


@require_GET
def certificate(request: UserRequest, org: str, at: str) -> HttpResponse:
    """Show the certificate of a backup: gaps first, then the tables, differing ones first."""
    return _page(request, org, at)


@require_POST
@needs(Right.OPERATE)
def accepted(request: UserRequest, org: str) -> HttpResponse:
    """Accept the selected gaps of the newest backup with the reason of the form."""
    chosen, reason = _chosen(request), request.POST.get("reason", "")
    try:
        result = accept_many(request.unlost, org, ids=chosen, reason=reason)
    except (UsageError, NotFound, Conflict) as error:
        return _page(request, org, "latest", error=error, chosen=chosen, reason=reason)
    count = len(result.accepted)
    message = ngettext(
        "%(count)s gap is accepted. It raises no alert until it changes.",
        "%(count)s gaps are accepted. They raise no alert until they change.",
        count,
    )
    messages.success(request, message % {"count": count})
    return redirect("certificate", org=org, at=str(result.accepted[0].snapshot))


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


def _chosen(request: UserRequest) -> list[str]:
    """Return the ids of the selected gaps; a selected kind stands for those that the page showed."""
    of_kinds = [
        gap
        for kind in request.POST.getlist("kind")
        for gap in request.POST.get(f"of-{kind}", "").split()
    ]
    return list(dict.fromkeys([*request.POST.getlist("gap"), *of_kinds]))


def _page(
    request: UserRequest,
    org: str,
    at: str,
    *,
    error: UnlostError | None = None,
    chosen: Sequence[str] = (),
    reason: str = "",
) -> HttpResponse:
    shown = certified(request.unlost, org, at=at)
    tables = ranked(shown.certificate)
    whole = [line for line in tables if is_whole(line)]
    folded = whole if len(whole) > FOLDED else []
    operates = may(request.unlost, Right.OPERATE, org)
    kinds = gaps_by_kind(shown.open_gaps)
    context = {
        "part": "orgs",
        "certified": shown,
        "proof": shown.certificate,
        "zone": shown.zone,
        "gap_kinds": kinds,
        "accepted": shown.accepted,
        "can_accept": shown.newest and operates and any(kind.ids for kind in kinds),
        "can_reopen": operates,
        "count": len(tables),
        "differing": sum(line.differs for line in tables),
        "tables": tables[: len(tables) - len(folded)],
        "folded": folded,
        "before": _before(request, org, shown.snapshot),
        "reads": may(request.unlost, Right.READ, org),
        "error": error,
        "chosen": chosen,
        "reason": reason,
    }
    status = status_of(error) if error is not None else None
    return render(request, "orgs/certificate.html", context, status=status)


def _before(request: UserRequest, org: str, number: int) -> int | None:
    """Return the backup with which a backup was compared; None for the first one."""
    every = (info.number for info in snapshots(request.unlost, org).snapshots)
    return max((other for other in every if other < number), default=None)
