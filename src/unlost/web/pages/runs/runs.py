"""Jobs: the list of backups and restores, one of them while it runs, and what people do with it."""

from collections.abc import Callable, Iterator
from functools import partial

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from unlost.app.access import may
from unlost.app.actions.backups.snapshots import certificate
from unlost.app.actions.restores.kept_plan import RestoreRequest, choose, make_plan_now, waiting
from unlost.app.actions.restores.outcome import outcome
from unlost.app.actions.restores.restore_plan import PlanRequest
from unlost.app.actions.runs.ask_backup import ask_backup
from unlost.app.actions.runs.control import RunCommandResult, cancel, go_on, pause
from unlost.app.actions.runs.run import RunStatus
from unlost.app.actions.runs.run import job as job_state
from unlost.app.actions.runs.runs import RunGroup, RunsPage
from unlost.app.actions.runs.runs import jobs as job_list
from unlost.app.compose import Application
from unlost.app.restores.overrides import CauseEdit, Overrides
from unlost.catalog.runs import RunState
from unlost.model.access import Right
from unlost.model.errors import NotFound, UnlostError, UsageError
from unlost.model.snapshot import CommitKind
from unlost.web.failing import status_of
from unlost.web.pages.restores.restore import STOP_POLLING
from unlost.web.parts import background
from unlost.web.requests import UserRequest
from unlost.web.translate import error_text as problem
from unlost.web.translate import translate

ACTS: dict[str, Callable[[Application, str], RunCommandResult]] = {
    "pause": pause,
    "go-on": go_on,
    "cancel": cancel,
}
KINDS = (CommitKind.BACKUP, CommitKind.RESTORE)


@require_GET
def jobs(request: UserRequest) -> HttpResponse:
    """Runs by org, kind and state, and plans that wait to be run."""
    org, app = request.GET.get("org") or None, request.unlost
    kind, group = _kind(request), _group(request)
    page = job_list(app, org=org, kind=kind, group=group, before=request.GET.get("before") or None)
    context = {
        "part": "jobs",
        "found": page,
        "org": org,
        "kind": kind,
        "group": group,
        "groups": RunGroup,
        "zones": {org_row.name: org_row.identity.zone for org_row in app.orgs()},
        "here": request.get_full_path(),
    }
    if request.htmx:
        return render(request, "jobs/rows.html", context, status=_status(page))
    restores = may(app, Right.RESTORE, org) if org else app.actor.may_somewhere(Right.RESTORE)
    if restores:
        context["waiting"] = waiting(app, org=org).plans
    return render(request, "jobs/list.html", context)


@require_GET
def job(request: UserRequest, run: str) -> HttpResponse:
    """One run: how far it is, or how it ended."""
    status = job_state(request.unlost, run)
    rights = _rights(request, status.org)
    context: dict[str, object] = {"part": "jobs", "job": status, **_acts(status, rights)}
    if request.htmx and status.going:
        return render(request, "jobs/progress.html", context)
    context |= _ended(request, status, rights)
    if request.htmx:
        return render(request, "jobs/progress.html", context, status=STOP_POLLING)
    return render(request, "jobs/job.html", context)


@require_POST
def act(request: UserRequest, run: str, act: str) -> HttpResponse:
    """Pause a run, let it go on, or cancel it."""
    if act not in ACTS:
        raise Http404
    run_command_result = ACTS[act](request.unlost, run)
    messages.success(request, translate(run_command_result.sentence))
    return redirect("job", run=run)


@require_POST
def retry(request: UserRequest, run: str) -> HttpResponse:
    """Plan again what failed: all of it, or what failed for the causes that were ticked.

    A field can be set for all that failed for a cause.
    """
    app = request.unlost
    org = job_state(app, run).org
    codes = tuple(request.POST.getlist("code"))
    plan_request = PlanRequest(org, otherwise=Overrides(causes=tuple(_causes(request))))
    try:
        view = choose(app, org, RestoreRequest(plan_request, retry=run, codes=codes))
    except UsageError as error:
        return _refused(request, run, error)
    background.begin(partial(make_plan_now, app, org, view.plan))
    return redirect("plan", org=org, plan=view.plan)


@require_POST
def back_up(request: UserRequest, org: str) -> HttpResponse:
    """Have the service back up an org now."""
    try:
        ask_backup(request.unlost, org)
    except UnlostError as error:
        if error.code not in TOLD:
            raise
        messages.error(request, problem(error))
    else:
        messages.success(
            request, _("The service backs up %(org)s: it begins within seconds.") % {"org": org}
        )
    return redirect(f"{reverse('jobs')}?org={org}&kind=backup")


TOLD = frozenset({"service-missing", "backup-under-way", "backup-paused", "org-retired"})


# --- inside ---------------------------------------------------------------------------------------


def _causes(request: UserRequest) -> Iterator[CauseEdit]:
    """The fields that were chosen, each for its cause."""
    for name, cause in request.POST.items():
        place, _dash, number = name.partition("-")
        column = request.POST.get(f"column-{number}", "")
        if place == "cause" and column:
            table, _slash, code = str(cause).partition("/")
            value = request.POST.get(f"value-{number}") or None
            yield CauseEdit(table, column, value, code)


def _refused(request: UserRequest, run: str, error: UsageError) -> HttpResponse:
    """A restore's page, with why it is not planned again as was asked."""
    status = job_state(request.unlost, run)
    rights = _rights(request, status.org)
    context = {
        "part": "jobs",
        "job": status,
        **_acts(status, rights),
        **_ended(request, status, rights),
    }
    context |= {"error": error, "typed": request.POST}
    return render(request, "jobs/job.html", context, status=status_of(error))


def _kind(request: UserRequest) -> CommitKind | None:
    kind_text = request.GET.get("kind", "")
    return CommitKind(kind_text) if kind_text in KINDS else None


def _group(request: UserRequest) -> RunGroup | None:
    state_text = request.GET.get("state", "")
    return RunGroup(state_text) if state_text in set(RunGroup) else None


def _status(page: RunsPage) -> int:
    return 200 if page.going else STOP_POLLING


def _rights(request: UserRequest, org: str) -> frozenset[Right]:
    """What the actor may do in an org."""
    app = request.unlost
    oids = [org_row.oid for org_row in app.orgs() if org_row.name == org]
    return frozenset(right for right in Right for oid in oids if app.actor.may(right, oid))


def _acts(status: RunStatus, rights: frozenset[Right]) -> dict[str, object]:
    """What the actor may do with it now."""
    operates = Right.OPERATE in rights
    waits = status.state in (RunState.PARKED, RunState.FAILED)
    known = not status.over and operates and not status.hourly
    return {
        "can_pause": known and not status.wish and not (waits and not status.resume_at),
        "can_go_on": known and (bool(status.wish) or waits),
        "can_cancel": known or (operates and status.hourly and status.going),
        "may_restore": Right.RESTORE in rights,
        "may_read": Right.READ in rights,
    }


def _outcome(request: UserRequest, status: RunStatus) -> dict[str, object]:
    try:
        return {"outcome": outcome(request.unlost, status.run)}
    except NotFound as error:
        if error.code != "journal-gone":
            raise
        return {"journal_gone": True}


def _ended(request: UserRequest, status: RunStatus, rights: frozenset[Right]) -> dict[str, object]:
    """How it ended: of a restore each record, of a backup what it proved."""
    if status.state != RunState.DONE.value:
        return {}
    if status.restore:
        return _outcome(request, status) if Right.READ in rights else {}
    if status.snapshot is None:
        return {}
    try:
        return {"proof": certificate(request.unlost, status.org, at=str(status.snapshot))}
    except NotFound as error:
        if error.code != "snapshot-forgotten":
            raise
        return {"forgotten": status.snapshot}
