"""The row check: each night a part of the rows that claim not to have changed is compared.

Rows are read by the time of their last change. A change that does not move it would be missed
forever, so parts of a table's ids are read again, one a night and all in thirty; the vault drops
identical rows. Large tables take more nights, since a part is bounded; small ones are one part,
since a query for a few rows costs as much as one for thousands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.backup.files import add_files
from unlost.engine.backup.policy import RowCheckPolicy
from unlost.engine.backup.reading import ReadRound, TableRequest, TableRound, read_tables
from unlost.engine.backup.session import BackupSession
from unlost.engine.backup.table_progress import RowCheckResult, TableProgress
from unlost.model.ports.source import Source
from unlost.model.ports.vault import Snapshot
from unlost.model.runs.progress import Phase
from unlost.model.source.reading import IdRange
from unlost.model.source.schema import TableTrait

SAMPLE = 200_000  # ids in memory
SLACK = 4  # reading stops if rows are this many times longer than expected


@dataclass(frozen=True, slots=True)
class IdSlice:
    """The due records of a table, counted in the source's order of ids: [start, stop)."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class DueRange:
    """A table's range of ids for one night: a JSON value. None: the table has no turn."""

    ids: IdRange | None = None


def part_of(row_count: int, *, row_bytes: int, turn: int, policy: RowCheckPolicy) -> IdSlice | None:
    """The part of a table with ``row_count`` records that is due in a ``turn``, or None. Pure.

    Parts begin at multiples of a size that only doubles, so that a table may grow at its end and
    each record still has one turn in a round.
    """
    if not policy.nights:
        return None
    most = max(1, min(policy.most_rows, policy.most_bytes // max(row_bytes, 1)))
    size = min(policy.fewest_rows, most)
    while size * policy.nights < row_count and size * 2 <= most:
        size *= 2
    turns = policy.nights
    while size * turns < row_count:
        turns *= 2
    start = turn % turns * size
    return IdSlice(start, min(start + size, row_count)) if start < row_count else None


def range_of(source: Source, snapshot: Snapshot, table: str, part: IdSlice) -> IdRange | None:
    """The ids of a part; None if it lies behind the last id of the sample.

    The sample is drawn by the ids alone: it is the same on each night.
    """
    row_count = snapshot.tables()[table].alive
    if part == IdSlice(0, row_count):
        return IdRange(rows=row_count)
    step = 1
    while row_count > step * SAMPLE:
        step *= 2
    ids = _sample(snapshot, table, step)
    order = pc.sort_indices(pc.cast(source.id_order(ids), pa.binary()))
    if part.start // step >= len(ids):
        return None
    low = ids[order[part.start // step].as_py()].as_py() if part.start else ""
    last = part.stop == row_count or part.stop // step >= len(ids)
    high = None if last else ids[order[part.stop // step].as_py()].as_py()
    return IdRange(low, high, part.stop - part.start)


def _sample(snapshot: Snapshot, table: str, step: int) -> pa.Array:
    """About one live id in ``step``."""
    samples = [pl.Series("id", [], pl.String)]
    for rows in snapshot.live_ids(table):
        ids = pl.Series("id", pl.from_arrow(rows["_u_id"].cast(pa.string())))
        samples.append(ids if step == 1 else ids.filter(ids.hash(0) % step == 0))
    return pl.concat(samples).to_arrow().cast(pa.string())


def check_rows(session: BackupSession, progresses: Sequence[TableProgress]) -> None:
    """Read the parts that are due; differing rows go into the commit, and are counted."""
    checked = [progress for progress in progresses if _can_be_checked(progress)]
    due = session.runner.map(
        "audit/due",
        lambda progress: _due_range(session, progress),
        checked,
        key=lambda progress: progress.name,
        result=DueRange,
    )
    requests = [
        TableRequest(progress.name, progress.plan.since, due_range.ids)
        for progress, due_range in zip(checked, due, strict=True)
        if due_range.ids is not None
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
    ranges = progress.plan.table.has(TableTrait.ID_RANGES)
    return incremental and ranges and progress.failure is None


def _due_range(session: BackupSession, progress: TableProgress) -> DueRange:
    assert session.newest is not None
    assert progress.before is not None
    row_count = progress.before.alive
    part = part_of(
        row_count,
        row_bytes=max(session.newest.row_bytes(progress.name), _read_bytes(progress)),
        # Spread by name, or all tables would have their turn on the same nights; ``hash`` differs
        # between processes.
        turn=session.nightly_backups + crc32(progress.name.encode()),
        policy=session.policy.row_check,
    )
    if part is None:
        return DueRange()
    return DueRange(range_of(session.source, session.newest, progress.name, part))


def _read_bytes(progress: TableProgress) -> int:
    """Bytes of a row by this run's reads, including long texts; 0 if they read none."""
    rows = sum(read.rows for read in progress.reads)
    return sum(read.bytes for read in progress.reads) // rows if rows else 0


def _count_differing(session: BackupSession, read: TableRound) -> RowCheckResult:
    pieces = [piece for result in (*read.results, *read.again) for piece in result.pieces]
    counts = session.commit.counts(read.table, pieces)
    return RowCheckResult(read, counts.created + counts.changed + counts.deleted + counts.revived)
