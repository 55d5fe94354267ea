"""Quotas of an org: storage and API calls."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota. ``used`` and ``limit`` are in ``unit`` (``bytes``, ``calls``, ``rows``).

    ``name`` is a text for people; that of a storage of files has the word “file”.
    ``storage``: True if the data of the org fills it; False for limits on transfer and calls. None
    only in certificates of earlier versions: then ``bytes`` are storage, unless the name ends with
    “a day”.
    """

    name: str
    used: float
    limit: float
    unit: str
    resets_at: datetime | None = None
    storage: bool | None = None

    @property
    def is_storage(self) -> bool:
        """True if the data of the org fills this quota."""
        return self._storage_by_name() if self.storage is None else self.storage

    @property
    def is_of_files(self) -> bool:
        """True if files use it, and records do not."""
        return "file" in self.name.lower()

    def _storage_by_name(self) -> bool:
        """Apply the rule of certificates that do not record ``storage``: daily limits are none."""
        return self.unit == "bytes" and not self.name.endswith("a day")

    @property
    def share(self) -> float:
        """Used part of the limit: 1.0 is full, more is over; 0.0 if there is no limit."""
        return self.used / self.limit if self.limit else 0.0
