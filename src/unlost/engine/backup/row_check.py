"""The row check: each night a part of the rows that claim not to have changed is compared.

Rows are read by the time of their last change. A change that does not move it would be missed
forever, so parts of a table are read again, one a night and all in thirty; the vault drops
identical rows. Large tables take more nights, since a part is bounded; small ones are one part,
since a query for a few rows costs as much as one for thousands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from unlost.engine.backup.files import add_files
from unlost.engine.backup.policy import RowCheckPolicy
from unlost.engine.backup.reading import ReadRound, TableRequest, TableRound, read_tables
from unlost.engine.backup.session import BackupSession
from unlost.engine.backup.table_progress import RowCheckResult, TableProgress
from unlost.model.runs.progress import Phase
from unlost.model.source.reading import RowCheckPart
from unlost.model.source.schema import TableTrait

SLACK = 4  # reading stops if rows are this many times longer than expected


@dataclass(frozen=True, slots=True)
class FormerIdRange:
    """A range of ids, as a backup of an earlier release planned it."""

    low: str = ""
    high: str | None = None
    rows: int = 0


@dataclass(frozen=True, slots=True)
class DuePart:
    """A table's part for one night: a JSON value. None: the table has no turn.

    ``ids``: of a backup that an earlier release began; its table has no turn when it is resumed.
    """

    ids: FormerIdRange | None = None
    part: RowCheckPart | None = None


def part_of(
    row_count: int, *, row_bytes: int, turn: int, policy: RowCheckPolicy
) -> RowCheckPart | None:
    """The part of a table with ``row_count`` records that is due in a ``turn``, or None. Pure.

    The number of parts only doubles, up to that of the nights and beyond it. The last part comes
    first: in a table that grows at its end, parts by position move towards the end from night to
    night, and a record that leaves a part at its beginning is in the part of the next night.
    """
    if not policy.nights or not row_count:
        return None
    most = max(1, min(policy.most_rows, policy.most_bytes // max(row_bytes, 1)))
    least = min(policy.fewest_rows, most)
    parts = 1
    while parts < policy.nights and parts * least < row_count:
        parts = min(parts * 2, policy.nights)
    while parts * most < row_count:
        parts *= 2
    place = turn % max(parts, policy.nights)
    if place >= parts:
        return None
    return RowCheckPart(parts - 1 - place, parts, -(-row_count // parts))


def check_rows(session: BackupSession, progresses: Sequence[TableProgress]) -> None:
    """Read the parts that are due; differing rows go into the commit, and are counted."""
    checked = [progress for progress in progresses if _can_be_checked(progress)]
    due = session.runner.map(
        "audit/due",
        lambda progress: _due_part(session, progress),
        checked,
        key=lambda progress: progress.name,
        result=DuePart,
    )
    requests = [
        TableRequest(progress.name, progress.plan.since, due_part.part)
        for progress, due_part in zip(checked, due, strict=True)
        if due_part.part is not None
    ]
    read_round = ReadRound("audit", Phase.AUDIT, session.policy.row_check.most_bytes * SLACK)
    reads = read_tables(session, requests, read_round)
    results = [result for read in reads.values() for result in (*read.results, *read.again)]
    files = add_files(session, results, round_name="audit", compare_by_size=True)
    for progress in checked:
        if progress.name in reads:
            progress.row_check = _count_differing(session, reads[progress.name])
            progress.files += [result for result in files if result.table == progress.name]


def _can_be_checked(progress: TableProgress) -> bool:
    """False for tables that this run read whole, or could not read."""
    incremental = progress.plan.since is not None and not progress.rounds[0].full
    can_be_asked = progress.plan.table.has(TableTrait.ROW_CHECK)
    return incremental and can_be_asked and progress.failure is None


def _due_part(session: BackupSession, progress: TableProgress) -> DuePart:
    assert session.newest is not None
    assert progress.before is not None
    part = part_of(
        progress.before.alive,
        row_bytes=max(session.newest.row_bytes(progress.name), _read_bytes(progress)),
        # Spread by name, or all tables would have their turn on the same nights; ``hash`` differs
        # between processes.
        turn=session.nightly_backups + crc32(progress.name.encode()),
        policy=session.policy.row_check,
    )
    return DuePart(part=part)


def _read_bytes(progress: TableProgress) -> int:
    """Bytes of a row by this run's reads, including long texts; 0 if they read none."""
    rows = sum(read.rows for read in progress.reads)
    return sum(read.bytes for read in progress.reads) // rows if rows else 0


def _count_differing(session: BackupSession, read: TableRound) -> RowCheckResult:
    pieces = [piece for result in (*read.results, *read.again) for piece in result.pieces]
    counts = session.commit.counts(read.table, pieces)
    return RowCheckResult(read, counts.created + counts.changed + counts.deleted + counts.revived)
