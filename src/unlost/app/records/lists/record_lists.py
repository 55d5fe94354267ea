"""Lists of records of one table, named by a query and a backup: sorted, filtered, with columns.

A list is never sent as ids: pages, downloads and restores name it by its ``RecordQuery``, and find
its records again.

    RecordQuery ──ids_of──> ListedIds ──in_order──> a page of records with values
                                      └─batches_of──> rows of a download
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from unlost.app.compose import Application
from unlost.app.records.archived.archived_rows import ArchivedRows
from unlost.app.records.record_facts import RecordNames, ValueMeaning, name_in
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.model.named_records import read_columns
from unlost.model.ports.vault import Snapshot
from unlost.model.source.display import DisplayRule
from unlost.model.source.reading import Op
from unlost.model.source.schema import ColumnTrait, Table, WireKind

FETCH = 1_000  # ids per lookup
ID, OP = "_u_id", "_u_op"


@dataclass(frozen=True, slots=True)
class ListColumn:
    """A column of a list. ``system``: the org keeps it for itself."""

    name: str
    label: str
    kind: WireKind
    system: bool = False


@dataclass(frozen=True, slots=True)
class ListedValue:
    """A value of a listed record.

    ``means`` is the name of the record that it refers to, or the label of a list's value.
    """

    value: str | None
    means: str = ""
    means_table: str = ""


@dataclass(frozen=True, slots=True)
class ListedRecord:
    """A record of a list, with a value for each column; ``alive`` in the newest backup.

    ``archived``: an archive took it out of the org.
    """

    record: str
    name: str
    alive: bool
    values: tuple[ListedValue, ...]
    archived: bool = False


@dataclass(frozen=True, slots=True)
class ListedIds:
    """The records of a list in the order of their ids, and the backup with their values.

    ``ids`` is an Arrow array of texts: a list may have millions. ``dated`` is the backup with the times by which they are filtered, if it is another one.
    ``more``: a search, of whose matches only a part was checked.
    """

    snapshot: Snapshot
    table: Table
    ids: pa.StringArray
    dated: Snapshot | None = None
    more: bool = False


def columns_of(table: Table, rule: DisplayRule) -> Sequence[ListColumn]:
    """Return the columns of a table that a list can show, by label, system columns last."""
    columns = [
        ListColumn(c.name, c.label or c.name, c.kind, c.name in rule.system_columns)
        for c in table.columns
        if c.kind is not WireKind.BINARY and c.name != table.name_column
    ]
    return sorted(columns, key=lambda column: (column.system, column.label, column.name))


def first_columns(table: Table, rule: DisplayRule) -> Sequence[str]:
    """Return the columns that a list shows until a person chooses others.

    The number of a record, its e-mail address and telephone number, and its last change.
    """
    emails = [c.name for c in table.columns if c.has(ColumnTrait.EMAIL)]
    phones = [c.name for c in table.columns if c.has(ColumnTrait.PHONE)]
    stamps = [name for name in (table.modified_column,) if name and table.column(name)]
    return [*rule.number_columns[:1], *emails[:1], *phones[:1], *stamps]


def chosen_columns(choices: Sequence[ListColumn], names: Sequence[str]) -> tuple[ListColumn, ...]:
    """Return the named columns, in the named order; unknown and hidden ones are left out."""
    by_name = {column.name: column for column in choices}
    return tuple(by_name[name] for name in dict.fromkeys(names) if name in by_name)


# --- pages and downloads --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListDescriber:
    """Describes records of a list for people; ``newest`` and ``archive`` show their states."""

    listed: ListedIds
    newest: Snapshot
    columns: Sequence[ListColumn]
    names: RecordNames
    archive: ArchivedRows | None = None

    def records(self, ids: Sequence[str]) -> Iterator[ListedRecord]:
        """Yield these records, in their order."""
        table = self.listed.table
        columns = [column.name for column in self.columns]
        named = [table.name_column] if table.name_column else []
        read = read_columns(table, filter(None, map(table.column, columns)))
        stored = self.listed.snapshot.get(
            table.name, ids, columns=[*dict.fromkeys((*read, *named))]
        )
        rows = {str(row[ID]): row for row in stored.to_pylist()}
        names = {record: name_in(row, table) for record, row in rows.items()}
        names |= self.names.of([table.name], [record for record in ids if not names.get(record)])
        means = {name: self._means(name, list(rows.values())) for name in columns}
        alive = _alive(self.newest, table.name, ids)
        archived = self.archive.among(table.name, ids) if self.archive is not None else frozenset()
        for record in ids:
            row = rows.get(record, {})
            yield ListedRecord(
                record,
                names.get(record, ""),
                record in alive and record not in archived,
                tuple(_value(row.get(name), means[name]) for name in columns),
                archived=record in archived,
            )

    def _means(
        self, name: str, rows: Sequence[Mapping[str, str | None]]
    ) -> Mapping[str, ValueMeaning]:
        column = self.listed.table.column(name)
        return self.names.meanings(column, rows) if column is not None else {}


def _value(value: str | None, means: Mapping[str, ValueMeaning]) -> ListedValue:
    named = means.get(value or "")
    return ListedValue(value) if named is None else ListedValue(value, named.name, named.table)


def _alive(newest: Snapshot, table: str, ids: Sequence[str]) -> frozenset[str]:
    if table not in newest.tables():
        return frozenset()
    rows = newest.get(table, ids, columns=[])
    return frozenset(rows.filter(pc.equal(rows[OP], Op.STATE.value))[ID].to_pylist())


def batches_of(
    listed: ListedIds, ids: pa.StringArray, columns: Sequence[ListColumn], *, heads: Sequence[str]
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the rows of a download, as stored: id, name, columns; each column under its head."""
    table = listed.table
    names = _names(table, columns)
    schema = pa.schema([pa.field(head, pa.string()) for head in heads])

    def batches() -> Iterator[pa.RecordBatch]:
        for at in range(0, len(ids), FETCH):
            some = ids.slice(at, FETCH)
            rows = listed.snapshot.get(table.name, some.to_pylist(), columns=names[1:])
            rows = rows.select(names)
            place = pc.index_in(some, value_set=_texts(rows[ID]))
            ordered = rows.take(place.drop_null())
            cells = [_texts(column) for column in ordered.columns]
            yield pa.RecordBatch.from_arrays(cells, names=list(heads))

    return schema, batches()


def _texts(column: pa.ChunkedArray) -> pa.Array:
    return column.cast(pa.string()).combine_chunks()


def _names(table: Table, columns: Sequence[ListColumn]) -> list[str]:
    """Return the columns of a download: id, name, and the listed ones."""
    named = [table.name_column] if table.name_column else []
    return [ID, *named, *(column.name for column in columns)]


def labels_of(table: Table, columns: Sequence[ListColumn]) -> list[str]:
    """Return heads for people; a label that several columns have is followed by its name."""
    named = table.column(table.name_column) if table.name_column else None
    labels = ["Id", *([named.label or named.name] if named is not None else [])]
    for column in columns:
        unique = column.label not in labels
        labels.append(column.label if unique else f"{column.label} ({column.name})")
    return labels


def keys_of(table: Table, columns: Sequence[ListColumn]) -> list[str]:
    """Return heads for programs: names of columns, after ``Id``."""
    names = _names(table, columns)[1:]
    return ["Id", *("Id_2" if name == "Id" else name for name in names)]


def newest_of(app: Application, org: ProtectedOrg, snapshot: Snapshot) -> Snapshot:
    """Return the newest backup, which shows the records that are live."""
    return app.vault.newest_backup(org.oid) or snapshot
