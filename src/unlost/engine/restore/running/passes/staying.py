"""The outcomes of records that an archive leaves in the org, or that left it otherwise, with the reason."""

from collections.abc import Collection

from unlost.engine.restore.running.calls import refusal, refused
from unlost.engine.restore.values import outcome_text
from unlost.model.errors import IntegrityError, NotFound
from unlost.model.plan import RecordKey
from unlost.model.source.writing import RowOutcome

VANISHED = "archive-vanished"
STOPPED = "archive-stopped"
REFERRED = "archive-referred"
UNLISTED = "archive-unlisted"
GONE = "archive-gone"
TOGETHER = "archive-together"
NO_COPY = "archive-no-copy"
NO_SECOND_COPY = "archive-no-second-copy"
ON_HOLD = "archive-on-hold"


def on_hold(key: RecordKey) -> RowOutcome:
    """It is on legal hold."""
    return refused(key, outcome_text.ON_HOLD)


def of_held_record(key: RecordKey) -> RowOutcome:
    """It is a file of a record on legal hold."""
    return refused(key, outcome_text.OF_HELD_RECORD)


def erased(key: RecordKey) -> RowOutcome:
    """It was erased from the vault."""
    return refused(key, outcome_text.ERASED)


def no_copy(key: RecordKey, reason: str, next_step: str = "") -> RowOutcome:
    """The vault does not give the record back whole."""
    return refusal(key, NO_COPY, f"{key} stays in the org. {reason}", next_step)


def damaged(key: RecordKey, error: IntegrityError | NotFound) -> RowOutcome:
    """Its copy in the vault cannot be read."""
    return no_copy(key, error.sentence, error.next_step)


def damaged_in_mirror(key: RecordKey, error: IntegrityError | NotFound) -> RowOutcome:
    """Its copy in the mirror cannot be read."""
    return no_second_copy(key, error.sentence)


def no_second_copy(key: RecordKey, reason: str) -> RowOutcome:
    """The mirror does not give the record back whole."""
    return refusal(
        key,
        NO_SECOND_COPY,
        f"{key} stays in the org. Its copy in the mirror is missing or damaged. {reason}",
        "Run `unlost vault mirror run`, then plan again.",
    )


def changed(key: RecordKey) -> RowOutcome:
    """It changed since the copy was made."""
    return refused(key, outcome_text.CHANGED_IN_ORG)


def new_columns(key: RecordKey) -> RowOutcome:
    """Its table has columns that the copy does not have."""
    return refused(key, outcome_text.NEW_COLUMNS)


def gone(key: RecordKey) -> RowOutcome:
    """Others deleted it."""
    return refused(key, outcome_text.DELETED_BY_OTHERS)


def referred(key: RecordKey) -> RowOutcome:
    """A record without a copy refers to it."""
    return refused(key, outcome_text.REFERRED)


def unlooked(key: RecordKey, tables: Collection[str]) -> RowOutcome:
    """A record in these tables may refer to it, and they cannot be read."""
    return refusal(
        key,
        REFERRED,
        f"Not all records of {', '.join(sorted(tables))} could be read, and some may belong to {key}. "
        "It stays in the org.",
        "Let backup user and write user read these tables, then plan again.",
    )


def unlisted(key: RecordKey, tables: Collection[str]) -> RowOutcome:
    """The org does not list all deletions of these tables since the backup."""
    return refusal(
        key,
        UNLISTED,
        f"The org's list of deletions of {', '.join(sorted(tables))} begins after the backup. The run "
        f"could not notice if other records vanish, so {key} stays in the org.",
        "Back up, then plan again.",
    )


def together(key: RecordKey) -> RowOutcome:
    """Another record of its group stays."""
    return refused(key, outcome_text.TOGETHER)


def counted(key: RecordKey) -> RowOutcome:
    """The parents have the final number of archived records already."""
    return refused(key, outcome_text.COUNTED)


def no_room(key: RecordKey) -> RowOutcome:
    """The recycle bin has no room for it."""
    return refused(key, outcome_text.NO_ROOM)


def stopped(key: RecordKey) -> RowOutcome:
    """The run stopped before it."""
    return refused(key, outcome_text.STOPPED)


def vanished(key: RecordKey) -> RowOutcome:
    """It left the org, and the run did not delete it."""
    return refused(key, outcome_text.VANISHED)
