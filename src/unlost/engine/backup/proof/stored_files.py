"""The files of a table in the vault before a run: by its last certificate, or counted.

A certificate adds the files of its run to the numbers of the one before, so a wrong number would
stay for ever. They are counted exactly when a table is read in full, since this costs little beside
the read, and after something was removed from the vault.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from unlost.engine.backup.session import BackupSession
from unlost.engine.backup.table_progress import TableProgress
from unlost.model.ports.vault import Snapshot
from unlost.model.vault.certificate import TableLine
from unlost.model.vault.snapshot import CommitKind

REMOVING = frozenset({CommitKind.ERASE, CommitKind.RECTIFY, CommitKind.FORGET, CommitKind.SALVAGE})
COUNTED = 20_000  # records whose files are looked up together


@dataclass(frozen=True, slots=True)
class FileTotals:
    """Files of a table in the vault, and their bytes."""

    files: int = 0
    bytes: int = 0


def files_before(
    session: BackupSession, progress: TableProgress, line: TableLine | None
) -> FileTotals:
    """The files of a table in the previous snapshot. ``line``: its newest line in a certificate."""
    state, previous = progress.before, session.previous
    if state is None or previous is None:
        return FileTotals()
    table = progress.plan.table
    if line is not None and not (line.files or table.files or table.image_columns):
        return FileTotals()
    if line is None or progress.full or _removed_since(session, state.last_read_in):
        return count_files(previous, progress.name)
    return FileTotals(line.files, line.file_bytes)


def count_files(snapshot: Snapshot, table: str) -> FileTotals:
    """Count the files of all records of a table, live and deleted."""
    files = size = 0
    for ids in _records(snapshot, table):
        stored = snapshot.files(table, ids)
        files += len(stored)
        size += sum(file.size for file in stored)
    return FileTotals(files, size)


def _removed_since(session: BackupSession, number: int) -> bool:
    """True if anything was removed from the vault after the commit ``number``."""
    commits = session.ports.vault.commits(session.org)
    return any(info.number > number and info.kind in REMOVING for info in commits)


def _records(snapshot: Snapshot, table: str) -> Iterator[list[str]]:
    for rows in snapshot.live_ids(table):
        yield from _ids(rows)
    for batch in snapshot.scan_deleted(table, columns=[]):
        yield from _ids(pa.Table.from_batches([batch]))


def _ids(rows: pa.Table) -> Iterator[list[str]]:
    for at in range(0, len(rows), COUNTED):
        yield rows.column("_u_id").slice(at, COUNTED).to_pylist()
