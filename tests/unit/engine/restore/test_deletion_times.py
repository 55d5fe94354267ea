"""The times at which a run deleted records, by its journal."""

from datetime import UTC, datetime, timedelta

from unlost.engine.restore.journal.deletion_times import deletion_times
from unlost.engine.restore.journal.entries import (
    CallAnswer,
    CallIntent,
    Entry,
    OutcomesWithoutCall,
    Pass,
    RunResumed,
    SentRow,
)
from unlost.model.plan import RecordKey
from unlost.model.source.writing import OutcomeKind, RowOutcome, WriteOp

START = datetime(2026, 3, 3, 1, tzinfo=UTC)
KEYS = {RecordKey("Account", record) for record in ("a", "b", "c")}


def at(hours: int) -> datetime:
    return START + timedelta(hours=hours)


def call(hour: int, *records: str, stage: Pass = Pass.DELETE, table: str = "Account") -> CallIntent:
    rows = tuple(SentRow(record) for record in records)
    return CallIntent(stage, WriteOp.DELETE, table, at(hour), f"token-{hour}", rows)


def done(*records: str) -> tuple[RowOutcome, ...]:
    return tuple(RowOutcome(record, OutcomeKind.DONE) for record in records)


def times(*entries: Entry) -> dict[str, datetime]:
    return {key.record: when for key, when in deletion_times(entries, KEYS).items()}


def test_a_record_left_with_its_call() -> None:
    entries = (call(1, "a"), CallAnswer(0, done("a")), call(2, "b"), CallAnswer(2, done("b")))
    assert times(*entries) == {"a": at(1), "b": at(2)}


def test_answers_may_come_in_any_order() -> None:
    entries = (call(1, "a"), call(2, "b"), CallAnswer(1, done("b")), RunResumed(at(9)))
    assert times(*entries, CallAnswer(0, done("a"))) == {"a": at(1), "b": at(2)}


def test_a_record_that_was_tried_again_left_with_the_last_call() -> None:
    refused = RowOutcome("a", OutcomeKind.FAILED, retry=True)
    entries = (call(1, "a"), CallAnswer(0, (refused,)), call(5, "a"), CallAnswer(2, done("a")))
    assert times(*entries) == {"a": at(5)}


def test_a_record_that_left_along_has_the_time_of_the_last_answered_call() -> None:
    along = OutcomesWithoutCall(Pass.DELETE, "Account", done("b"))
    entries = (call(1, "m", table="Master"), CallAnswer(0, done("m")), along)
    assert times(*entries) == {"b": at(1)}


def test_without_a_call_before_it_the_time_is_unknown() -> None:
    assert times(OutcomesWithoutCall(Pass.DELETE, "Account", done("b"))) == {}


def test_other_passes_tables_and_records_do_not_count() -> None:
    assert not times(
        call(1, "a", stage=Pass.DISCARD),
        CallAnswer(0, done("a")),
        call(2, "a", table="Contact"),
        CallAnswer(2, done("a")),
        call(3, "other"),
        CallAnswer(4, done("other")),
        OutcomesWithoutCall(Pass.POINT, "Account", done("c")),
        call(4, "c"),
    )
