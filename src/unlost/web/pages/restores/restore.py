"""Pages of restores: the selection, its plan in the making, the preview, and running it."""

from collections import Counter
from dataclasses import replace
from functools import partial

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from unlost.app.access import may
from unlost.app.actions.archive.policies import archive_policies
from unlost.app.actions.restores.kept_plan import (
    PlanView,
    choose,
    choose_again,
    discard_plan,
    leave_out,
    make_plan_now,
    run_stored_plan,
    show_stored_plan,
)
from unlost.app.actions.restores.plan_groups import GROUPS, RECORDS, show_group
from unlost.app.actions.restores.plan_records import plan_records
from unlost.app.actions.restores.preview import plan_preview
from unlost.app.actions.restores.put_back import put_back
from unlost.app.actions.restores.restore_plan import PlanRequest, RestoreRequest
from unlost.app.actions.restores.selections import clear_selected, deselect, list_name, query_in
from unlost.app.archive.periods import is_purge_run
from unlost.app.records.lists.queries import query_of
from unlost.catalog.runs.plans import PlanState
from unlost.engine.restore.planning.notes.undo_limits import UNDO_LIMITS_PAGE, limits_of
from unlost.model.access import Right
from unlost.model.errors import UnlostError, UsageError
from unlost.model.mass_changes import MassKind
from unlost.model.plan import TwinPolicy
from unlost.model.runs.exclusion import RunKind
from unlost.web.failing import status_of
from unlost.web.needs import needs
from unlost.web.pages.restores.selections import list_address
from unlost.web.parts import background
from unlost.web.parts.paging import PageLinks, start_of
from unlost.web.parts.selections import sent_selections
from unlost.web.requests import UserRequest
from unlost.web.translate import error_text

STOP_POLLING = 286  # the status that tells htmx to stop polling
PAGE = 200


@require_POST
@needs(Right.RESTORE)
def begin(request: UserRequest, org: str) -> HttpResponse:
    """Store the selection, start to plan, and redirect to the plan's page.

    A list without a selection is shown again, with the reason.
    """
    try:
        wanted = _wanted(request, org)
    except UsageError as error:
        if "of" not in request.POST:
            raise
        messages.error(request, error_text(error))
        return redirect(list_address(org, request.POST, stay=True))
    return planning(request, choose(request.unlost, org, wanted))


@require_POST
@needs(Right.RESTORE)
def put_back_value(request: UserRequest, org: str, table: str, record: str) -> HttpResponse:
    """Start to plan that a column gets an earlier value back, and redirect to the plan's page."""
    column, until = request.POST.get("column", ""), request.POST.get("until", "")
    view = put_back(request.unlost, org, table, record, column=column, until=until)
    return planning(request, view)


@require_GET
def plan(request: UserRequest, org: str, plan: str) -> HttpResponse:
    """Show a plan: in the making, its preview, or why it failed."""
    view = show_stored_plan(request.unlost, org, plan)
    if not request.htmx:
        return page(request, view)
    making = view.state is PlanState.MAKING
    status = 200 if making else STOP_POLLING
    context = _context(request, view) | _planned_parts(request, view)
    return render(request, "restore/state.html", context, status=status)


@require_GET
def records(request: UserRequest, org: str, plan: str, table: str) -> HttpResponse:
    """Show the records of one table of a plan."""
    view, start = show_stored_plan(request.unlost, org, plan), start_of(request)
    planned_records = plan_records(request.unlost, org, plan, table, start=start, most=PAGE)
    pages = PageLinks(start, PAGE, len(planned_records.records), planned_records.total)
    context = {"planned": planned_records, "pages": pages, **_context(request, view)}
    return render(request, "restore/records.html", context)


@require_GET
def group(request: UserRequest, org: str, plan: str, table: str) -> HttpResponse:
    """Show the records of a group of a plan, with their values before and after."""
    view, start = show_stored_plan(request.unlost, org, plan), start_of(request)
    record = request.GET.get("record", "")
    values = show_group(request.unlost, org, plan, table, record, start=start)
    pages = PageLinks(start, RECORDS, len(values.records), values.total)
    context = {"values": values, "pages": pages, **_context(request, view)}
    return render(request, "restore/group.html", context)


@require_POST
def without(request: UserRequest, org: str, plan: str) -> HttpResponse:
    """Plan again without the unticked tables and records."""
    try:
        view = leave_out(
            request.unlost,
            org,
            plan,
            tables=_not_selected(request, "table"),
            records=_not_selected(request, "record"),
            groups=_not_selected(request, "group"),
            related="alone" not in request.POST,
        )
    except UsageError as error:
        return page(request, show_stored_plan(request.unlost, org, plan), error=error)
    return planning(request, view)


@require_POST
def again(request: UserRequest, org: str, plan: str) -> HttpResponse:
    """Plan the same selection again, overwriting live records with their keys if asked."""
    twins = TwinPolicy.ADOPT if request.POST.get("twins") == TwinPolicy.ADOPT else None
    return planning(request, choose_again(request.unlost, org, plan, twins=twins))


@require_POST
def drop(request: UserRequest, org: str, plan: str) -> HttpResponse:
    """Discard a plan that was not run."""
    discard_plan(request.unlost, org, plan)
    messages.success(request, _("The plan was discarded. Nothing was written."))
    return redirect("runs")


@require_POST
def run(request: UserRequest, org: str, plan: str) -> HttpResponse:
    """Queue the plan for the service, and redirect to its run."""
    typed = request.POST.get("typed", "")
    try:
        handed = run_stored_plan(request.unlost, org, plan, typed=typed)
    except UnlostError as error:
        view = show_stored_plan(request.unlost, org, plan)
        return page(request, view, error=error, typed=typed)
    # Otherwise the next restore from the same list would include these records again.
    restored = show_stored_plan(request.unlost, org, plan).wanted.request
    deselect(request.unlost, org, restored.records)
    if restored.listed is not None:
        clear_selected(request.unlost, org, list_name(restored.listed))
    if not handed.served:
        messages.warning(
            request, _("The service is not running. The run starts after `unlost up`.")
        )
    return redirect("run", run=handed.run)


# --- for pages about plans ------------------------------------------------------------------------


def planning(request: UserRequest, view: PlanView) -> HttpResponseRedirect:
    """Start to make a plan, and redirect to its page."""
    background.begin(partial(make_plan_now, request.unlost, view.org, view.plan))
    return redirect("plan", org=view.org, plan=view.plan)


def page(
    request: UserRequest, view: PlanView, *, error: UnlostError | None = None, typed: str = ""
) -> HttpResponse:
    """Render a plan's page, with the error of a request if there is one."""
    context = _context(request, view) | {
        "error": error,
        "typed": typed,
        **_planned_parts(request, view),
    }
    status = status_of(error) if error is not None else 200
    return render(request, "restore/plan.html", context, status=status)


def nothing_chosen() -> UsageError:
    """Return the error for a form without a selection."""
    return UsageError(
        "nothing-chosen",
        "No record was selected.",
        next_step="Go back and select the records to restore.",
    )


# --- inside ---------------------------------------------------------------------------------------


def _wanted(request: UserRequest, org: str) -> RestoreRequest:
    """Return the selection in a form: selected records, all deleted records, or changed fields."""
    posted = request.POST
    match posted.get("what", ""):
        case "lost":
            pair, by = (posted.get("a", ""), posted.get("b", "")), posted.get("by", "")
            chosen = PlanRequest(org, lost=pair, table=posted.get("table") or None, by=by)
        case "undo":
            chosen = PlanRequest(org, undo=posted.get("run", ""))
        case "archive":
            # The form names the policy only, so that no other than a ready-made one can be planned.
            policies = archive_policies(request.unlost, org)
            chosen = PlanRequest(org, archive=policies.named(posted.get("policy", "")))
        case "loop":
            loop, created = posted.get("loop", ""), "created" in posted
            chosen = PlanRequest(org, loop=loop, loop_records=created, purge=True)
        case "watched":
            name, table = posted.get("watched", ""), posted.get("table") or None
            chosen = PlanRequest(org, watched=name, table=table, purge=True)
        case "found":
            chosen = PlanRequest(org, listed=query_of(posted.get("list", "")), purge=True)
        case "loss":
            number = posted.get("loss", "")
            loss = int(number) if number.isascii() and number.isdigit() else 0
            chosen = PlanRequest(org, loss=loss)
        case "changed":
            chosen = _changed_fields(posted, org)
        case "purge":
            chosen = _selected_records(request, org, PlanRequest(org, purge=True))
        case _:
            # With columns, only these are put back, whatever the records have in them by now.
            columns = tuple(posted.getlist("column"))
            at = posted.get("at") or None
            empty = PlanRequest(org, at=at, columns=columns, related=not columns)
            chosen = _selected_records(request, org, empty)
    return RestoreRequest(chosen)


def _changed_fields(posted: QueryDict, org: str) -> PlanRequest:
    columns = tuple(posted.getlist("column"))
    if not columns:
        raise UsageError(
            "no-column-chosen",
            "No field was selected.",
            next_step="Go back and select the fields to restore.",
        )
    return PlanRequest(
        org,
        changed=(posted.get("a", ""), posted.get("b", "")),
        table=posted.get("table") or None,
        columns=columns,
        related=False,
        by=posted.get("by", ""),
        change=_mass_kind(posted.get("change", "")),
    )


def _selected_records(request: UserRequest, org: str, empty: PlanRequest) -> PlanRequest:
    """Return the request with the selected records, or all of a list."""
    chosen = tuple(dict.fromkeys(request.POST.getlist("record")))
    if "of" in request.POST:  # a page of a list; other pages of it may have selections too
        lists = sent_selections(request, org)
        if lists.every:
            listed = query_in(lists.of)
            return PlanRequest(org, listed=listed, without=lists.left_out, purge=empty.purge)
        chosen = lists.records
    if not chosen:
        raise nothing_chosen()
    return replace(empty, records=chosen)


def _mass_kind(text: str) -> MassKind | None:
    return MassKind(text) if text in set(MassKind) else None


def _not_selected(request: UserRequest, name: str) -> list[str]:
    """Return the values that could be selected and are not; a table can be in several branches."""
    every = Counter(request.POST.getlist(f"every-{name}"))
    return sorted(every - Counter(request.POST.getlist(name)))


def _context(request: UserRequest, view: PlanView) -> dict[str, object]:
    state = PlanState
    undone = view.wanted.request.undo
    undoes_archive = undone.startswith(RunKind.ARCHIVE)
    return {
        "part": "runs",
        "view": view,
        "making": view.state is state.MAKING,
        "is_planned": view.state is state.PLANNED,
        "broken": view.state is state.BROKEN_OFF,
        "failed": view.state is state.FAILED,
        "was_run": view.state is state.RUN,
        "is_archive": view.wanted.request.deletes,
        "is_undo": bool(undone),
        "undoes_archive": undoes_archive,
        "undoes_purge": undoes_archive and is_purge_run(request.unlost, undone),
        "is_purge": view.wanted.request.purge,
        "limits": limits_of(view.summary.notes) if view.summary is not None else (),
        "limits_page": UNDO_LIMITS_PAGE,
    }


def _planned_parts(request: UserRequest, view: PlanView) -> dict[str, object]:
    """Return the groups and people of a plan that was not run; nothing for other plans."""
    if view.state is not PlanState.PLANNED:
        return {}
    start = start_of(request, "groups")
    preview = plan_preview(request.unlost, view.org, view.plan, start=start)
    groups = preview.groups
    return {
        "groups": groups,
        "group_pages": PageLinks(start, GROUPS, len(groups.groups), groups.total),
        "people": preview.people,
        "repairs": preview.repairs,
        "newer": preview.newer,
        "again": preview.again,
        "zone": preview.zone,
        "org": view.org,
        "manages": may(request.unlost, Right.MANAGE),
    }
