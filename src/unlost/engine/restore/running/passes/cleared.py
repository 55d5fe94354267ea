"""Rows that the org removes with an update, such as an account's team when its owner changes.

  save        before the call: the rows of these records, with their values, into the journal
  (update)    the org removes them, all or some
  put_back    after the updates: the missing ones are created, with new ids

The rows are those of the org, not of a backup: a member who joined yesterday stays too. After a
crash the journal still has them. A row is looked for by its key before it is created, so that a
lost answer, or an automation that adds the team itself, makes no second one. See docs/adr/0044.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from unlost.engine.restore.journal.entries import (
    CallIntent,
    LiveLink,
    Pass,
    RecordsLinked,
    RowsSaved,
    SavedRow,
)
from unlost.engine.restore.running.calls import TRIES, PreparedRow, record_without_call, send
from unlost.engine.restore.running.correlate import each
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.values.cells import digest
from unlost.engine.restore.values.keys import find_apart
from unlost.engine.restore.values.outcome import Ending, RecordOutcome
from unlost.model.plan import Action, RecordKey
from unlost.model.source.schema import Table
from unlost.model.source.writing import OutcomeKind, ReferrerQuery, RowOutcome, WriteOp, WriteRow

NOT_ADDED = "restore-row-not-added"

type Cells = Mapping[str, str | None]


def save(session: RestoreSession, table: str, rows: Sequence[PreparedRow]) -> None:
    """Write the rows into the journal that the org may remove when these records are updated."""
    queries = list(_queries(session, table, [prepared.row for prepared in rows]))
    answers = session.ports.writer.referrers(queries) if queries else ()
    for query, answer in zip(queries, answers, strict=True):
        if answer is not None:  # the plan named a table that the user may not read
            _save(session, query.table, answer.ids.to_pylist())


def _queries(
    session: RestoreSession, table: str, rows: Sequence[WriteRow]
) -> Iterator[ReferrerQuery]:
    for cleared in session.capability(table).clears:
        ids = [str(row.id) for row in rows if cleared.column in row.cells]
        described = session.schema.table(cleared.table)
        if ids and described is not None:
            yield ReferrerQuery(described, cleared.parent_column, ids)


def _save(session: RestoreSession, table: Table, ids: Sequence[str]) -> None:
    known = session.log.state.saved
    new = [record for record in ids if RecordKey(table.name, record) not in known]
    if not new:
        return
    settable = session.capability(table.name).settable
    columns = [column.name for column in table.columns if column.name in settable]
    live = each(session.ports.writer.fetch(table, new, columns=columns))
    rows = tuple(SavedRow(record, cells) for record, cells in live)
    session.log.write(RowsSaved(table.name, rows))


def put_back(session: RestoreSession) -> None:
    """Create the saved rows that are not there any more, except those that the plan deletes."""
    deleted = {step.key for step in session.plan.steps if step.action is Action.DELETE}
    by_table: dict[str, list[str]] = defaultdict(list)
    for key in session.log.state.saved:
        if key not in deleted:
            by_table[key.table].append(key.record)
    for table, records in by_table.items():
        _add_table(session, table, records)
    _link_steps(session)


def _add_table(session: RestoreSession, table: str, records: Sequence[str]) -> None:
    described = session.table(table)
    looked_up = False
    while pending := _pending(session, table, records):
        if not looked_up:
            _recognize(session, described, pending)
            looked_up = True
            continue
        for at in range(0, len(pending), session.capability(table).rows_per_call):
            part = pending[at : at + session.capability(table).rows_per_call]
            rows = [_prepared(session, described, record) for record in part]
            send(session, Pass.PUT_BACK, WriteOp.CREATE, table, rows)


def _pending(session: RestoreSession, table: str, records: Sequence[str]) -> list[str]:
    state = session.log.state
    return [
        record
        for record in records
        if state.pending(Pass.PUT_BACK, RecordKey(table, record), most=TRIES)
    ]


def _recognize(session: RestoreSession, table: Table, records: Sequence[str]) -> None:
    """Record the rows that are there: still, or again under another id."""
    live = session.ports.writer.fetch(table, records, columns=[])
    there = {record: record for record in live.ids.to_pylist()}
    for key in session.capability(table.name).keys:
        missing = [record for record in records if record not in there]
        values = {record: key.of(_cells(session, table, record)) for record in missing}
        wanted = [value for value in values.values() if value is not None]
        found_ids, _ = find_apart(session.ports.writer, table, key, wanted)
        there |= {
            record: found_ids[value]
            for record, value in values.items()
            if value is not None and value in found_ids
        }
    outcomes = [RowOutcome(record, OutcomeKind.DONE, live_id) for record, live_id in there.items()]
    record_without_call(session, Pass.PUT_BACK, table.name, outcomes)


def _cells(session: RestoreSession, table: Table, record: str) -> Cells:
    return session.log.state.saved[RecordKey(table.name, record)]


def _prepared(session: RestoreSession, table: Table, record: str) -> PreparedRow:
    cells = {n: v for n, v in _cells(session, table, record).items() if v is not None}
    return PreparedRow(WriteRow(record, None, cells), digest=digest(table, cells))


def rebuilt(session: RestoreSession, intent: CallIntent) -> list[WriteRow]:
    """The rows of a call of this pass whose answer is missing, as they were sent."""
    table = session.table(intent.table)
    return [_prepared(session, table, row.record).row for row in intent.rows]


def _link_steps(session: RestoreSession) -> None:
    """Link records of the plan to the rows that took the place of theirs."""
    state = session.log.state
    added = {
        RecordKey(key.table, key.record): outcome.id
        for key, outcome in state.results.get(Pass.PUT_BACK, {}).items()
        if outcome.id is not None and outcome.id != key.record
    }
    links = tuple(
        LiveLink(key.table, key.record, live)
        for key, old in state.links.items()
        if key.record != old and (live := added.get(RecordKey(key.table, old))) is not None
    )
    if links:
        session.log.write(RecordsLinked(links))


def outcomes(session: RestoreSession) -> Iterator[RecordOutcome]:
    """The outcomes of rows that the org removed and that could not be added again."""
    for key, outcome in session.log.state.results.get(Pass.PUT_BACK, {}).items():
        if outcome.kind is OutcomeKind.FAILED and key not in session.links.steps:
            yield RecordOutcome(
                key.table,
                key.record,
                Ending.FAILED,
                code=NOT_ADDED,
                sentence=f"The org removed {key} when the owner changed, and it could not be added "
                f"again. {outcome.sentence}",
                next_step="Add it in the org by hand.",
            )
