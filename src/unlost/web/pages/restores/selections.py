"""Store the selection in a list when a person selects a record, turns the page, or clears all."""

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from unlost.app.actions.restores.selections import clear_selected, select_all
from unlost.model.access import Right
from unlost.model.errors import UsageError
from unlost.web.needs import needs
from unlost.web.parts.selections import seen, sent_selections
from unlost.web.requests import UserRequest
from unlost.web.translate import error_text

# The pages with lists; a list's name begins with that of its page, or is a query.
LISTS = ("compare", "lost", "list")


@require_POST
@needs(Right.RESTORE)
def change_selections(request: UserRequest, org: str) -> HttpResponse:
    """Store the selection of a page; returns the total for htmx, else redirects to the next page."""
    posted, problem = request.POST, None
    try:
        if "clear" in posted:
            clear_selected(request.unlost, org, posted.get("of", ""))
        elif "all" in posted:
            select_all(request.unlost, org, posted.get("of", ""))
        else:
            lists = sent_selections(request, org)
            if request.htmx:
                listed = posted.get("listed", "")
                total = int(listed) if listed.isascii() and listed.isdigit() else 0
                context = {"selection": seen(lists, posted.getlist("every-record"), listed=total)}
                return render(request, "compare/selected.html", context)
    except UsageError as error:
        problem = error
    if problem is not None and request.htmx:
        return render(request, "compare/selected.html", {"error": problem})
    if problem is not None:
        messages.error(request, error_text(problem))
    return redirect(list_address(org, posted, stay=problem is not None))


def list_address(org: str, query_dict: QueryDict, *, stay: bool) -> str:
    """Return the address of the requested page (``to``), or of the page that sent it (``here``)."""
    # Several pages can show the list of one query: the form then names its page.
    page = query_dict.get("page") or query_dict.get("of", "").partition("/")[0]
    if page not in LISTS:
        raise Http404
    to = query_dict.get("here", "") if stay else query_dict.get("to") or query_dict.get("here", "")
    query = QueryDict(to.removeprefix("?"))
    return f"{reverse(page, kwargs={'org': org})}?{query.urlencode()}"
