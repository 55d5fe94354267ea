"""A restore that waits for the write user: its plan is made again when the user is added."""

from django.http import HttpResponse

from unlost.app.access import may
from unlost.app.actions.restores.kept_plan import choose_again
from unlost.model.access import Right
from unlost.model.errors import NotFound
from unlost.web.pages.restores.restore import planning
from unlost.web.requests import UserRequest


def waiting_plan(request: UserRequest) -> str:
    """Return the plan that the address of the page names, empty if there is none."""
    plan = request.GET.get("plan", "")
    return plan if plan.replace("-", "").isalnum() else ""


def planned_again(request: UserRequest, org: str, plan: str) -> HttpResponse | None:
    """Plan the restore again that waited for the write user; None if there is none."""
    if not plan or not may(request.unlost, Right.RESTORE, org):
        return None
    try:
        view = choose_again(request.unlost, org, plan)
    except NotFound:  # it was discarded, or is too old
        return None
    return planning(request, view)
