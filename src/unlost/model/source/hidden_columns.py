"""Columns that are hidden from viewers and operators, and the filter that removes them.

The vault applies the filter when it looks up columns (``unlost.vault.objects.schemas``), and a
source when it describes itself. The source may log changes of a hidden column in another table: the
old and new values of these changes are hidden too. See docs/adr/0015.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.source.schema import ChangeLog, FileColumn, Schema, Table

_REFERENCE_ENDING = "Id"  # a change log may name a reference without this ending


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Filter for a change log: hides the values of rows about one of the ``fields``."""

    field_column: str
    value_columns: tuple[str, str]
    fields: frozenset[str]

    def hides(self, rows: pa.Table) -> pa.ChunkedArray:
        """Return a mask of rows with hidden values, including rows whose field is not shown."""
        if self.field_column not in rows.column_names:
            return pa.chunked_array([pa.repeat(pa.scalar(value=True), len(rows))])
        named = rows[self.field_column]
        hidden = pc.is_in(named, value_set=pa.array(sorted(self.fields), pa.string()))
        return pc.or_(hidden, pc.is_null(named))

    def apply(self, rows: pa.Table, **others: pa.ChunkedArray) -> pa.Table:
        """Replace hidden values by nulls, and in the columns ``others`` by their values."""
        hidden = self.hides(rows)
        shown = others | dict.fromkeys(self.value_columns, pa.scalar(None, pa.string()))
        for at, name in enumerate(rows.column_names):
            if name in shown:
                column = pc.if_else(hidden, shown[name], rows[name])
                rows = rows.set_column(at, name, column)
        return rows


@dataclass(frozen=True, slots=True)
class HiddenColumns:
    """The hidden columns of an org, by table. False if nothing is hidden."""

    by_table: Mapping[str, frozenset[str]]

    def __bool__(self) -> bool:
        return any(self.by_table.values())

    @property
    def names(self) -> tuple[str, ...]:
        """All hidden columns as TABLE.COLUMN, sorted."""
        pairs = sorted((table, name) for table, names in self.by_table.items() for name in names)
        return tuple(f"{table}.{name}" for table, name in pairs)

    def of(self, table: str) -> frozenset[str]:
        """Return the hidden columns of a table."""
        return self.by_table.get(table, frozenset())

    def schema(self, schema: Schema) -> Schema:
        """Return the schema without hidden columns."""
        return replace(schema, tables=tuple(self.table(table) for table in schema.tables))

    def table(self, table: Table) -> Table:
        """Return the table without hidden columns.

        A change log with a hidden column is omitted, as no changes can be looked up in it, and so
        are remarks.
        """
        log = table.change_log
        if log is not None and self.of(log.table) & _columns_of(log):
            table = replace(table, change_log=None)
        remarks = table.remarks
        if remarks is not None and self.of(remarks.table) & remarks.columns:
            table = replace(table, remarks=None)
        hidden = self.of(table.name)
        if not hidden:
            return table
        return replace(
            table,
            columns=tuple(column for column in table.columns if column.name not in hidden),
            name_column=_unless(table.name_column, hidden),
            modified_column=_unless(table.modified_column, hidden),
            modified_by_column=_unless(table.modified_by_column, hidden),
            files=tuple(_file(file, hidden) for file in table.files if file.column not in hidden),
            hidden=tuple(name for name in table.hidden if name not in hidden),
            stamp_column=_unless(table.stamp_column, hidden),
            merged_into_column=_unless(table.merged_into_column, hidden),
            image_columns=tuple(name for name in table.image_columns if name not in hidden),
        )

    def batch(self, table: str, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return rows of a table without hidden columns."""
        hidden = self.of(table)
        return batch.select([name for name in batch.schema.names if name not in hidden])

    def log_filters(self, schema: Schema) -> Mapping[str, frozenset[LogFilter]]:
        """Return the filters of each change log, for logs as the whole schema describes them."""
        filters: dict[str, frozenset[LogFilter]] = {}
        for table in schema.tables:
            log, hidden = table.change_log, self.of(table.name)
            if log is not None and hidden:
                fields = hidden | {name.removesuffix(_REFERENCE_ENDING) for name in hidden}
                values = (log.old_column, log.new_column)
                log_filter = LogFilter(log.field_column, values, fields)
                filters[log.table] = filters.get(log.table, frozenset()) | {log_filter}
        return filters


NOTHING_HIDDEN = HiddenColumns({})


def hidden_columns(pairs: Iterable[tuple[str, str]]) -> HiddenColumns:
    """Build a value from pairs of table and column."""
    by_table: dict[str, frozenset[str]] = {}
    for table, column in pairs:
        by_table[table] = by_table.get(table, frozenset()) | {column}
    return HiddenColumns(by_table)


def _columns_of(log: ChangeLog) -> frozenset[str]:
    return frozenset(log.columns) - {log.order_column}


def _file(file: FileColumn, hidden: frozenset[str]) -> FileColumn:
    return replace(
        file,
        size_column=_unless(file.size_column, hidden),
        checksum_column=_unless(file.checksum_column, hidden),
        name_column=_unless(file.name_column, hidden),
        type_column=_unless(file.type_column, hidden),
    )


def _unless(name: str | None, hidden: frozenset[str]) -> str | None:
    return None if name in hidden else name
