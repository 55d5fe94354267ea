"""Findings: what a run could not protect, with the cause and the repair."""

from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """Closed list of causes; each has a page in the documentation."""

    TABLE_REFUSED = "table-refused"  # the source lists the table but will not deliver it
    TABLE_NOT_DATA = "table-not-data"  # a view, an event stream, a virtual table
    TABLE_EXCLUDED = "table-excluded"  # left out by the org's own settings
    TABLE_GONE = "table-gone"  # held before, not described any more
    TABLE_UNREADABLE = "table-unreadable"  # reading broke off again and again
    COLUMN_HIDDEN = "column-hidden"  # exists, but this user may not see it
    COLUMN_UNREADABLE = "column-unreadable"  # no way of reading delivers it
    ROWS_HIDDEN = "rows-hidden"  # rows held before that this user sees no more
    FILES_HIDDEN = "files-hidden"  # this user sees only some of the files
    FILE_UNREADABLE = "file-unreadable"  # one file could not be read whole
    PERMISSION_MISSING = "permission-missing"
    DELETES_UNPROVED = "deletes-unproved"  # the census could not be trusted
    UNUSUAL_LOSS = "unusual-loss"  # more rows vanished than the breaker allows
    ROWS_DIFFER = "rows-differ"  # rows changed and no time told it, or a part was not compared
    READ_OTHERWISE = "read-otherwise"  # complete, but by another way than planned
    WINDOW_OPEN = "window-open"  # rows kept changing while the run looked
    SALVAGED = "salvaged"  # versions that lay in damaged objects of the vault, and are lost
    LEFT_TO_NIGHT = "left-to-night"  # not read between two nights; the next night reads it


class Severity(StrEnum):
    """How a finding weighs in the verdict of a certificate."""

    NOTE = "note"  # not data, or protected in another way: does not turn the verdict
    GAP = "gap"  # something is not protected


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not protected, or not fully, and what repairs it.

    ``table`` and ``column`` name the place where there is one; ``detail`` holds counts or ids.
    """

    kind: FindingKind
    severity: Severity
    sentence: str
    next_step: str = ""
    table: str | None = None
    column: str | None = None
    detail: str = ""
