"""Delete records that take along too many others for one call: those first, in slices.

delete case 1        the org refuses: too many records would go with it
delete mails 1-200   they are part of the plan, and were verified with the case
delete mails 201-…
delete case 1        once more; if it is refused again, it stays, and its outcome has a next step
"""

from collections.abc import Iterator, Sequence

from unlost.engine.restore.journal.entries import Pass
from unlost.engine.restore.running.calls import (
    TRIES,
    PreparedRow,
    record_without_call,
    refusal,
    send,
)
from unlost.engine.restore.running.session import RestoreSession
from unlost.model.plan import PlanStep, RecordKey
from unlost.model.source.writing import DELETE_TOO_LARGE, RowOutcome, WriteOp, WriteRow

TOO_LARGE = "archive-too-large"


def is_too_large(session: RestoreSession, key: RecordKey) -> bool:
    """Return True for a record whose first call was refused because too many would go with it."""
    result = session.log.state.result(Pass.DELETE, key)
    return result is not None and result.code == DELETE_TOO_LARGE


def delete_in_slices(
    session: RestoreSession, op: WriteOp, masters: Sequence[PlanStep], details: Sequence[PlanStep]
) -> None:
    """Delete the details of these masters that are too large for one call, then the masters."""
    large = [step for step in masters if is_too_large(session, step.key)]
    if not large:
        return
    roots = {str(step.key) for step in large}
    below = list(_below(session, details, roots))
    for level in sorted({step.level for step in below}, reverse=True):
        _send(session, op, [step for step in below if step.level == level])
    for name in dict.fromkeys(step.table for step in large):
        for batch in session.batches(name, [s for s in large if s.table == name], op=op):
            send(session, Pass.DELETE, op, name, _rows(batch))
    for step in large:
        if is_too_large(session, step.key):
            record_without_call(session, Pass.DELETE, step.table, [_stays(step.key)])


def _below(
    session: RestoreSession, details: Sequence[PlanStep], roots: set[str]
) -> Iterator[PlanStep]:
    """The details of these records, and their details, that the user may delete alone."""
    steps = session.log.state.steps
    for step in details:
        root = step
        while root.because is not None:
            table, _, record = root.because.partition("/")
            root = steps[RecordKey(table, record)]
        if str(root.key) in roots and session.capability(step.table).allows(WriteOp.DELETE):
            yield step


def _send(session: RestoreSession, op: WriteOp, steps: Sequence[PlanStep]) -> None:
    state = session.log.state
    for name in dict.fromkeys(step.table for step in steps):
        of_table = [step for step in steps if step.table == name]
        while pending := [s for s in of_table if state.pending(Pass.DELETE, s.key, most=TRIES)]:
            for batch in session.batches(name, pending, op=op):
                send(session, Pass.DELETE, op, name, _rows(batch))


def _rows(steps: Sequence[PlanStep]) -> list[PreparedRow]:
    return [PreparedRow(WriteRow(step.record, step.record)) for step in steps]


def _stays(key: RecordKey) -> RowOutcome:
    return refusal(
        key,
        TOO_LARGE,
        f"{key} stays in the org: too many records would be deleted with it, also after those of the "
        "plan were deleted first.",
        "Let the policy take the records that refer to it, or delete them in the org, then plan again.",
    )
