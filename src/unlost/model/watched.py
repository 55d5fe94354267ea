"""Deletions and changes that a backup noticed in a watched set of records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from unlost.model.message import Message


@dataclass(frozen=True, slots=True)
class WatchHit:
    """A backup in which records of a set were deleted, or watched columns (TABLE.COLUMN) changed.

    ``columns``: the number of records, by column. ``unsearched``: tables in which too much changed to
    look at. ``error``: the reason why the set could not be looked at.
    """

    backup: int
    as_of: datetime
    deleted: int = 0
    columns: Mapping[str, int] = field(default_factory=dict)
    unsearched: tuple[str, ...] = ()
    error: Message | None = None

    @property
    def is_reported(self) -> bool:
        """True if people must hear about it."""
        return bool(self.deleted or self.columns or self.unsearched or self.error)
