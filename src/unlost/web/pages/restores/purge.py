"""The page of a purge of a list of ids: pasted, or uploaded as a file."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from unlost.app.actions.restores.kept_plan import choose
from unlost.app.actions.restores.purge_list import (
    PurgeList,
    purged_ids,
    read_ids,
    several_tables,
)
from unlost.app.actions.restores.restore_plan import PlanRequest, RestoreRequest
from unlost.model.access import Right
from unlost.model.errors import UsageError
from unlost.web.failing import status_of
from unlost.web.needs import needs
from unlost.web.pages.restores.restore import planning
from unlost.web.requests import UserRequest

SHOWN = 200  # unknown lines on the page; the text still has all of them


@require_http_methods(["GET", "POST"])
@needs(Right.RESTORE)
def ids(request: UserRequest, org: str) -> HttpResponse:
    """Show the form for a list of ids, or plan the purge of its records.

    A list that cannot be planned is shown again, with the reason and the lines that name no record.
    """
    if request.method == "GET":
        return render(request, "restore/purge.html", {"part": "records", "org": org})
    text, table = _text(request), request.POST.get("table", "")
    listed = read_ids(request.unlost, org, text)
    try:
        records = purged_ids(listed, skips_unknown="skip" in request.POST)
        table = _one_table(listed, table)
    except UsageError as error:
        return _again(request, listed, text, error)
    purged = tuple(record for record in records if record.partition("/")[0] == table)
    wanted = RestoreRequest(PlanRequest(org, purged, purge=True))
    return planning(request, choose(request.unlost, org, wanted))


def _text(request: UserRequest) -> str:
    """Return the pasted text and the text of the file; bytes that are no UTF-8 stay visible."""
    sent = request.FILES.get("file")
    uploaded = sent.read().decode("utf-8-sig", errors="replace") if sent is not None else ""
    return "\n".join(text for text in (request.POST.get("ids", "").strip(), uploaded) if text)


def _one_table(listed: PurgeList, table: str) -> str:
    """Return the table of the purge; raises UsageError (``purge-tables``)."""
    names = [each.table for each in listed.tables]
    if table in names:
        return table
    if len(names) > 1:
        raise several_tables(names)
    return names[0]


def _again(request: UserRequest, listed: PurgeList, text: str, error: UsageError) -> HttpResponse:
    context = {
        "part": "records",
        "org": listed.org,
        "text": text,
        "listed": listed,
        "unknown": listed.unknown[:SHOWN],
        "skips": "skip" in request.POST,
        "error": error,
    }
    return render(request, "restore/purge.html", context, status=status_of(error))
