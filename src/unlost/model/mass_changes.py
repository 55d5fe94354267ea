"""Mass changes: values that many records of a table gained or lost in one backup.

MassChange      "Phone of 1,119 contacts was overwritten with one value", by which users
BackupChanges   all mass changes of one backup, against the backup before it
MassLimits      the thresholds above which people are notified immediately
Silence         a pattern that is not reported immediately: expected, answered or muted
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class MassKind(StrEnum):
    """The kind of a change that many records share."""

    EMPTIED = "emptied"
    FILLED = "filled"  # was empty before
    OVERWRITTEN = "overwritten"  # with one same value
    EDITED = "edited"  # with differing values
    TRANSFERRED = "transferred"  # to other owners
    CREATED = "created"
    DELETED = "deleted"
    BIN_SKIPPED = "bin-skipped"  # deleted, and not in the recycle bin of its table

    @property
    def of_column(self) -> bool:
        """True for changes of a column, false for changes of whole records."""
        return self not in WHOLE_RECORDS


WHOLE_RECORDS = frozenset({MassKind.CREATED, MassKind.DELETED, MassKind.BIN_SKIPPED})


@dataclass(frozen=True, slots=True)
class UserShare:
    """The records that one user changed; ``by``: the user's id, empty if the org did not say."""

    by: str
    count: int
    first: datetime | None = None
    last: datetime | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class MassChange:
    """A change that ``count`` records of a table share.

    ``total``: records of the table before, including those that this backup lost. ``users``: the
    users with most of the records, most first. ``few``: the column has few possible values, so that
    many records have the same one.
    """

    table: str
    kind: MassKind
    count: int
    total: int
    column: str = ""
    users: tuple[UserShare, ...] = ()
    few: bool = False

    @property
    def key(self) -> tuple[str, str, MassKind]:
        """Table, column and kind: what is compared between backups."""
        return self.table, self.column, self.kind


@dataclass(frozen=True, slots=True)
class BackupChanges:
    """The mass changes of the backup ``number`` against the backup ``before``."""

    number: int
    before: int
    as_of: datetime
    since: datetime
    changes: tuple[MassChange, ...] = ()


@dataclass(frozen=True, slots=True)
class MassLimits:
    """The thresholds of a table. Of a number and a share, the larger number of records counts.

    ``below_rows``: records that were lost with one record of the table, such as a customer's.
    ``watched``: false if the table does not matter, true if it matters though people do not open
    it, None for the connector's own choice.
    """

    lost_rows: int = 20
    lost_share: float = 0.01
    bin_rows: int = 0
    column_rows: int = 20
    column_share: float = 0.05
    created_rows: int = 100
    created_share: float = 0.20
    watched: bool | None = None
    below_rows: int = 10
    transferred_rows: int = 100
    transferred_share: float = 0.50


@dataclass(frozen=True, slots=True)
class ChangeWords:
    """Labels of the tables and columns of mass changes, by API name; ``zone``: that of times."""

    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[tuple[str, str], str] = field(default_factory=dict)
    zone: str = ""

    def table(self, change: MassChange) -> str:
        """The label of the changed table; its API name if it has none."""
        return self.tables.get(change.table) or change.table

    def column(self, change: MassChange) -> str:
        """The label of the changed column; its API name if it has none."""
        return self.columns.get((change.table, change.column)) or change.column


@dataclass(frozen=True, slots=True)
class MassFinding:
    """A mass change of a backup, judged.

    ``now``: people are notified immediately; otherwise the daily digest lists it. ``days``: the
    change passed its threshold only together with those of so many days; 0 if it did alone.
    ``silence``: the pattern that keeps it from being reported immediately. ``words``: what people
    call its table and column, and the zone of its times.
    """

    change: MassChange
    number: int
    before: int
    as_of: datetime
    now: bool = False
    days: int = 0
    silence: "Silence | None" = None
    words: ChangeWords = ChangeWords()

    @property
    def main_user(self) -> str:
        """The id of the user who changed most of the records, to whom the repair is limited.

        Empty if one user changed all of them, and if no user changed more than half. Empty, too, if
        records were deleted by unknown users: only a backup has those that skipped the bin.
        """
        users = self.change.users
        unknown = not self.change.kind.of_column and any(not share.by for share in users)
        most = [share.by for share in users if 2 * share.count > self.change.count]
        return most[0] if len(users) > 1 and most and not unknown else ""


class SilenceKind(StrEnum):
    """The reason that a mass change is not reported immediately."""

    EXPECTED = "expected"  # announced before it happened
    ANSWERED = "answered"  # a person said afterwards that it was intended
    MUTED = "muted"  # a pattern that is usual


@dataclass(frozen=True, slots=True)
class Silence:
    """A pattern of mass changes; empty parts match anything.

    An ``EXPECTED`` pattern without a column concerns whole records only. ``snapshot``: the backup
    of an answered change. ``most``: the largest number of records that it covers, 0 for any.
    """

    kind: SilenceKind
    org: str
    table: str = ""
    column: str = ""
    change: MassKind | None = None
    user: str = ""
    most: int = 0
    snapshot: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    reason: str = ""
    by: str = ""
    id: int = 0
