"""Compare a plan with another plan of its org, for example with the approved one before it."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from unlost.app.actions.restores.kept_plan import PlanLine, PlanView, show_stored_plan, waiting
from unlost.app.actions.restores.plan_diff import diff_stored
from unlost.catalog.runs.plans import PlanState
from unlost.web.requests import UserRequest

SHOWN = 200  # records that differ


@require_GET
def compare(request: UserRequest, org: str, plan: str) -> HttpResponse:
    """Show the differences from another plan; without one, the plans to choose from."""
    other = request.GET.get("with", "")
    view = show_stored_plan(request.unlost, org, plan)
    is_archive = view.wanted.request.deletes
    context: dict[str, object] = {
        "part": "runs",
        "org": org,
        "plan": plan,
        "is_archive": is_archive,
    }
    if other:
        compared = diff_stored(request.unlost, org, plan, other)
        shown = compared.difference.records[:SHOWN]
        more = compared.difference.total > len(shown)
        context |= {"compared": compared, "records": shown, "more": more}
    else:
        context["others"] = _others(request, view)
    return render(request, "restore/compare.html", context)


def _others(request: UserRequest, view: PlanView) -> list[PlanLine]:
    """Return the other plans of the org that were made and not run, the newest first."""
    lines = waiting(request.unlost, org=view.org, state=PlanState.PLANNED).plans
    return [line for line in lines if line.plan != view.plan]
