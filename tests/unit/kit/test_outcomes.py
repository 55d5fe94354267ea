"""Outcomes of rows that most sources report in the same way."""

from unlost.kit.outcomes import done, failed, unknown
from unlost.model.source.writing import WRITE_REFUSED, OutcomeKind, RowOutcome


def test_rows_are_written_or_their_answer_was_lost() -> None:
    assert done("k1", "r1") == RowOutcome("k1", OutcomeKind.DONE, "r1")
    assert (unknown("k1").kind, unknown("k1").id) == (OutcomeKind.UNKNOWN, None)


def test_a_row_that_was_not_written_has_all_facts_in_their_places() -> None:
    outcome = failed(
        "k1", "It was refused.", record="r1", code="write-locked", native="LOCK",
        next_step="Unlock it.", columns=["name"], retry=True,
    )  # fmt: skip
    assert outcome == RowOutcome(
        key="k1", kind=OutcomeKind.FAILED, id="r1", code="write-locked", native="LOCK",
        sentence="It was refused.", next_step="Unlock it.", columns=("name",), retry=True,
    )  # fmt: skip
    assert failed("k1", "No.").code == WRITE_REFUSED
