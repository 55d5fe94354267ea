"""Salvages that were applied, as lists of backups show them."""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PastSalvage:
    """A salvage that was applied: its commit, its time, and sentences about the losses."""

    snapshot: int
    run: str
    at: datetime
    sentences: tuple[str, ...]

    def without_columns(self) -> "PastSalvage":
        """Return this operation for a user with hidden columns: without its sentences."""
        return replace(self, sentences=())
