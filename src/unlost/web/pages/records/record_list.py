"""The page of a list of records: sorted, filtered, with columns, selections and a download."""

from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from unlost.app.access import rights_in
from unlost.app.actions.records.list_download import ListForm, list_json, open_list_zip
from unlost.app.actions.records.record_list import ListPage, choose_columns, list_csv, record_list
from unlost.app.actions.restores.selections import list_name
from unlost.app.records.lists.downloads import PAGE, ListView
from unlost.app.records.lists.queries import ListKind, ListQuery
from unlost.app.records.lists.record_lists import ListedRecord
from unlost.app.records.relations.related import RelatedState
from unlost.model.access import Right
from unlost.model.errors import UsageError
from unlost.model.vault.snapshot import ChangeKind
from unlost.web.needs import needs
from unlost.web.pages.records.saved_searches import search_fields, search_in
from unlost.web.pages.restores.columns_back import column_choices
from unlost.web.parts.list_files import list_response
from unlost.web.parts.paging import PageLinks, start_of
from unlost.web.parts.selections import SelectedRecords, selected
from unlost.web.parts.streaming import StreamedResponse
from unlost.web.requests import UserRequest

NAMED = (
    "table",
    "of",
    "through",
    "at",
    "older",
    "newer",
    "since",
    "until",
    "by",
    "run",
)  # by their own names


@dataclass(frozen=True, slots=True)
class ListRow:
    """A record of a list, its name among selections, and whether it is selected."""

    record: ListedRecord
    key: str
    is_selected: bool


_DOWNLOADS = {
    ListForm.CSV: list_csv,
    ListForm.JSON: list_json,
    ListForm.ZIP: open_list_zip,
}


@require_GET
@needs(Right.READ)
def show(request: UserRequest, org: str) -> HttpResponse:
    """Show a page of a list."""
    view = replace(_order(request.GET), start=start_of(request), most=PAGE)
    page = record_list(request.unlost, org, query_in_address(request.GET), view)
    keys = [f"{page.table}/{record.record}" for record in page.records]
    selection = None
    can = rights_in(request.unlost, org)
    query = page.query
    is_put_back = can["restore"] and query.is_restorable
    name = (
        list_name(query) if query.is_restorable or (can["restore"] and query.is_purgeable) else ""
    )
    if name:
        selection = selected(request, org, of=name, shown=keys, listed=page.total)
    context = {
        "part": "archive" if query.kind is ListKind.ARCHIVED else "records",
        "org": org,
        "can": can,
        "zone": page.zone,
        "page": page,
        "rows": _rows(page, keys, selection),
        "chosen": [column.name for column in page.columns],
        "selection": selection,
        "put_back": column_choices(request, org, page) if selection and is_put_back else None,
        "pages": PageLinks(page.start, PAGE, len(page.records), page.total),
        "csv": f"{reverse('list-csv', kwargs={'org': org})}?{address_of(page.query, page)}",
        "here": f"?{address_of(page.query, page)}",
        "query": page.query.text(),
        "watchable": [(each.name, each.label) for each in page.choices if not each.system],
        "fields": _fields(page),
        "states": page.query.kind is ListKind.RELATED,
        "of_table": page.query.of.partition("/")[0],
        "of_record": page.query.of.partition("/")[2],
    }
    return render(request, "records/list.html", context)


@require_GET
@needs(Right.READ)
def download(request: UserRequest, org: str) -> StreamedResponse:
    """Send all records of a list as CSV, as JSON, or as a zip file with their files."""
    given = request.GET.get("form", "")
    form = ListForm(given) if given in set(ListForm) else ListForm.CSV
    query, view = query_in_address(request.GET), _order(request.GET)
    opened = _DOWNLOADS[form](request.unlost, org, query, view)
    return list_response(request.unlost, org, opened, form=form)


@require_POST
@needs(Right.READ)
def choose(request: UserRequest, org: str) -> HttpResponse:
    """Store the columns that a person chose, and go back to the list."""
    columns = () if "usual" in request.POST else tuple(request.POST.getlist("column"))
    choose_columns(request.unlost, org, request.POST.get("table", ""), columns=columns)
    here = QueryDict(request.POST.get("here", "").removeprefix("?"))
    return redirect(f"{reverse('list', kwargs={'org': org})}?{here.urlencode()}")


def query_in_address(given: QueryDict) -> ListQuery:
    """Return the query in an address; raises UsageError (``list-wrong``)."""
    kind, change = given.get("kind", ""), given.get("change", ChangeKind.DELETED)
    named = {name: given.get(name, "").strip() for name in NAMED}
    state = given.get("state", "")
    known = kind in set(ListKind) and change in set(ChangeKind) and state in {"", *RelatedState}
    if not known or not named["table"]:
        raise UsageError(
            "list-wrong",
            "The address of this list is not valid.",
            next_step="Open the list again from the record or the comparison.",
        )
    search = None
    if kind == ListKind.MATCHES:
        # The days narrow the list, and not the search.
        search = replace(search_in(given), org="", table="", since="", until="")
    return ListQuery(
        kind=ListKind(kind),
        change=ChangeKind(change),
        search=search,
        state=RelatedState(state) if state else None,
        **named,
    )


def address_of(query: ListQuery, page: ListPage | None = None) -> str:
    """Return the parameters that name a list, and the order of a page of it."""
    named = {name: getattr(query, name) for name in NAMED}
    given = {"kind": query.kind.value, **named}
    if query.kind is ListKind.CHANGED:
        given["change"] = query.change.value
    if query.state is not None:
        given["state"] = query.state.value
    if query.search is not None:
        given |= {name: text for name, text in search_fields(query.search).items() if text}
    if page is not None and page.sort:
        given |= {"sort": page.sort, "down": "1" if page.descending else ""}
    return urlencode({name: value for name, value in given.items() if value})


def _fields(page: ListPage) -> list[tuple[str, str]]:
    """Return the parameters of a list without its days, for its filter."""
    return [
        (name, value)
        for name, value in parse_qsl(address_of(page.query, page))
        if name not in ("since", "until", "by", "state")
    ]


def _order(given: QueryDict) -> ListView:
    return ListView(sort=given.get("sort", ""), descending=given.get("down") == "1")


def _rows(page: ListPage, keys: list[str], selection: SelectedRecords | None) -> list[ListRow]:
    return [
        ListRow(record, key, selection is not None and selection.has(key))
        for record, key in zip(page.records, keys, strict=True)
    ]
