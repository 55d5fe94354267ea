"""Delta tables that follow the backups: each adds one version, which holds only its changes.

Delta's transaction number of an application records the snapshot of each version. The next version
is a merge of the changes committed since: one commit of Delta, whole or absent. If columns
vanished, or columns with old values appeared, everything is written anew, as a new version.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.errors import Conflict, UsageError
from unlost.model.ports.vault import Snapshot
from unlost.outside.exporting import (
    Before,
    CountedBatches,
    ExportKind,
    ExportReceipt,
    TableExport,
    begun,
    locked_folder,
    paths_of,
    source_of,
    writing,
)
from unlost.outside.private_files import all_for_their_owner
from unlost.outside.source import TableSource

if TYPE_CHECKING:
    from deltalake import DeltaTable

GROUP_ROWS = 32_768  # of a row group; delta-rs would use a million
FILE_BYTES = 32 << 20  # small files: a merge rewrites each file with a changed record
GONE = "_u_gone"  # only in merge input: the record no longer exists
MICROSECONDS = pa.timestamp("us", tz="UTC")


def export_delta(
    snapshot: Snapshot, tables: Sequence[str], kind: ExportKind, *, out: Path, before: Before
) -> tuple[TableExport, ...]:
    """Continue Delta tables up to a snapshot, or create them.

    Raises UsageError (``delta-missing``), Conflict (``export-other``, ``export-busy``,
    ``delta-newer``, ``delta-strange``), StoreError (``export-not-written``).
    """
    _check_installed()
    from deltalake.exceptions import DeltaError

    done = []
    # delta-rs creates its files itself, with the mask of the process.
    with writing(out), all_for_their_owner(), locked_folder(out):
        begun(out, ExportReceipt(kind, 0, ""))
        paths = paths_of(sorted(snapshot.tables()), kind)
        for table in tables:
            source = source_of(snapshot, table, kind)
            try:
                done.append(_carry_on(source, out / paths[table], kind, before))
            except DeltaError as error:
                raise OSError(str(error).splitlines()[0]) from error
    return tuple(done)


def _carry_on(source: TableSource, path: Path, kind: ExportKind, before: Before) -> TableExport:
    from deltalake import DeltaTable

    number = source.snapshot.info.number
    if not DeltaTable.is_deltatable(str(path)):
        return _whole(source, path, kind, mode="error")
    table = DeltaTable(str(path))
    last = table.transaction_version(_application(kind))
    if last is None:
        raise Conflict(
            "delta-strange",
            "The Delta table {path} was not created by exports of this org.",
            next_step="Choose another folder.",
            path=path,
        )
    if last > number:
        raise Conflict(
            "delta-newer",
            "{path} already contains snapshot {last}. An export can only add newer snapshots.",
            next_step="Omit `--as-of`, or read snapshot {number} with the time travel of Delta.",
            path=path,
            last=last,
            number=number,
        )
    if last == number:
        return _table_export(source, path, rows=0, lost=0, version=table.version(), whole=False)
    older = before(last)
    if older is None or not _follows(source, source_of(older, source.table, kind)):
        return _whole(source, path, kind, mode="overwrite")
    return _merge(source, path, kind, table, after=last)


def _whole(source: TableSource, path: Path, kind: ExportKind, *, mode: Any) -> TableExport:
    from deltalake import DeltaTable, write_deltalake

    counted, schema = CountedBatches(source), _schema(source)
    rows = pa.RecordBatchReader.from_batches(
        schema, (batch.cast(schema) for batch in counted.batches())
    )
    write_deltalake(
        str(path),
        rows,
        mode=mode,
        schema_mode="overwrite" if mode == "overwrite" else None,
        target_file_size=FILE_BYTES,
        writer_properties=_writing(),
        commit_properties=_properties(source, kind),
    )
    version = DeltaTable(str(path)).version()
    lost = source.lost()
    return _table_export(source, path, rows=counted.rows, lost=lost, version=version, whole=True)


def _merge(
    source: TableSource, path: Path, kind: ExportKind, table: "DeltaTable", *, after: int
) -> TableExport:
    """Add one version with the changes of all commits after ``after``."""
    changed = _Changed(source, after)
    names = [name for name in changed.schema.names if name != GONE]
    every = {_quoted(name): f"s.{_quoted(name)}" for name in names}
    (
        table.merge(
            pa.RecordBatchReader.from_batches(changed.schema, changed.batches()),
            predicate="t._u_id = s._u_id",
            source_alias="s",
            target_alias="t",
            merge_schema=True,
            writer_properties=_writing(),
            commit_properties=_properties(source, kind),
        )
        .when_matched_delete(predicate=f"s.{GONE}")
        .when_matched_update(every, predicate=f"NOT s.{GONE}")
        .when_not_matched_insert(every, predicate=f"NOT s.{GONE}")
        .execute()
    )
    rows, lost = changed.rows, changed.lost
    return _table_export(source, path, rows=rows, lost=lost, version=table.version(), whole=False)


class _Changed:
    """The newest versions of changed records, and a flag for deleted ones; counted as they pass.

    Lost values are counted only for existing records: other records keep their row in the table.
    """

    def __init__(self, source: TableSource, after: int) -> None:
        self._source, self._after, self.rows, self.lost = source, after, 0, 0
        self.schema = _schema(source).append(pa.field(GONE, pa.bool_()))

    def batches(self) -> Iterator[pa.RecordBatch]:
        source = self._source
        inside = list(dict.fromkeys((*(column.inside for column in source.columns), "_u_op")))
        for batch in source.snapshot.newer(source.table, inside, after=self._after):
            gone = pc.not_equal(batch.column("_u_op"), "U")
            renamed = source.as_text(batch, source.schema.names)
            self.rows += len(batch)
            there = batch.filter(pc.invert(gone)).column("_u_id")
            self.lost += source.lost_of(there.to_pylist())
            columns = [*renamed.cast(_schema(source)).columns, gone]
            yield pa.RecordBatch.from_arrays(columns, schema=self.schema)


def _follows(source: TableSource, older: TableSource) -> bool:
    """True if the changes committed since account for every difference from an older snapshot.

    Not so if a column vanished, or has another name or type; nor if a new column has values in
    records that did not change: it was hidden for a while.
    """
    now = {
        column.name: (column, source.schema.field(column.name).type) for column in source.columns
    }
    then = {column.name: (column, older.schema.field(column.name).type) for column in older.columns}
    if any(name not in now or _unlike(now[name], field) for name, field in then.items()):
        return False
    came = [name for name in now if name not in then]
    number = older.snapshot.info.number
    for batch in source.batches([*came, "_u_snap"]) if came else ():
        old = batch.filter(pc.less_equal(batch.column("_u_snap"), number))
        if any(old.column(name).null_count < len(old) for name in came):
            return False
    return True


def _unlike(old: Any, other: Any) -> bool:
    return bool((old[0].inside, old[1]) != (other[0].inside, other[1]))


def _schema(source: TableSource) -> pa.Schema:
    """The types that Delta has: its instants are in microseconds."""
    fields = [
        pa.field(field.name, MICROSECONDS if pa.types.is_timestamp(field.type) else field.type)
        for field in source.schema
    ]
    return pa.schema(fields)


def _properties(source: TableSource, kind: ExportKind) -> Any:
    from deltalake import CommitProperties, Transaction

    info = source.snapshot.info
    return CommitProperties(
        custom_metadata={"unlost.snapshot": str(info.number), "unlost.head": info.head},
        app_transactions=[Transaction(_application(kind), info.number)],
    )


def _writing() -> Any:
    from deltalake import WriterProperties

    return WriterProperties(compression="ZSTD", max_row_group_size=GROUP_ROWS)


def _application(kind: ExportKind) -> str:
    """The application id under which exports of an org write transactions."""
    return f"unlost/{kind.org}"


def _table_export(
    source: TableSource, path: Path, *, rows: int, lost: int, version: int, whole: bool
) -> TableExport:
    misfits = sum(source.misfits.values())
    number = source.snapshot.info.number
    return TableExport(
        source.table,
        path.name,
        rows,
        number,
        misfits=misfits,
        lost=lost,
        version=version,
        whole=whole,
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _check_installed() -> None:
    from importlib.util import find_spec

    if find_spec("deltalake") is None:
        raise UsageError(
            "delta-missing",
            "Delta tables need the package deltalake, which is not installed.",
            next_step="Install it with `pip install 'unlost[delta]'`.",
        )
