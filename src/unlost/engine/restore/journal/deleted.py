"""The records that a run deleted since an instant, and those that it may still delete."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from unlost.engine.restore.journal.entries import CallAnswer, CallIntent, Entry, Pass, decode
from unlost.engine.restore.journal.log import RestoreState
from unlost.model.plan import RecordKey, RestorePlan
from unlost.model.ports.vault import Journal
from unlost.model.source.writing import OutcomeKind


@dataclass(frozen=True, slots=True)
class RunDeletions:
    """The deletions of a run since an instant.

    ``records`` were deleted since then, or by calls of that time whose answer is missing.
    ``pending``: those that the run still deletes if it goes on. ``calls``: all of its calls.
    """

    plan: RestorePlan
    records: frozenset[RecordKey]
    pending: frozenset[RecordKey]
    calls: int


def deletions_of(journal: Journal, *, since: datetime) -> RunDeletions | None:
    """Return the deletions of a run; None if its journal is empty. ``since``: by the org's clock."""
    state, records = RestoreState(), set[RecordKey]()
    entries = (entry for payload in journal.read() for entry in decode(payload))
    for number, entry in enumerate(entries):
        records |= _deleted(state, entry, since)
        state.apply(number, entry)
    if state.opened is None:
        return None
    for intent in state.open.values():
        records |= _named(intent, since, {row.record for row in intent.rows})
    return RunDeletions(
        state.opened.plan, frozenset(records), frozenset(_pending(state)), state.calls
    )


def _deleted(state: RestoreState, entry: Entry, since: datetime) -> set[RecordKey]:
    """Return the records that a call deleted, by its answer."""
    if not isinstance(entry, CallAnswer):
        return set()
    done = {outcome.key for outcome in entry.outcomes if outcome.kind is OutcomeKind.DONE}
    return _named(state.open[entry.intent], since, done)


def _named(intent: CallIntent, since: datetime, records: Collection[str]) -> set[RecordKey]:
    if not intent.op.deletes or intent.at < since:
        return set()
    return {RecordKey(intent.table, record) for record in records}


def _pending(state: RestoreState) -> set[RecordKey]:
    """Return the records without a final outcome; none of a run that ended."""
    if state.opened is None or state.closed is not None:
        return set()
    outcomes = ((step.key, state.result(Pass.DELETE, step.key)) for step in state.opened.plan.steps)
    return {key for key, outcome in outcomes if outcome is None or outcome.retry}
