"""Inserts and updates of rows: staging as Arrow, set-wise application, history of tracked fields.

Everything happens in the caller's transaction. The rows to write are staged as a table with the
columns ``Id``, ``_k``, one per field and, for updates, a flag ``p_<field>`` that is true if the row
sets the field.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.schema import FieldDef, FieldType, ObjectDef, history_parent
from unlost_simulators.salesforce.store import database, load, tables, values

STAGE = "_stage"


@dataclass(frozen=True, slots=True)
class Author:
    """The author of a write, and the time that the rows get (naive UTC, whole seconds)."""

    user_id: str
    stamp: datetime


@dataclass(frozen=True, slots=True)
class Staged:
    """Rows ready to be written: ``table``, as the module describes it, and the ``fields`` set."""

    table: pa.Table
    fields: tuple[FieldDef, ...]


def stage_inserts(
    of: ObjectDef, rows: Sequence[Mapping[str, Any]], counters: load.Counters
) -> pa.Table:
    """New rows as Arrow, with ids; raises the refusal of the first row that does not fit."""
    columns: dict[str, list[Any]] = {}
    for place, row in enumerate(rows):
        values.check_required(of, row)
        for name, value in row.items():
            field = values.writable(of, name)
            cells = columns.setdefault(field.name, [None] * len(rows))
            cells[place] = values.coerce(field, value)
    arrays = {
        name: pa.array(cells, tables.arrow_type(values.writable(of, name)))
        for name, cells in columns.items()
    }
    # An Arrow table without columns has no rows, so a row without values needs a placeholder.
    if not arrays:
        arrays = {load.NOTHING_SET: pa.nulls(len(rows))}
    return load.with_ids(of, pa.table(arrays), counters)


def stage_updates(of: ObjectDef, changes: Mapping[str, Mapping[str, Any]]) -> Staged:
    """Changes by record id as Arrow; raises the refusal of the first value that does not fit."""
    names = {values.writable(of, name).name for row in changes.values() for name in row}
    fields = [field for field in of.stored if field.name in names]
    keys = [ids.full(record_id) for record_id in changes]
    columns: dict[str, pa.Array] = {
        "Id": pa.array(keys, pa.string()),
        tables.ORDER: pa.array([ids.counter_of(record_id) for record_id in keys], pa.int64()),
    }
    lowered = [{name.lower(): value for name, value in row.items()} for row in changes.values()]
    for field in fields:
        key = field.name.lower()
        given = [values.coerce(field, row[key]) if key in row else None for row in lowered]
        columns[field.name] = pa.array(given, tables.arrow_type(field))
        columns[f"p_{field.name}"] = pa.array([key in row for row in lowered], pa.bool_())
    return Staged(pa.table(columns), tuple(fields))


def apply_updates(
    cursor: duckdb.DuckDBPyConnection,
    of: ObjectDef,
    staged: Staged,
    author: Author,
) -> int:
    """Write staged changes to rows that are not deleted; gives the number of rows changed."""
    cursor.register(STAGE, staged.table)
    try:
        return int(database.scalar(cursor, _update_sql(of, staged.fields, author)))
    finally:
        cursor.unregister(STAGE)


def _instant(at: datetime) -> str:
    return f"TIMESTAMP '{at.isoformat(sep=' ')}'"


def stamps_of_change(of: ObjectDef, author: Author) -> dict[str, str]:
    """SQL of the system columns that a change by a user moves."""
    moved = {
        "LastModifiedDate": _instant(author.stamp),
        "LastModifiedById": tables.text(author.user_id),
        "SystemModstamp": _instant(author.stamp),
    }
    return {name: sql for name, sql in moved.items() if of.field(name) is not None}


def live(of: ObjectDef, alias: str) -> str:
    """Condition for rows that are not deleted."""
    return f'NOT {alias}."IsDeleted"' if of.field("IsDeleted") else "TRUE"


def same_row(alias: str) -> str:
    """Join condition of a table's row with the staged one; the counter prunes the scan."""
    order = tables.ORDER
    return f'{alias}.{order} = s.{order} AND {alias}."Id" = s."Id"'


def _update_sql(of: ObjectDef, fields: Sequence[FieldDef], author: Author) -> str:
    sets = []
    for field in fields:
        column = tables.name(field.name)
        flag = tables.name(f"p_{field.name}")
        sets.append(f"{column} = CASE WHEN s.{flag} THEN s.{column} ELSE t.{column} END")
    given = {field.name for field in fields}
    for name, sql in stamps_of_change(of, author).items():
        if name not in given:
            sets.append(f"{tables.name(name)} = {sql}")
    return (
        f"UPDATE {tables.name(of.name)} t SET {', '.join(sets)} FROM {STAGE} s "
        f"WHERE {same_row('t')} AND {live(of, 't')}"
    )


def history_rows(
    cursor: duckdb.DuckDBPyConnection, of: ObjectDef, history: ObjectDef, staged: Staged
) -> pa.Table | None:
    """Rows of the History object for the tracked fields that staged changes alter, without ids."""
    tracked = [field for field in staged.fields if field.name in of.tracked]
    if not tracked:
        return None
    cursor.register(STAGE, staged.table)
    try:
        parts = [_history_sql(of, history, field) for field in tracked]
        return database.arrow(cursor, " UNION ALL ".join(parts))
    finally:
        cursor.unregister(STAGE)


def history_label(field: FieldDef) -> str:
    """Value of a history row's Field: standard lookups are named without Id (``Owner``)."""
    if field.type is FieldType.REFERENCE and not field.custom:
        return field.name.removesuffix("Id")
    return field.name


_DATA_TYPES = {
    FieldType.REFERENCE: "EntityId",
    FieldType.BOOLEAN: "Boolean",
    FieldType.DATETIME: "DateTime",
    FieldType.DATE: "DateOnly",
    FieldType.CURRENCY: "Currency",
    FieldType.DOUBLE: "Double",
    FieldType.PERCENT: "Percent",
    FieldType.INT: "Integer",
}


def _history_sql(of: ObjectDef, history: ObjectDef, field: FieldDef) -> str:
    column, flag = tables.name(field.name), tables.name(f"p_{field.name}")
    parent = tables.name(history_parent(of.name))
    typed = ""
    if history.field("DataType"):
        kind = _DATA_TYPES.get(field.type, "Text")
        typed = f'{tables.text(kind)} AS "DataType", '
    return (
        f'SELECT t."Id" AS {parent}, {tables.text(history_label(field))} AS "Field", {typed}'
        f'CAST(t.{column} AS VARCHAR) AS "OldValue", CAST(s.{column} AS VARCHAR) AS "NewValue" '
        f"FROM {tables.name(of.name)} t JOIN {STAGE} s ON {same_row('t')} "
        f"WHERE s.{flag} AND t.{column} IS DISTINCT FROM s.{column} AND {live(of, 't')}"
    )


def stage_where(
    cursor: duckdb.DuckDBPyConnection,
    of: ObjectDef,
    chosen_sql: str,
    assignments: Mapping[str, str],
) -> Staged:
    """Stage one set of assignments (field name to DuckDB expression over the row ``t0``) for all
    rows that ``chosen_sql`` (``FROM … WHERE …`` with the alias ``t0``) chooses.
    """
    fields = [values.writable(of, name) for name in assignments]
    columns = ", ".join(
        f"CAST({sql} AS {tables.sql_type(field)}) AS {tables.name(field.name)}, "
        f"TRUE AS {tables.name('p_' + field.name)}"
        for field, sql in zip(fields, assignments.values(), strict=True)
    )
    select = f'SELECT t0."Id" AS "Id", t0.{tables.ORDER} AS {tables.ORDER}, {columns} {chosen_sql}'
    return Staged(database.arrow(cursor, select), tuple(fields))
