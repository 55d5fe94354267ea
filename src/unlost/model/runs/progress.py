"""Progress of a run, reported while it runs."""

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """The phase of a run."""

    DISCOVER = "discover"
    READ = "read"
    FILES = "files"
    CENSUS = "census"
    AUDIT = "audit"
    REREAD = "second-look"
    COMMIT = "commit"
    RESTORE = "restore"
    READ_BACK = "read-back"


@dataclass(frozen=True, slots=True)
class Progress:
    """An increment: ``rows``, ``bytes`` and ``files`` since the last event of the same table.

    A backup first announces each planned table (``DISCOVER``), and later that its first read is
    ``done`` (``READ``).
    """

    phase: Phase
    table: str = ""
    rows: int = 0
    bytes: int = 0
    files: int = 0
    calls: int = 0
    calls_left: int | None = None
    done: bool = False
