"""The certificate: what a run proved about its own completeness."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from unlost.model.finding import Finding
from unlost.model.org import OrgIdentity
from unlost.model.quota import Quota
from unlost.model.written import written


class Verdict(StrEnum):
    """The one word of a certificate."""

    COMPLETE = "complete"
    GAPS = "complete except for findings"


@written(stored="held")
@dataclass(frozen=True, slots=True)
class TableLine:
    """A table's line: rows at the source, rows in the vault, and what changed.

    ``live`` is None where the source could not be asked for a count. Times are read windows.
    ``carried``: this run did not read the table; an earlier one since the last night did.
    """

    table: str
    label: str
    strategy: str
    live: int | None
    stored: int
    created: int
    changed: int
    deleted: int
    full: bool
    window_start: datetime | None
    window_end: datetime | None
    files: int = 0
    file_bytes: int = 0
    hidden_columns: tuple[str, ...] = ()
    hidden_rows: int = 0
    dangling: int = 0
    findings: tuple[Finding, ...] = ()
    carried: bool = False


@dataclass(frozen=True, slots=True)
class Certificate:
    """Everything a run proved, and everything that it knows it did not protect.

    One of a backup between two nights has the lines of the tables that were read since the last
    night, and ``rests_on`` is the number of that night, whose certificate tells all the rest.
    """

    org: OrgIdentity
    run: str
    as_of: datetime
    started: datetime
    finished: datetime
    tables: tuple[TableLine, ...]
    findings: tuple[Finding, ...]
    quotas: tuple[Quota, ...]
    verdict: Verdict
    sentence: str
    rounds: int = 0
    files: int = 0
    file_bytes: int = 0
    format: int = 0
    rests_on: int | None = None

    @property
    def partial(self) -> bool:
        """True if a few tables were read, between two nights."""
        return self.rests_on is not None
