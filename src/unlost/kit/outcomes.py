"""Outcomes of rows that most sources report in the same way. Pure."""

from collections.abc import Sequence

from unlost.model.source.writing import WRITE_REFUSED, OutcomeKind, RowOutcome


def done(key: str, record: str | None) -> RowOutcome:
    """The outcome of a row that was written."""
    return RowOutcome(key, OutcomeKind.DONE, record)


def unknown(key: str) -> RowOutcome:
    """The outcome of a row without an answer."""
    return RowOutcome(
        key, OutcomeKind.UNKNOWN, code="write-answer-lost", sentence="The answer was lost."
    )


def failed(
    key: str,
    sentence: str,
    *,
    record: str | None = None,
    code: str = WRITE_REFUSED,
    native: str = "",
    next_step: str = "",
    columns: Sequence[str] = (),
    retry: bool = False,
) -> RowOutcome:
    """The outcome of a row that was not written; see ``RowOutcome`` for the facts."""
    facts = (code, native, sentence, next_step, tuple(columns), retry)
    return RowOutcome(key, OutcomeKind.FAILED, record, *facts)
