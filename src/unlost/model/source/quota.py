"""Quotas of an org: storage and API calls."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota. ``used`` and ``limit`` are in ``unit`` (``bytes``, ``calls``, ``rows``).

    ``storage``: True if the data of the org fills it; False for limits on transfer and calls.
    ``files``: True if only files fill it. Both are None only in certificates of earlier versions.
    Then ``bytes`` are storage, unless the name ends with “a day”, and names of files have “file”.
    """

    name: str
    used: float
    limit: float
    unit: str
    resets_at: datetime | None = None
    storage: bool | None = None
    files: bool | None = None

    @property
    def is_storage(self) -> bool:
        """True if the data of the org fills this quota."""
        return self._storage_by_name() if self.storage is None else self.storage

    @property
    def is_of_files(self) -> bool:
        """True if only files fill this quota."""
        return "file" in self.name.lower() if self.files is None else self.files

    def _storage_by_name(self) -> bool:
        """Apply the rule of certificates that do not record ``storage``: daily limits are none."""
        return self.unit == "bytes" and not self.name.endswith("a day")

    @property
    def share(self) -> float:
        """Used part of the limit: 1.0 is full, more is over; 0.0 if there is no limit."""
        return self.used / self.limit if self.limit else 0.0
