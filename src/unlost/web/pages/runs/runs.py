"""Pages of runs: their list, the progress of one, and its commands."""

from collections.abc import Callable, Iterator
from functools import partial

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from unlost.app.access import may
from unlost.app.actions.backups.certificate import certificate
from unlost.app.actions.restores.kept_plan import choose, make_plan_now, waiting
from unlost.app.actions.restores.outcome import PAGE, outcome, restored_records
from unlost.app.actions.restores.restore_plan import PlanRequest, RestoreRequest
from unlost.app.actions.runs.ask_backup import ask_backup
from unlost.app.actions.runs.control import RunCommandResult, cancel, pause, resume
from unlost.app.actions.runs.run import RunStatus
from unlost.app.actions.runs.run import run_status as job_state
from unlost.app.actions.runs.runs import ListedKind, RunGroup, RunsPage
from unlost.app.actions.runs.runs import list_page as job_list
from unlost.app.compose import Application
from unlost.app.orgs.repaired_sign_in import repaired_by_credentials
from unlost.app.restores.overrides import CauseEdit, Overrides
from unlost.app.restores.undone_runs import is_undoable
from unlost.catalog.runs.runs import RunState
from unlost.model.access import Right
from unlost.model.errors import NotFound, UnlostError, UsageError
from unlost.model.vault.snapshot import CommitKind
from unlost.web.failing import status_of
from unlost.web.pages.restores.restore import STOP_POLLING, nothing_chosen
from unlost.web.parts import background
from unlost.web.parts.paging import PageLinks, start_of
from unlost.web.requests import UserRequest
from unlost.web.translate import error_text as problem
from unlost.web.translate import translate

ACTS: dict[str, Callable[[Application, str], RunCommandResult]] = {
    "pause": pause,
    "resume": resume,
    "cancel": cancel,
}


@require_GET
def list_runs(request: UserRequest) -> HttpResponse:
    """List runs by org, kind and state, and plans that were not run yet."""
    org, app = request.GET.get("org") or None, request.unlost
    kind, group = _kind(request), _group(request)
    page = job_list(app, org=org, kind=kind, group=group, before=request.GET.get("before") or None)
    context = {
        "part": "runs",
        "page": page,
        "org": org,
        "kind": kind,
        "group": group,
        "groups": RunGroup,
        "zones": {org_row.name: org_row.identity.zone for org_row in app.orgs()},
        "here": request.get_full_path(),
    }
    if request.htmx:
        return render(request, "runs/rows.html", context, status=_status(page))
    restores = may(app, Right.RESTORE, org) if org else app.actor.may_somewhere(Right.RESTORE)
    if restores:
        context["waiting"] = waiting(app, org=org).plans
    return render(request, "runs/list.html", context)


@require_GET
def show_run(request: UserRequest, run: str) -> HttpResponse:
    """Show the progress or the result of a run."""
    status = job_state(request.unlost, run)
    rights = _rights(request, status.org)
    context: dict[str, object] = {"part": "runs", "status": status, **_acts(status, rights)}
    context["repair"] = request.unlost.actor.may(Right.MANAGE) and repaired_by_credentials(
        request.unlost, status.org, status.error
    )
    if request.htmx and status.going:
        return render(request, "runs/progress.html", context)
    context |= _ended(request, status, rights)
    if request.htmx:
        return render(request, "runs/progress.html", context, status=STOP_POLLING)
    return render(request, "runs/run.html", context)


@require_GET
def restored(request: UserRequest, run: str, table: str) -> HttpResponse:
    """List the restored records of a table of a restore, with links to them in the org."""
    start = start_of(request)
    page = restored_records(request.unlost, run, table, start=start)
    pages = PageLinks(start, PAGE, len(page.records), page.total)
    context = {"part": "runs", "page": page, "pages": pages}
    return render(request, "runs/restored.html", context)


@require_POST
def act(request: UserRequest, run: str, act: str) -> HttpResponse:
    """Pause, resume or cancel a run."""
    if act not in ACTS:
        raise Http404
    run_command_result = ACTS[act](request.unlost, run)
    messages.success(request, translate(run_command_result.message))
    return redirect("run", run=run)


@require_POST
def retry(request: UserRequest, run: str) -> HttpResponse:
    """Plan the failed records again: all, or those with the selected causes.

    A field can be set for all records with the same cause.
    """
    app = request.unlost
    org = job_state(app, run).org
    codes = tuple(request.POST.getlist("code"))
    if "every-code" in request.POST and not codes:
        return _refused(request, run, nothing_chosen())
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
        if error.code not in EXPECTED_CODES:
            raise
        messages.error(request, problem(error))
    else:
        messages.success(request, _("Your backup of %(org)s is starting…") % {"org": org})
    return redirect(f"{reverse('runs')}?org={org}&kind=backup")


EXPECTED_CODES = frozenset({"service-missing", "backup-under-way", "backup-paused", "org-retired"})


# --- inside ---------------------------------------------------------------------------------------


def _causes(request: UserRequest) -> Iterator[CauseEdit]:
    """Yield the values that were chosen for causes."""
    for name, cause in request.POST.items():
        place, _dash, number = name.partition("-")
        column = request.POST.get(f"column-{number}", "")
        if place == "cause" and column:
            table, _slash, code = str(cause).partition("/")
            value = request.POST.get(f"value-{number}") or None
            yield CauseEdit(table, column, value, code)


def _refused(request: UserRequest, run: str, error: UsageError) -> HttpResponse:
    """Render a restore's page, with the reason why a retry cannot be planned."""
    status = job_state(request.unlost, run)
    rights = _rights(request, status.org)
    context = {
        "part": "runs",
        "status": status,
        **_acts(status, rights),
        **_ended(request, status, rights),
    }
    context |= {"error": error, "typed": request.POST}
    return render(request, "runs/run.html", context, status=status_of(error))


def _kind(request: UserRequest) -> ListedKind | None:
    kind_text = request.GET.get("kind", "")
    return ListedKind(kind_text) if kind_text in set(ListedKind) else None


def _group(request: UserRequest) -> RunGroup | None:
    state_text = request.GET.get("state", "")
    return RunGroup(state_text) if state_text in set(RunGroup) else None


def _status(page: RunsPage) -> int:
    return 200 if page.going else STOP_POLLING


def _rights(request: UserRequest, org: str) -> frozenset[Right]:
    """Return the actor's rights in an org."""
    app = request.unlost
    oids = [org_row.oid for org_row in app.orgs() if org_row.name == org]
    return frozenset(right for right in Right for oid in oids if app.actor.may(right, oid))


def _acts(status: RunStatus, rights: frozenset[Right]) -> dict[str, object]:
    """Return the commands that the actor may give now."""
    operates = Right.OPERATE in rights
    waits = status.state in (RunState.PARKED, RunState.FAILED)
    known = not status.over and operates and not status.hourly
    return {
        "can_pause": known and not status.wish and not (waits and not status.resume_at),
        "can_resume": known and (bool(status.wish) or waits),
        "can_cancel": known or (operates and status.hourly and status.going),
        "may_restore": Right.RESTORE in rights,
        "may_retry": Right.RESTORE in rights and status.kind is not CommitKind.ARCHIVE,
        "is_archive": status.kind is CommitKind.ARCHIVE,
        "is_purge": status.purge,
        "may_read": Right.READ in rights,
    }


def _can_undo(request: UserRequest, status: RunStatus, rights: frozenset[Right]) -> bool:
    """Return True for a restore or an archive that stopped after it wrote something."""
    if not status.restore or status.going or Right.RESTORE not in rights:
        return False
    app = request.unlost
    oids = [org_row.oid for org_row in app.orgs() if org_row.name == status.org]
    return any(is_undoable(app, oid, status.run) for oid in oids)


def _outcome(request: UserRequest, status: RunStatus) -> dict[str, object]:
    try:
        result = outcome(request.unlost, status.run)
        # The home has no plan of a run by the command line; its journal names the policy.
        return {"outcome": result, "is_purge": result is not None and result.purge}
    except NotFound as error:
        if error.code != "journal-gone":
            raise
        return {"journal_gone": True}


def _ended(request: UserRequest, status: RunStatus, rights: frozenset[Right]) -> dict[str, object]:
    """Return the result of a run: the records of a restore, or the certificate of a backup."""
    if status.state != RunState.DONE.value:
        return {"can_undo": _can_undo(request, status, rights)}
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
