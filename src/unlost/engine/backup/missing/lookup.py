"""Look up rows by their ids, in batches: of differences of a census, and of missing files."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import pyarrow as pa

from unlost.engine.backup.row_observer import ReadResult, RowObserver
from unlost.engine.backup.session import (
    BackupSession,
    ReadFailure,
    SourceFailed,
    failure_of,
    source_errors,
)
from unlost.engine.temp_rows import TempRows, batches
from unlost.model.runs.progress import Phase
from unlost.model.source.reading import Op, Page, Rows
from unlost.model.vault.snapshot import Added


class LookupReason(StrEnum):
    """The reason for a lookup by id."""

    UNREAD = "unread"  # in the census, not in the vault
    LOST = "lost"  # in the vault, not in the census
    HIDDEN = "hidden"  # hidden before, not in the census
    FILE = "file"  # its file could not be read by an earlier backup


@dataclass(frozen=True, slots=True)
class Batch:
    """Some ids of a table; ``at`` counts the batches of one kind."""

    table: str
    why: LookupReason
    at: int
    ids: tuple[str, ...]

    @property
    def key(self) -> str:
        """The batch's key among the run's steps."""
        return f"{self.table}/{self.why}/{self.at}"


@dataclass(frozen=True, slots=True)
class LookupResult:
    """The result of a lookup by ids: a JSON value. ``missing`` ids were not returned."""

    read: ReadResult | None = None
    missing: tuple[str, ...] = ()
    failure: ReadFailure | None = None


def temp_id_batches(
    session: BackupSession, table: str, why: LookupReason, temp_rows: TempRows
) -> Iterator[Batch]:
    """The ids of a temporary file in batches."""
    size, count = session.policy.lookup_batch, 0
    for rows in batches(session.folder, temp_rows):
        for at in range(0, rows.num_rows, size):
            ids = rows.column("id").slice(at, size).to_pylist()
            yield Batch(table, why, count, tuple(ids))
            count += 1


def batched(
    session: BackupSession, table: str, why: LookupReason, ids: Sequence[str]
) -> Iterator[Batch]:
    """Ids in batches."""
    size = session.policy.lookup_batch
    for count, at in enumerate(range(0, len(ids), size)):
        yield Batch(table, why, count, tuple(ids[at : at + size]))


def look_up(session: BackupSession, lookups: Iterable[Batch]) -> list[LookupResult]:
    """Look up all batches, a few at a time; found rows go into the commit."""
    results: list[LookupResult] = []
    turn: list[Batch] = []
    for batch in lookups:
        turn.append(batch)
        if len(turn) == session.policy.reads_at_once:
            results += _look_up_batches(session, turn)
            turn = []
    return results + _look_up_batches(session, turn)


def tombstones(session: BackupSession, batch: Batch, at: datetime) -> Added:
    """Add tombstones for these records, missing as of the census at ``at``."""
    count = len(batch.ids)
    rows = Rows(
        pa.array(batch.ids, pa.string()),
        pa.array([Op.MISSING.value] * count, pa.string()),
        pa.nulls(count, pa.timestamp("ms", tz="UTC")),
        pa.nulls(count, pa.string()),
        None,
        at,
    )
    return session.commit.add(batch.table, [rows])


def _look_up_batches(session: BackupSession, turn: Sequence[Batch]) -> list[LookupResult]:
    return session.runner.map(
        "look", lambda b: _look_up_batch(session, b), turn, key=lambda b: b.key, result=LookupResult
    )


def _look_up_batch(session: BackupSession, batch: Batch) -> LookupResult:
    plan = session.table(batch.table)
    notes = RowObserver(session, batch.table, f"look/{batch.key}", Phase.CENSUS)
    ids: set[str] = set()

    def noted(pages: Iterator[Page]) -> Iterator[Rows]:
        for rows in notes.passing(pages):
            ids.update(rows.ids.to_pylist())
            yield rows

    try:
        with source_errors():
            pages = session.source.read_ids(plan.table, batch.ids)
        added = session.commit.add(batch.table, noted(pages), carry=plan.carry)
    except SourceFailed as broke:
        return LookupResult(failure=failure_of(broke, session.source))
    return LookupResult(notes.close(added), tuple(key for key in batch.ids if key not in ids))
