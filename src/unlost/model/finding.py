"""Findings: data that a run could not protect, with cause and repair."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from unlost.model.message import Arg, Message, StoresMessage, message


class FindingKind(StrEnum):
    """Closed list of causes; each has a page in the documentation."""

    TABLE_REFUSED = "table-refused"  # the source lists the table but will not deliver it
    TABLE_NOT_DATA = "table-not-data"  # a view, an event stream, a virtual table
    TABLE_EXCLUDED = "table-excluded"  # left out by the org's own settings
    TABLE_GONE = "table-gone"  # in the vault, no longer described by the source
    TABLE_UNREADABLE = "table-unreadable"  # reading failed repeatedly
    COLUMN_HIDDEN = "column-hidden"  # exists, but this user may not see it
    COLUMN_UNREADABLE = "column-unreadable"  # no API delivers it
    ROWS_HIDDEN = "rows-hidden"  # rows in the vault that this user no longer sees
    FILES_HIDDEN = "files-hidden"  # this user sees only some of the files
    FILE_UNREADABLE = "file-unreadable"  # one file could not be read completely
    PERMISSION_MISSING = "permission-missing"
    DELETES_UNPROVED = "deletes-unproved"  # the census could not be trusted
    UNUSUAL_LOSS = "unusual-loss"  # more rows vanished than the limit allows
    ROWS_DIFFER = "rows-differ"  # rows changed without a new timestamp, or a part was not compared
    READ_OTHERWISE = "read-otherwise"  # complete, but read in another way than planned
    ROWS_MISSING = "rows-missing"  # the source counts or lists rows that it does not deliver
    NOT_COMPARED = "not-compared"  # the source does not count this table's rows
    RIGHTS_CHANGED = "rights-changed"  # during the run
    CLOCKS_DIFFER = "clocks-differ"  # the source's clock and ours are more than minutes apart
    VALUES_CALCULATED = "values-calculated"  # they change without a change of their record
    WINDOW_OPEN = "window-open"  # rows kept changing during the run
    SALVAGED = "salvaged"  # versions lost with damaged objects of the vault
    LEFT_TO_NIGHT = "left-to-night"  # left out of an hourly backup; the next nightly one reads it


class Severity(StrEnum):
    """The weight of a finding in the verdict of a certificate."""

    NOTE = "note"  # not data, or protected in another way: does not change the verdict
    GAP = "gap"  # something is not protected


@dataclass(frozen=True, slots=True)
class Finding(StoresMessage):
    """Something that is not protected, or not fully, and its repair.

    ``table`` and ``column``: the place, if there is one. ``detail``: counts or ids.
    """

    kind: FindingKind
    severity: Severity
    sentence: str
    next_step: str = ""
    table: str | None = None
    column: str | None = None
    detail: str = ""
    template: str = ""
    next_template: str = ""
    args: Mapping[str, Arg] = field(default_factory=dict, hash=False)

    @classmethod
    def of(
        cls,
        kind: FindingKind,
        severity: Severity,
        template: str,
        next_step: str = "",
        table: str | None = None,
        column: str | None = None,
        detail: str = "",
        **args: Any,
    ) -> Self:
        """Make a finding. Both texts name their arguments in braces; see ``model.message``."""
        text = message(kind.value, template, next_step=next_step, **args)
        return cls(
            kind,
            severity,
            text.sentence,
            text.next_step,
            table,
            column,
            detail,
            template,
            next_step,
            text.args,
        )

    @property
    def message(self) -> Message:
        """The text, for surfaces that translate it."""
        return self.message_of(self.kind.value)
