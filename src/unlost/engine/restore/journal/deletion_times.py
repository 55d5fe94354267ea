"""The times at which a run deleted records, read from its journal. Pure."""

from collections.abc import Collection, Iterable
from datetime import datetime

from unlost.engine.restore.journal.entries import (
    CallAnswer,
    CallIntent,
    Entry,
    OutcomesWithoutCall,
    Pass,
)
from unlost.model.plan import RecordKey
from unlost.model.source.writing import OutcomeKind


def deletion_times(
    entries: Iterable[Entry], keys: Collection[RecordKey]
) -> dict[RecordKey, datetime]:
    """Return when the run deleted these records: the times of the calls, by the source's clock.

    For a record that left along with others: the time of the last answered call before the run
    noticed it. Records that the run did not delete are left out.
    """
    times: dict[RecordKey, datetime] = {}
    open_calls: dict[int, CallIntent] = {}
    last: datetime | None = None
    for number, entry in enumerate(entries):
        match entry:
            case CallIntent(stage=Pass.DELETE):
                open_calls[number] = entry
                continue
            case CallAnswer() if entry.intent in open_calls:
                call = open_calls.pop(entry.intent)
                table, last = call.table, call.at
            case OutcomesWithoutCall(stage=Pass.DELETE):
                table = entry.table
            case _:
                continue
        done = (o.key for o in entry.outcomes if o.kind is OutcomeKind.DONE)
        deleted = (key for record in done if (key := RecordKey(table, record)) in keys)
        times.update(dict.fromkeys(deleted, last) if last is not None else {})
    return times
