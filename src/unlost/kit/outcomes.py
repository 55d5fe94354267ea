"""Outcomes of rows that most sources report in the same way. Pure."""

from unlost.model.source.writing import OutcomeKind, RowOutcome


def done(key: str, record: str) -> RowOutcome:
    """The outcome of a row that was written."""
    return RowOutcome(key, OutcomeKind.DONE, record)


def unknown(key: str) -> RowOutcome:
    """The outcome of a row without an answer."""
    return RowOutcome(
        key, OutcomeKind.UNKNOWN, code="write-answer-lost", sentence="The answer was lost."
    )
