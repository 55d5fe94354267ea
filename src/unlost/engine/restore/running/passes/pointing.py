"""Records that stay and lead to archived ones: a number and an address in two of their columns.

    archive   5 cases of account A left    A.Archived_Cases__c 2 -> 7, A.Archive_Link__c -> https://…
    undo      the org still has 7           A.Archived_Cases__c 7 -> 2
              people set 9                  the 9 stays, and is named

They are updated after all records left, or came back. The journal has their former values.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import batched

from unlost.engine.restore.journal.entries import Pass
from unlost.engine.restore.running.calls import (
    CHANGED_SINCE,
    TRIES,
    PreparedRow,
    record_without_call,
    refusal,
    send,
)
from unlost.engine.restore.running.correlate import each
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.wanted import rows_in_memory
from unlost.engine.restore.values.cells import digest
from unlost.engine.restore.values.outcome import Ending, RecordOutcome
from unlost.model.archive import ParentPointer
from unlost.model.plan import ActionReason, PointerUpdate, RecordKey
from unlost.model.source.schema import Table
from unlost.model.source.writing import OutcomeKind, RowOutcome, WriteOp, WriteRow

GONE = "archive-pointer-gone"

type Cells = Mapping[str, str | None]


def point(session: RestoreSession) -> None:
    """Let the parents of records that left lead to them."""
    policy = session.plan.selection.policy
    pointer = policy.pointer if policy is not None else None
    if pointer is None or not session.plan.pointers:
        return
    counts = _left_by_parent(session, pointer)
    by_table: dict[str, list[PointerUpdate]] = defaultdict(list)
    for update in session.plan.pointers:
        if counts[update.record]:
            by_table[update.table].append(update)
    for name, updates in by_table.items():
        _set(session, session.table(name), updates, pointer, counts)


def take_back(session: RestoreSession) -> None:
    """Set the former values of records that an archive let lead to others."""
    by_table: dict[str, list[PointerUpdate]] = defaultdict(list)
    for update in session.plan.pointers:
        by_table[update.table].append(update)
    for name, updates in by_table.items():
        _set(session, session.table(name), updates, None, {})


def outcomes(session: RestoreSession) -> Iterator[RecordOutcome]:
    """The outcomes of records that could not be set."""
    for key, outcome in session.log.state.results.get(Pass.POINT, {}).items():
        if outcome.kind is OutcomeKind.FAILED:
            yield RecordOutcome(
                key.table,
                key.record,
                Ending.FAILED,
                code=outcome.code,
                sentence=outcome.sentence,
                next_step=outcome.next_step,
            )


def _left_by_parent(session: RestoreSession, pointer: ParentPointer) -> Counter[str]:
    """The number of selected records that left the org, by the id of their parent."""
    deleted = session.log.state.results.get(Pass.DELETE, {})
    steps = [
        step
        for step in session.plan.steps
        if step.why is ActionReason.SELECTED
        and step.key in deleted
        and deleted[step.key].kind is OutcomeKind.DONE
    ]
    counts: Counter[str] = Counter()
    if steps:
        for part in batched(steps, rows_in_memory(session.table(steps[0].table))):
            for states in session.wanted.states(part):
                counts.update(filter(None, states.texts(pointer.column)))
    return counts


def _set(
    session: RestoreSession,
    table: Table,
    updates: Sequence[PointerUpdate],
    pointer: ParentPointer | None,
    counts: Mapping[str, int],
) -> None:
    """Set the values of records of one table; ``pointer``: of an archive, None for an undo."""
    state = session.log.state
    while pending := [
        update for update in updates if state.pending(Pass.POINT, update.key, most=TRIES)
    ]:
        for batch in batched(pending, session.capability(table.name).rows_per_call):
            names = sorted({name for update in batch for name in update.values})
            ids = [update.record for update in batch]
            live = dict(each(session.ports.writer.fetch(table, ids, columns=names)))
            rows: list[PreparedRow] = []
            refused: list[RowOutcome] = []
            for update in batch:
                ready = _row(table, update, live.get(update.record), pointer, counts)
                if isinstance(ready, PreparedRow):
                    rows.append(ready)
                else:
                    refused.append(ready)
            record_without_call(session, Pass.POINT, table.name, refused)
            if rows:
                send(session, Pass.POINT, WriteOp.UPDATE, table.name, rows)


def _row(
    table: Table,
    update: PointerUpdate,
    live: Cells | None,
    pointer: ParentPointer | None,
    counts: Mapping[str, int],
) -> PreparedRow | RowOutcome:
    if live is None:
        return refusal(update.key, GONE, f"{update.key} is not in the org any more.")
    before = {name: live.get(name) for name in update.values}
    if update.expect and digest(table, before) != update.expect:
        return _is_changed(update.key)
    cells = dict(update.values)
    if pointer is not None and pointer.count:
        cells[pointer.count] = str(_number(live.get(pointer.count)) + counts[update.record])
    return PreparedRow(WriteRow(update.record, update.record, cells), before)


def _number(text: str | None) -> int:
    return round(float(text)) if text else 0


def _is_changed(key: RecordKey) -> RowOutcome:
    return refusal(
        key,
        CHANGED_SINCE,
        f"The values of {key} that lead to its archived records were changed after the archive. They "
        "stay as they are.",
        "Correct them in the org by hand.",
    )
