"""Run restore plans, resume and retry them, and list runs.

The journal in the vault is the only memory of a restore, so running the same plan twice is one run:

    run_plan ───┐
    resume_run ─┼─> _run ─> ``execute``: reads the    ─┬─> DONE    with the outcome, even repeated
    do_restore ─┘           journal, goes on after it  ├─> PARKED  a limit, a pause or a cancel
                                                       └─> FAILED  resume continues after the call

    retry_run ─> ``plan_retry``: a new plan of the failed records, ``restore-ID-try-N``, with its
                 own journal

The catalog's row of the run is for lists only and can be rebuilt. ``_run`` and ``announce_plan``
are the only ways to the engine, and both check the approval of the plan first. See docs/adr/0010,
docs/adr/0008 and docs/adr/0043.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from unlost.app.access import Where, action, check_org, run_unknown
from unlost.app.actions.backups.backup import clear_command
from unlost.app.actions.restores.purge import is_purge
from unlost.app.actions.restores.restore_plan import (
    PlanRequest,
    RestoreRequest,
    load_plan,
    new_plan_id,
    org_of,
    store_for_approval,
)
from unlost.app.archive.freed import end_comparisons, note_freed, read_figures
from unlost.app.archive.open_nights import drop_nights
from unlost.app.archive.periods import period_in, purges_among
from unlost.app.archive.problems import surplus
from unlost.app.archive.second_copy import second_copy_of
from unlost.app.compose import Application, ObserverFanout, SilentObserver
from unlost.app.records.changes.loss_inbox import update_losses
from unlost.app.restores.approvals import check_approved
from unlost.app.restores.open_bypasses import NotingLease, guarded_run
from unlost.app.restores.org_storage import storage_rules_of
from unlost.app.restores.overrides import NO_OVERRIDES, Overrides, resolve_overrides
from unlost.app.restores.plan_files import check_file_typed
from unlost.app.restores.undone_runs import end_undone, undone_error
from unlost.catalog.orgs.archive_policies import find_saved_policy, switch_policy_off
from unlost.catalog.orgs.bypass import bypass_of
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.runs.observer import SqlObserver
from unlost.catalog.runs.plans import digest_run, plan_of_run
from unlost.catalog.runs.runs import (
    RunEnd,
    RunRecord,
    RunState,
    begin_run,
    end_run,
    find_run,
    list_runs,
)
from unlost.catalog.vault.archive_periods import store_periods
from unlost.engine.restore.journal.log import RESTORE_UNDONE, RestoreLog, check_not_undone
from unlost.engine.restore.planning.plan import PlanPorts, plan_again
from unlost.engine.restore.running.execute import execute, kind_of, open_run, run_of
from unlost.engine.restore.running.passes.staying import VANISHED
from unlost.engine.restore.running.session import RestorePorts
from unlost.engine.restore.values.edits import Edits
from unlost.engine.restore.values.outcome import (
    Ending,
    ParkedRestore,
    RecordOutcome,
    RestoreOutcome,
)
from unlost.model.access import Right, Trace
from unlost.model.errors import LimitReached, UnlostError, UsageError
from unlost.model.message import Message, fault
from unlost.model.plan import RecordKey, RestorePlan, SelectionKind, TwinPolicy
from unlost.model.ports.source import Source
from unlost.model.ports.system import Observer
from unlost.model.ports.vault import Vault
from unlost.model.ports.writer import Writer
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.jobs import CANCELLED, PAUSED
from unlost.model.source.shared_files import SharedFile
from unlost.model.vault.snapshot import CommitKind

_DID_NOTHING = frozenset({"run-in-progress", "journal-closed"})


@dataclass(frozen=True, slots=True)
class EndingCount:
    """The number of records with this ending."""

    ending: Ending
    count: int


@dataclass(frozen=True, slots=True)
class PlanDeviation:
    """The number of records that came back in another way than planned, by the reason's code."""

    code: str
    count: int


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """A finished restore.

    ``records`` need attention: they failed, or differ from the wanted state; `unlost runs RUN`
    lists all. ``whole``: every record is there, and no reference stays empty. ``unplanned`` counts
    lost records of tables that the org no longer has. ``otherwise`` came back in another way than
    planned. ``repeated``: it was finished before, and nothing was written now. ``purge``: the
    records were deleted because a person named them, or a mail loop.
    """

    org: str
    zone: str
    run: str
    started: datetime
    finished: datetime
    calls: int
    endings: tuple[EndingCount, ...]
    whole: bool
    records: tuple[RecordOutcome, ...]
    repeated: bool = False
    unplanned: int = 0
    otherwise: tuple[PlanDeviation, ...] = ()
    purge: bool = False


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in the list. ``state``: running, parked, failed, done, abandoned or unfinished.

    ``hourly``: a backup of a few tables between two nightly ones. ``purge``: an archive of records
    that a person named, or of a mail loop.
    """

    run: str
    org: str
    kind: CommitKind
    state: str
    started: datetime | None
    ended: datetime | None
    error: Message | None = None
    hourly: bool = False
    purge: bool = False


@dataclass(frozen=True, slots=True)
class RunList:
    """Runs of all orgs, newest first."""

    runs: tuple[RunLine, ...]


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run; for a finished restore with the outcome of every record.

    ``approved_by`` and ``approved_at``: the second person who approved its plan, empty if it needed
    none.
    """

    line: RunLine
    records: tuple[RecordOutcome, ...]
    approved_by: str = ""
    approved_at: datetime | None = None


@action(
    "restore.run",
    Right.RESTORE,
    trace=Trace.WRITE,
    where=Where.ITSELF,
    detail=lambda done: {"org": done.org, "run": done.run},
)
def run_plan(
    app: Application, file: Path, *, typed: str = "", observer: Observer | None = None
) -> RestoreResult:
    """Run the restore plan of a file; a plan that was run already returns its outcome again.

    ``typed``: the org's name, where it has to be typed. Raises LimitReached (``restore-parked``) if
    the run has to wait, UsageError (``org-not-typed``), Conflict, NotAllowed and others.
    """
    plan, org = load_plan(app, file)
    check_org(app, Right.RESTORE, org.name)
    check_file_typed(app, plan, org, typed)
    return _run(app, plan, org, observer)


def announce_plan(app: Application, plan: RestorePlan, org: ProtectedOrg) -> tuple[str, bool]:
    """Write a plan into the vault for the service; returns its run id, and if it is over.

    Raises Conflict, NotAllowed (``restore-needs-approval`` and others).
    """
    check_approved(app, org, plan)
    run = run_of(plan)
    with app.open_writer(org) as writer:
        over = open_run(plan, _ports(app, plan, writer, SilentObserver()))
    end_undone(app, plan)
    digest_run(plan.digest, run=run)
    return run, over


@action("restore.resume", Right.RESTORE, trace=Trace.WRITE, where=Where.RUN, subject=("run",))
def resume_run(
    app: Application, run: str, *, observer: Observer | None = None, forget: bool = True
) -> RestoreResult:
    """Resume a restore that stopped, from its journal in the vault.

    ``forget`` clears an earlier pause or cancel command, as a resume by hand does.
    """
    plan, org = _known_plan(app, run)
    return _run(app, plan, org, observer, forget=forget)


@action(
    "restore.retry", Right.RESTORE, trace=Trace.WRITE, where=Where.RUN, subject=("run", "otherwise")
)
def retry_run(
    app: Application,
    run: str,
    *,
    codes: Collection[str] = (),
    otherwise: Overrides | None = None,
    twins: TwinPolicy = TwinPolicy.KEEP,
    observer: Observer | None = None,
) -> RestoreResult:
    """Retry the failed records of a finished restore as a new restore: all, or by error codes.

    The new restore has its own plan. If the plan needs a second person, it is stored, to be approved
    and run in the console.

    ``twins``: the treatment of live records that took a unique value after the loss. Raises
    UsageError if nothing failed or ``otherwise`` is invalid.
    """
    overrides = otherwise or NO_OVERRIDES
    plan, org = plan_retry(app, run, codes=codes, otherwise=overrides, twins=twins)
    request = PlanRequest(org.name, otherwise=overrides, twins=twins)
    wanted = RestoreRequest(request, retry=run, codes=tuple(codes))
    store_for_approval(app, org, plan, wanted, plan_id=new_plan_id(app))
    return _run(app, plan, org, observer)


def plan_retry(
    app: Application,
    run: str,
    *,
    codes: Collection[str] = (),
    otherwise: Overrides = NO_OVERRIDES,
    twins: TwinPolicy = TwinPolicy.KEEP,
) -> tuple[RestorePlan, ProtectedOrg]:
    """Plan a retry of the failed records of a finished restore: all, or by error codes.

    Values typed for the earlier plan still apply, unless ``otherwise`` overrides them. Raises
    UsageError (``run-not-ended``, ``run-whole``, ``edit-…``), NotFound.
    """
    log, org = _known(app, run)
    if kind_of(log.opened.plan) is RunKind.ARCHIVE:
        raise UsageError(
            "run-archive",
            "An archive or a purge such as {run} cannot be retried.",
            next_step="Plan the records that stayed again, with `unlost archive plan` or `unlost "
            "purge plan`.",
            run=run,
        )
    outcome = log.state.closed
    if outcome is None:
        check_not_undone(log.state)
        raise UsageError(
            "run-not-ended",
            "The run {run} has not ended.",
            next_step="Resume it with `unlost restore resume {run}`.",
            run=run,
        )
    failed = [
        record
        for record in outcome.records
        if not record.ending.good and (not codes or record.code in codes)
    ]
    if not failed:
        raise UsageError(
            "run-whole",
            "No records failed in {run}.",
            next_step="List the runs with `unlost runs`.",
            run=run,
        )
    _check_no_copy(log, failed)
    edits = resolve_overrides(app, org, otherwise, failed=failed)
    keys = {RecordKey(record.table, record.record) for record in failed}
    return _again(app, log, org, keys, edits, twins), org


def _check_no_copy(log: RestoreLog, failed: Collection[RecordOutcome]) -> None:
    """Raise UsageError (``retry-beside``) for a record that was created beside another one.

    It would be created again: no lineage leads to it.
    """
    beside = {step.key for step in log.opened.plan.steps if step.beside}
    there = next((each for each in failed if each.key in beside and each.live), None)
    if there is not None:
        raise UsageError(
            "retry-beside",
            "{table}/{record} was created, but not all of its values could be set. A retry would "
            "create it again.",
            next_step="Correct this record itself: `unlost restore correct`.",
            table=there.table,
            record=there.live,
        )


@action("run.list", Right.LOOK)
def runs(app: Application) -> RunList:
    """List all runs that the home knows, and restores that only the vault knows."""
    names = {org.oid: org.name for org in app.orgs()}
    lines = _lines(app, [run for name in names.values() for run in list_runs(name)])
    known = {line.run for line in lines}
    for oid, identity in app.vault.orgs().items():
        if oid not in names and not app.actor.may(Right.LOOK):
            continue
        name = names.get(oid, identity.label or identity.tenant)
        lines += [_line(app, oid, name, run) for run in app.vault.journals(oid) if run not in known]
    lines.sort(key=lambda line: (line.started is not None, str(line.started)), reverse=True)
    return RunList(tuple(lines))


@action("run.show", Right.LOOK, trace=Trace.READ, where=Where.RUN, subject=("run",))
def run_detail(app: Application, run: str) -> RunDetail:
    """Show a run; raises NotFound (``run-unknown``).

    Records are included for an actor who may read them, and the org's own messages, which may
    repeat a value, for an actor who may see every column.
    """
    line = next((run_line for run_line in runs(app).runs if run_line.run == run), None)
    if line is None:
        raise run_unknown(run)
    journal = journal_of(app, run)
    closed = journal[0].state.closed if journal is not None else None
    records = closed.records if closed is not None else ()
    if journal is not None and not app.actor.may(Right.READ, journal[1]):
        records = ()
    if journal is not None and journal[1] in app.hidden:
        records = tuple(replace(record, sentence="", next_step="") for record in records)
    plan = plan_of_run(run)
    approval = plan.approval if plan is not None else None
    return RunDetail(
        line,
        records,
        approval.by if approval is not None else "",
        approval.at if approval is not None else None,
    )


# --- inside ---------------------------------------------------------------------------------------


def _run(
    app: Application,
    plan: RestorePlan,
    org: ProtectedOrg,
    observer: Observer | None,
    *,
    forget: bool = True,
) -> RestoreResult:
    check_approved(app, org, plan)
    run, kind = run_of(plan), kind_of(plan)
    known = find_run(run)
    written = SqlObserver(run, clock=app.clock)
    both = ObserverFanout(written, observer or SilentObserver())
    with _recorded(app, org, run, kind=kind, forget=forget):
        if kind is RunKind.ARCHIVE:  # before the first call: lists of runs name purges by it
            store_periods(plan.target, [period_in(plan, run=run)])
        try:
            with (
                guarded_run(app, org, plan),
                app.open_writer(org, observer=both, run=run) as writer,
                _reading(app, org, plan, both) as (source, shared),
            ):
                lease = NotingLease(app.lease, plan.bypass)
                ports = _ports(app, plan, writer, both)
                ports = replace(ports, lease=lease, source=source, shared=shared)
                ended = execute(plan, replace(ports, second_copy=_second_copy(app, plan)))
                figures = read_figures(app, source) if source and not _was_done(known) else None
        finally:
            written.flush()
            with suppress(UnlostError):  # its own resumption notices it as well
                end_undone(app, plan)
        # Not before: a run that could not begin leaves its plan as it was.
        digest_run(plan.digest, run=run)
        outcome = _ended(ended)
        end_run(run, RunEnd(RunState.DONE, app.clock.now()))
    _after_surplus(app, org, plan, outcome)
    if kind is RunKind.ARCHIVE:
        with suppress(Exception):  # the run is over; figures of its storage are information
            note_freed(app, org, plan, outcome, figures)
    elif plan.org == plan.target:
        with suppress(Exception):
            end_comparisons(app, org, _back(outcome))
    if plan.org == plan.target:
        update_losses(app, org, restored=_back(outcome), deleted=_deleted(outcome))
    return replace(result_of(org, outcome, plan=plan), repeated=_was_done(known))


def _was_done(known: RunRecord | None) -> bool:
    """Return True for a run that had ended before: it writes nothing now."""
    return known is not None and known.state is RunState.DONE


def _after_surplus(
    app: Application, org: ProtectedOrg, plan: RestorePlan, outcome: RestoreOutcome
) -> None:
    """Switch the schedule of a saved policy off if more records vanished than were planned."""
    policy = plan.selection.policy
    vanished = sum(record.code == VANISHED for record in outcome.records)
    saved = find_saved_policy(org.name, policy.name) if policy is not None and vanished else None
    if saved is not None:
        why = surplus(saved, run=outcome.run, vanished=vanished)
        switch_policy_off(saved.id, why=why.message)
        drop_nights(app, saved)


@contextmanager
def _reading(
    app: Application, org: ProtectedOrg, plan: RestorePlan, observer: Observer
) -> Iterator[tuple[Source | None, tuple[SharedFile, ...]]]:
    """Open the org for reading, if the plan deletes; name its kinds of shared files."""
    is_undo = plan.selection.kind is SelectionKind.UNDO
    if not is_undo and kind_of(plan) is not RunKind.ARCHIVE:
        yield None, ()
        return
    schema = app.whole_vault.at(org.oid, plan.snapshot, forgotten=True).schema()
    shared = app.connector(org.identity.connector).shared_files(schema)
    with app.open_org(org, observer=observer, restore=True) as source:
        yield source, tuple(shared)


def _second_copy(app: Application, plan: RestorePlan) -> Callable[[], Vault] | None:
    return second_copy_of(app) if kind_of(plan) is RunKind.ARCHIVE else None


def _back(outcome: RestoreOutcome) -> tuple[RecordKey, ...]:
    """Return the records that are live now, under whatever id."""
    there = (record for record in outcome.records if record.is_there)
    return tuple(RecordKey(record.table, record.record) for record in there)


def _deleted(outcome: RestoreOutcome) -> tuple[RecordKey, ...]:
    """Return the records that an undo deleted."""
    gone = (record for record in outcome.records if record.ending is Ending.DELETED)
    return tuple(RecordKey(record.table, record.record) for record in gone)


def _ports(app: Application, plan: RestorePlan, writer: Writer, observer: Observer) -> RestorePorts:
    """Return the ports of a run; an archive reads copies from the store, where damage shows."""
    vault = app.whole_vault
    if kind_of(plan) is RunKind.ARCHIVE:
        vault = vault.uncached()
    return RestorePorts(
        writer=writer, vault=vault, lease=app.lease, clock=app.clock, observer=observer
    )


def _ended(ended: RestoreOutcome | ParkedRestore) -> RestoreOutcome:
    if isinstance(ended, RestoreOutcome):
        return ended
    if ended.code in (PAUSED, CANCELLED):
        # A cancelled restore may be resumed as well: its command is cleared then.
        raise LimitReached(
            PAUSED,
            "{why}",
            next_step="Resume it with `unlost restore resume {run}`.",
            why=ended.message,
            run=ended.run,
        )
    raise LimitReached(
        "restore-parked",
        "{why}",
        next_step="{step} The run is {run}.",
        resume_at=ended.resume_at,
        why=ended.message,
        step=ended.message.next_step,
        run=ended.run,
    )


@contextmanager
def _recorded(
    app: Application, org: ProtectedOrg, run: str, *, kind: RunKind, forget: bool
) -> Iterator[None]:
    before = find_run(run)
    begin_run(run, org=org.name, kind=CommitKind(kind), full=False, at=app.clock.now())
    if forget:
        clear_command(app, org.oid, kind, run)
    try:
        yield
    except LimitReached as limit:
        now = app.clock.now()
        end_run(run, RunEnd(RunState.PARKED, now, None, limit.resume_at, limit.message))
        raise
    except UnlostError as error:
        if before is not None and _did_nothing(error, before):
            _leave(before)
        elif error.code == RESTORE_UNDONE:
            end_run(run, RunEnd(RunState.ABANDONED, app.clock.now(), error=error.message))
        else:
            _failed(app, run, error.message)
        raise
    except BaseException as error:
        _failed(app, run, fault(error))
        raise


def _did_nothing(error: UnlostError, before: RunRecord) -> bool:
    """Return True if a run is as it was before this attempt to resume it."""
    return error.code in _DID_NOTHING or (error.code == RESTORE_UNDONE and before.state.over)


def _leave(known: RunRecord) -> None:
    """Restore the run's state in the catalog: this process did nothing to the run."""
    if known.state is RunState.RUNNING:
        return
    end = RunEnd(
        known.state,
        known.ended_at,
        known.snapshot,
        known.resume_at,
        known.error,
    )
    end_run(known.id, end)


def _failed(app: Application, run: str, why: Message) -> None:
    end_run(run, RunEnd(RunState.FAILED, app.clock.now(), error=why))


def result_of(org: ProtectedOrg, outcome: RestoreOutcome, *, plan: RestorePlan) -> RestoreResult:
    """Return the result of a restore, with the records that need attention."""
    telling = [
        record
        for record in outcome.records
        if not record.ending.good or record.differences or record.code
    ]
    counts = outcome.counts
    return RestoreResult(
        org.name,
        org.identity.zone,
        outcome.run,
        outcome.started,
        outcome.finished,
        outcome.calls,
        tuple(EndingCount(ending, counts[ending]) for ending in Ending if counts[ending]),
        outcome.whole,
        tuple(telling),
        unplanned=outcome.unplanned,
        otherwise=deviations(outcome.records),
        purge=is_purge(plan),
    )


def deviations(records: Iterable[RecordOutcome]) -> tuple[PlanDeviation, ...]:
    """Count the records that came back in another way than planned."""
    codes = Counter(record.code for record in records if record.ending.good and record.code)
    return tuple(PlanDeviation(code, count) for code, count in sorted(codes.items()))


def _again(
    app: Application,
    log: RestoreLog,
    org: ProtectedOrg,
    failed: Collection[RecordKey],
    edits: Edits,
    twins: TwinPolicy,
) -> RestorePlan:
    plan = log.opened.plan
    with app.open_writer(org) as writer, app.open_org(org, restore=True) as source:
        ports = PlanPorts(
            source=source,
            writer=writer,
            vault=app.vault_of(org.oid),
            clock=app.clock,
            observer=SilentObserver(),
            bypass=bypass_of(org.oid),
            rules=storage_rules_of(app, org),
        )
        tries = _tries(app, plan)
        # The journal of an attempt may be erased or given up.
        logs = [_log(app, plan, attempt) for attempt in tries]
        unbinned = {
            key for restore_log in logs if restore_log.state.opened for key in restore_log.unbinned
        }
        plan_id = f"{_base(plan)}-try-{len(tries) + 1}"
        return plan_again(
            plan, failed, ports, plan_id=plan_id, unbinned=unbinned, edits=edits, twins=twins
        )


def _base(plan: RestorePlan) -> str:
    return plan.id.partition("-try-")[0]


def _tries(app: Application, plan: RestorePlan) -> list[str]:
    """Return the runs of a plan: the first one and all retries so far."""
    taken = set(app.vault.journals(plan.target))
    first = run_of(replace(plan, id=_base(plan)))
    tries = [first]
    # A retry whose journal was erased is still known to the home; its name must not be used again.
    while (another := f"{first}-try-{len(tries) + 1}") in taken or find_run(another) is not None:
        tries.append(another)
    return tries


def _log(app: Application, plan: RestorePlan, run: str) -> RestoreLog:
    return RestoreLog(app.whole_vault.journal(plan.target, run))


def _known(app: Application, run: str) -> tuple[RestoreLog, ProtectedOrg]:
    journal = journal_of(app, run)
    if journal is None:
        raise run_unknown(run)
    log, oid = journal
    return log, org_of(app, oid)


def _known_plan(app: Application, run: str) -> tuple[RestorePlan, ProtectedOrg]:
    """Return the plan of a run, and nothing else of its journal: the run reads that again."""
    log, org = _known(app, run)
    return log.opened.plan, org


def journal_of(app: Application, run: str) -> tuple[RestoreLog, str] | None:
    """Return the journal of a restore and the oid of its org; None if there is no such restore."""
    vault = app.whole_vault  # the readers below leave hidden values out
    for oid in vault.orgs():
        if run in vault.journals(oid):
            log = RestoreLog(vault.journal(oid, run))
            if log.state.opened is not None:
                return log, oid
    return None


def _lines(app: Application, runs: Sequence[RunRecord]) -> list[RunLine]:
    """Return the lines of runs that the home knows."""
    purges = purges_among(app, runs)
    return [
        RunLine(
            run.id,
            run.org,
            run.kind,
            run.state,
            run.started_at,
            run.ended_at,
            run.error,
            run.hourly,
            purge=run.id in purges,
        )
        for run in runs
    ]


def _line(app: Application, oid: str, name: str, run: str) -> RunLine:
    log = RestoreLog(app.whole_vault.journal(oid, run))
    opened, closed = log.state.opened, log.state.closed
    return RunLine(
        run,
        name,
        CommitKind(kind_of(opened.plan)) if opened is not None else CommitKind.RESTORE,
        _state_of(log),
        opened.at if opened is not None else None,
        closed.finished if closed is not None else None,
        undone_error(log),
        purge=opened is not None and is_purge(opened.plan),
    )


def _state_of(log: RestoreLog) -> str:
    """Return the state of a run that only the vault knows."""
    if log.state.undo:
        return RunState.ABANDONED.value
    return RunState.DONE.value if log.state.closed is not None else "unfinished"
