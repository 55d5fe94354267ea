"""The updates of parents of archived records: a number and a link in two of their columns.

    archive   5 cases of account A left    A.Archived_Cases__c 2 -> 7, A.Archive_Link__c -> https://…
    undo      the org still has 7           A.Archived_Cases__c 7 -> 2
              A came back too, with its 2   the 2 stays
              people set 9                  the 9 stays, and is named
              a case does not come back     the 7 stays, and is named

They are updated after all records left, or came back. The journal has their former values.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import batched

from unlost.engine.named_rows import tables_and_texts
from unlost.engine.restore.journal.entries import Pass
from unlost.engine.restore.running.calls import (
    TRIES,
    PreparedRow,
    record_without_call,
    refusal,
    refused,
    send,
)
from unlost.engine.restore.running.correlate import each
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.wanted import rows_in_memory
from unlost.engine.restore.values import outcome_text
from unlost.engine.restore.values.cells import digest
from unlost.engine.restore.values.outcome import Ending, RecordOutcome
from unlost.engine.restore.values.pointers import is_link, number_in
from unlost.model.archive import ParentPointer
from unlost.model.errors import IntegrityError, NotFound
from unlost.model.named_records import names_ids
from unlost.model.plan import Action, ActionReason, PlanStep, PointerUpdate, RecordKey
from unlost.model.source.schema import Table
from unlost.model.source.writing import OutcomeKind, RowOutcome, WriteOp, WriteRow

TAKEN = "archive-pointer-taken"

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
    """Set the former values of records whose archived records all came back."""
    away = _parents_of_missing(session) if session.plan.pointers else set()
    by_table: dict[str, list[PointerUpdate]] = defaultdict(list)
    for update in session.plan.pointers:
        by_table[update.table].append(update)
    for name, updates in by_table.items():
        stay = [_is_kept(update.key) for update in updates if update.record in away]
        record_without_call(session, Pass.POINT, name, stay)
        whole = [update for update in updates if update.record not in away]
        _set(session, session.table(name), whole, None, {})


def _parents_of_missing(session: RestoreSession) -> set[str]:
    """The ids that records of the plan refer to which did not come back."""
    every = {update.record for update in session.plan.pointers}
    if any(_is_left_out(session, step) for step in session.plan.steps):
        return every  # their values are not read
    try:
        return _named_by_failed(session)
    except (IntegrityError, NotFound):
        return every


def _named_by_failed(session: RestoreSession) -> set[str]:
    by_table: dict[str, list[PlanStep]] = defaultdict(list)
    for step in session.plan.steps:
        if session.log.state.failure(step.key) is not None:
            by_table[step.table].append(step)
    parents: set[str] = set()
    for name, steps in by_table.items():
        references = [*filter(names_ids, session.table(name).columns)]
        for part in batched(steps, rows_in_memory(session.table(name))):
            for states in session.wanted.states(part):
                for column in references:
                    if column.name in states.rows.column_names:
                        parents.update(*tables_and_texts(states.rows, column).values())
    return parents


def _is_left_out(session: RestoreSession, step: PlanStep) -> bool:
    """True for an archived record that the plan cannot bring back."""
    chosen = step.action is Action.SKIP and step.why is ActionReason.SELECTED
    return chosen and session.links.live(step.key) is None


def with_failed_updates(
    session: RestoreSession, records: Iterable[RecordOutcome]
) -> Iterator[RecordOutcome]:
    """These outcomes and those of records that could not be set, or got only their number.

    A record has one outcome: that of its step, unless only its number or link failed.
    """
    results = session.log.state.results
    deleted = results.get(Pass.DELETE, {})
    failed: dict[RecordKey, RowOutcome] = {}
    for stage in (Pass.POINT, Pass.LINK):
        for key, outcome in results.get(stage, {}).items():
            if outcome.kind is OutcomeKind.FAILED and key not in deleted:
                failed.setdefault(key, outcome)
    for record in records:
        update = failed.pop(record.key, None)
        if update is None or not record.ending.good:
            yield record
        else:
            yield _failed(record.key, update, live=record.live)
    for key, outcome in failed.items():
        yield _failed(key, outcome)


def _failed(key: RecordKey, outcome: RowOutcome, *, live: str | None = None) -> RecordOutcome:
    return RecordOutcome(
        key.table,
        key.record,
        Ending.FAILED,
        live,
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
            ids = [_live_id(session, update) for update in batch]
            live = dict(each(session.ports.writer.fetch(table, ids, columns=names)))
            rows: list[PreparedRow] = []
            unsent: list[RowOutcome] = []
            for update, record in zip(batch, ids, strict=True):
                ready = _row(table, update, record, live.get(record), pointer, counts)
                if isinstance(ready, PreparedRow):
                    rows.append(ready)
                else:
                    unsent.append(ready)
            record_without_call(session, Pass.POINT, table.name, unsent)
            if pointer is not None and pointer.link:
                taken = [row for row in rows if pointer.link not in row.row.cells]
                keys = [RecordKey(table.name, row.row.key) for row in taken]
                outcomes_of_links = [_is_taken(key, pointer.link) for key in keys]
                record_without_call(session, Pass.LINK, table.name, outcomes_of_links)
            if rows:
                send(session, Pass.POINT, WriteOp.UPDATE, table.name, rows)


def _live_id(session: RestoreSession, update: PointerUpdate) -> str:
    """The id of a parent, which an undo may have created anew."""
    return session.links.live(update.key) or update.record


def _row(
    table: Table,
    update: PointerUpdate,
    record: str,
    live: Cells | None,
    pointer: ParentPointer | None,
    counts: Mapping[str, int],
) -> PreparedRow | RowOutcome:
    if live is None:
        return refused(update.key, outcome_text.PARENT_GONE)
    before = {name: live.get(name) for name in update.values}
    if pointer is None and digest(table, before) == digest(table, update.values):
        return RowOutcome(update.record, OutcomeKind.DONE, record)  # a parent that came back, too
    if update.expect and digest(table, before) != update.expect:
        return _is_changed(update.key)
    cells = dict(update.values)
    if pointer is not None and pointer.count:
        cells[pointer.count] = str(number_in(live.get(pointer.count)) + counts[update.record])
    link = live.get(pointer.link) if pointer is not None else None
    if pointer is not None and link and not is_link(link, update.key):
        del cells[pointer.link], before[pointer.link]
        if not cells:
            return _is_taken(update.key, pointer.link)
    return PreparedRow(WriteRow(update.record, record, cells), before)


def _is_taken(key: RecordKey, column: str) -> RowOutcome:
    return refusal(
        key,
        TAKEN,
        f"{column} of {key} has another value, which stays.",
        "Empty it in the org, or name another column in the policy.",
    )


def _is_kept(key: RecordKey) -> RowOutcome:
    return refused(key, outcome_text.PARENT_STAYS)


def _is_changed(key: RecordKey) -> RowOutcome:
    return refused(key, outcome_text.PARENT_CHANGED)
