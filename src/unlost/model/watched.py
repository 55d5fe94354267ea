"""Deletions and changes that a backup noticed in a watched set of records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class WatchHit:
    """A backup in which records of a set were deleted, or watched columns (TABLE.COLUMN) changed.

    ``columns``: the number of records, by column.
    """

    backup: int
    as_of: datetime
    deleted: int = 0
    columns: Mapping[str, int] = field(default_factory=dict)
