"""The search: one box for numbers, names, e-mails, phone numbers and ids."""

from dataclasses import replace
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from unlost.app.actions.records.find import MOST, FindResult
from unlost.app.actions.records.find import find as search
from unlost.app.actions.records.saved_searches import searches
from unlost.app.records.lists.queries import ListKind, ListQuery
from unlost.app.records.search.found_records import FoundRecord
from unlost.app.records.search.query import RecordSearch
from unlost.model.access import Right
from unlost.web.needs import needs_somewhere
from unlost.web.pages.records.saved_searches import search_address, search_fields, search_in
from unlost.web.parts.paging import PageLinks, start_of
from unlost.web.requests import UserRequest

LISTED = ("all", "start")  # parameters with which the list is shown, even for a single match


@require_GET
@needs_somewhere(Right.READ)
def find(request: UserRequest) -> HttpResponse:
    """Show the matches; the record that is clearly meant opens directly."""
    form = search_in(request.GET)
    context: dict[str, object] = {"part": "records", "text": form.text, "form": form}
    if not (form.text or form.deleted_by):
        return render(request, "records/find.html", context | {"saved": _saved(request)})
    start = start_of(request)
    find_result = _matches(request, form, start=start)
    best = find_result.best
    if best is not None and not any(name in request.GET for name in LISTED):
        return redirect(f"{address(best)}?{urlencode({'q': form.text})}")
    shown = len(find_result.hits)
    pages = PageLinks(start, MOST, shown, find_result.total, more=find_result.more)
    context |= {"matches": find_result, "pages": pages, "saved": _saved(request)}
    org, query = _list_of(form, find_result)
    context |= {"listed": _listed(form, org, query), "list_org": org, "list_query": query}
    return render(request, "records/find.html", context)


def address(hit: FoundRecord) -> str:
    """Return the address of a record's history."""
    place = {"org": hit.org, "table": hit.table, "record": hit.record}
    return reverse("record", kwargs=place)


def _matches(request: UserRequest, query: RecordSearch, *, start: int) -> FindResult:
    return search(
        request.unlost,
        query.text,
        org=query.org or None,
        system=query.system or None,
        table=query.table or None,
        state=query.state,
        deleted_by=query.deleted_by or None,
        since=query.since or None,
        until=query.until or None,
        former=query.former,
        start=start,
    )


def _list_of(search: RecordSearch, result: FindResult) -> tuple[str, ListQuery | None]:
    """Return the matches as a list, and its org; None for several tables or orgs."""
    places = {(hit.org, hit.table) for hit in result.hits}
    if not search.table or len(places) != 1 or not (search.org or len(result.searched) == 1):
        return "", None
    [(org, table)] = places
    return org, ListQuery(ListKind.MATCHES, table, search=replace(search, org="", system=""))


def _listed(search: RecordSearch, org: str, query: ListQuery | None) -> str:
    """Return the address of a list with columns; empty for none."""
    if query is None:
        return ""
    given = {**search_fields(search), "kind": query.kind.value, "table": query.table, "org": ""}
    named = {name: text for name, text in given.items() if text}
    return f"{reverse('list', kwargs={'org': org})}?{urlencode(named)}"


def _saved(request: UserRequest) -> list[tuple[str, str]]:
    """Return the names and addresses of the person's saved searches."""
    saved = searches(request.unlost).searches
    return [(search.name, search_address(search.query)) for search in saved]
