"""A restore: a plan that is run once. The journal is its memory, the commit its end.

  open          check the org, read the journal, write RunOpened or RunResumed
  clear up      resolve calls whose answers are missing (``correlate``)
  switch_on     the plan's bypass, if it has one (``bypass``)
  passes        leave_returned, undelete, take_along, reopen, create, by-products,
                update, second pass, put_back, delete, images; each skips work that the journal
                shows as done
  switch_off    the bypass, back to its former state
  close         read all records back and compare them with the wanted state (``readback``)
  commit        one commit with the lineage: old id -> new id

A run that stopped, for any reason and at any point, resumes when it is called again with the same
id: the journal in the vault shows what was done. Running a finished restore again returns its
outcome and changes nothing. The application database is not needed for any of this. See
docs/adr/0008 and 0010.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from unlost.engine.restore.journal.entries import (
    CallAnswer,
    CallIntent,
    LiveLink,
    Pass,
    RecordsLinked,
    RunClosed,
    RunOpened,
    RunResumed,
)
from unlost.engine.restore.journal.log import RestoreLog, check_not_undone, same_plan
from unlost.engine.restore.running.addresses import Addresses
from unlost.engine.restore.running.archived import commit_archived
from unlost.engine.restore.running.commit import commit_lineage, lineage_of
from unlost.engine.restore.running.correlate import resolve
from unlost.engine.restore.running.links import Links
from unlost.engine.restore.running.passes import archiving, bypass, cleared, copying, pointing
from unlost.engine.restore.running.passes.changing import reopen, second_pass, undelete, update
from unlost.engine.restore.running.passes.creating import Creator
from unlost.engine.restore.running.passes.deleting import delete
from unlost.engine.restore.running.passes.images import send_images
from unlost.engine.restore.running.passes.returning import came_along, leave_returned, take_along
from unlost.engine.restore.running.readback import record_outcomes
from unlost.engine.restore.running.rows import expected
from unlost.engine.restore.running.session import RestorePorts, RestoreSession
from unlost.engine.restore.running.undone import UndoneReader
from unlost.engine.restore.running.undone_run import end_undone_run
from unlost.engine.restore.running.wanted import WantedReader
from unlost.engine.restore.values.keys import find_apart
from unlost.engine.restore.values.note_code import TABLE_GONE, NoteCode
from unlost.engine.restore.values.outcome import ParkedRestore, RecordOutcome, RestoreOutcome
from unlost.model.errors import Conflict, LimitReached, UsageError
from unlost.model.message import message
from unlost.model.plan import Action, PlanStep, RecordKey, RestorePlan, SelectionKind, is_preview
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.progress import Phase, Progress
from unlost.model.source.writing import MatchKey, OutcomeKind, WriteOp, WriteRow
from unlost.model.vault.lineage import resolve as last_lives


def run_of(plan: RestorePlan) -> str:
    """The run of a plan: a plan is run once, so restoring twice changes nothing."""
    begins = "archive" if plan.selection.kind is SelectionKind.ARCHIVE else "restore"
    return f"{begins}-{plan.id}"


def kind_of(plan: RestorePlan) -> RunKind:
    """The kind of the plan's run."""
    archives = plan.selection.kind is SelectionKind.ARCHIVE
    return RunKind.ARCHIVE if archives else RunKind.RESTORE


def execute(plan: RestorePlan, ports: RestorePorts) -> RestoreOutcome | ParkedRestore:
    """Run a plan, or resume it, or return its outcome.

    Raises UsageError (``plan-preview``; ``other-org`` if the writer is not the plan's target), Conflict
    (``run-in-progress``, ``restore-other-plan``, ``restore-uncertain``), and any error that stops
    the run. If it stops, the plan's bypass may still be on: ``bypass.switch_off``.
    """
    run = run_of(plan)
    with ports.lease.hold(plan.target, kind=kind_of(plan), run=run):
        session = _open(plan, ports, run)
        # A closed run may lack its commit: the process ended between the two.
        outcome = session.log.state.closed
        if outcome is None:
            try:
                if session.is_archive:
                    archiving.check(session)
                bypass.switch_on(session.log, ports.writer)
                _write(session)
                bypass.switch_off(session.log, ports.writer)
            except LimitReached as limit:
                return _parked(session, limit)
            outcome = _close(session)
        _commit(session, run)
        return outcome


def open_run(plan: RestorePlan, ports: RestorePorts) -> bool:
    """Write a plan into the vault for another process to run; true if it is already over.

    Raises as ``execute`` does before its first call.
    """
    run = run_of(plan)
    with ports.lease.hold(plan.target, kind=kind_of(plan), run=run):
        return _open(plan, ports, run).log.state.closed is not None


def _open(plan: RestorePlan, ports: RestorePorts, run: str) -> RestoreSession:
    check_runnable(plan)
    _same_org(plan, ports)
    log = RestoreLog(ports.vault.journal(plan.target, run), plan=plan)
    same_plan(log.state, plan)
    if log.state.closed is None:
        check_not_undone(log.state)
        # At each resumption: records may have been erased since the last try. An archive that has
        # begun must still end, and leaves them alone.
        if log.state.opened is None or kind_of(plan) is not RunKind.ARCHIVE:
            _check_not_erased(plan, ports)
        at = ports.writer.server_time()
        if plan.selection.kind is SelectionKind.UNDO:
            # Before the first entry of the undo: after a crash in between, neither of them goes on.
            end_undone_run(plan, ports.vault, undo=run, at=at)
        log.write(RunOpened(run, plan, at) if log.state.opened is None else RunResumed(at))
    seen: dict[RecordKey, str | None] = {
        RecordKey(link.table, link.record): link.live for link in plan.links
    }
    links = Links(ports.vault, plan.org, plan.target, log.state, log.state.steps, seen)
    schema = ports.vault.at(plan.org, plan.snapshot, forgotten=True).schema()
    undoes = plan.selection.kind is SelectionKind.UNDO
    if undoes:
        wanted: WantedReader = UndoneReader(ports.vault, plan, schema)
    else:
        wanted = WantedReader(ports.vault, plan.org, plan.steps)
    # An undo puts back the texts that were there, with the ids that earlier restores had given.
    addresses = Addresses(links, earlier=not undoes)
    resumed = log.state.began(Pass.CREATE)
    return RestoreSession(ports, plan, log, schema, wanted, links, addresses, resumed)


def check_runnable(plan: RestorePlan) -> None:
    """Raise UsageError (``plan-preview``) for a plan that was made without a write user."""
    if is_preview(plan.notes):
        raise UsageError(
            "plan-preview",
            "This plan is a preview: it was made without a write user, and cannot run.",
            next_step="Add a write user with `unlost org writer`, then plan again.",
        )


def _check_not_erased(plan: RestorePlan, ports: RestorePorts) -> None:
    """Raise Conflict (``restore-erased``) if a record of the plan was erased since it was made."""
    erased = ports.vault.erased(plan.org, [step.key for step in plan.steps])
    if erased:
        raise Conflict(
            "restore-erased",
            "{erased:,} of the {planned:,} records of this plan were erased after it was made. "
            "Nothing was written.",
            next_step="Make a new plan without these records: `unlost restore plan ORG`",
            erased=len(erased),
            planned=len(plan.steps),
        )


def _same_org(plan: RestorePlan, ports: RestorePorts) -> None:
    identity = ports.writer.identity()
    known = ports.vault.orgs().get(plan.target)
    if known is None or not known.same_org(identity):
        raise UsageError(
            "other-org",
            "The write credentials belong to {label}, which is not the org of the plan.",
            next_step="Check the address of the write user. See `unlost org writer --help`.",
            label=identity.label or identity.tenant,
        )


def _write(session: RestoreSession) -> None:
    """Run all passes; each skips work that the journal shows as done."""
    creator = Creator(session)
    tables = sorted({step.table for step in session.plan.steps})
    # One call describes all tables, in place of one call each at first use.
    session.ports.writer.prepare([session.table(name) for name in tables])
    _resolve_open_calls(session, creator)
    session.ports.observer.progress(Progress(Phase.RESTORE))
    if session.is_archive:
        archiving.archive(session)
        return
    leave_returned(session)
    undelete(session)
    take_along(session)
    reopen(session)
    creator.run()
    _find_products(session, in_step=False)
    creator.create_missing_by_products()
    update(session)
    if _find_products(session, in_step=True):
        update(session)  # the values of rows that the org has replaced meanwhile
    second_pass(session)
    cleared.put_back(session)
    delete(session)
    send_images(session)
    pointing.take_back(session)


def _resolve_open_calls(session: RestoreSession, creator: Creator) -> None:
    """Resolve the outcomes of calls whose answers are missing."""
    # Of an archive the masters of details first: a detail counts only with its master.
    missing = sorted(session.log.state.open.items(), reverse=session.is_archive)
    rows = {
        n: _rebuilt(session, creator, call_intent)
        for n, call_intent in missing
        if call_intent.op is WriteOp.CREATE
    }
    for number, intent in missing:
        write_rows = rows.pop(number, ())
        others = [n for n in rows if session.log.state.open[n].table == intent.table]
        beside = [row for n in others for row in rows[n]]
        outcomes = resolve(session, intent, write_rows, beside=beside)
        session.log.write(CallAnswer(number, tuple(outcomes)))
        if intent.stage is Pass.CREATE:
            creator.link_products(_steps(session, intent))


def _rebuilt(session: RestoreSession, creator: Creator, intent: CallIntent) -> Sequence[WriteRow]:
    if intent.stage is Pass.PUT_BACK:
        return cleared.rebuilt(session, intent)
    return creator.rebuilt(intent)


def _steps(session: RestoreSession, intent: CallIntent) -> list[PlanStep]:
    return [session.step(RecordKey(intent.table, row.record)) for row in intent.rows]


def _find_products(session: RestoreSession, *, in_step: bool) -> bool:
    """Link records that the org created to the records that they represent, by their keys.

    ``in_step``: those that it replaces when another record changes. True if there were any to link.
    """
    by_table: dict[str, list[PlanStep]] = {}
    for step in session.plan.steps:
        missing = step.action is Action.BY_PRODUCT and session.links.live(step.key) is None
        if missing and in_step == (NoteCode.KEPT_IN_STEP in step.notes):
            by_table.setdefault(step.table, []).append(step)
    for table, steps in by_table.items():
        for key in session.capability(table).keys:
            _find_by(session, table, steps, key)
    return bool(by_table)


def _find_by(session: RestoreSession, table: str, steps: list[PlanStep], key: MatchKey) -> None:
    plan_steps = [step for step in steps if session.links.live(step.key) is None]
    described = session.table(table)
    wanted = session.wanted.cells(plan_steps)
    session.links.prefetch(described.columns, wanted.values())
    wanted_values: dict[tuple[str, ...], str] = {}
    for step in plan_steps:
        cells = expected(wanted[step.key], described, session.links)
        values = key.of(cells)
        if values is not None:
            wanted_values.setdefault(values, step.record)
    if wanted_values:
        live, _ = find_apart(session.ports.writer, described, key, list(wanted_values))
        known = {
            live_id
            for record_key, live_id in session.log.state.links.items()
            if record_key.table == table
        }
        links = tuple(
            LiveLink(table, wanted_values[value], live_id)
            for value, live_id in live.items()
            if live_id not in known
        )
        if links:
            session.log.write(RecordsLinked(links))


def _close(session: RestoreSession) -> RestoreOutcome:
    extra = archiving.vanished(session) if session.is_archive else cleared.outcomes(session)
    records = tuple(pointing.with_failed_updates(session, (*record_outcomes(session), *extra)))
    records += tuple(copying.outcomes(session))
    _link_earlier_lives(session, records)
    outcome = RestoreOutcome(
        run_of(session.plan),
        session.plan.id,
        _started(session),
        session.ports.writer.server_time(),
        session.log.state.calls,
        records,
        sum(note.count for note in session.plan.notes if note.code == TABLE_GONE),
    )
    session.log.write(RunClosed(outcome))
    return outcome


def _link_earlier_lives(session: RestoreSession, records: Sequence[RecordOutcome]) -> None:
    """Link earlier lives of these records to their present live ids, too."""
    lives = {
        o.key: o.live for o in records if o.ending.good and o.live and not _beside(session, o.key)
    }
    by_table: dict[str, list[str]] = {}
    for key in lives:
        by_table.setdefault(key.table, []).append(key.record)
    org, target = session.plan.org, session.plan.target
    links: list[LiveLink] = []
    for table, ids in by_table.items():
        rows = session.ports.vault.lineage(org, table=table, records=ids)
        for key, earlier in last_lives(rows, org=org, target=target).items():
            now = lives.get(key)
            if now is not None and earlier != now:
                links.append(LiveLink(table, earlier, now))
        ended = {RecordKey(table, row.old) for row in rows if row.old == row.live}
        links += _originals(session, table, {k.record: lives[k] for k in ended & lives.keys()})
    if links:
        session.log.write(RecordsLinked(tuple(links)))


def _originals(session: RestoreSession, table: str, lives: Mapping[str, str]) -> Iterator[LiveLink]:
    """Link the records for which these were created, before an undo took them away.

    ``lives``: their live ids now, by the ids that the undo deleted. See ``planning.lives``.
    """
    org, target, vault = session.plan.org, session.plan.target, session.ports.vault
    if not lives:
        return
    rows = vault.lineage(org, table=table, lives=sorted(lives), superseded=True)
    created_for = {row.old: row.live for row in rows if row.target == target}
    newest = vault.lineage(org, table=table, records=sorted(created_for))
    for row in newest:  # also later rows that continue these
        is_original = row.target == target and row.old in created_for and row.old not in lives
        if is_original and row.old == row.live:
            yield LiveLink(table, row.old, lives[created_for[row.old]])


def _beside(session: RestoreSession, key: RecordKey) -> bool:
    step = session.links.steps.get(key)
    return step is not None and step.beside


def _started(session: RestoreSession) -> datetime:
    return session.log.opened.at


def _commit(session: RestoreSession, run: str) -> None:
    """Write one commit with the lineage; calling it again gives the same."""
    plan, ports = session.plan, session.ports
    ports.observer.progress(Progress(Phase.COMMIT))
    if session.is_archive:
        commit_archived(session, run=run, as_of=_started(session))
        ports.observer.progress(Progress(Phase.COMMIT, done=True))
        return
    rows = lineage_of(plan, session.log.state.links, run=run)
    if isinstance(session.wanted, UndoneReader):
        rows += session.wanted.lineage(_lives_now(session), org=plan.target, run=run)
    commit_lineage(ports.vault, plan, rows, run=run, as_of=_started(session))
    ports.observer.progress(Progress(Phase.COMMIT, done=True))


def _lives_now(session: RestoreSession) -> dict[RecordKey, str | None]:
    """The live ids of the records of an undo that ended well; None for deleted ones."""
    outcome = session.log.state.closed
    assert outcome is not None
    return {o.key: o.live for o in outcome.records if o.ending.good}


def _parked(session: RestoreSession, limit: LimitReached) -> ParkedRestore:
    steps = [s for s in session.plan.steps if s.action not in (Action.UNCHANGED, Action.SKIP)]
    done = sum(_restored(session, step) for step in steps)
    remaining = len(steps) - done
    if session.is_archive:
        text = message(
            limit.code,
            "{why} {done:,} of {count:,} records are archived; {remaining:,} are still in the org.",
            next_step="{step}"
            if limit.next_step
            else "Resume later with `unlost restore resume RUN`.",
            step=limit.message.step,
            why=limit.message,
            done=done,
            count=len(steps),
            remaining=remaining,
        )
    else:
        text = message(
            limit.code,
            "{why} {done:,} of {count:,} records are restored; {remaining:,} are missing.",
            next_step="{step}"
            if limit.next_step
            else "Resume later with `unlost restore resume RUN`.",
            step=limit.message.step,
            why=limit.message,
            done=done,
            count=len(steps),
            remaining=remaining,
        )
    return ParkedRestore(run_of(session.plan), done, remaining, text, limit.resume_at)


def _restored(session: RestoreSession, step: PlanStep) -> bool:
    """True if the record is live, and every pass that the plan has for it succeeded.

    A status that must come last is not in the plan: its record counts once it is created.
    """
    state, action = session.log.state, step.action
    if session.links.live(step.key) is None or state.failure(step.key) is not None:
        return False
    updated = bool(step.columns) and not action.creates and action is not Action.DELETE
    passes = {
        Pass.UNDELETE: action is Action.UNDELETE,
        Pass.CREATE: action.creates,
        Pass.UPDATE: updated or came_along(session, step),
        Pass.LATE: bool(step.late) and (action.creates or action is Action.UNDELETE),
        Pass.DELETE: action is Action.DELETE,
    }
    outcomes = [state.result(stage, step.key) for stage, needed in passes.items() if needed]
    return all(o is not None and o.kind is OutcomeKind.DONE for o in outcomes)
