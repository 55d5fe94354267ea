"""Find the records that an archive deleted, if the answer of its call was lost."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from unlost.engine.restore.journal.entries import CallIntent, Pass
from unlost.engine.restore.running.org_watch import SKEW, watched_columns
from unlost.engine.restore.running.session import RestoreSession
from unlost.model.errors import UsageError
from unlost.model.named_records import possible_keys
from unlost.model.plan import PlanStep, RecordKey
from unlost.model.ports.source import Source
from unlost.model.source.reading import Op
from unlost.model.source.schema import DeleteRule, Table
from unlost.model.source.writing import DELETE_TOO_LARGE, OutcomeKind, RowOutcome


def source_of(session: RestoreSession) -> Source:
    """The read side of the org; raises UsageError (``archive-source``) without one."""
    if session.ports.source is None:
        raise UsageError(
            "archive-source",
            "An archive or a purge must read the org, and this program cannot read it.",
            next_step="Run the plan with `unlost archive run` or `unlost purge run`.",
        )
    return session.ports.source


def deleted_by_run(session: RestoreSession, intent: CallIntent, table: Table) -> list[RowOutcome]:
    """The records of a call that this run deleted; not those that another user deleted.

    The backup user looks, who sees all records. A record that was deleted before the call is not
    ours, and neither is one that another user deleted; if the org does not know the user or the time
    of a deletion, it counts as ours. A detail counts if this run deleted its master; the org may name
    any user as the last one of a detail.
    """
    rows = {str(row.id): _GONE for row in intent.rows}
    for page in source_of(session).read_ids(watched_columns(table), list(rows)):
        columns = (page.rows.ids, page.rows.ops, page.rows.modified_by, page.rows.modified_at)
        for record, *seen in zip(*(column.to_pylist() for column in columns), strict=True):
            rows[record] = _DeletedRow(*seen)
    user = session.ports.writer.user_id()
    gone = [
        record
        for record, row in rows.items()
        if row.op != Op.STATE.value and row.is_since(intent.at)
    ]
    by_us = {record for record in gone if rows[record].by in (None, user)}
    return _ours(session, table.name, gone, by_us=by_us)


@dataclass(frozen=True, slots=True)
class _DeletedRow:
    """A row of the org, and the user and time of its last change: of the deletion, if it is deleted."""

    op: str
    by: str | None
    at: datetime | None

    def is_since(self, moment: datetime) -> bool:
        """Return True unless the last change is known to be earlier."""
        return self.at is None or self.at >= moment - SKEW


_GONE = _DeletedRow(Op.DELETED.value, None, None)  # the org does not list it, even as deleted


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
        _ours(session, table.name, [record for record in records if record not in living])
        for table, records, living in zip(tables, ids, live, strict=True)
    ]


def _ours(
    session: RestoreSession,
    table: str,
    gone: Sequence[str],
    *,
    by_us: AbstractSet[str] = frozenset(),
) -> list[RowOutcome]:
    """The records that this run deleted, of records that are gone; ``by_us``: the org says so."""
    steps = [session.step(RecordKey(table, record)) for record in gone]
    ours = {step.key for step in steps if _is_ours(session, step, is_by_us=step.record in by_us)}
    ours |= _with_other_master(session, [step for step in steps if step.key not in ours])
    return [RowOutcome(r, OutcomeKind.DONE, r) for r in gone if RecordKey(table, r) in ours]


def _with_other_master(session: RestoreSession, steps: Sequence[PlanStep]) -> set[RecordKey]:
    """The details of which another master was deleted, not the one with which they were to go.

    A link belongs to its file and to the record that has the file. If the org refuses a record that
    shares the file, the file stays; the link went with its own record.
    """
    details = [step for step in steps if step.because is not None]
    if not details:
        return set()
    masters = [
        column
        for column in session.table(details[0].table).columns
        if column.reference is not None and column.reference.rule is DeleteRule.CASCADE
    ]
    results = session.log.state.results.get(Pass.DELETE, {})
    deleted = {key for key, result in results.items() if result.kind is OutcomeKind.DONE}
    return {
        key
        for key, cells in session.wanted.cells(details).items()
        if any(not deleted.isdisjoint(possible_keys(column, cells)) for column in masters)
    }


def _is_ours(session: RestoreSession, step: PlanStep, *, is_by_us: bool) -> bool:
    root = step
    while root.because is not None:
        table, _, record = root.because.partition("/")
        root = session.step(RecordKey(table, record))
    if root is step:
        return is_by_us
    result = session.log.state.result(Pass.DELETE, root.key)
    if result is not None and result.code == DELETE_TOO_LARGE:
        return is_by_us  # its details were deleted before it, by calls of their own
    return result is not None and result.kind is OutcomeKind.DONE
