"""Pages of orgs: the list, one org, and the certificate of a backup."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from unlost.app.actions.alerts.overview import overview
from unlost.app.actions.backups.snapshots import certificate as certified
from unlost.app.actions.orgs.org_page import OrgPage, org_page, ranked
from unlost.app.orgs.repaired_sign_in import is_sign_in_error
from unlost.model.access import Right
from unlost.web.requests import UserRequest

TABLES = 25  # tables of the newest backup on the page of the org


@require_GET
def every(request: UserRequest) -> HttpResponse:
    """List all orgs with their state."""
    return render(
        request, "orgs/every.html", {"part": "orgs", "overview": overview(request.unlost)}
    )


@require_GET
def show(request: UserRequest, org: str) -> HttpResponse:
    """Show an org: its state, its backups, and the content and gaps of the newest one."""
    page = org_page(request.unlost, org)
    context = {
        "part": "orgs",
        "page": page,
        "org": page.state,
        "zone": page.state.zone,
        "tables": page.tables[:TABLES],
        "remaining": max(0, len(page.tables) - TABLES),
        "can": {right.value: right in page.rights for right in Right},
        "repair": _is_repaired_by_credentials(request, page),
    }
    return render(request, "orgs/one.html", context)


def _is_repaired_by_credentials(request: UserRequest, page: OrgPage) -> bool:
    failed = page.state.failed
    error = failed.error if failed is not None else None
    return is_sign_in_error(request.unlost, page.state.connector, error)


@require_GET
def certificate(request: UserRequest, org: str, at: str) -> HttpResponse:
    """Show the certificate of a backup: gaps first, then all tables."""
    snapshot_certificate = certified(request.unlost, org, at=at)
    context = {
        "part": "orgs",
        "certified": snapshot_certificate,
        "proof": snapshot_certificate.certificate,
        "zone": snapshot_certificate.zone,
    }
    context["tables"] = ranked(snapshot_certificate.certificate)
    return render(request, "orgs/certificate.html", context)
