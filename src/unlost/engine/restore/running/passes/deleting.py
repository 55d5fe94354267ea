"""The last pass of an undo: delete what the undone run brought, details with their masters.

Some records are deleted only as drafts, such as orders: they become drafts first, and get their
status again if they stay.

Each record is read right before its call. If it is not as the plan saw it, a person changed it: it
stays, and ends as a conflict. The whole record goes into the journal first, so that the undo can be
undone even after the recycle bin was emptied. See docs/adr/0042.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import batched

from unlost.engine.restore.journal.entries import CallAnswer, Pass, RowsSaved, SavedRow
from unlost.engine.restore.running.calls import (
    TRIES,
    PreparedRow,
    record_without_call,
    refusal,
    refused,
    send,
    write_intent,
)
from unlost.engine.restore.running.comparison import checked_columns
from unlost.engine.restore.running.correlate import each, resolve
from unlost.engine.restore.running.file_holds import files_on_hold
from unlost.engine.restore.running.passes.referred import references_to
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.undone import UndoneReader
from unlost.engine.restore.values import outcome_text
from unlost.engine.restore.values.cells import digest
from unlost.engine.restore.values.on_hold import records_on_hold
from unlost.engine.restore.values.referrers import Referrer
from unlost.model.named_records import possible_keys, read_columns
from unlost.model.plan import Action, PlanStep, RecordKey
from unlost.model.source.schema import Column, ColumnTrait, DeleteRule, Table
from unlost.model.source.writing import OutcomeKind, RowOutcome, WriteOp, WriteRow

type Cells = Mapping[str, str | None]

ON_HOLD = "undo-on-hold"


def delete(session: RestoreSession) -> None:
    """Delete the plan's records that are still as the plan saw them.

    The org deletes details with their masters. They are announced first, with all their values.
    """
    todo = [step for step in session.plan.steps if step.action is Action.DELETE]
    _keep_on_hold(session, todo)
    details = [step for step in todo if step.because is not None]
    announced = [
        number
        for table in dict.fromkeys(step.table for step in details)
        for number in _announce(session, table, [step for step in details if step.table == table])
    ]
    _save_circular(session, todo)
    _reopen(session, [step for step in todo if session.log.state.failure(step.key) is None])
    _keep_new(session, todo)
    _keep_masters(session, todo)
    masters = [step for step in todo if step.because is None]
    for level in sorted({step.level for step in masters}, reverse=True):
        steps = [step for step in masters if step.level == level]
        for table in dict.fromkeys(step.table for step in steps):
            _delete(session, table, [step for step in steps if step.table == table])
        _keep_targets(session, steps, {str(step.key): step for step in todo})
    for number in announced:
        intent = session.log.state.open[number]
        session.log.write(CallAnswer(number, tuple(resolve(session, intent, ()))))
    for table in dict.fromkeys(step.table for step in details):
        remaining = _pending(session, [step for step in details if step.table == table])
        record_without_call(session, Pass.DELETE, table, [_stayed(step.key) for step in remaining])
    close_again(session, todo)


def _save_circular(session: RestoreSession, steps: Sequence[PlanStep]) -> None:
    """Journal references to records that go first: with them the org empties the references."""
    saved = session.log.state.saved
    todo = [step for step in steps if step.columns and step.key not in saved]
    for table in dict.fromkeys(step.table for step in todo):
        circular = {step.record: step for step in todo if step.table == table}
        columns = _readable(session.table(table))
        for ids in batched(circular, session.capability(table).rows_per_call):
            live = each(session.ports.writer.fetch(session.table(table), ids, columns=columns))
            edited = [
                record for record, cells in live if _is_edited(session, circular[record], cells)
            ]
            outcomes = [_edited(circular[record].key) for record in edited]
            record_without_call(session, Pass.DELETE, table, outcomes)
            rows = [
                SavedRow(record, {name: cells.get(name) for name in circular[record].columns})
                for record, cells in live
                if record not in edited
            ]
            session.log.write(RowsSaved(table, tuple(rows)))


def _is_edited(session: RestoreSession, step: PlanStep, cells: Cells) -> bool:
    """True if a record of a circle was changed since the undone run, also in the circle."""
    if not isinstance(session.wanted, UndoneReader):  # a new file of an archive
        return not _is_as_planned(session, session.table(step.table), step, cells)
    effect = session.wanted.undone.effects[step.key]
    names = [name for name in effect.columns if name in cells]
    now = digest(session.table(step.table), {name: cells[name] for name in names})
    return bool(effect.digest) and now != effect.digest


def _reopen(session: RestoreSession, steps: Sequence[PlanStep]) -> None:
    """Make activated records drafts, since the org does not delete them otherwise."""
    todo = [step for step in steps if step.late]
    for table in dict.fromkeys(step.table for step in todo):
        born = {late.column: late.born for late in session.capability(table).late}
        closed = [step for step in todo if step.table == table]
        while pending := _pending(session, closed, Pass.REOPEN):
            for batch in session.batches(table, pending):
                live = _live_rows(session, session.table(table), batch)
                rows = [
                    PreparedRow(WriteRow(step.record, step.record, cells), before)
                    for step in batch
                    if (before := _former(session, step, live.get(step.record))) is not None
                    for cells in [{name: born.get(name) for name in step.late}]
                ]
                sent = {row.row.key for row in rows}
                seen = [
                    RowOutcome(s.record, OutcomeKind.DONE, s.record)
                    for s in batch
                    if s.record not in sent
                ]
                record_without_call(session, Pass.REOPEN, table, seen)
                if rows:
                    send(session, Pass.REOPEN, WriteOp.UPDATE, table, rows)


def _former(
    session: RestoreSession, step: PlanStep, cells: Cells | None
) -> dict[str, str | None] | None:
    """The values that a draft replaces; None for a record that is gone or changed, and is left alone."""
    if cells is None or not _is_as_planned(session, session.table(step.table), step, cells):
        return None
    return {name: cells.get(name) for name in step.late}


def close_again(session: RestoreSession, steps: Sequence[PlanStep]) -> None:
    """Give drafts that were not deleted their former status again."""
    state = session.log.state
    todo = [s for s in steps if s.key in state.reopened and _is_open(session, s)]
    for table in dict.fromkeys(step.table for step in todo):
        born = {late.column: late.born for late in session.capability(table).late}
        drafts = [step for step in todo if step.table == table]
        while pending := _pending(session, drafts, Pass.LATE):
            for batch in session.batches(table, pending):
                rows = [
                    PreparedRow(
                        WriteRow(step.record, step.record, dict(state.reopened[step.key])),
                        {name: born.get(name) for name in step.late},
                    )
                    for step in batch
                ]
                send(session, Pass.LATE, WriteOp.UPDATE, table, rows)


def _is_open(session: RestoreSession, step: PlanStep) -> bool:
    """True for a record that this run made a draft, and that the org did not delete."""
    opened = session.log.state.result(Pass.REOPEN, step.key)
    deleted = session.log.state.result(Pass.DELETE, step.key)
    is_draft = opened is not None and opened.kind is OutcomeKind.DONE
    return is_draft and (deleted is None or deleted.kind is not OutcomeKind.DONE)


def _announce(session: RestoreSession, table: str, steps: Sequence[PlanStep]) -> Iterator[int]:
    """Write intents for details; the call that deletes them is that of their master."""
    for batch in session.batches(table, _pending(session, steps)):
        rows = _prepared(session, session.table(table), batch)
        if rows:
            yield write_intent(session, Pass.DELETE, WriteOp.DELETE, table, rows)[0]


def _keep_on_hold(session: RestoreSession, steps: Sequence[PlanStep]) -> None:
    """Keep records on legal hold, and their masters: a hold may be newer than the plan."""
    pending = _pending(session, steps)
    if not pending:
        return
    records = {step.key: session.wanted.brought_as(step) for step in pending}
    ports = session.ports
    on_hold = records_on_hold(ports.vault, session.plan.target, records, now=ports.clock.now())
    for table in sorted({key.table for key in on_hold}):
        outcomes = [_is_on_hold(key) for key in sorted(on_hold, key=str) if key.table == table]
        record_without_call(session, Pass.DELETE, table, outcomes)
    by_key = {str(step.key): step for step in steps}
    masters = (step.because for step in steps if step.key in on_hold and step.because)
    _keep(session, by_key, masters, _needed_on_hold)
    # A new file of an archive leaves only once the old one is back, so the record keeps its file.
    brought = [step.key for step in _pending(session, steps) if not step.group]
    files = files_on_hold(session, brought, {key.record: name for key, name in records.items()})
    _keep(session, by_key, sorted(map(str, files)), _is_of_held_record)


def _keep_masters(session: RestoreSession, steps: Sequence[PlanStep]) -> None:
    """Keep the masters of details that were changed, and all to which records still refer.

    The org would delete such a detail with its master, and empty such a reference, though the
    outcome of the record says that it was not changed.
    """
    by_key = {str(step.key): step for step in steps}
    failed = [step for step in steps if session.log.state.failure(step.key) is not None]
    _keep(session, by_key, (step.because for step in failed if step.because), _kept)
    _keep(session, by_key, _not_left(session, by_key), _referred)
    _keep_referred(session, by_key)


def _keep_referred(session: RestoreSession, doomed: Mapping[str, PlanStep]) -> None:
    """Keep the records that records need which stay, and those that these need, and so on."""
    references = references_to(session, _leaving(session, doomed))
    _keep(session, doomed, sorted(map(str, references.unlooked)), _unlooked)
    _keep_attached(session, doomed, references.edges)
    new = references.by_others({step.key for step in doomed.values()})
    while needed := references.needed(frozenset(_leaving(session, doomed))):
        _keep(session, doomed, sorted(map(str, needed & new)), _referred_since)
        _keep(session, doomed, sorted(map(str, needed - new)), _referred)


def _keep_attached(
    session: RestoreSession, doomed: Mapping[str, PlanStep], edges: Iterable[Referrer]
) -> None:
    """Keep records that a person attached, since the plan, to others that are deleted before them.

    With these the org empties the reference, and hides the edit from the check before the delete.
    """
    leaving = frozenset(_leaving(session, doomed))
    attached = {
        edge.key
        for edge in edges
        if {edge.key, edge.target} <= leaving
        and edge.column not in doomed[str(edge.key)].columns
        and _level(edge.key, doomed) <= _level(edge.target, doomed)
    }
    for table in sorted({key.table for key in attached}):
        described = session.table(table)
        steps = [doomed[str(key)] for key in sorted(attached, key=str) if key.table == table]
        live = _live_rows(session, described, steps)
        edited = [
            step
            for step in steps
            if (cells := live.get(step.record)) is not None
            and not _is_as_planned(session, described, step, cells)
        ]
        record_without_call(session, Pass.DELETE, table, [_edited(step.key) for step in edited])
        _keep(session, doomed, (step.because for step in edited if step.because), _kept)


def _level(key: RecordKey, doomed: Mapping[str, PlanStep]) -> int:
    return _root(doomed[str(key)], doomed).level


def _leaving(session: RestoreSession, doomed: Mapping[str, PlanStep]) -> list[RecordKey]:
    """The records that are still to be deleted, alone or with their masters."""
    state = session.log.state
    steps = _pending(session, list(doomed.values()))
    return [step.key for step in steps if state.failure(_root(step, doomed).key) is None]


def _keep_new(session: RestoreSession, steps: Sequence[PlanStep]) -> None:
    """Keep new records that take the places of old ones which are not back."""
    missing = {
        step.group
        for step in session.plan.steps
        if step.group and step.action is not Action.DELETE and not _is_back(session, step)
    }
    by_key = {str(step.key): step for step in steps}
    new = (str(step.key) for step in steps if step.group in missing)
    _keep(session, by_key, new, _is_needed)


def _is_back(session: RestoreSession, step: PlanStep) -> bool:
    there = session.links.live(step.key) is not None and session.log.state.failure(step.key) is None
    return there and step.action is not Action.SKIP


def _keep(
    session: RestoreSession,
    doomed: Mapping[str, PlanStep],
    keys: Iterable[str],
    refused: Callable[[RecordKey], RowOutcome],
) -> None:
    """Keep these records (TABLE/ID) and their masters."""
    staying: dict[RecordKey, PlanStep] = {}
    for key in keys:
        step = doomed.get(key)
        while step is not None and step.key not in staying:
            staying[step.key] = step
            step = doomed.get(step.because or "")
    for step in staying.values():
        if session.log.state.failure(step.key) is None:
            record_without_call(session, Pass.DELETE, step.table, [refused(step.key)])


def _not_left(session: RestoreSession, doomed: Mapping[str, PlanStep]) -> Iterator[str]:
    """The records (TABLE/ID) to which others still refer because their update failed."""
    failed: dict[str, dict[str, PlanStep]] = {}
    for step in session.plan.steps:
        if step.action is Action.UPDATE and session.log.state.failure(step.key) is not None:
            failed.setdefault(step.table, {})[step.live or ""] = step
    for table, steps in failed.items():
        described = session.table(table)
        references = [column for column in described.columns if column.reference is not None]
        read = sorted(read_columns(described, references))
        live = session.ports.writer.fetch(described, list(steps), columns=read)
        for record, cells in each(live) if references else ():
            for column in references:
                if _cascades(column) or column.name in steps[record].columns:
                    places = map(str, possible_keys(column, cells))
                    yield from (place for place in places if place in doomed)


def _cascades(column: Column) -> bool:
    return column.reference is not None and column.reference.rule is DeleteRule.CASCADE


def _delete(session: RestoreSession, table: str, steps: Sequence[PlanStep]) -> None:
    while pending := _pending(session, _openable(session, steps)):
        for batch in session.batches(table, pending):
            rows = _prepared(session, session.table(table), batch)
            if rows:
                send(session, Pass.DELETE, WriteOp.DELETE, table, rows)


def _keep_targets(
    session: RestoreSession, steps: Sequence[PlanStep], doomed: Mapping[str, PlanStep]
) -> None:
    """Keep the records to which records refer that stay: the org would empty the references.

    ``steps`` are those of a level, ``doomed`` all deletes by TABLE/ID.
    """
    state = session.log.state
    failed = {step.key for step in steps if state.failure(step.key) is not None}
    stayed = [step for step in doomed.values() if _root(step, doomed).key in failed]
    for table in dict.fromkeys(step.table for step in stayed):
        described = session.table(table)
        references = [column for column in described.columns if column.reference is not None]
        ids = [step.record for step in stayed if step.table == table]
        read = sorted(read_columns(described, references))
        targets = {
            str(key)
            for _, cells in each(session.ports.writer.fetch(described, ids, columns=read))
            for column in references
            for key in possible_keys(column, cells)
        }
        for target in sorted(targets & doomed.keys()):
            root = _root(doomed[target], doomed)
            if state.result(Pass.DELETE, root.key) is None:
                record_without_call(session, Pass.DELETE, root.table, [_referred(root.key)])


def _root(step: PlanStep, doomed: Mapping[str, PlanStep]) -> PlanStep:
    """The record whose delete call deletes this one."""
    while step.because is not None and step.because in doomed:
        step = doomed[step.because]
    return step


def _openable(session: RestoreSession, steps: Sequence[PlanStep]) -> list[PlanStep]:
    """The records without those that the org did not make drafts."""
    opened = [(step, session.log.state.result(Pass.REOPEN, step.key)) for step in steps]
    return [step for step, result in opened if result is None or result.kind is OutcomeKind.DONE]


def _pending(
    session: RestoreSession, steps: Sequence[PlanStep], stage: Pass = Pass.DELETE
) -> list[PlanStep]:
    return [s for s in steps if session.log.state.pending(stage, s.key, most=TRIES)]


def _prepared(
    session: RestoreSession, table: Table, steps: Sequence[PlanStep]
) -> list[PreparedRow]:
    """The rows of a call; records that are gone or changed get their outcome without one."""
    live = _live_rows(session, table, steps)
    prepared: list[PreparedRow] = []
    outcomes: list[RowOutcome] = []
    for step in steps:
        cells = live.get(step.record)
        if cells is None:
            outcomes.append(RowOutcome(step.record, OutcomeKind.DONE, step.record))
        elif _is_as_planned(session, table, step, cells):
            prepared.append(PreparedRow(WriteRow(step.record, step.record), before=dict(cells)))
        else:
            outcomes.append(_edited(step.key))
    record_without_call(session, Pass.DELETE, table.name, outcomes)
    return prepared


def _live_rows(
    session: RestoreSession, table: Table, steps: Sequence[PlanStep]
) -> Mapping[str, Cells]:
    ids = [step.record for step in steps]
    return dict(each(session.ports.writer.fetch(table, ids, columns=_readable(table))))


def _readable(table: Table) -> list[str]:
    """The columns that a record needs to come back."""
    columns = [c.name for c in table.columns if not c.has(ColumnTrait.VOLATILE)]
    return [name for name in columns if name != table.id_column]


def _is_as_planned(session: RestoreSession, table: Table, step: PlanStep, cells: Cells) -> bool:
    if isinstance(session.wanted, UndoneReader):
        columns: Iterable[str] = session.wanted.columns(step)
    else:  # a new file of an archive
        columns = checked_columns(table, session.capability(table.name))
    ignored = {*step.late, *step.columns}
    names = [name for name in columns if name in cells and name not in ignored]
    return digest(table, {name: cells[name] for name in names}) == step.expect


def _edited(key: RecordKey) -> RowOutcome:
    return refused(key, outcome_text.UNDO_CHANGED)


def _is_needed(key: RecordKey) -> RowOutcome:
    return refused(key, outcome_text.UNDO_NEW_NEEDED)


def _kept(key: RecordKey) -> RowOutcome:
    return refused(key, outcome_text.UNDO_DETAIL_CHANGED)


def _is_on_hold(key: RecordKey) -> RowOutcome:
    return refusal(key, ON_HOLD, f"{key} is on legal hold. It stays in the org.")


def _is_of_held_record(key: RecordKey) -> RowOutcome:
    return refused(key, outcome_text.UNDO_OF_HELD_RECORD)


def _needed_on_hold(key: RecordKey) -> RowOutcome:
    text = f"A record that belongs to {key} is on legal hold. Both stay in the org."
    return refusal(key, ON_HOLD, text)


def _referred(key: RecordKey) -> RowOutcome:
    return refused(key, outcome_text.UNDO_REFERRED)


def _referred_since(key: RecordKey) -> RowOutcome:
    return refused(key, outcome_text.UNDO_REFERRED_SINCE)


def _unlooked(key: RecordKey) -> RowOutcome:
    return refused(key, outcome_text.UNDO_UNLOOKED)


def _stayed(key: RecordKey) -> RowOutcome:
    return refused(key, outcome_text.UNDO_MASTER_STAYED)
