"""Ids that new records were to have: the id that a step asks for, and outcomes with another one.

asked for 001A, the org answers 001A     the record is back with its id
asked for 001A, the org answers 001B     001B is a new record, and a code says so
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from unlost.engine.restore.journal.entries import CallIntent
from unlost.model.plan import Action, PlanStep, RecordKey
from unlost.model.source.writing import ID_NOT_KEPT, OutcomeKind, RowOutcome, WriteOp


def asked_id(step: PlanStep) -> str | None:
    """The id with which a record is to be created; None for any."""
    return step.record if step.action is Action.RECREATE else None


def with_other_ids(intent: CallIntent, outcomes: Iterable[RowOutcome]) -> Iterator[RowOutcome]:
    """The outcomes; records that did not get the id asked for have the code for that."""
    creates = intent.op is WriteOp.CREATE
    wanted_ids = (
        {row.record: row.id for row in intent.rows if row.id is not None} if creates else {}
    )
    for outcome in outcomes:
        wanted = wanted_ids.get(outcome.key)
        is_other = outcome.kind is OutcomeKind.DONE and wanted not in (None, outcome.id)
        yield _noted(RecordKey(intent.table, outcome.key), outcome) if is_other else outcome


def _noted(key: RecordKey, outcome: RowOutcome) -> RowOutcome:
    return replace(
        outcome,
        code=ID_NOT_KEPT,
        sentence=f"{key} was created, but the org gave it the new id {outcome.id} instead of "
        f"{key.record}.",
        next_step="Links from other systems keep the old id. The run creates no further records of this "
        "table. To retry these, let the write user set the ids of new records, then run `unlost restore "
        "retry RUN`.",
    )
