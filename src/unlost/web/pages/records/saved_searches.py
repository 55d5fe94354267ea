"""Save a search under a name, and remove it."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from unlost.app.actions.records.saved_searches import drop_search, save_search
from unlost.app.records.search.query import RecordSearch
from unlost.engine.records.matches import StateFilter
from unlost.model.access import Right
from unlost.model.errors import Conflict, NotFound, UsageError
from unlost.web.needs import needs_somewhere
from unlost.web.requests import UserRequest
from unlost.web.translate import error_text


@require_POST
@needs_somewhere(Right.READ)
def save(request: UserRequest) -> HttpResponse:
    """Save the search of a page, and show it again."""
    query = search_in(request.POST)
    try:
        saved = save_search(request.unlost, request.POST.get("name", ""), query)
    except (UsageError, Conflict) as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("Saved as “%(name)s”.") % {"name": saved.name})
    return redirect(search_address(query))


@require_POST
@needs_somewhere(Right.READ)
def remove(request: UserRequest) -> HttpResponse:
    """Remove a saved search."""
    try:
        dropped = drop_search(request.unlost, request.POST.get("name", ""))
    except NotFound as error:  # removed in another window
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("“%(name)s” was removed.") % {"name": dropped.name})
    return redirect("find")


def search_in(given: QueryDict) -> RecordSearch:
    """Return the search in a form or an address."""

    def typed(name: str) -> str:
        return given.get(name, "").strip()

    state = typed("state")
    return RecordSearch(
        text=typed("q"),
        org=typed("org"),
        table=typed("table"),
        state=StateFilter(state) if state in set(StateFilter) else None,
        deleted_by=typed("by"),
        since=typed("since"),
        until=typed("until"),
        former="former" in given,
        system=typed("system"),
    )


def search_address(query: RecordSearch) -> str:
    """Return the address of the list of a search's matches."""
    given = {"all": "1", **search_fields(query)}
    return f"{reverse('find')}?{urlencode({name: text for name, text in given.items() if text})}"


def search_fields(query: RecordSearch) -> dict[str, str]:
    """Return the fields of a search in a form or an address."""
    return {
        "q": query.text,
        "org": query.org,
        "system": query.system,
        "table": query.table,
        "state": query.state.value if query.state is not None else "",
        "by": query.deleted_by,
        "since": query.since,
        "until": query.until,
        "former": "1" if query.former else "",
    }
