"""Quotas of an org: storage and API calls."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota. ``used`` and ``limit`` are in ``unit`` (``bytes``, ``calls``, ``rows``)."""

    name: str
    used: float
    limit: float
    unit: str
    resets_at: datetime | None = None

    @property
    def share(self) -> float:
        """Used part of the limit: 1.0 is full, more is over; 0.0 if there is no limit."""
        return self.used / self.limit if self.limit else 0.0
