"""Find the records that an archive deleted, if the answer of its call was lost."""

from collections.abc import Sequence

from unlost.engine.restore.journal.entries import CallIntent, Pass
from unlost.engine.restore.running.org_watch import watched_columns
from unlost.engine.restore.running.session import RestoreSession
from unlost.model.errors import UsageError
from unlost.model.plan import PlanStep, RecordKey
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

    The backup user looks, who sees all records. A detail counts if this run deleted its master; the
    org may name any user as the last one of a detail.
    """
    ids = [str(row.id) for row in intent.rows]
    users: dict[str, str | None] = dict.fromkeys(ids)
    live: set[str] = set()
    for page in source_of(session).read_ids(watched_columns(table), ids):
        columns = (page.rows.ids, page.rows.ops, page.rows.modified_by)
        for record, op, by in zip(*(column.to_pylist() for column in columns), strict=True):
            users[record] = by
            if op == Op.STATE.value:
                live.add(record)
    ours = (None, session.ports.writer.user_id())
    return [
        RowOutcome(record, OutcomeKind.DONE, record)
        for record, by in users.items()
        if record not in live
        and _is_ours(session, session.step(RecordKey(table.name, record)), is_by_us=by in ours)
    ]


def details_deleted(
    session: RestoreSession, intents: Sequence[CallIntent]
) -> list[list[RowOutcome]]:
    """For each intent, the details that are gone with a master that this run deleted.

    The backup user looks at all of them together, after the calls of their masters were answered.
    Details need no user: the org may name any. So only the live ones are read, which are few.
    """
    ids = [[str(row.id) for row in intent.rows] for intent in intents]
    tables = [watched_columns(session.table(intent.table)) for intent in intents]
    live = source_of(session).live_among(list(zip(tables, ids, strict=True)))
    return [
        [
            RowOutcome(record, OutcomeKind.DONE, record)
            for record in records
            if record not in living
            and _is_ours(session, session.step(RecordKey(table.name, record)), is_by_us=False)
        ]
        for table, records, living in zip(tables, ids, live, strict=True)
    ]


def _is_ours(session: RestoreSession, step: PlanStep, *, is_by_us: bool) -> bool:
    root = step
    while root.because is not None:
        table, _, record = root.because.partition("/")
        root = session.step(RecordKey(table, record))
    if root is step:
        return is_by_us
    result = session.log.state.result(Pass.DELETE, root.key)
    return result is not None and result.kind is OutcomeKind.DONE
