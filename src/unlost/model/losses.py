"""Losses: what a backup found deleted, grouped as people see it.

LossRules   the connector's knowledge: how long the bin keeps a record, and which work is open
LossGroup   "1 customer and 131 records with it", deleted by one user
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from unlost.model.plan import RecordKey


@dataclass(frozen=True, slots=True)
class LossRule:
    """The rule to show deletions of a table.

    ``bin``: how long a deleted record can leave the recycle bin with its id; None without a bin.
    ``born_column``: its time of creation. ``author_column``: the user who created it. The schema
    names the column of a deleted record that refers to the record it was merged into.
    ``state_column``: shows whether work on the record is done, as it is in ``closed_states``; None
    for tables whose records are not worked on. ``keeps_id``: a restore creates a record again with
    the id that it had.
    """

    bin: timedelta | None = None
    born_column: str | None = None
    author_column: str | None = None
    state_column: str | None = None
    closed_states: frozenset[str] = frozenset()
    keeps_id: bool = False


@dataclass(frozen=True, slots=True)
class LossLink:
    """A table whose records attach others: those of ``member_column`` to those of another column.

    For example, a file has no reference to a customer. Such links show that it was lost with the
    customer to which it was attached.
    """

    table: str
    member_column: str
    holder_column: str


@dataclass(frozen=True, slots=True)
class LossRules:
    """The rules of the tables that people open (``Schema.opened_tables``); others do not count."""

    tables: Mapping[str, LossRule] = field(default_factory=dict)
    links: tuple[LossLink, ...] = ()


class LossState(StrEnum):
    """The state of a loss in the inbox."""

    OPEN = "open"
    RESTORED = "restored"  # its records are live again
    DISMISSED = "dismissed"  # by a person, with a reason
    FOLDED = "folded"  # not a loss: see ``FoldReason``


class FoldReason(StrEnum):
    """The reason to leave deletions out of the inbox."""

    MERGED = "merged"  # into another record
    OWN_RUN = "own-run"  # a restore of Unlost deleted them, such as an undo
    ARCHIVED = "archived"  # an archive took them out of the org
    BRIEF = "brief"  # one user created and deleted them within a day


@dataclass(frozen=True, slots=True)
class LossGroup:
    """Deletions of one table by one user, with all that was deleted with them.

    ``roots``: the deleted records of ``table``, sorted. ``records``: by table, all that counts: the
    roots too. ``parent``: the live record on which the roots depended, if they have one in common.
    ``by``: id of the user, empty if unknown. ``first`` and ``last``: the times of deletion, None if
    unknown. ``bin_until``: the end of the recycle bin for the first of the roots, unless a person empties
    it earlier; None if none was in the bin. ``merged_into``: the record that survived a merge.
    ``below``: the largest number of records that were lost with one of the roots. ``open_counts``: by
    table, the records below the roots on which work was not done, such as open cases; ``open_roots``
    are the roots of which this is true.
    """

    table: str
    roots: tuple[str, ...]
    records: Mapping[str, tuple[str, ...]]
    by: str = ""
    first: datetime | None = None
    last: datetime | None = None
    bin_until: datetime | None = None
    parent: RecordKey | None = None
    merged_into: RecordKey | None = None
    folded: FoldReason | None = None
    below: int = 0
    open_counts: Mapping[str, int] = field(default_factory=dict)
    open_roots: int = 0

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of records by table."""
        return {table: len(ids) for table, ids in self.records.items()}
