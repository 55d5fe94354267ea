"""Make activated records drafts before an archive deletes them; those that stay are activated again.

The comparison with the copies comes first, so the former status is that of the copy.
"""

from collections.abc import Mapping, Sequence

from unlost.engine.restore.journal.entries import Pass
from unlost.engine.restore.running.calls import (
    TRIES,
    PreparedRow,
    record_without_call,
    refusal,
    send,
)
from unlost.engine.restore.running.correlate import each
from unlost.engine.restore.running.session import RestoreSession
from unlost.model.plan import PlanStep, RecordKey
from unlost.model.source.writing import OutcomeKind, RowOutcome, WriteOp, WriteRow

NOT_DRAFT = "archive-not-draft"


def make_drafts(
    session: RestoreSession, steps: Sequence[PlanStep]
) -> Mapping[RecordKey, RowOutcome]:
    """Make activated records drafts; returns why others must stay, by the records that stay."""
    todo = [step for step in steps if step.late]
    state = session.log.state
    for table in dict.fromkeys(step.table for step in todo):
        of_table = [step for step in todo if step.table == table]
        while pending := [s for s in of_table if state.pending(Pass.REOPEN, s.key, most=TRIES)]:
            for batch in session.batches(table, pending):
                _make_batch(session, table, batch)
    refused = ((step.key, state.result(Pass.REOPEN, step.key)) for step in todo)
    return {
        key: _is_no_draft(key, outcome)
        for key, outcome in refused
        if outcome is not None and outcome.kind is OutcomeKind.FAILED
    }


def _make_batch(session: RestoreSession, table: str, steps: Sequence[PlanStep]) -> None:
    born = {late.column: late.born for late in session.capability(table).late}
    columns = sorted({name for step in steps for name in step.late})
    ids = [step.record for step in steps]
    live = dict(each(session.ports.writer.fetch(session.table(table), ids, columns=columns)))
    rows = [
        PreparedRow(
            WriteRow(step.record, step.record, {name: born.get(name) for name in step.late}),
            {name: live[step.record].get(name) for name in step.late},
        )
        for step in steps
        if step.record in live
    ]
    # The call that deletes it finds that it is gone.
    gone = [
        RowOutcome(step.record, OutcomeKind.DONE, step.record)
        for step in steps
        if step.record not in live
    ]
    record_without_call(session, Pass.REOPEN, table, gone)
    if rows:
        send(session, Pass.REOPEN, WriteOp.UPDATE, table, rows)


def _is_no_draft(key: RecordKey, outcome: RowOutcome) -> RowOutcome:
    return refusal(
        key,
        NOT_DRAFT,
        f"{key} stays in the org, which did not set it to draft. {outcome.sentence}",
        outcome.next_step or "Set it to draft in the org, back up, then plan again.",
    )
