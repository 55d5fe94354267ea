"""The state of one org at one commit, to read; see the port ``Snapshot``.

A snapshot is a manifest (schema, tables, certificate) and the live set of the present head, limited
to the commits up to its own. It does not use the live set of its time: since then, segments may
have been merged, and records erased.

    method                        answers from
    scan, read, versions, newer   ranges of the whole table in the order of ids (merge.py)
    get, where, unread            the row groups that the sidecars point to (table_view.py)
    scan_deleted                  the ids of tombstones, then the last state of each
    schema, tables, certificate   the manifest, and salvages since

A deleted record combines two versions: system columns are from the tombstone, cells from the last
version that had any. See docs/adr/0001, and docs/adr/0032 for salvaged tables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.decoders import decoder_for
from unlost.model.errors import NotFound
from unlost.model.source.schema import FileColumn, Schema, WireKind
from unlost.model.vault.snapshot import (
    EVERY_ID,
    CommitKind,
    HiddenItem,
    IdSpan,
    SnapshotInfo,
    StoredFile,
    TableState,
)
from unlost.vault.commits import version_rules
from unlost.vault.format.manifest import Manifest
from unlost.vault.format.physical import (
    FILES,
    HIDDEN,
    READ_FIELDS,
    SEARCH,
    U_BLOBS,
    U_ID,
    U_MODIFIED_AT,
    U_MODIFIED_BY,
    U_OBSERVED_AT,
    U_OP,
    U_SHAPE,
    U_SNAP,
    U_VALID_TO,
)
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.layout.positions import positions
from unlost.vault.objects.files import FILES_COLUMNS, file_of_row, file_row_id
from unlost.vault.read.big_cells import LoadBlobs, blob_bytes, resolve
from unlost.vault.read.image_rows import image_rows
from unlost.vault.read.lookup import records_with
from unlost.vault.read.merge import RangeReader, cut, key_rows, live_rows, newest_of_each, ranked
from unlost.vault.read.org_vault import OrgReader
from unlost.vault.read.table_reader import READ_COLUMNS, TableScan, spans
from unlost.vault.read.table_view import (
    RANK,
    TableView,
    last_of_each,
    sorted_unique,
)

if TYPE_CHECKING:
    from unlost.model.vault.certificate import Certificate

SYSTEM = (U_OP, U_OBSERVED_AT, U_MODIFIED_AT, U_MODIFIED_BY)
_IDS_AT_ONCE = 4_096
# Typed, because guessing a type makes Arrow import modules for dates.
_STATE = pa.scalar("U", pa.string())


class VaultSnapshot:
    """A snapshot of an opened vault. Safe to share between threads."""

    def __init__(self, org_reader: OrgReader, number: int) -> None:
        self._org_reader = org_reader
        self._manifest, self._head = org_reader.chain.manifest(number)
        # The present live set and not that of its time: merged segments have replaced older ones.
        self._state = org_reader.chain.live()
        self._number = number
        self._columns: dict[str, tuple[str, ...]] = {}

    @property
    def info(self) -> SnapshotInfo:
        """Number, times, counts."""
        return self._state.commits[self._number]

    @property
    def manifest(self) -> Manifest:
        """The commit's manifest."""
        return self._manifest

    @property
    def schema_id(self) -> str:
        """The id of its schema."""
        return self._manifest.schema

    def schema(self) -> Schema:
        """The schema of the snapshot."""
        return self._org_reader.schemas.get(self._manifest.schema).schema

    def tables(self) -> Mapping[str, TableState]:
        """The state of each stored table.

        A salvage between this commit and the next backup changes them: it has counted the tables
        again.
        """
        states = {state.table: state for state in self._manifest.states}
        brought = False
        for number, info in sorted(self._state.commits.items()):
            if number > self._number:
                # From the next backup on, tables have counts of their own.
                if info.kind is CommitKind.BACKUP:
                    break
                brought = brought or info.kind is CommitKind.RESTORE
                if info.kind is CommitKind.SALVAGE:
                    salvage = self._org_reader.chain.manifest(number)[0]
                    states = _standing(states, salvage, counted=not brought)
        return states

    def view(self, table: str) -> TableView:
        """The table's segments as of this snapshot; empty if the vault has none."""
        return self._org_reader.view(table, until=self._number, state=self._state)

    def columns(self, table: str) -> tuple[str, ...]:
        """The source columns of a table.

        First the columns of the schema in its order, then the columns that the vault knows but the
        reading user of the source does not see. A table that is no longer in the schema has all
        columns it ever had.
        """
        # Each read asks, and the answer is read from the store.
        if table not in self._columns:
            self._columns[table] = self._columns_of(table)
        return self._columns[table]

    def _columns_of(self, table: str) -> tuple[str, ...]:
        known = self._org_reader.schemas.known(self._manifest.schema, table)
        shape = self._org_reader.schemas.table(self._manifest.schema, table)
        if shape is None:
            if table not in self.tables():
                raise _unknown_table(table)
            return tuple(known)
        visible = [c.name for c in shape.columns if c.kind is not WireKind.BINARY]
        marked = [mark.column for mark in self.hidden(table) if mark.column is not None]
        unseen = [name for name in (*shape.hidden, *marked) if name in known]
        return tuple(dict.fromkeys((*visible, *unseen)))

    def scan(self, table: str, *, columns: Sequence[str] | None = None) -> pa.RecordBatchReader:
        """Live records in the order of their ids, in bounded batches."""
        names = self._chosen(table, columns)
        return _reader(self._live_batches(table, names), names)

    def scan_deleted(
        self, table: str, *, columns: Sequence[str] | None = None
    ) -> pa.RecordBatchReader:
        """Last known states of deleted records, in the order of their ids.

        System columns are from the tombstone, cells from the last state.
        """
        names = self._chosen(table, columns)
        return _reader(self._deleted_batches(table, names), names)

    def spans(self, table: str, *, rows: int) -> Sequence[IdSpan]:
        """Ranges of the ids of a table with about ``rows`` versions each, in order."""
        self._chosen(table, None)
        return spans(self.view(table), rows=rows)

    def read(
        self, table: str, columns: Sequence[str], *, within: IdSpan = EVERY_ID
    ) -> pa.RecordBatchReader:
        """Live records with only these columns, by id."""
        self._check(table, columns, system=set(READ_COLUMNS) - {U_VALID_TO})
        return TableScan(self.view(table), tuple(columns), self._load(), within).live()

    def versions(
        self, table: str, columns: Sequence[str], *, within: IdSpan = EVERY_ID
    ) -> pa.RecordBatchReader:
        """All versions up to this snapshot with only these columns, by id and age."""
        self._check(table, columns, system=set(READ_COLUMNS))
        return TableScan(self.view(table), tuple(columns), self._load(), within).versions()

    def newer(self, table: str, columns: Sequence[str], *, after: int) -> pa.RecordBatchReader:
        """The newest version of each record that a commit after ``after`` changed."""
        self._check(table, columns, system=set(READ_COLUMNS) - {U_VALID_TO})
        segments = self._state.of(table, until=self._number)
        added = [live for live in segments if live.last > after]
        view = TableView(table, added, self._org_reader.reading, after=after, until=self._number)
        return TableScan(view, tuple(columns), self._load()).newest()

    def _check(self, table: str, columns: Sequence[str], *, system: Collection[str]) -> None:
        self._chosen(table, [name for name in columns if name not in system])

    def live_ids(self, table: str) -> Iterator[pa.Table]:
        """Live ids in order, in bounded tables: ``_u_id``, ``_u_observed_at``, ``_u_snap``."""
        self._chosen(table, None)
        view = self.view(table)
        for rows in key_rows(view, (U_OP, U_OBSERVED_AT)):
            newest = newest_of_each(rows)
            live = newest.filter(pc.equal(newest.column(U_OP), _STATE))
            if len(live):
                yield live.select([U_ID, U_OBSERVED_AT, U_SNAP])

    def get(
        self, table: str, ids: Sequence[str], *, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """The newest states (live, or last known before deletion) of these ids, in id order.

        System columns are from the newest version, which may be a tombstone (see ``_u_op``); the
        cells are from the last version that has any. Ids that the vault never saw are omitted.
        """
        names = self._chosen(table, columns)
        return self._filled(self._states(self.view(table), sorted_unique(ids), names), names)

    @property
    def salvaged(self) -> bool:
        """True if anything of this org was ever salvaged."""
        return any(info.kind is CommitKind.SALVAGE for info in self._state.commits.values())

    def unread(self, table: str, ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """The columns of a record's newest state that were lost, by record.

        Empty if nothing was salvaged.
        """
        if not self.salvaged:
            return {}
        view = self.view(table)
        rows = view.find(sorted_unique(ids), (U_OP, U_SHAPE))
        whole = rows.filter(
            pc.is_in(rows.column(U_OP), value_set=pa.array(version_rules.WITH_CELLS, pa.string()))
        )
        newest = whole.filter(pa.array(last_of_each(whole.column(U_ID))))
        by_table: dict[str, frozenset[str]] = {}
        shown_rows = zip(
            *(newest.column(n).to_pylist() for n in (U_ID, RANK, U_SHAPE)), strict=True
        )
        for record, rank, shape in shown_rows:
            # Without shapes a segment was never salvaged, so nothing of it is lost.
            lost = view.unread(rank)[shape : shape + 1]
            if lost and lost[0]:
                by_table[record] = lost[0]
        return by_table

    def where(
        self,
        table: str,
        column: str,
        values: Sequence[str],
        *,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """The newest states, as ``get`` returns them, of the records with one of these values.

        Fast for a column in which a change log or remarks name their records; any other column is
        read in full.
        """
        names = self._chosen(table, columns)
        wanted = dict.fromkeys((*names, *self._chosen(table, [column])))
        view = self.view(table)
        ids = sorted_unique(records_with(view, self.view(SEARCH), column, values))
        rows = self._filled(self._states(view, ids, tuple(wanted), narrow=True), tuple(wanted))
        # A token finds every version with the value, and the newest may have another one.
        mine = pc.is_in(rows.column(column), value_set=pa.array(values, pa.string()))
        return rows.filter(mine).select([field.name for field in _fields(names)])

    def row_bytes(self, table: str) -> int:
        """The average bytes of text of a record, without long texts; 0 for an empty table."""
        view = self.view(table)
        fences = [f for rank in range(len(view.segments)) for f in view.sidecar(rank).fences]
        rows = sum(fence.rows for fence in fences)
        return sum(fence.bytes for fence in fences) // rows if rows else 0

    def hidden(self, table: str | None = None) -> Sequence[HiddenItem]:
        """Rows and columns that the reading user of the source stopped seeing.

        Not the columns that are hidden from viewers and operators: no item of theirs is listed.
        """
        view = self.view(HIDDEN)
        marks = []
        for rows in key_rows(view, (U_OP,)):
            newest = newest_of_each(rows)
            live = newest.filter(pc.equal(newest.column(U_OP), _STATE))
            snaps = live.column(U_SNAP).to_pylist()
            for text, since in zip(live.column(U_ID).to_pylist(), snaps, strict=True):
                mark = decoder_for(tuple[str, str | None, str | None]).decode(text)
                if table is None or mark[0] == table:
                    marks.append(HiddenItem(*mark, since=since))
        from_viewers = self._org_reader.schemas.hidden
        return [mark for mark in marks if mark.column not in from_viewers.of(mark.table)]

    def files(self, table: str, records: Sequence[str]) -> Sequence[StoredFile]:
        """The newest files of these records in the vault, and the images in their texts."""
        view = self.view(FILES)
        columns = self._file_columns(table)
        named = [file_row_id(table, r, c) for r in records for c in columns]
        ids = sorted_unique([*named, *self._image_rows(view, table, records)])
        rows = view.newest(ids, (U_OP,))
        rows = rows.filter(pc.equal(rows.column(U_OP), _STATE))
        cells = view.cells(rows, FILES_COLUMNS).to_pylist()
        keys = rows.column(U_ID).to_pylist()
        snaps = rows.column(U_SNAP).to_pylist()
        files = [
            file_of_row({**cell, U_ID: key}, since=snap)
            for cell, key, snap in zip(cells, keys, snaps, strict=True)
        ]
        return self._described(table, files) if self._org_reader.schemas.hidden.of(table) else files

    def _described(self, table: str, files: Sequence[StoredFile]) -> list[StoredFile]:
        """The files without the properties that come from hidden columns."""
        visible = self._org_reader.schemas.table(self._manifest.schema, table)
        shown = {file.column: file for file in (visible.files if visible else ())}
        return [
            file if file.is_image else _without_hidden(file, shown.get(file.column))
            for file in files
        ]

    def _image_rows(self, view: TableView, table: str, records: Sequence[str]) -> list[str]:
        """The ids of the rows of images in texts of these columns that the reader may see."""
        known = self._org_reader.schemas.known(self._manifest.schema, table)
        columns = {name for name, column in known.items() if column.images}
        if not columns:
            return []
        return image_rows(view, table, records, columns=columns)

    def certificate(self) -> Certificate | None:
        """The certificate of the run; None also if it was lost and salvaged."""
        from unlost.model.vault.certificate import Certificate

        name = self.info.certificate
        if name is None:
            return None
        content = self._org_reader.sealed.get(
            ObjectKind.CERTIFICATE, org=self._org_reader.org, name=name
        )
        return decoder_for(Certificate).decode(content)

    def _file_columns(self, table: str) -> set[str]:
        """The columns of a table that contain files, now or in the past."""
        shape = self._org_reader.schemas.table(self._manifest.schema, table)
        known = self._org_reader.schemas.known(self._manifest.schema, table)
        once = {name for name, column in known.items() if column.kind is WireKind.BINARY}
        return once | {file.column for file in (shape.files if shape else ())}

    def _chosen(self, table: str, columns: Sequence[str] | None) -> tuple[str, ...]:
        known = self.columns(table)
        if columns is None:
            return known
        for name in columns:
            if name not in known:
                raise NotFound(
                    "column-unknown",
                    "“{table}” has no column “{name}” in snapshot {number}.",
                    next_step="Column names are case-sensitive. Write them as in the source.",
                    table=table,
                    name=name,
                    number=self._number,
                )
        return tuple(columns)

    def _live_batches(self, table: str, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        view = self.view(table)
        for rows in NamedVersions(view, names).parts():
            yield from self._batches(live_rows(rows), names)

    def _deleted_batches(self, table: str, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        view = self.view(table)
        for rows in key_rows(view, (U_OP,)):
            newest = newest_of_each(rows)
            dead = newest.filter(pc.not_equal(newest.column(U_OP), _STATE)).column(U_ID)
            for at in range(0, len(dead), _IDS_AT_ONCE):
                ids = dead.slice(at, _IDS_AT_ONCE).combine_chunks()
                yield from self._batches(self._states(view, ids, names), names)

    def _states(
        self, view: TableView, ids: pa.Array, names: Sequence[str], *, narrow: bool = False
    ) -> pa.Table:
        """The newest states, with big cells still named in ``_u_blobs``.

        ``narrow``: the columns are few, so read the cells of all versions in one pass.
        """
        versions = view.find(ids, SYSTEM, cells=names if narrow else ())
        newest = versions.filter(pa.array(last_of_each(versions.column(U_ID))))
        whole = versions.filter(
            pc.is_in(
                versions.column(U_OP), value_set=pa.array(version_rules.WITH_CELLS, pa.string())
            )
        )
        states = whole.filter(pa.array(last_of_each(whole.column(U_ID))))
        pick = _pick(newest.column(U_ID), states.column(U_ID))
        cells = states.select([*names, U_BLOBS]) if narrow else view.cells(states, names)
        cells = cells.take(pick)
        newest = _known_author(newest, states, pick)
        columns = {name: newest.column(name) for name in (U_ID, U_SNAP, *SYSTEM)}
        columns |= dict(zip(names, cells.columns[:-1], strict=True))
        arrays = [columns[field.name] for field in _fields(names)]
        together = pa.table(arrays, schema=pa.schema(_fields(names)))
        return together.append_column(U_BLOBS, cells.column(U_BLOBS))

    def _filled(self, rows: pa.Table, names: Sequence[str]) -> pa.Table:
        """All rows with the text of big cells restored; for callers that want these records."""
        schema = pa.schema(_fields(names))
        return resolve(rows, names, self._load()).select(schema.names).cast(schema)

    def _batches(self, rows: pa.Table, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The rows as batches, with the text of big cells restored in bounded parts."""
        schema = pa.schema(_fields(names))
        for part in blob_bytes(rows):
            filled = resolve(part, names, self._load())
            yield from filled.select(schema.names).cast(schema).to_batches()

    def _load(self) -> LoadBlobs:
        return self._org_reader.load_blob(until=self._number, state=self._state)


class NamedVersions:
    """All versions of a table by ranges of ids, with source columns by name."""

    def __init__(self, view: TableView, names: Sequence[str]) -> None:
        self._view = view
        self._names = names

    def parts(self) -> Iterator[pa.Table]:
        """One part for each range, unsorted: system columns, ``_u_blobs``, names, ``_rank``."""
        reader = RangeReader(self._view, self._columns)
        for id_range in cut(self._view):
            parts = [self._named(rows, rank) for rank, rows in reader.read(id_range)]
            if parts:
                yield pa.concat_tables(parts)

    def _columns(self, rank: int) -> list[str]:
        return [U_ID, *SYSTEM, *self._view.stored(rank, self._names)]

    def _named(self, rows: pa.Table, rank: int) -> pa.Table:
        cells = self._view.named(rank, rows, self._names)
        head = rows.select([U_ID, U_SNAP, *SYSTEM])
        together = pa.table(
            [*head.columns, *cells.columns], names=[*head.column_names, *cells.column_names]
        )
        return ranked(together, rank)


def _standing(
    states: Mapping[str, TableState], salvage: Manifest, *, counted: bool
) -> dict[str, TableState]:
    """The states of tables after a salvage.

    A damaged table loses its cursor, so that the next backup reads it in full. With ``counted`` it
    also gets the counts of the salvage. Not after a restore: its records are in the counts of the
    salvage, but not in the counts of the backup.
    """
    touched = {part.table for part in salvage.tables}
    after = {state.table: state for state in salvage.states}
    standing_states = dict(states)
    for table, later in ((table, after[table]) for table in states.keys() & after.keys()):
        if table in touched and counted:
            standing_states[table] = replace(
                standing_states[table], alive=later.alive, deleted=later.deleted
            )
        if later.cursor is None and touched & {table, FILES}:  # also if it lost only files
            standing_states[table] = replace(standing_states[table], cursor=None)
    return standing_states


def _without_hidden(file: StoredFile, shown: FileColumn | None) -> StoredFile:
    return replace(
        file,
        checksum=file.checksum if shown and shown.checksum_column else None,
        name=file.name if shown and shown.name_column else "",
        media_type=file.media_type if shown and shown.type_column else "",
    )


def _fields(names: Sequence[str]) -> list[pa.Field]:
    return [*READ_FIELDS, *(pa.field(name, pa.string()) for name in names)]


def _reader(batches: Iterator[pa.RecordBatch], names: Sequence[str]) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(pa.schema(_fields(names)), batches)


def _pick(newest: pa.ChunkedArray, states: pa.ChunkedArray) -> pa.Array:
    """The place of the last state of each newest version; null if there is none."""
    source = np.full(len(newest), -1, dtype=np.int64)
    source[positions(states, newest.combine_chunks())] = np.arange(len(states))
    return pa.array(source, mask=source < 0)


def _known_author(newest: pa.Table, states: pa.Table, pick: pa.Array) -> pa.Table:
    """Fill time and user of a tombstone from the last state, if the tombstone has no time.

    Not the user alone: who edited the record last is not who deleted it.
    """
    timed = pc.is_valid(newest.column(U_MODIFIED_AT))
    for name in (U_MODIFIED_AT, U_MODIFIED_BY):
        own, last = newest.column(name), states.column(name).take(pick)
        column = pc.if_else(timed, own, pc.coalesce(own, last))
        newest = newest.set_column(newest.column_names.index(name), name, column)
    return newest


def _unknown_table(table: str) -> NotFound:
    return NotFound(
        "table-unknown",
        "The vault has no table “{table}”.",
        next_step="Table names are case-sensitive. The certificate lists all tables.",
        table=table,
    )
