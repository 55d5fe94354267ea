"""The certificate: a run's proof of its completeness."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from unlost.model.finding import Finding
from unlost.model.message import Arg, Message
from unlost.model.org import OrgIdentity
from unlost.model.source.quota import Quota
from unlost.model.written import written


class Verdict(StrEnum):
    """The conclusion of a certificate."""

    COMPLETE = "complete"
    GAPS = "complete except for findings"


@written(stored="held")
@dataclass(frozen=True, slots=True)
class TableLine:
    """The line of a table: rows at the source, rows in the vault, and changes.

    ``live``: None if the source returned no count. Times are read windows. ``carried``: this run
    did not read the table; an earlier one since the last nightly backup did.
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

    @property
    def difference(self) -> int:
        """The stored records more than the source counted; 0 if it did not count them."""
        return 0 if self.live is None else self.stored - self.live

    @property
    def differs(self) -> bool:
        """True if the numbers of the source and of the vault are not the same."""
        return self.difference != 0


@dataclass(frozen=True, slots=True)
class Certificate:
    """Everything that a run proved, and everything that it knows it did not protect.

    The certificate of an hourly backup has the lines of the tables that were read since the last
    nightly one. ``rests_on`` is the number of the nightly backup, whose certificate covers all
    other tables.
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
    template: str = ""
    args: Mapping[str, Arg] = field(default_factory=dict, hash=False)

    @property
    def message(self) -> Message:
        """The verdict in words, for surfaces that translate it."""
        return Message(self.verdict.value, self.sentence, template=self.template, args=self.args)

    @property
    def partial(self) -> bool:
        """True for an hourly backup, which read only some tables."""
        return self.rests_on is not None
