"""Pages of the audit log: the list, its export, and its verification."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header, urlencode
from django.views.decorators.http import require_GET, require_POST

from unlost.app.actions.people.audit import export, list_events, verify
from unlost.catalog.people.audit import AuditProof
from unlost.model.access import Right
from unlost.model.errors import IntegrityError, UsageError
from unlost.web.failing import status_of
from unlost.web.needs import needs
from unlost.web.parts.audit_lines import csv_lines, json_lines
from unlost.web.parts.streaming import StreamedResponse
from unlost.web.requests import UserRequest


@require_GET
def audit(request: UserRequest) -> HttpResponse:
    """List the newest entries; of one org or one person, and before a number."""
    return _page(request)


@require_POST
def check(request: UserRequest) -> HttpResponse:
    """Verify that each entry has the hash of the entry before it."""
    try:
        return _page(request, proof=verify(request.unlost))
    except IntegrityError as error:
        return _page(request, error=error)


@require_POST
@needs(Right.AUDIT)
def download(request: UserRequest) -> StreamedResponse:
    """Download all entries as a file; the export itself is audited."""
    kind = request.POST.get("format", "")
    if kind not in ("jsonl", "csv"):
        raise UsageError(
            "export-format",
            "The audit log is exported as JSON lines or as CSV.",
            next_step="Choose one of them on the audit page.",
        )
    entries = export(request.unlost)
    lines, media = (
        (json_lines(entries), "application/jsonl")
        if kind == "jsonl"
        else (csv_lines(entries), "text/csv; charset=utf-8")
    )
    response = StreamedResponse(lines, content_type=media)
    name = f"unlost-audit-{request.unlost.clock.now():%Y-%m-%d}.{kind}"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"  # noqa: FBT003 (Django's own signature)
    return response


def _page(
    request: UserRequest, *, proof: AuditProof | None = None, error: IntegrityError | None = None
) -> HttpResponse:
    orgs = request.unlost.orgs(Right.AUDIT)
    whole = request.unlost.actor.may(Right.AUDIT)
    org = request.GET.get("org") or (None if whole or not orgs else orgs[0].name)
    actor = request.GET.get("actor", "").strip() or None
    page = list_events(request.unlost, org=org, actor=actor, before=_number(request))
    filters = (("org", org), ("actor", actor))
    context = {
        "part": "audit",
        "page": page,
        "orgs": orgs,
        "whole": whole,
        "older": urlencode({name: value for name, value in filters if value}),
        "proof": proof,
        "error": error,
        "org": org,
        "by": actor,  # the frame's ``actor`` is the viewer
    }
    return render(request, "audit/list.html", context, status=status_of(error) if error else 200)


def _number(request: UserRequest) -> int | None:
    """Return the number before which the page begins; None if it is invalid."""
    text = request.GET.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
