"""A table's progress in one run: everything that was done with it, and the result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from unlost.engine.backup.counts import TableCounts, tally
from unlost.engine.backup.files import FilesResult
from unlost.engine.backup.missing.census import CensusResult
from unlost.engine.backup.missing.deletes import ResolvedDeletes
from unlost.engine.backup.plan import TablePlan
from unlost.engine.backup.reading import TableRound
from unlost.engine.backup.row_observer import ReadResult
from unlost.engine.backup.session import BackupSession, ReadFailure
from unlost.model.finding import Finding, Severity
from unlost.model.source.reading import Cursor
from unlost.model.vault.snapshot import Added, TableCommit, TableState


@dataclass(frozen=True, slots=True)
class RowCheckResult:
    """The result of a row check: ``differing`` rows are not as in the vault."""

    read: TableRound
    differing: int


@dataclass(slots=True)
class TableProgress:
    """A run's work on a table; filled while it goes on.

    ``start`` and ``end`` are the read window of the last round. ``live`` is the source's number of
    live records. ``uncounted``: the reason why it is unknown.
    ``census_unsupported``: the reason why a due census could not be taken.
    ``unexplained``: records that the source counts or lists and that the vault lacks, or the other
    way round. ``rights``: the finding for rights that changed meanwhile. ``revived``: this run must
    take a census, since records came back. ``listed``: the census is a list of the source's ids.
    ``lookups``: reads of the records whose files earlier backups could not read.
    """

    plan: TablePlan
    before: TableState | None
    marks: list[Added] = field(default_factory=list)
    rounds: list[TableRound] = field(default_factory=list)
    files: list[FilesResult] = field(default_factory=list)
    start: datetime | None = None
    end: datetime | None = None
    row_check: RowCheckResult | None = None
    lookups: list[ReadResult] = field(default_factory=list)
    census: CensusResult | None = None
    resolved: ResolvedDeletes | None = None
    live: int | None = None
    uncounted: ReadFailure | None = None
    unexplained: int = 0
    rights: Finding | None = None
    revived: bool = False
    listed: bool = False
    census_unsupported: ReadFailure | None = None
    _tallied: tuple[int, TableCounts] | None = None

    @property
    def name(self) -> str:
        """The table's name."""
        return self.plan.table.name

    @property
    def failure(self) -> ReadFailure | None:
        """The reason why the table could not be read as planned."""
        return next(
            (table_round.failure for table_round in self.rounds if table_round.failure is not None),
            None,
        )

    @property
    def unproved(self) -> ReadFailure | None:
        """The reason why a due census proved nothing."""
        if self.census_unsupported is not None:
            return self.census_unsupported
        if self.resolved is not None and self.resolved.failure is not None:
            return self.resolved.failure
        return self.census.failure if self.census is not None else None

    @property
    def reads(self) -> tuple[ReadResult, ...]:
        """All reads, in the order in which they count."""
        checks = [self.row_check.read] if self.row_check is not None else []
        reads = [
            read
            for table_round in (*self.rounds, *checks)
            for read in (*table_round.results, *table_round.again)
        ]
        resolved = self.resolved.reads if self.resolved is not None else ()
        return (*reads, *self.lookups, *resolved)

    @property
    def full(self) -> bool:
        """True if every row was read."""
        return bool(self.rounds) and self.rounds[0].full and self.failure is None

    @property
    def wants_census(self) -> bool:
        """True if the source lost its cursor or its list of deletions, or records came back."""
        died = bool(self.rounds) and self.rounds[0].full and not self.plan.full
        return died or self.revived or any(read.wants_census for read in self.reads)

    @property
    def incomplete(self) -> bool:
        """True if a read could not return every row, so that missing ones prove nothing."""
        return any(read.incomplete for read in self.reads)

    @property
    def rights_lost(self) -> bool:
        """True if the user lost a right on the table during the run."""
        return self.rights is not None and self.rights.severity is Severity.GAP

    def tally(self, session: BackupSession) -> TableCounts:
        """The run's changes to the table, and the number of live records after it."""
        pieces = self.pieces()
        if self._tallied is None or self._tallied[0] != len(pieces):  # pieces are only added
            self._tallied = len(pieces), tally(session, self.name, pieces)
        return self._tallied[1]

    def pieces(self) -> tuple[Added, ...]:
        """Everything that belongs in the commit; later pieces win."""
        reads = [piece for read in self.reads for piece in read.pieces]
        files = [result.added for result in self.files if result.added is not None]
        resolved = self.resolved.pieces if self.resolved is not None else ()
        return (*self.marks, *reads, *files, *resolved)


def table_commit(
    progress: TableProgress, *, cursor: Cursor | None, finding: Finding | None
) -> TableCommit:
    """The table's part of the commit. Values that the run could not renew stay as they were."""
    before = progress.before
    failed = progress.failure is not None
    proved = progress.census is not None and progress.unproved is None and not failed
    cursor_before = before.cursor if before is not None else None
    counted = before.census_at if before is not None else None
    return TableCommit(
        progress.name,
        progress.pieces(),
        # A failed table must be read from its old cursor again, or its changes would be lost.
        cursor_before if failed else cursor,
        progress.start if not failed else before.window_start if before is not None else None,
        progress.end if not failed else before.window_end if before is not None else None,
        progress.full,
        progress.live,
        progress.census.at if progress.census is not None and proved else counted,
        finding,
    )


def reads_by_table(progresses: Sequence[TableProgress]) -> Mapping[str, Sequence[ReadResult]]:
    """All reads of the tables that were read as planned."""
    return {a.name: a.reads for a in progresses if a.failure is None}
