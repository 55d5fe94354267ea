"""Files that earlier backups could not read: their records are read again, and only theirs.

A file that cannot be read is a gap of its table. The row of its record is in the vault and does not
change, so no read of changes names the file again. So each nightly backup looks the record up by
its id. An hourly backup does not, since many broken files would take many calls every hour. The gap
stays until the file is read, or until its record is deleted.
"""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.backup.files import add_files
from unlost.engine.backup.missing.deletes import DeleteVerdict
from unlost.engine.backup.missing.lookup import Batch, LookupReason, batched, look_up
from unlost.engine.backup.session import BackupSession
from unlost.engine.backup.table_progress import TableProgress
from unlost.engine.temp_rows import TempRows, batches
from unlost.model.finding import Finding
from unlost.model.source.reading import Op


def read_missing_files(session: BackupSession, progresses: Sequence[TableProgress]) -> None:
    """Read the records of missing files again, with their files, unless this run has read them."""
    by_name = {progress.name: progress for progress in progresses if progress.failure is None}
    missing = [batch for progress in by_name.values() for batch in _unread(session, progress)]
    for batch, lookup in zip(missing, look_up(session, missing), strict=True):
        if lookup.read is not None:
            by_name[batch.table].lookups.append(lookup.read)
    reads = [read for progress in by_name.values() for read in progress.lookups]
    for result in add_files(session, reads, round_name="missing-files"):
        by_name[result.table].files.append(result)


def files_still_missing(session: BackupSession, progress: TableProgress) -> tuple[Finding, ...]:
    """The earlier findings about files of records that this run did not read, and that exist.

    If it read a record, its file was read as well or is a new finding.
    """
    records = _records(progress)
    if not records:
        return ()
    gone = {*_read_ids(session, progress, records), *_lost_ids(session, progress, records)}
    waiting = _alive(session, progress, [record for record in records if record not in gone])
    return tuple(f for f in progress.plan.missing_files if f.detail in waiting)


def _unread(session: BackupSession, progress: TableProgress) -> Iterator[Batch]:
    records = _records(progress)
    read = _read_ids(session, progress, records) if records else set()
    ids = [record for record in records if record not in read]
    return batched(session, progress.name, LookupReason.FILE, ids)


def _records(progress: TableProgress) -> list[str]:
    """The records of the missing files, each once."""
    return list(dict.fromkeys(f.detail for f in progress.plan.missing_files if f.detail))


def _read_ids(session: BackupSession, progress: TableProgress, ids: Sequence[str]) -> set[str]:
    """The ids of which this run read a row, also a deleted one."""
    return _among(session, (read.seen for read in progress.reads), ids)


def _lost_ids(session: BackupSession, progress: TableProgress, ids: Sequence[str]) -> set[str]:
    """The ids that the census lacks, if it deleted them."""
    census, resolved = progress.census, progress.resolved
    if census is None or resolved is None or resolved.failure is not None:
        return set()
    deleted = resolved.verdict is DeleteVerdict.DELETED
    return _among(session, [census.lost], ids) if deleted else set()


def _among(session: BackupSession, rows: Iterable[TempRows], ids: Sequence[str]) -> set[str]:
    record_ids = pa.array(ids, pa.string())
    return {
        record
        for temp_rows in rows
        for batch in batches(session.folder, temp_rows)
        for record in _chosen(batch.column("id").cast(pa.string()), record_ids)
    }


def _chosen(ids: pa.Array, record_ids: pa.Array) -> list[str]:
    chosen: list[str] = ids.filter(pc.is_in(ids, value_set=record_ids)).to_pylist()
    return chosen


def _alive(session: BackupSession, progress: TableProgress, ids: Sequence[str]) -> set[str]:
    """The ids that are alive in the vault."""
    assert session.previous is not None, "an earlier backup found the files missing"
    alive: set[str] = set()
    for batch in batched(session, progress.name, LookupReason.FILE, ids):
        rows = session.previous.get(progress.name, batch.ids, columns=[])
        live = pc.equal(rows["_u_op"].cast(pa.string()), Op.STATE.value)
        alive |= set(rows.filter(live)["_u_id"].to_pylist())
    return alive
