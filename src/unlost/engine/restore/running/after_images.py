"""The values of the records of a run after it. An undo overwrites nothing else.

Live records that named a record before the run created it again are here, too. An org may leave such
references when it deletes a record, so they do not keep an undo from deleting it.

Compared values are those that the org gave back, not those that were sent: an org may trim a text or
let an automation set a column, and neither is a change by a person.
"""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from unlost.engine.restore.journal.entries import Pass, ReadRecord, RecordsRead
from unlost.engine.restore.running.comparison import checked_columns
from unlost.engine.restore.running.passes.returning import came_along
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.wanted import taken
from unlost.engine.restore.values.cells import digests
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.named_records import possible_keys
from unlost.model.plan import Action, PlanStep, RecordKey
from unlost.model.source.reading import Rows
from unlost.model.source.writing import OutcomeKind


def after_images(session: RestoreSession, steps: Sequence[PlanStep], fetched: Rows) -> RecordsRead:
    """The entry about these records of one table, as they were read back."""
    table = session.table(steps[0].table)
    columns = checked_columns(table, session.capability(table.name))
    cells = pa.table({}) if fetched.cells is None else pa.Table.from_batches([fetched.cells])
    row_of = {record: row for row, record in enumerate(fetched.ids.to_pylist())}
    there = [step for step in steps if session.links.live(step.key) in row_of]
    rows = [
        *_brought(session, there, row_of, cells, columns),
        *_updated(session, there, row_of, cells),
    ]
    return RecordsRead(table.name, columns, tuple(rows))


def brought(session: RestoreSession, step: PlanStep) -> bool:
    """True for a record that is live through this run: created, or out of the bin."""
    if step.action is Action.BY_PRODUCT:
        return NoteCode.KEPT_IN_STEP not in step.notes
    created = session.log.state.result(Pass.CREATE, step.key)
    if created is not None and created.kind is OutcomeKind.DONE:
        return True
    return came_along(session, step) or session.links.live(step.key) in session.log.state.returned


def _brought(
    session: RestoreSession,
    steps: Sequence[PlanStep],
    row_of: dict[str, int],
    cells: pa.Table,
    columns: Sequence[str],
) -> Iterator[ReadRecord]:
    records = [step for step in steps if brought(session, step)]
    if not records:
        return
    lives = [str(session.links.live(step.key)) for step in records]
    present = [name for name in columns if name in cells.column_names]
    rows = taken(cells, [row_of[live] for live in lives])
    hashes = digests(session.table(records[0].table), rows, present)
    for step, live, digest in zip(records, lives, hashes, strict=True):
        yield ReadRecord(step.record, live, digest=digest)


def _updated(
    session: RestoreSession, steps: Sequence[PlanStep], row_of: dict[str, int], cells: pa.Table
) -> Iterator[ReadRecord]:
    named = _named_before(session, steps)
    for step in steps:
        live = str(session.links.live(step.key))
        row = row_of[live]
        columns = step.columns if _is_updated(session, step) else ()
        names = [name for name in columns if name in cells.column_names]
        values = {name: cells.column(name)[row].as_py() for name in names}
        before = named.get(step.key, {}).items()
        values |= {
            name: target
            for name, target in before
            if name in cells.column_names and cells.column(name)[row].as_py() == target
        }
        if columns or values:
            yield ReadRecord(step.record, live, values)


def _is_updated(session: RestoreSession, step: PlanStep) -> bool:
    outcome = session.log.state.result(Pass.UPDATE, step.key)
    updated = outcome is not None and outcome.kind is OutcomeKind.DONE
    return updated and not brought(session, step)


def _named_before(
    session: RestoreSession, steps: Sequence[PlanStep]
) -> Mapping[RecordKey, Mapping[str, str]]:
    """The references of live records to recreated ones that the plan did not set, by column."""
    again = {step.key for step in session.plan.steps if step.action is Action.RECREATE}
    still = [step for step in steps if again and step.action in (Action.UNCHANGED, Action.UPDATE)]
    wanted = session.wanted.cells(still)
    return {
        step.key: {
            column.name: value
            for column in session.table(step.table).columns
            if column.name not in step.columns
            if (value := wanted[step.key].get(column.name)) is not None
            if again.intersection(possible_keys(column, wanted[step.key]))
        }
        for step in still
    }
