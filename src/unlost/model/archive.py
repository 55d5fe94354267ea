"""Archive policies. A policy selects records that may leave an org, with their related records.

    ArchivePolicy  "closed cases older than 24 months"
      table        Case, with conditions: Status is Closed, ClosedDate older than 730 days
      branches     Task.WhatId          stop   if Status is not Completed
                   EmailMessage.ParentId take

A policy selects *roots*. The records that refer to them follow by its branches, those that refer to
these records too, and so on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from unlost.model.archive_effects import ArchiveEffects
from unlost.model.errors import UsageError

LONGEST_NAME = 120  # characters of a policy's name

OLD_VERSIONS_SIZE = "OldVersionsSize"
"""The name by which a condition compares the bytes of all old versions of a file together."""

ARCHIVED_PAGE = "?state=archived"
"""Ends the address of the page that shows the archived records of a record."""


class Comparison(StrEnum):
    """The comparison of a record's column with a condition."""

    OLDER = "older"  # a date or time, more than ``days`` before now
    BETWEEN = "between"  # a date or time from the first to the second day in ``values``, in UTC
    SAME = "same"  # a date or time at most a minute from that in the column of the first value
    LARGER = "larger"  # a number above ``number``
    IS = "is"  # one of ``values``
    IS_NOT = "is-not"  # none of ``values``; also no value at all
    EMPTY = "empty"
    FILLED = "filled"
    STARTS = "starts"  # a text that begins with one of ``values``, in the same case


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on a column of a record. ``values`` are texts as the source delivers them.

    ``number`` must be above 0.
    """

    column: str
    comparison: Comparison
    values: tuple[str, ...] = ()
    days: int = 0
    number: float = 0.0

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it compares."""
        others = self.values[:1] if self.comparison is Comparison.SAME else ()
        return (self.column, *others)


class BranchRule(StrEnum):
    """The rule for records that refer to a record that goes."""

    TAKE = "take"  # they go along
    LEAVE = "leave"  # they stay, and lose their reference
    STOP = "stop"  # the record that they refer to stays, with all that would go with it


@dataclass(frozen=True, slots=True)
class ArchiveBranch:
    """The rule for the records of ``table`` whose ``column`` refers to a record that goes.

    It applies to records that meet all ``conditions``. Of several branches of a column, the first
    that applies counts. Without one, the org decides: records that it deletes along are taken, and
    records that prevent the deletion stop it, unless they go too.
    """

    table: str
    column: str
    rule: BranchRule
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class ParentPointer:
    """The record that an archive updates, and the columns that it writes.

    ``column``: reference in the policy's table to this record. ``count``: its column for the number
    of archived records. ``link``: its column for the address of the page that shows them. Empty: not
    written.
    """

    column: str
    count: str = ""
    link: str = ""


class ArchiveOrder(StrEnum):
    """The order in which records leave, if a plan cannot have all of them."""

    OLDEST = "oldest"  # by the date column of the first age condition, otherwise by the last change
    LARGEST = "largest"  # by the bytes that a selected record frees with all that goes with it


class OldVersionRule(StrEnum):
    """The treatment of the old versions of files, in a policy for files."""

    LEAVE = "leave"  # a file goes with all versions, or stays with all
    FREE = "free"  # a new file with the newest version takes the place of the old file


@dataclass(frozen=True, slots=True)
class ArchivePolicy:
    """The records of ``table`` that meet all ``conditions``, and the rules for related records.

    ``unchanged_days``: a record that was changed within so many days stays, with its root.
    ``label``: what people call the selected records. ``ids``: only these records; all if empty.
    ``include``: names of protections of the connector that do not count, such as those of activated
    records. ``second_copy``: a record goes only if the mirror of the vault has its copy, too.
    ``hard_delete``: records go for good, without the recycle bin. ``pointer``: the record that
    the archive updates. ``keep_days``: the vault keeps the archived records at least so long; 0 for
    ever. ``old_versions``: free those of the selected files; only files with several are selected.
    ``order``: None for oldest first if an age condition exists, and any order without one.
    ``unreferenced``: a selected record stays if a live record refers to it for which the policy has
    no branch. Records that only the org writes, such as histories, do not count.
    """

    name: str
    table: str
    conditions: tuple[Condition, ...] = ()
    branches: tuple[ArchiveBranch, ...] = ()
    unchanged_days: int = 0
    label: str = ""
    ids: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    second_copy: bool = False
    hard_delete: bool = False
    pointer: ParentPointer | None = None
    keep_days: int = 0
    old_versions: OldVersionRule = OldVersionRule.LEAVE
    order: ArchiveOrder | None = None
    unreferenced: bool = False

    @property
    def frees_versions(self) -> bool:
        """True if a new file takes the place of each selected one."""
        return self.old_versions is OldVersionRule.FREE


class StayReason(StrEnum):
    """The reason why a selected record stays in the org."""

    BRANCH = "branch"  # a branch of the policy stops
    RESTRICT = "restrict"  # the org does not delete it while a record that stays refers to it
    CHANGED = "changed"  # it was changed too recently
    HOLD = "hold"  # it is on legal hold
    SHARED = "shared"  # a file that a record which stays has, too
    HOLDER_ON_HOLD = "holder-on-hold"  # a file of a record that is on legal hold
    PROTECTED = (
        "protected"  # the policy does not include records of this kind, such as activated ones
    )


@dataclass(frozen=True, slots=True)
class StayCause:
    """A cause by which records stay. ``column``: of ``table``, by which others refer to them.

    ``protection``: the name of the protection, for protected records.
    """

    reason: StayReason
    table: str
    column: str = ""
    protection: str = ""


@dataclass(frozen=True, slots=True)
class StayCount:
    """The number of selected or related records that stay for a cause, and a few of them
    (TABLE/ID).

    ``roots``: selected records that stay with them.
    """

    cause: StayCause
    records: int
    samples: tuple[str, ...] = ()
    roots: int = 0


@dataclass(frozen=True, slots=True)
class EmptiedCount:
    """The number of records that stay and lose their reference by a column."""

    table: str
    column: str
    records: int


@dataclass(frozen=True, slots=True)
class LeavingTable:
    """The records of a table that go, and the bytes that this frees, by storage."""

    table: str
    records: int
    bytes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArchivePreview:
    """The effect of a policy, computed from one backup.

    ``selected``: records that the policy selects; ``roots``: those of them that go. ``samples``: the
    ids of a few of them. ``stays``: causes by which others stay. ``effects``: those on others.
    """

    policy: ArchivePolicy
    backup: int
    as_of: datetime
    selected: int
    roots: int
    samples: tuple[str, ...] = ()
    tables: tuple[LeavingTable, ...] = ()
    stays: tuple[StayCount, ...] = ()
    emptied: tuple[EmptiedCount, ...] = ()
    effects: ArchiveEffects = field(default_factory=ArchiveEffects)

    @property
    def bytes(self) -> Mapping[str, int]:
        """The bytes that it frees, by storage."""
        freed: dict[str, int] = {}
        for table in self.tables:
            for storage, size in table.bytes.items():
                freed[storage] = freed.get(storage, 0) + size
        return freed


def wrong_name() -> UsageError:
    """Return the error for a name that no policy can have."""
    return UsageError(
        "archive-policy-unnamed",
        "The name of a policy must have 1 to {longest} characters, no slash, and must not end "
        "with .json.",
        next_step="Change `name` in the policy, for example to old-cases.",
        longest=LONGEST_NAME,
    )
