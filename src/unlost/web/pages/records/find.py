"""The search: one box for numbers, names, e-mails, phone numbers and ids."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from unlost.app.actions.records.find import MOST, FindResult
from unlost.app.actions.records.find import find as search
from unlost.app.records.found_records import FoundRecord
from unlost.engine.records.matches import StateFilter
from unlost.model.access import Right
from unlost.web.needs import needs_somewhere
from unlost.web.parts.paging import PageLinks, start_of
from unlost.web.requests import UserRequest

LISTED = ("all", "start")  # parameters with which the list is shown, even for a single match


@dataclass(frozen=True, slots=True)
class SearchForm:
    """A search as typed; empty texts set no filter."""

    text: str
    org: str
    table: str
    state: str
    deleted_by: str
    since: str
    until: str
    former: bool

    @property
    def filtered(self) -> bool:
        """True if a filter is set."""
        return any((self.org, self.table, self.state, self.deleted_by, self.since, self.until))

    def search(self, request: UserRequest, *, start: int) -> FindResult:
        """Search for it."""
        state = StateFilter(self.state) if self.state in set(StateFilter) else None
        return search(
            request.unlost,
            self.text,
            org=self.org or None,
            table=self.table or None,
            state=state,
            deleted_by=self.deleted_by or None,
            since=self.since or None,
            until=self.until or None,
            former=self.former,
            start=start,
        )


@require_GET
@needs_somewhere(Right.READ)
def find(request: UserRequest) -> HttpResponse:
    """Show the matches; the record that is clearly meant opens directly."""
    form = _form(request)
    context: dict[str, object] = {"part": "records", "text": form.text, "form": form}
    if not (form.text or form.deleted_by):
        return render(request, "records/find.html", context)
    start = start_of(request)
    find_result = form.search(request, start=start)
    best = find_result.best
    if best is not None and not any(name in request.GET for name in LISTED):
        return redirect(f"{address(best)}?{urlencode({'q': form.text})}")
    shown = len(find_result.hits)
    pages = PageLinks(start, MOST, shown, find_result.total, more=find_result.more)
    return render(request, "records/find.html", context | {"matches": find_result, "pages": pages})


def address(hit: FoundRecord) -> str:
    """Return the address of a record's history."""
    place = {"org": hit.org, "table": hit.table, "record": hit.record}
    return reverse("record", kwargs=place)


def _form(request: UserRequest) -> SearchForm:
    def typed(name: str) -> str:
        return request.GET.get(name, "").strip()

    return SearchForm(
        text=typed("q"),
        org=typed("org"),
        table=typed("table"),
        state=typed("state"),
        deleted_by=typed("by"),
        since=typed("since"),
        until=typed("until"),
        former="former" in request.GET,
    )
