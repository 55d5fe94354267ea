"""Maintenance of a vault: results of compactions and sweeps, and storage use."""

from dataclasses import dataclass
from datetime import datetime

from unlost.model.message import Message
from unlost.model.vault.rekeying import UnderEarlier


@dataclass(frozen=True, slots=True)
class Merged:
    """A table whose segments were merged: their number and size before and after."""

    table: str
    segments_before: int
    segments_after: int
    bytes_before: int
    bytes_after: int
    rows: int


@dataclass(frozen=True, slots=True)
class Compaction:
    """The result of a compaction of an org.

    ``snapshot``: its commit; None if nothing was due. ``replaced``: objects of ``replaced_bytes``
    that are condemned since then.
    """

    merged: tuple[Merged, ...] = ()
    snapshot: int | None = None
    replaced: int = 0
    replaced_bytes: int = 0

    def then(self, other: "Compaction") -> "Compaction":
        """Combine with the result of the next commit."""
        return Compaction(
            merged=self.merged + other.merged,
            snapshot=other.snapshot,
            replaced=self.replaced + other.replaced,
            replaced_bytes=self.replaced_bytes + other.replaced_bytes,
        )


@dataclass(frozen=True, slots=True)
class Sweep:
    """The result of a sweep of an org, in objects and bytes.

    ``removed``: deleted. ``waiting``: condemned, deleted at ``next_at`` at the earliest;
    ``held_by``: the open run that delays it, if there is one. ``stray``: the part of ``waiting``
    that was found now, left by runs that failed.
    """

    removed: int = 0
    removed_bytes: int = 0
    waiting: int = 0
    waiting_bytes: int = 0
    stray: int = 0
    next_at: datetime | None = None
    held_by: str | None = None


@dataclass(frozen=True, slots=True)
class OrgUsage:
    """The storage that an org needs in a vault.

    ``bytes``: all objects that its snapshots use. ``earlier_keys``: the part that is still sealed
    under an earlier org key than the newest.
    """

    bytes: int
    earlier_keys: UnderEarlier


@dataclass(frozen=True, slots=True)
class MaintenanceRecord:
    """The newest maintenance of an org.

    ``before`` and ``after``: bytes of the merged segments. ``removed``: bytes deleted. ``waiting``:
    bytes that are deleted at ``next_at`` at the earliest, after the run ``held_by`` has ended, if
    there is one. ``error``: None after success.
    """

    at: datetime
    snapshot: int | None = None
    before: int = 0
    after: int = 0
    removed: int = 0
    waiting: int = 0
    next_at: datetime | None = None
    held_by: str = ""
    error: Message | None = None

    @property
    def failed(self) -> bool:
        """True if it failed."""
        return self.error is not None
