"""Privacy requests of an org: export or erase a person's data, and show the proofs."""

from collections.abc import Sequence
from http import HTTPStatus

from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from unlost.app.actions.records.find import find
from unlost.app.actions.retention.erase import ErasePlan, erasures, plan
from unlost.app.actions.retention.privacy import open_person
from unlost.app.operations import ZIP
from unlost.app.records.search.found_records import FoundRecord
from unlost.model.access import Right
from unlost.model.errors import UnlostError
from unlost.web.forms.privacy import MATCH, SEARCH, SELECTED, AgreeForm, PersonForm
from unlost.web.forms.problems import add_problem, done
from unlost.web.needs import needs
from unlost.web.parts.erasures import begin, progress
from unlost.web.parts.streaming import saved
from unlost.web.requests import UserRequest

STOP_POLLING = 286  # the status that tells htmx to stop polling


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE)
def privacy(request: UserRequest, org: str) -> HttpResponse:
    """Show the form for a person's records, and then the matches or the plan of the erasure."""
    if request.htmx:
        return _state(request, org)
    if request.method == "GET":
        named = "\n".join(request.GET.getlist(SELECTED))
        return _page(request, org, PersonForm(initial={"records": named}))
    form, app = PersonForm(_with_selected(request.POST)), request.unlost
    if SEARCH in request.POST:
        find_result = done(form, lambda: find(app, form.cleaned_data["text"], org=org))
        return _page(request, org, form, hits=find_result.hits if find_result is not None else None)
    seen = done(form, lambda: plan(app, org, form.as_request(request.POST.getlist(MATCH))))
    return _page(request, org, form, seen=seen)


@require_POST
@needs(Right.MANAGE)
def data(request: UserRequest, org: str) -> HttpResponseBase:
    """Download the data of the person."""
    form, app = PersonForm(_with_selected(request.POST)), request.unlost
    opened = done(form, lambda: open_person(app, org, form.whose()))
    if opened is None:
        return _page(request, org, form)
    name = f"{org}-person-{app.clock.now():%Y-%m-%d}.zip"
    return saved(opened[1], name=name, media=ZIP)


@require_POST
@needs(Right.MANAGE)
def erased(request: UserRequest, org: str) -> HttpResponse:
    """Start the erasure of the plan, once the name of the org was typed."""
    form, agreed = PersonForm(request.POST), AgreeForm(request.POST, org=org)
    if form.is_valid() and agreed.is_valid():
        try:
            erasure_request = form.as_request(request.POST.getlist(MATCH))
            begin(request.unlost, org, erasure_request, plan=request.POST.get("plan", ""))
        except UnlostError as error:
            add_problem(form, error)
        else:
            return redirect("privacy", org=org)
    wanted = request.POST.getlist(MATCH)
    seen = done(form, lambda: plan(request.unlost, org, form.as_request(wanted)))
    return _page(request, org, form, seen=seen, agreed=agreed)


def _with_selected(sent: QueryDict) -> QueryDict:
    """Return the form data with the selected records added to the named ones."""
    named = [*sent.get("records", "").splitlines(), *sent.getlist(SELECTED)]
    query_dict = sent.copy()
    query_dict["records"] = "\n".join(dict.fromkeys(line.strip() for line in named if line.strip()))
    return query_dict


def _state(request: UserRequest, org: str) -> HttpResponse:
    state = progress(request.unlost, org)
    going = state is not None and state.going
    context = {"org": org, "state": state, "zone": erasures(request.unlost, org).zone}
    return render(request, "privacy/state.html", context, status=200 if going else STOP_POLLING)


def _page(
    request: UserRequest,
    org: str,
    form: PersonForm,
    *,
    hits: Sequence[FoundRecord] | None = None,
    seen: ErasePlan | None = None,
    agreed: AgreeForm | None = None,
) -> HttpResponse:
    proofs = erasures(request.unlost, org)
    context = {
        "part": "orgs",
        "org": org,
        "zone": proofs.zone,
        "proofs": proofs.erasures[::-1],
        "state": progress(request.unlost, org),
        "form": form,
        "hits": hits,
        "seen": seen,
        "match": request.POST.getlist(MATCH),
        "agreed": agreed or AgreeForm(org=org),
    }
    wrong = form.errors or (agreed is not None and agreed.errors)
    status = HTTPStatus.BAD_REQUEST if wrong else None
    return render(request, "orgs/privacy.html", context, status=status)
