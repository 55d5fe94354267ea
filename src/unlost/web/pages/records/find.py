"""The search: one box for numbers, names, e-mails, phone numbers and ids."""

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from unlost.app.actions.records.find import FindResult, FoundRecord
from unlost.app.actions.records.find import find as search
from unlost.model.access import Right
from unlost.web.needs import needs_somewhere
from unlost.web.requests import UserRequest


@require_GET
@needs_somewhere(Right.READ)
def find(request: UserRequest) -> HttpResponse:
    """Show the matches; a single match opens directly."""
    text, org = request.GET.get("q", "").strip(), request.GET.get("org") or None
    if not text:
        return render(request, "records/find.html", {"part": "records", "org": org})
    former = "former" in request.GET
    find_result = search(request.unlost, text, org=org, former=former)
    single = only(find_result)
    if single is not None and "all" not in request.GET:
        return redirect(f"{address(single)}?{urlencode({'q': text})}")
    context = {
        "part": "records",
        "text": text,
        "org": org,
        "former": former,
        "matches": find_result,
    }
    return render(request, "records/find.html", context)


def only(find_result: FindResult) -> FoundRecord | None:
    """Return the record if it is the only match, or the only exact match."""
    exact = [hit for hit in find_result.hits if hit.exact]
    if len(find_result.hits) == 1:
        return find_result.hits[0]
    return exact[0] if len(exact) == 1 else None


def address(hit: FoundRecord) -> str:
    """Return the address of a record's history."""
    place = {"org": hit.org, "table": hit.table, "record": hit.record}
    return reverse("record", kwargs=place)
