"""Keeping a vault small: what is asked of it, and what it did."""

from dataclasses import dataclass
from datetime import datetime

from unlost.model.rekeying import UnderEarlier


@dataclass(frozen=True, slots=True)
class Merged:
    """A table whose segments were merged: how many and how large, before and after."""

    table: str
    segments_before: int
    segments_after: int
    bytes_before: int
    bytes_after: int
    rows: int


@dataclass(frozen=True, slots=True)
class Compaction:
    """What a compaction of an org did.

    ``snapshot`` is the commit that it made, None where nothing was due. ``replaced`` objects of
    ``replaced_bytes`` wait since then to be removed.
    """

    merged: tuple[Merged, ...] = ()
    snapshot: int | None = None
    replaced: int = 0
    replaced_bytes: int = 0

    def then(self, other: "Compaction") -> "Compaction":
        """Both, one after the other."""
        return Compaction(
            merged=self.merged + other.merged,
            snapshot=other.snapshot,
            replaced=self.replaced + other.replaced,
            replaced_bytes=self.replaced_bytes + other.replaced_bytes,
        )


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep of an org found and removed, in objects and bytes.

    ``removed`` is gone. ``waiting`` objects are condemned and go at ``next_at`` at the earliest;
    ``held_by`` is the open run that they wait for, if there is one. ``stray`` of them were not
    known before: pieces that runs left which came to nothing.
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
    """How much an org needs of a vault.

    ``bytes`` are those of all that its snapshots are read from. ``earlier_keys``: the part of them
    that is still sealed under earlier org keys than the newest.
    """

    bytes: int
    earlier_keys: UnderEarlier


@dataclass(frozen=True, slots=True)
class UpkeepRecord:
    """The newest upkeep of an org.

    ``before`` and ``after`` are bytes of the segments that were merged; ``removed`` bytes are gone,
    ``waiting`` bytes go at ``next_at`` at the earliest, once the run ``held_by`` has ended, if there
    is one. ``error_code`` is empty where all went well.
    """

    at: datetime
    snapshot: int | None = None
    before: int = 0
    after: int = 0
    removed: int = 0
    waiting: int = 0
    next_at: datetime | None = None
    held_by: str = ""
    error_code: str = ""
    error_sentence: str = ""

    @property
    def failed(self) -> bool:
        """True if it could not be done."""
        return bool(self.error_code)
