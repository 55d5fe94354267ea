"""The outcome of a restore: for each record, and in total."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from unlost.model.message import Message
from unlost.model.plan import RecordKey


class Ending(StrEnum):
    """The outcome of one record of a restore."""

    UNCHANGED = "unchanged"
    UPDATED = "updated"
    UNDELETED = "undeleted"
    ADOPTED = "adopted"
    CREATED = "created"
    RECREATED = "recreated"  # created with its former id
    BY_PRODUCT = "by-product"
    DELETED = "deleted"  # as an undo wants it
    ARCHIVED = "archived"  # it left the org, and the vault has it
    CONFLICT = "conflict"  # it changed since the plan was made; it was not touched
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def good(self) -> bool:
        """True if the record is as the plan wants it."""
        return self not in (Ending.CONFLICT, Ending.FAILED, Ending.SKIPPED)


@dataclass(frozen=True, slots=True)
class Difference:
    """A column that did not come back as it was, and the reason (a ``NeverReason`` or ours).

    ``target``: for a reference that stays empty, the record that it should refer to (TABLE/ID).
    """

    column: str
    reason: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """The outcome of one record. ``live`` is its id in the org now, if it has one."""

    table: str
    record: str
    ending: Ending
    live: str | None = None
    code: str = ""
    sentence: str = ""
    next_step: str = ""
    differences: tuple[Difference, ...] = ()

    @property
    def key(self) -> RecordKey:
        """The record, under the id of the plan."""
        return RecordKey(self.table, self.record)

    @property
    def is_there(self) -> bool:
        """True if the record is live now, as the plan wants it."""
        return self.ending.good and self.ending not in (Ending.DELETED, Ending.ARCHIVED)

    @property
    def whole(self) -> bool:
        """True if the record is there, and none of its references stays empty."""
        return self.ending.good and not any(difference.target for difference in self.differences)


@dataclass(frozen=True, slots=True)
class RestoreOutcome:
    """A restore that ran to its end. ``calls`` counts the calls that wrote.

    ``unplanned`` counts lost records that the plan could only count: their table is gone.
    """

    run: str
    plan: str
    started: datetime
    finished: datetime
    calls: int
    records: tuple[RecordOutcome, ...]
    unplanned: int = 0

    @property
    def counts(self) -> Mapping[Ending, int]:
        """Records by ending."""
        return Counter(record.ending for record in self.records)

    @property
    def whole(self) -> bool:
        """True if every record is there now, and no reference stays empty."""
        return not self.unplanned and all(record.whole for record in self.records)


@dataclass(frozen=True, slots=True)
class ParkedRestore:
    """A restore that waits for storage or for an allowance; the same run resumes when called again.

    Of the records that the plan writes, ``done`` are restored, and ``open`` are not yet or failed.
    """

    run: str
    done: int
    open: int
    message: Message
    resume_at: datetime | None = None

    @property
    def code(self) -> str:
        """The code of the limit, or of the command that stopped it."""
        return self.message.code
