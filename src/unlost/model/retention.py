"""How long what is kept: rules for nights and for deleted records, and holds that stand above them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from unlost.model.erasure import Erasing
from unlost.model.rectification import Rectifying
from unlost.model.rekeying import Rekeying
from unlost.model.snapshot import SnapshotInfo


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


@dataclass(frozen=True, slots=True)
class TableForgotten:
    """What goes of a table: versions, records that go altogether, and versions that stay."""

    table: str
    versions: int
    records: int
    kept: int


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What forgetting takes away, or took away.

    ``nights``: numbers of backups that are shown no more; ``kept``: those that are, oldest first.
    ``files`` are contents (of files and long texts) that no version needs any more, of ``file_bytes``;
    ``packs`` are left with nothing that is needed. ``rewritten`` are bytes of segments that are written
    again without what goes. ``condemned`` bytes lie there until a sweep some days later. ``holds``: those in
    force. ``snapshot``: the commit that did it; None for a plan, and where nothing goes.
    """

    nights: tuple[int, ...] = ()
    kept: tuple[int, ...] = ()
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
        return sum(one.versions for one in self.tables)

    @property
    def records(self) -> int:
        """Records that go altogether."""
        return sum(one.records for one in self.tables)

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


class Retention(Erasing, Rectifying, Rekeying, Protocol):
    """The part of the port ``Vault`` that keeps, forgets and erases; ``org`` is its oid."""

    def holds(self, org: str) -> tuple[Hold, ...]:
        """All holds that were not lifted, also those that have run out."""
        ...

    def hold(self, org: str, holds: tuple[Hold, ...], *, run: str) -> SnapshotInfo:
        """Set holds; one on the same thing replaces the earlier one."""
        ...

    def lift(self, org: str, things: tuple[HoldTarget, ...], *, run: str) -> SnapshotInfo:
        """Take holds back."""
        ...

    def plan_forgetting(
        self, org: str, rules: KeepRules, *, pause: Callable[[], None] = ...
    ) -> Forgetting:
        """What ``forget`` would take away now. Nothing is written."""
        ...

    def forget(
        self,
        org: str,
        rules: KeepRules,
        *,
        run: str,
        pause: Callable[[], None] = ...,
        agree: Callable[[Forgetting], None] = ...,
    ) -> Forgetting:
        """Take away what the rules do not keep; the nights that stay are the same to the bit.

        ``agree`` is told what would go before anything is written, and stops it by raising.
        Raises Conflict (``runs-open``) while a backup or restore is open, (``maintenance-outrun``)
        where another run committed meanwhile; then nothing has changed.
        """
        ...
