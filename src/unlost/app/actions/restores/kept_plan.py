"""Restore plans of the console: the selection is stored, its plan is made in a thread and then run.

    choose ──> MAKING ──make_plan_now──> PLANNED ──run_stored_plan──> RUN
      ^          ├──> FAILED         an error, stored with the plan
      │          └──> BROKEN_OFF     its process ended
      └── leave_out, choose_again, edits: a new plan with a changed selection

A plan never changes once it is made, so the person runs exactly the plan that was previewed.
Running it hands it to the service, whose memory of it is the journal in the vault.

See docs/adr/0010.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from unlost.app.access import action, run_unknown
from unlost.app.actions.restores.queued_restore import QueuedPlan, hand_over_plan
from unlost.app.actions.restores.restore_plan import (
    LIFETIME,
    RestoreRequest,
    new_plan_id,
    planned,
    store_plan,
    store_request,
)
from unlost.app.actions.restores.restore_run import plan_retry
from unlost.app.compose import Application
from unlost.app.records.table_words import TableWords
from unlost.app.restores.approvals import PlanApproval, approval_of_stored
from unlost.app.restores.overrides import check_overrides
from unlost.app.restores.plan_files import (
    check_name_typed,
    is_name_typed,
    proved_plan,
    sealed_plan,
)
from unlost.app.restores.plan_words import column_labels, labelled
from unlost.app.restores.planners import planner_slot
from unlost.app.restores.worker_slots import is_taken
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.orgs.writers import find_writer
from unlost.catalog.runs.plans import (
    PlanState,
    StoredPlan,
    begin_plan,
    drop_plan,
    find_plan,
    plan_broken_off,
    plan_content,
    plan_failed,
    plan_run,
    waiting_plans,
)
from unlost.engine.restore.planning.notes.note_order import NO_NOTES, SortedNotes, sorted_notes
from unlost.engine.restore.planning.shown.groups import group_steps
from unlost.engine.restore.planning.shown.summary import PlanSummary
from unlost.model.access import Right, Trace
from unlost.model.decoders import decoder_for
from unlost.model.errors import Conflict, NotFound, UnlostError, UsageError
from unlost.model.message import Message
from unlost.model.org import OrgKind
from unlost.model.plan import RestorePlan, TwinPolicy
from unlost.model.purge import names_purge
from unlost.model.source.reading import Json
from unlost.model.source.schema import Schema

# A plan that no process has started to make by then is broken off.
BEGINS_WITHIN = timedelta(minutes=1)
MOST = 20


@dataclass(frozen=True, slots=True)
class PlanView:
    """The state of a plan. Once it is made, ``summary`` is set and ``labels`` name its tables.

    ``plurals`` name several records of a table. ``columns`` are labels by TABLE.COLUMN. ``notes``
    are those of the summary, with labels. ``typed``: the org's name has to be typed to run it.
    ``run``: the restore that it became. ``writer``: the org has a write user now; a plan made
    without one is a preview. ``approval``: None if it needs no second person, or its run has begun
    to write.
    """

    plan: str
    org: str
    zone: str
    kind: OrgKind
    state: PlanState
    made_at: datetime
    made_by: str
    wanted: RestoreRequest
    run: str
    error: Message | None
    summary: PlanSummary | None
    labels: Mapping[str, str]
    typed: bool
    columns: Mapping[str, str] = field(default_factory=dict)
    notes: SortedNotes = NO_NOTES
    writer: bool = True
    approval: PlanApproval | None = None
    plurals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A plan in a list: ``records`` counts the records to write, None until it is made.

    ``zone``: the time zone of the org; empty outside lists. ``approval``: None if it needs no second
    person. ``policy``: name of the policy of an archive or a purge; empty for a
    restore.
    """

    plan: str
    org: str
    state: PlanState
    made_at: datetime
    made_by: str
    records: int | None
    zone: str = ""
    approval: PlanApproval | None = None
    policy: str = ""

    @property
    def is_purge(self) -> bool:
        """True for a purge."""
        return names_purge(self.policy)


@dataclass(frozen=True, slots=True)
class PlanLines:
    """Plans that were not run yet, newest first."""

    plans: tuple[PlanLine, ...]


def what_was_typed(view: "PlanView") -> Mapping[str, Json]:
    """Return the audit's details: the columns that were typed, never their values."""
    return {"plan": view.plan, "typed": list(view.wanted.request.otherwise.columns)}


@action("restore.choose", Right.RESTORE, trace=Trace.READ, detail=what_was_typed)
def choose(app: Application, org: str, wanted: RestoreRequest) -> PlanView:
    """Select data to restore; ``restore.make`` then makes the plan, which may take minutes.

    Without a write user the plan is a preview. Raises NotFound for an unknown org or a run of
    another org, UsageError for an invalid typed value.
    """
    known = get_org(org)
    if wanted.retry and app.org_of_run(wanted.retry) != known.oid:
        raise run_unknown(wanted.retry)
    check_overrides(app, known, wanted.request.otherwise)
    wanted = replace(wanted, request=replace(wanted.request, org=org))
    return _view(app, known, store_request(app, wanted, plan_id=new_plan_id(app)))


@action(
    "restore.make",
    Right.RESTORE,
    trace=Trace.READ,
    subject=("plan",),
    detail=lambda plan_view: {"state": plan_view.state.value},
)
def make_plan_now(app: Application, org: str, plan: str) -> PlanView:
    """Make the plan of a selection. An error is stored with the plan, not raised."""
    known, stored_plan = get_org(org), stored_plan_of(org, plan)
    try:
        with planner_slot(app) as slot:
            if begin_plan(plan, slot=slot):
                store_plan(app, _planned(app, known, stored_plan), plan_id=plan)
    except UnlostError as error:
        plan_failed(plan, error)
    except Exception as error:  # noqa: BLE001 (no caller waits: the page shows the error)
        name = type(error).__name__
        plan_failed(plan, UnlostError(name, "The plan could not be created: {error}.", error=name))
    return _view(app, known, stored_plan_of(org, plan))


@action("restore.look", Right.RESTORE)
def show_stored_plan(app: Application, org: str, plan: str) -> PlanView:
    """Show the state of a plan; raises NotFound (``plan-unknown``)."""
    stored_plan = stored_plan_of(org, plan)
    if _state(app, stored_plan) is not stored_plan.state:
        plan_broken_off(plan)  # has no effect if it was made since it was read
        stored_plan = stored_plan_of(org, plan)
    return _view(app, get_org(org), stored_plan)


@action("restore.leave-out", Right.RESTORE, trace=Trace.READ, subject=("plan",))
def leave_out(
    app: Application,
    org: str,
    plan: str,
    *,
    tables: Sequence[str] = (),
    records: Sequence[str] = (),
    groups: Sequence[str] = (),
    related: bool = True,
) -> PlanView:
    """Create a new plan of the same selection without some tables or records (TABLE/ID).

    ``groups``: those of the preview, by their records, or as TABLE/ for single records. ``related`` false also leaves out all records that are only related to the selected ones.
    Of an archive only records and groups can be left out, of an undo also tables. ``restore.make``
    then makes the plan. Raises UsageError (``nothing-left-out``, ``archive-by-record``,
    ``undo-by-record``).
    """
    selection = _selection(stored_plan_of(org, plan))
    request = selection.request
    records = [*records, *_group_records(app, org, plan, groups)]
    if selection.retry or not (tables or records or not related):
        raise UsageError(
            "nothing-left-out",
            "Nothing was selected to be left out.",
            next_step="Select a table or records first.",
        )
    if request.deletes and (tables or not related):
        raise UsageError(
            "archive-by-record",
            "Tables cannot be left out of an archive or a purge: related records leave the org together.",
            next_step="Leave out records. What would leave the org with them then stays, too.",
        )
    if request.undo and not related:
        raise UsageError(
            "undo-by-record",
            "An undo has no option to leave out all related records.",
            next_step="Leave out tables, groups or records.",
        )
    less = replace(
        request,
        without=tuple(sorted({*request.without, *records})),
        without_tables=tuple(sorted({*request.without_tables, *tables})),
        related=request.related and related,
    )
    return choose(app, org, replace(selection, request=less))


@action("restore.again", Right.RESTORE, trace=Trace.READ, subject=("plan",))
def choose_again(
    app: Application, org: str, plan: str, *, twins: TwinPolicy | None = None
) -> PlanView:
    """Create a new plan of the same selection, from the org as it is now.

    ``twins``: the treatment of live records that took a unique value after the loss; None as before.
    """
    selection = _selection(stored_plan_of(org, plan))
    if twins is not None:
        selection = replace(selection, request=replace(selection.request, twins=twins))
    return choose(app, org, selection)


@action("restore.drop", Right.RESTORE, trace=Trace.WRITE, subject=("plan",))
def discard_plan(app: Application, org: str, plan: str) -> PlanLine:  # noqa: ARG001
    """Discard a plan that was not run."""
    stored_plan = stored_plan_of(org, plan)
    if stored_plan.state is not PlanState.RUN:
        drop_plan(plan)
    return _line(stored_plan, state=stored_plan.state)


@action("restore.start", Right.RESTORE, trace=Trace.WRITE, subject=("plan",))
def run_stored_plan(app: Application, org: str, plan: str, *, typed: str = "") -> QueuedPlan:
    """Queue a plan for the service to run. ``typed``: the org's name, where it has to be typed.

    Raises Conflict (``plan-not-made``, ``plan-run-already``), UsageError (``org-not-typed``),
    NotAllowed (``restore-needs-approval``, ``approval-…``),
    IntegrityError (``plan-edited``, ``plan-unproved``), and the errors of a restore before its first record.
    """
    known, stored_plan = get_org(org), stored_plan_of(org, plan)
    _check_ready(stored_plan)
    view = _view(app, known, stored_plan)
    if view.summary is not None:
        check_name_typed(known, view.summary.changes, typed)
    restore_plan = proved_plan(app, plan_content(plan), org=known.oid)
    handed = hand_over_plan(app, restore_plan, known)
    plan_run(plan, run=handed.run)
    return handed


@action("restore.file", Right.RESTORE, trace=Trace.READ, subject=("plan",))
def plan_file(app: Application, org: str, plan: str) -> bytes:
    """Download a plan as a file, as ``unlost restore plan`` writes it.

    Raises NotFound (``plan-unknown``), Conflict (``plan-not-made``), IntegrityError
    (``plan-edited``, ``plan-unproved``).
    """
    return sealed_plan(app, read_stored_plan(app, get_org(org), plan))


@action("restore.waiting", Right.RESTORE)
def waiting(
    app: Application, *, org: str | None = None, state: PlanState | None = None
) -> PlanLines:
    """List the plans that were not run, of one org or of all in which the actor may restore.

    ``state``: only those in this state.
    """
    orgs = [org_row for org_row in app.orgs(Right.RESTORE) if org in (None, org_row.name)]
    names = [org_row.name for org_row in orgs]
    return plan_lines(app, orgs, waiting_plans(names, state=state, most=MOST))


def plan_lines(
    app: Application, orgs: Sequence[ProtectedOrg], plans: Iterable[StoredPlan]
) -> PlanLines:
    """Return plans of these orgs as lines of a list."""
    known = {org_row.name: org_row for org_row in orgs}
    lines = []
    for plan in plans:
        org_row, line = known[plan.org], _line(plan, state=_state(app, plan))
        approval = approval_of_stored(app, org_row, plan, _summary(plan))
        lines.append(replace(line, zone=org_row.identity.zone, approval=approval))
    return PlanLines(tuple(lines))


def _group_records(app: Application, org: str, plan: str, groups: Sequence[str]) -> Iterator[str]:
    """Yield the records of groups of a plan."""
    if groups:
        restore_plan = read_stored_plan(app, get_org(org), plan)
        for group in groups:
            table, _, record = group.partition("/")
            yield from (str(step.key) for step in group_steps(restore_plan, table, record))


# --- inside ---------------------------------------------------------------------------------------


def read_stored_plan(app: Application, org: ProtectedOrg, plan: str) -> RestorePlan:
    """Return a made plan; raises NotFound (``plan-unknown``), Conflict (``plan-not-made``)."""
    stored_plan = stored_plan_of(org.name, plan)
    content = plan_content(plan)
    if stored_plan.state is not PlanState.RUN:
        _check_ready(stored_plan)
    if not content:
        raise _unknown(plan)
    return proved_plan(app, content, org=org.oid)


def _planned(app: Application, org: ProtectedOrg, plan: StoredPlan) -> RestorePlan:
    selection = _selection(plan)
    if selection.retry:
        overrides, twins = selection.request.otherwise, selection.request.twins
        return plan_retry(
            app, selection.retry, codes=selection.codes, otherwise=overrides, twins=twins
        )[0]
    return planned(app, org, selection.request, plan_id=plan.id)


def _state(app: Application, plan: StoredPlan) -> PlanState:
    broken = plan.state is PlanState.MAKING and not _is_being_made(app, plan)
    return PlanState.BROKEN_OFF if broken else plan.state


def _is_being_made(app: Application, plan: StoredPlan) -> bool:
    """Return True while a process is making the plan, or may still start."""
    if not plan.slot:
        return app.clock.now() - plan.made_at < BEGINS_WITHIN
    return is_taken(app, plan.slot)


def stored_plan_of(org: str, plan: str) -> StoredPlan:
    """Return a plan of an org, by its name; raises NotFound (``plan-unknown``)."""
    stored_plan = find_plan(plan)
    if stored_plan is None or stored_plan.org != org:
        raise _unknown(plan)
    return stored_plan


def _unknown(plan: str) -> NotFound:
    return NotFound(
        "plan-unknown",
        "There is no plan {plan!r}. Plans that are not run are deleted after {days} days.",
        next_step="Select the records to restore again.",
        plan=plan,
        days=LIFETIME.days,
    )


def _check_ready(plan: StoredPlan) -> None:
    if plan.state is PlanState.RUN:
        raise Conflict(
            "plan-run-already",
            "This plan was already run, as {run}.",
            next_step="Check that restore. A plan can run only once. To restore more, create a "
            "new plan.",
            run=plan.run,
        )
    if plan.state is not PlanState.PLANNED:
        raise Conflict(
            "plan-not-made",
            "This plan is not ready.",
            next_step="Wait until it is ready, or create a new plan.",
        )


def selection_of(org: str, plan: str) -> RestoreRequest:
    """Return the selection with all typed values; raises NotFound (``plan-unknown``)."""
    return _selection(stored_plan_of(org, plan))


def _selection(plan: StoredPlan) -> RestoreRequest:
    return decoder_for(RestoreRequest).convert(plan.request)


def _view(app: Application, org: ProtectedOrg, stored_plan: StoredPlan) -> PlanView:
    plan_summary, selection = _summary(stored_plan), _selection(stored_plan)
    words = _words(app, org) if plan_summary is not None else TableWords(Schema((), ""))
    return PlanView(
        stored_plan.id,
        org.name,
        org.identity.zone,
        org.identity.kind,
        stored_plan.state,
        stored_plan.made_at,
        stored_plan.made_by,
        selection,
        stored_plan.run,
        stored_plan.error,
        plan_summary,
        words.labels,
        plan_summary is not None and is_name_typed(org, plan_summary.changes),
        column_labels(plan_summary, _chosen_columns(selection), words) if plan_summary else {},
        sorted_notes(labelled(plan_summary.notes if plan_summary else (), words)),
        find_writer(org.oid) is not None,
        approval_of_stored(app, org, stored_plan, plan_summary),
        words.plurals,
    )


def _words(app: Application, org: ProtectedOrg) -> TableWords:
    head = app.vault.newest_backup(org.oid)
    return TableWords(head.schema() if head is not None else Schema((), ""))


def _chosen_columns(selection: RestoreRequest) -> Iterator[tuple[str, str]]:
    for column in selection.request.columns:
        yield selection.request.column_table, column


def _summary(stored_plan: StoredPlan) -> PlanSummary | None:
    if stored_plan.summary is None:
        return None
    return decoder_for(PlanSummary).convert(stored_plan.summary)


def _line(stored_plan: StoredPlan, *, state: PlanState) -> PlanLine:
    plan_summary = _summary(stored_plan)
    records = plan_summary.changes if plan_summary is not None else None
    return PlanLine(
        stored_plan.id,
        stored_plan.org,
        state,
        stored_plan.made_at,
        stored_plan.made_by,
        records,
        policy=_selection(stored_plan).request.policy_name,
    )
