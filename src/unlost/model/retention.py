"""How long what is kept: rules for nights and for deleted records, and holds that stand above them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from unlost.model.errors import Conflict
from unlost.model.maintenance import MaintenanceOperation, digest_of
from unlost.model.written import written


@dataclass(frozen=True, slots=True)
class KeepRules:
    """Which nights are kept, and for how long the last state of a deleted record.

    ``days``: all backups of so many last days. ``daily``, ``weekly``, ``monthly``, ``yearly``: of
    each of so many last days, weeks, months, years in which there were nights, the last good one.
    All 0: every night is kept. ``deleted_days``: days after its deletion during which the last state
    of a record is kept although no kept night shows it; 0: for ever.
    """

    days: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0
    deleted_days: int = 0

    @property
    def thins(self) -> bool:
        """True if not every night is kept."""
        return bool(self.days or self.daily or self.weekly or self.monthly or self.yearly)


class HoldScope(StrEnum):
    """What a hold protects: all of an org, a table, a record, or one night."""

    ORG = "org"
    TABLE = "table"
    RECORD = "record"
    NIGHT = "night"


@dataclass(frozen=True, slots=True)
class HoldTarget:
    """What is held: ``table`` and ``record`` where the scope has them, ``night`` is a number."""

    scope: HoldScope
    table: str = ""
    record: str = ""
    night: int = 0


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold: nothing of what it protects is forgotten while it lasts.

    ``until`` (with a zone) None: until it is lifted. ``since``: the commit that says so.
    """

    thing: HoldTarget
    reason: str = ""
    by: str = ""
    until: datetime | None = None
    since: int = 0

    def lasts(self, now: datetime) -> bool:
        """True if it has not run out."""
        return self.until is None or now < self.until


@written(staying="kept")
@dataclass(frozen=True, slots=True)
class TableForgotten:
    """What goes of a table: versions, records that go altogether, and versions that stay."""

    table: str
    versions: int
    records: int
    staying: int


@written(staying="kept")
@dataclass(frozen=True, slots=True)
class Forgetting:
    """What forgetting takes away, or took away.

    ``nights``: numbers of backups that are shown no more; ``staying``: those that are, oldest first.
    ``files`` are contents (of files and long texts) that no version needs any more, of ``file_bytes``;
    ``packs`` are left with nothing that is needed. ``rewritten`` are bytes of segments that are written
    again without what goes. ``condemned`` bytes lie there until a sweep some days later. ``holds``: those in
    force. ``snapshot``: the commit that did it; None for a plan, and where nothing goes.
    """

    nights: tuple[int, ...] = ()
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
        """Versions that go, over all tables."""
        return sum(table.versions for table in self.tables)

    @property
    def records(self) -> int:
        """Records that go altogether."""
        return sum(table.records for table in self.tables)

    @property
    def nothing(self) -> bool:
        """True if everything stays."""
        return not (self.nights or self.versions or self.files)


@dataclass(frozen=True, slots=True)
class ForgottenRecord:
    """The newest forgetting of an org: how many nights, versions and records went by which commit.

    ``waiting`` bytes go at ``next_at`` at the earliest. ``error_code`` is empty where all went well.
    """

    at: datetime
    snapshot: int | None = None
    nights: int = 0
    versions: int = 0
    records: int = 0
    waiting: int = 0
    next_at: datetime | None = None
    error_code: str = ""
    error_sentence: str = ""

    @property
    def failed(self) -> bool:
        """True if it could not be done."""
        return bool(self.error_code)


@dataclass(frozen=True, slots=True)
class Forget(MaintenanceOperation[Forgetting]):
    """Take away the versions and backups that the rules do not keep."""

    rules: KeepRules

    def digest(self, effect: Forgetting) -> str:
        """Name what goes and what stays by these rules."""
        return digest_of(
            self.rules,
            effect.nights,
            effect.staying,
            effect.tables,
            effect.files,
            effect.file_bytes,
            effect.holds,
        )

    def changed(self) -> Conflict:
        """The error for a plan whose effect would be another one by now."""
        return Conflict(
            "forget-changed",
            "Something else would be forgotten by now than the plan said. Nothing was changed.",
            next_step="Look at the plan again, with `unlost forget ORG --plan`, and decide anew.",
        )
