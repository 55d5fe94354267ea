"""Tell which records an archive deleted, if the answer of its call was lost."""

from unlost.engine.restore.journal.entries import CallIntent, Pass
from unlost.engine.restore.running.session import RestoreSession
from unlost.model.errors import UsageError
from unlost.model.plan import RecordKey
from unlost.model.ports.source import Source
from unlost.model.source.reading import Op
from unlost.model.source.schema import Table
from unlost.model.source.writing import OutcomeKind, RowOutcome


def source_of(session: RestoreSession) -> Source:
    """The read side of the org; raises UsageError (``archive-source``) without one."""
    if session.ports.source is None:
        raise UsageError(
            "archive-source",
            "An archive reads the org while it runs, and this program cannot read it.",
            next_step="Run the plan with `unlost archive run`.",
        )
    return session.ports.source


def deleted_by_run(session: RestoreSession, intent: CallIntent, table: Table) -> list[RowOutcome]:
    """The records of a call that this run deleted; not those that another user deleted.

    The backup user looks, who sees all records. A detail counts only with its master.
    """
    ids = [str(row.id) for row in intent.rows]
    others = _others(session, table, ids)
    return [
        RowOutcome(record, OutcomeKind.DONE, record)
        for record in ids
        if record not in others and _is_root_gone(session, RecordKey(table.name, record))
    ]


def _others(session: RestoreSession, table: Table, ids: list[str]) -> set[str]:
    """Records that are live, or that another user deleted."""
    user = session.ports.writer.user_id()
    others: set[str] = set()
    for page in source_of(session).read_ids(table, ids):
        columns = (page.rows.ids, page.rows.ops, page.rows.modified_by)
        for record, op, by in zip(*(column.to_pylist() for column in columns), strict=True):
            if op == Op.STATE.value or by not in (None, user):
                others.add(record)
    return others


def _is_root_gone(session: RestoreSession, key: RecordKey) -> bool:
    """True if this run deleted the record with which the org deletes this one, or if it has none."""
    step = session.step(key)
    while step.because is not None:
        table, _, record = step.because.partition("/")
        step = session.step(RecordKey(table, record))
    if step.key == key:
        return True
    result = session.log.state.result(Pass.DELETE, step.key)
    return result is not None and result.kind is OutcomeKind.DONE
