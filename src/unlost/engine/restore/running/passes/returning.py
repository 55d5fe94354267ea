"""Records that the plan would create and that exist when their turn comes.

Another restore, or a person who undeleted them, may have brought them back after the plan was made:
these are left as they are. Others leave the bin with a master that this run undeletes, though
another master of theirs gets a new id: these are taken, and corrected in the updating pass.
"""

from collections.abc import Iterator, Mapping, Sequence

from unlost.engine.restore.journal.entries import LiveLink, Pass, RecordsLinked
from unlost.engine.restore.running.calls import TRIES, record_without_call, refused
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.wanted import READ_ROWS
from unlost.engine.restore.values import outcome_text
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.plan import Action, PlanStep, RecordKey
from unlost.model.source.schema import DeleteRule, Table
from unlost.model.source.writing import OutcomeKind, RowOutcome
from unlost.model.vault.lineage import resolve as last_lives

CAME_ALONG = "restore-came-along"
LEFT_IN_BIN = NoteCode.LEFT_IN_BIN.value


def leave_returned(session: RestoreSession) -> None:
    """Before any undelete: leave records alone that others brought back."""
    if session.log.state.began(Pass.UNDELETE):
        return
    details = _details(session)
    for table, steps in _pending(session):
        own_keys = {s.record: s.key for s in steps if table in details or _may_return(s)}
        leave(
            session,
            table,
            live_again(session, table, {**own_keys, **_lives(session, table, steps)}),
        )


def _may_return(step: PlanStep) -> bool:
    """True if others may have brought the record back with its id."""
    return LEFT_IN_BIN in step.notes or step.action is Action.RECREATE


def take_along(session: RestoreSession) -> None:
    """After the undeletes: take details that came along, and leave other restored records alone."""
    details = _details(session)
    for table, steps in _pending(session):
        lives = _lives(session, table, steps)
        if table in details:
            own_keys = {step.record: step.key for step in steps}
            _take(session, table, live_again(session, table, {**own_keys, **lives}))
        else:
            leave(session, table, live_again(session, table, lives))


def came_along(session: RestoreSession, step: PlanStep) -> bool:
    """True if a record that was to be created left the bin with its master."""
    outcome = session.log.state.result(Pass.CREATE, step.key)
    return outcome is not None and outcome.code == CAME_ALONG


def _pending(session: RestoreSession) -> Iterator[tuple[str, Sequence[PlanStep]]]:
    """The plan's records that are still to be created, some of one table at a time."""
    by_table: dict[str, list[PlanStep]] = {}
    for step in session.plan.steps:
        wanted = step.action.creates and not step.beside
        if wanted and session.log.state.pending(Pass.CREATE, step.key, most=TRIES):
            by_table.setdefault(step.table, []).append(step)
    for table, steps in by_table.items():
        for at in range(0, len(steps), READ_ROWS):
            yield table, steps[at : at + READ_ROWS]


def _lives(session: RestoreSession, table: str, steps: Sequence[PlanStep]) -> dict[str, RecordKey]:
    """All former ids of these records in the vault: not only the last ones, since people can take
    an older life out of the bin.
    """
    org, target, vault = session.plan.org, session.plan.target, session.ports.vault
    records = [step.record for step in steps]
    # The new records of an archive that is taken back are not those that it archived.
    ours = session.plan.takes_back
    rows = [row for row in vault.lineage(org, table=table, records=records) if row.run != ours]
    if not rows:
        return {}
    came = last_lives(rows, org=org, target=target)
    last = {came[step.key]: step.key for step in steps if step.key in came}
    lineages = (row for row in vault.lineage(org, table=table) if row.run != ours)
    every = last_lives(lineages, org=org, target=target)
    older = {
        key.record: last[life] for key, life in every.items() if key.table == table and life in last
    }
    return {**older, **last}


def live_again(
    session: RestoreSession, table: str, lives: Mapping[str, RecordKey]
) -> dict[RecordKey, str]:
    """The records that are live under one of these ids."""
    if not lives:
        return {}
    rows = session.ports.writer.fetch(session.table(table), list(lives), columns=[])
    return {lives[live]: live for live in rows.ids.to_pylist()}


def leave(session: RestoreSession, table: str, back: Mapping[RecordKey, str]) -> None:
    """Leave records alone that others brought back. ``back``: their live ids."""
    if back:
        links = tuple(LiveLink(table, key.record, live) for key, live in back.items())
        session.log.write(RecordsLinked(links))
        record_without_call(session, Pass.CREATE, table, [_returned(key) for key in back])


def _take(session: RestoreSession, table: str, back: Mapping[RecordKey, str]) -> None:
    came = [
        RowOutcome(key.record, OutcomeKind.DONE, live, CAME_ALONG) for key, live in back.items()
    ]
    record_without_call(session, Pass.CREATE, table, came)


def _details(session: RestoreSession) -> set[str]:
    """The tables whose records leave the bin together with records that this run undeletes."""
    ids: set[str] = set()
    fresh = {step.table for step in session.plan.steps if step.action is Action.UNDELETE}
    while fresh:
        fresh = {table.name for table in session.schema.tables if _masters(table) & fresh} - ids
        ids |= fresh
    return ids


def _masters(table: Table) -> set[str]:
    return {
        master
        for column in table.columns
        if column.reference is not None and column.reference.rule is DeleteRule.CASCADE
        for master in column.reference.tables
    }


def _returned(key: RecordKey) -> RowOutcome:
    return refused(key, outcome_text.RESTORED_BY_OTHERS)
