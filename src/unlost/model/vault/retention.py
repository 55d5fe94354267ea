"""Retention: rules for backups and for deleted records, and legal holds, which override them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from unlost.model.errors import Conflict
from unlost.model.message import Message
from unlost.model.vault.maintenance import MaintenanceOperation, digest_of
from unlost.model.written import written


@dataclass(frozen=True, slots=True)
class KeepRules:
    """Rules for the backups that stay, and for the last state of deleted records.

    ``days``: all backups of the last days, this many. ``daily``, ``weekly``, ``monthly``,
    ``yearly``: the last good nightly backup of each of the last days, weeks, months or years that
    have one. All 0: every backup stays. ``deleted_days``: days after its deletion for which the
    last state of a record stays, even if no remaining backup shows it; 0: forever.
    """

    days: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0
    deleted_days: int = 0

    @property
    def thins(self) -> bool:
        """True if not every nightly backup stays."""
        return bool(self.days or self.daily or self.weekly or self.monthly or self.yearly)

    def limited_as(self, other: "KeepRules") -> "KeepRules":
        """Return these rules for backups, with the limit for deleted records of other rules."""
        return replace(self, deleted_days=other.deleted_days)


class KeepPreset(StrEnum):
    """Ready-made rules for the backups that stay; see ``PRESETS``."""

    QUARTER = "quarter"
    STANDARD = "standard"
    GRADUAL = "gradual"
    DECADE = "decade"


PRESETS: Mapping[KeepPreset, KeepRules] = {
    KeepPreset.QUARTER: KeepRules(daily=90),
    KeepPreset.STANDARD: KeepRules(daily=30, monthly=12, yearly=7),
    KeepPreset.GRADUAL: KeepRules(days=14, weekly=8, monthly=24),
    KeepPreset.DECADE: KeepRules(daily=366, yearly=10),
}


class HoldScope(StrEnum):
    """The scope of a legal hold: an org, a table, a record, or one backup."""

    ORG = "org"
    TABLE = "table"
    RECORD = "record"
    NIGHT = "night"


@written(backup="night")
@dataclass(frozen=True, slots=True)
class HoldTarget:
    """The target of a legal hold: by scope, an org, a table, a record or the number of a backup."""

    scope: HoldScope
    table: str = ""
    record: str = ""
    backup: int = 0

    def covers(self, table: str, record: str = "") -> bool:
        """Return True if it covers a record; without one, if it covers all records of the table.

        False for a backup: only the vault knows the records that it shows.
        """
        if self.scope is HoldScope.ORG:
            return True
        if self.scope is HoldScope.NIGHT or self.table != table:
            return False
        return self.scope is HoldScope.TABLE or self.record == record


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold: its target is neither forgotten nor erased while it lasts.

    ``until`` (with a zone): None if it lasts until it is lifted. ``since``: the commit that placed
    it.
    """

    thing: HoldTarget
    reason: str = ""
    by: str = ""
    until: datetime | None = None
    since: int = 0

    def lasts(self, now: datetime) -> bool:
        """Return true if it has not expired."""
        return self.until is None or now < self.until


@written(staying="kept")
@dataclass(frozen=True, slots=True)
class TableForgotten:
    """Counts of a table: versions that go, records that go completely, versions that stay."""

    table: str
    versions: int
    records: int
    staying: int


@written(backups="nights", staying="kept")
@dataclass(frozen=True, slots=True)
class Forgetting:
    """The effect of a forgetting, planned or applied.

    ``backups``: numbers of backups, nightly or hourly, that are no longer shown; ``staying``: of the
    others, oldest first. ``files``: contents (of files and long texts) of ``file_bytes`` that no
    version needs any more. ``packs``: packs that contain nothing needed. ``rewritten``: bytes of
    segments that are written again without what goes. ``condemned``: bytes that a sweep removes
    some days later. ``holds``: holds in force. ``snapshot``: the commit; None for a plan, and if
    nothing goes.
    """

    backups: tuple[int, ...] = ()
    staying: tuple[int, ...] = ()
    tables: tuple[TableForgotten, ...] = ()
    files: int = 0
    file_bytes: int = 0
    packs: int = 0
    rewritten: int = 0
    condemned: int = 0
    holds: tuple[Hold, ...] = ()
    snapshot: int | None = None

    @property
    def versions(self) -> int:
        """Versions that go, in all tables."""
        return sum(table.versions for table in self.tables)

    @property
    def records(self) -> int:
        """Records that go completely."""
        return sum(table.records for table in self.tables)

    @property
    def nothing(self) -> bool:
        """True if everything stays."""
        return not (self.backups or self.versions or self.files)


@dataclass(frozen=True, slots=True)
class ForgottenRecord:
    """The newest forgetting of an org: its commit, and how many backups, versions and records went.

    ``waiting``: bytes that go at ``next_at`` at the earliest. ``error``: None after success.
    """

    at: datetime
    snapshot: int | None = None
    nights: int = 0
    versions: int = 0
    records: int = 0
    waiting: int = 0
    next_at: datetime | None = None
    error: Message | None = None

    @property
    def failed(self) -> bool:
        """True if it failed."""
        return self.error is not None


@dataclass(frozen=True, slots=True)
class Forget(MaintenanceOperation[Forgetting]):
    """Remove the versions and backups that the rules do not keep."""

    rules: KeepRules

    def digest(self, effect: Forgetting) -> str:
        """Hash what goes and what stays under these rules."""
        return digest_of(
            self.rules,
            effect.backups,
            effect.staying,
            effect.tables,
            effect.files,
            effect.file_bytes,
            effect.holds,
        )

    def changed(self) -> Conflict:
        """Return the error for a plan whose effect has changed."""
        return Conflict(
            "forget-changed",
            "The plan is out of date: other backups would be forgotten now. Nothing was changed.",
            next_step="Review the new plan with `unlost forget ORG --plan`, then decide again.",
        )
