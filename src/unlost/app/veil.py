"""A vault without the columns that are hidden from viewers.

All that people read goes through the port ``Vault``, and so a column is taken away in one place:
from schemas, rows, versions, hits and files, and from the source's own log of changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.access import HiddenColumn
from unlost.model.errors import NotFound
from unlost.model.ports import Snapshot, Source, Vault
from unlost.model.reading import Page, ReadTask
from unlost.model.salvage import SalvageTold
from unlost.model.schema import ChangeLog, Schema, Table
from unlost.model.snapshot import EVERY_ID, Hit, IdSpan, StoredFile, Version

SYSTEM = "_u_"  # columns that the vault adds
OF_REFERENCE = "Id"  # a log may call a reference without this ending


@dataclass(frozen=True, slots=True)
class Veil:
    """What is hidden of one org: names of columns by table."""

    columns: Mapping[str, frozenset[str]]

    def schema(self, schema: Schema) -> Schema:
        """The schema as viewers see it."""
        return replace(schema, tables=tuple(self.table(table) for table in schema.tables))

    def table(self, table: Table) -> Table:
        """The table as viewers see it; raises nothing where it has no such column."""
        hidden = self.columns.get(table.name)
        if not hidden:
            return table
        return replace(
            table,
            columns=tuple(one for one in table.columns if one.name not in hidden),
            name_column=_unless(table.name_column, hidden),
            modified_column=_unless(table.modified_column, hidden),
            modified_by_column=_unless(table.modified_by_column, hidden),
            files=tuple(one for one in table.files if one.column not in hidden),
        )

    def logs(self, schema: Schema) -> Mapping[str, "HiddenLog"]:
        """Tables in which the source notes changes of hidden columns, as the whole schema tells."""
        found: dict[str, HiddenLog] = {}
        for table in schema.tables:
            log, hidden = table.change_log, self.columns.get(table.name)
            if log is not None and hidden:
                found[log.table] = HiddenLog(log, _noted_as(hidden))
        return found


@dataclass(frozen=True, slots=True)
class HiddenLog:
    """A log of changes, and the fields in it whose values are hidden."""

    log: ChangeLog
    fields: frozenset[str]

    @property
    def values(self) -> tuple[str, str]:
        """The columns that hold values."""
        return (self.log.old_column, self.log.new_column)

    def cover(self, rows: pa.Table) -> pa.Table:
        """Rows, their hidden values emptied; all of them where no column tells the field."""
        noted = pa.scalar(value=True)
        if self.log.field_column in rows.column_names:
            hidden = pa.array(sorted(self.fields), pa.string())
            noted = pc.is_in(rows[self.log.field_column], hidden)
        for name in self.values:
            if name in rows.column_names:
                kept = pc.if_else(noted, pa.scalar(None, pa.string()), rows[name])
                rows = rows.set_column(rows.column_names.index(name), name, kept)
        return rows

    def cover_cells(self, cells: Mapping[str, str | None]) -> Mapping[str, str | None]:
        """The cells of one row of the log, likewise."""
        if cells.get(self.log.field_column) not in self.fields:
            return cells
        return {name: None if name in self.values else value for name, value in cells.items()}


def veil_of(hidden: Sequence[HiddenColumn], oid: str) -> Veil | None:
    """What is hidden of an org; None if nothing is."""
    tables = {one.table for one in hidden if one.oid == oid}
    columns = {
        table: frozenset(one.column for one in hidden if (one.oid, one.table) == (oid, table))
        for table in tables
    }
    return Veil(columns) if columns else None


def _unless(name: str | None, hidden: frozenset[str]) -> str | None:
    return None if name in hidden else name


def _noted_as(hidden: frozenset[str]) -> frozenset[str]:
    return hidden | {name.removesuffix(OF_REFERENCE) for name in hidden}


class VeiledSnapshot:
    """See the port ``Snapshot``."""

    def __init__(self, whole: Snapshot, veil: Veil) -> None:
        self._whole = whole
        self._veil = veil

    def __getattr__(self, name: str) -> Any:
        """What tells nothing of a cell: info, tables, ids, counts, marks, certificate."""
        if name in PLAIN_OF_SNAPSHOT:
            return getattr(self._whole, name)
        raise AttributeError(name)

    def schema(self) -> Schema:
        """The schema without what is hidden."""
        return self._seen

    @cached_property
    def _seen(self) -> Schema:
        return self._veil.schema(self._whole.schema())

    @cached_property
    def _logs(self) -> Mapping[str, HiddenLog]:
        return self._veil.logs(self._whole.schema())

    def scan(self, table: str, *, columns: Sequence[str] | None = None) -> pa.RecordBatchReader:
        """As the whole snapshot, without what is hidden."""
        asked = self._asked(table, columns)
        return self._read(table, self._whole.scan(table, columns=asked.all), asked)

    def scan_deleted(
        self, table: str, *, columns: Sequence[str] | None = None
    ) -> pa.RecordBatchReader:
        """As the whole snapshot, without what is hidden."""
        asked = self._asked(table, columns)
        return self._read(table, self._whole.scan_deleted(table, columns=asked.all), asked)

    def columns(self, table: str) -> Sequence[str]:
        """Those that are seen."""
        hidden = self._veil.columns.get(table, frozenset())
        return [name for name in self._whole.columns(table) if name not in hidden]

    def read(
        self, table: str, columns: Sequence[str], *, within: IdSpan = EVERY_ID
    ) -> pa.RecordBatchReader:
        """As the whole snapshot, without what is hidden."""
        asked = self._asked(table, columns)
        return self._read(table, self._whole.read(table, asked.all, within=within), asked)

    def versions(
        self, table: str, columns: Sequence[str], *, within: IdSpan = EVERY_ID
    ) -> pa.RecordBatchReader:
        """As the whole snapshot, without what is hidden."""
        asked = self._asked(table, columns)
        return self._read(table, self._whole.versions(table, asked.all, within=within), asked)

    def newer(self, table: str, columns: Sequence[str], *, after: int) -> pa.RecordBatchReader:
        """As the whole snapshot, without what is hidden."""
        asked = self._asked(table, columns)
        return self._read(table, self._whole.newer(table, asked.all, after=after), asked)

    def get(
        self, table: str, ids: Sequence[str], *, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """As the whole snapshot, without what is hidden."""
        asked = self._asked(table, columns)
        return self._covered(table, self._whole.get(table, ids, columns=asked.all), asked)

    def where(
        self,
        table: str,
        column: str,
        values: Sequence[str],
        *,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """As the whole snapshot; nothing is found by a hidden column."""
        asked = self._asked(table, columns)
        if column in self._veil.columns.get(table, ()) or self._logged(table, column):
            values = []
        rows = self._whole.where(table, column, values, columns=asked.all)
        return self._covered(table, rows, asked)

    @property
    def salvaged(self) -> bool:
        """True if anything was ever salvaged."""
        return self._whole.salvaged

    def unread(self, table: str, ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Columns that were lost, but for those that are hidden."""
        hidden = self._veil.columns.get(table, frozenset())
        found = {one: lost - hidden for one, lost in self._whole.unread(table, ids).items()}
        return {one: lost for one, lost in found.items() if lost}

    def files(self, table: str, records: Sequence[str]) -> Sequence[StoredFile]:
        """Files whose column is seen; without their names where what names them is hidden."""
        hidden = self._veil.columns.get(table, frozenset())
        shape = self._whole.schema().table(table)
        named = {one.column: one.name_column for one in (shape.files if shape is not None else ())}
        return [
            replace(one, name="") if named.get(one.column) in hidden else one
            for one in self._whole.files(table, records)
            if one.column not in hidden
        ]

    def _logged(self, table: str, column: str) -> bool:
        return table in self._logs and column in self._logs[table].values

    def _asked(self, table: str, columns: Sequence[str] | None) -> "Asked":
        hidden = self._veil.columns.get(table, frozenset())
        if columns is None:
            told = self._whole.get(table, []).column_names
            seen = [name for name in told if name not in hidden and not name.startswith(SYSTEM)]
        else:
            seen = list(columns)
            self._check(table, seen)
        return Asked(seen, _with_field(seen, self._logs.get(table)))

    def _check(self, table: str, columns: Sequence[str]) -> None:
        """Raise NotFound for a hidden column, as for one that is not there."""
        for name in columns:
            if name in self._veil.columns.get(table, ()):
                raise NotFound(
                    "column-unknown",
                    f"“{table}” has no column “{name}” in snapshot {self.info.number}.",
                    next_step="Columns are written as the source writes them, upper and lower case.",
                )

    def _covered(self, table: str, rows: pa.Table, asked: "Asked") -> pa.Table:
        log = self._logs.get(table)
        rows = log.cover(rows) if log is not None else rows
        return asked.only(rows)

    def _read(
        self, table: str, reader: pa.RecordBatchReader, asked: "Asked"
    ) -> pa.RecordBatchReader:
        schema = asked.only(reader.schema.empty_table()).schema

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in reader:
                yield from (
                    self._covered(table, pa.Table.from_batches([batch]), asked)
                    .cast(schema)
                    .to_batches()
                )

        return pa.RecordBatchReader.from_batches(schema, batches())


PLAIN_OF_SNAPSHOT = frozenset({
    "info", "tables", "spans", "live_ids", "row_bytes", "hidden", "certificate",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """The columns that were asked for, and those that are read."""

    seen: list[str]
    all: list[str]

    def only(self, rows: pa.Table) -> pa.Table:
        """The rows without what was read beside."""
        beside = set(self.all) - set(self.seen)
        return rows.drop_columns(sorted(beside)) if beside else rows


def _with_field(seen: list[str], log: HiddenLog | None) -> list[str]:
    if log is None or log.log.field_column in seen or not set(log.values) & set(seen):
        return seen
    return [*seen, log.log.field_column]


class VeiledVault:
    """See the port ``Vault``."""

    def __init__(self, whole: Vault, hidden: Sequence[HiddenColumn]) -> None:
        self._whole = whole
        self._hidden = tuple(hidden)

    def __getattr__(self, name: str) -> Any:
        """What tells nothing of a cell."""
        if name in PLAIN_OF_VAULT:
            return getattr(self._whole, name)
        raise AttributeError(name)

    def head(self, org: str) -> Snapshot | None:
        """The newest backup, without what is hidden."""
        found = self._whole.head(org)
        return found if found is None else self._veiled(org, found)

    def at(self, org: str, number: int) -> Snapshot:
        """The snapshot of this number, without what is hidden."""
        return self._veiled(org, self._whole.at(org, number))

    def as_of(self, org: str, number: int) -> Snapshot:
        """What is left as of a commit, without what is hidden."""
        return self._veiled(org, self._whole.as_of(org, number))

    def history(self, org: str, table: str, record: str) -> Sequence[Version]:
        """Versions without what is hidden; one that differs in nothing else stays as a version."""
        versions = self._whole.history(org, table, record)
        veil = veil_of(self._hidden, org)
        if veil is None:
            return versions
        hidden, log = veil.columns.get(table, frozenset()), self._logs(org, veil).get(table)
        return [_without(version, hidden, log) for version in versions]

    def search(self, org: str, text: str, *, limit: int = 20) -> Sequence[Hit]:
        """Hits by columns that are seen."""
        hits = self._whole.search(org, text, limit=limit)
        veil = veil_of(self._hidden, org)
        if veil is None:
            return hits
        logs = self._logs(org, veil)
        shape = self._whole.head(org)
        names = {t.name: t.name_column for t in (shape.schema().tables if shape else ())}
        return [
            replace(hit, label="") if names.get(hit.table) in _of(veil, hit) else hit
            for hit in hits
            if hit.column not in _of(veil, hit)
            and not (hit.table in logs and hit.column in logs[hit.table].values)
        ]

    def salvages(self, org: str) -> tuple[SalvageTold, ...]:
        """What was salvaged; sentences name columns, and are told where none is hidden."""
        told = self._whole.salvages(org)
        if veil_of(self._hidden, org) is None:
            return told
        return tuple(replace(one, sentences=()) for one in told)

    def _veiled(self, org: str, found: Snapshot) -> Snapshot:
        veil = veil_of(self._hidden, org)
        return found if veil is None else VeiledSnapshot(found, veil)

    def _logs(self, org: str, veil: Veil) -> Mapping[str, HiddenLog]:
        head = self._whole.head(org)
        return veil.logs(head.schema()) if head is not None else {}


PLAIN_OF_VAULT = frozenset({
    "homes", "orgs", "snapshots", "commits", "changes", "open_file", "journals", "lineage", "verify",
    "size",
})  # fmt: skip


def _of(veil: Veil, hit: Hit) -> frozenset[str]:
    return veil.columns.get(hit.table, frozenset())


def _without(version: Version, hidden: frozenset[str], log: HiddenLog | None) -> Version:
    cells = {name: value for name, value in version.cells.items() if name not in hidden}
    return replace(version, cells=log.cover_cells(cells) if log is not None else cells)


class VeiledSource:
    """A source whose tables do not have the hidden columns, so that nobody asks for them.

    Rows of the source's own log of changes come without the hidden values.
    """

    def __init__(self, whole: Source, veil: Veil, logs: Mapping[str, HiddenLog]) -> None:
        """``logs`` are those of the newest backup: who has none sees nothing of a record either."""
        self._whole = whole
        self._veil = veil
        self._logs = logs

    def __getattr__(self, name: str) -> Any:
        """All else: a source reads the columns of the table that it is given."""
        return getattr(self._whole, name)

    def discover(self) -> Schema:
        """What the source tells of itself, without what is hidden."""
        return self._veil.schema(self._whole.discover())

    def read(self, task: ReadTask) -> Iterator[Page]:
        """As the whole source, without hidden values."""
        return self._covered(task.table, self._whole.read(task))

    def read_ids(self, table: Table, ids: Sequence[str]) -> Iterator[Page]:
        """As the whole source, without hidden values."""
        return self._covered(table.name, self._whole.read_ids(table, ids))

    def _covered(self, table: str, pages: Iterator[Page]) -> Iterator[Page]:
        log = self._logs.get(table)
        return pages if log is None else (_page_without(page, log) for page in pages)


def _page_without(page: Page, log: HiddenLog) -> Page:
    cells = page.rows.cells
    if cells is None:
        return page
    rows = log.cover(pa.Table.from_batches([cells])).combine_chunks()
    (batch,) = rows.to_batches() or [cells]
    return replace(page, rows=replace(page.rows, cells=batch))
