"""Loading of Arrow tables: ids, missing columns and casts, all of it vectorised.

The Arrow type of each field type is listed in ``schema``. Loaded text is taken as it is: the
loader must itself leave out what the org never stores (leading or trailing blanks, empty text).
"""

from collections.abc import Mapping
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.schema import FieldDef, FieldType, ObjectDef
from unlost_simulators.salesforce.store import tables

NOTHING_SET = ""
"""A column by which a table tells how many rows it has that set no field."""


class Counters:
    """The next counter of each object's ids."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    def take(self, prefix: str, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Reserve ``count`` counters; objects that share a key prefix share their counters."""
        first = self._next.get(prefix, ids.FIRST_COUNTER)
        self._next[prefix] = first + count
        return np.arange(first, first + count, dtype=np.int64)

    def seen(self, prefix: str, highest: int) -> None:
        """Never give out a counter up to ``highest``."""
        self._next[prefix] = max(self._next.get(prefix, ids.FIRST_COUNTER), highest + 1)


def with_ids(of: ObjectDef, table: pa.Table, counters: Counters) -> pa.Table:
    """The table with full ids and their counters in the columns ``Id`` and ``_k``."""
    return _drop(_with_ids(of, table, counters), NOTHING_SET)


def _with_ids(of: ObjectDef, table: pa.Table, counters: Counters) -> pa.Table:
    if of.empty_key:
        keys = pa.array([ids.EMPTY_KEY] * table.num_rows, pa.string())
        zeros = pa.array(np.zeros(table.num_rows, dtype=np.int64))
        return _drop(table, "Id").append_column("Id", keys).append_column(tables.ORDER, zeros)
    if "Id" in table.column_names:
        order = ids.counters(table.column("Id"))
        if len(order):
            counters.seen(of.id_prefix, int(order.max()))
        return table.append_column(tables.ORDER, pa.array(order))
    order = counters.take(of.id_prefix, table.num_rows)
    record_ids = ids.make_many(of.id_prefix, order)
    return table.append_column("Id", record_ids).append_column(tables.ORDER, pa.array(order))


def _drop(table: pa.Table, column: str) -> pa.Table:
    return table.drop_columns([column]) if column in table.column_names else table


def without_zones(table: pa.Table) -> pa.Table:
    """Time stamps as naive UTC, whatever zone they came with."""
    for place, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            naive = table.column(place).cast(pa.timestamp("us"))
            table = table.set_column(place, column.name, naive)
    return table


def check_columns(of: ObjectDef, table: pa.Table) -> None:
    """Refuse columns that are not stored fields of the object."""
    known = {field.name for field in of.stored}
    unknown = [name for name in table.column_names if name not in known]
    if unknown:
        msg = f"{of.name} has no stored field named {', '.join(unknown)}"
        raise ValueError(msg)


def stamps(now: datetime, user_id: str) -> Mapping[str, str]:
    """SQL of the system columns that were left out."""
    instant = f"TIMESTAMP '{now.replace(tzinfo=None).isoformat(sep=' ')}'"
    user = tables.text(user_id)
    return {
        "CreatedDate": instant,
        "LastModifiedDate": instant,
        "SystemModstamp": instant,
        "CreatedById": user,
        "LastModifiedById": user,
        "OwnerId": user,
    }


def auto_number_sql(pattern: str, counter: str) -> str:
    """SQL of an auto-number: the pattern's ``{000}`` replaced by the counter, padded."""
    head, _, rest = pattern.partition("{")
    digits, _, tail = rest.partition("}")
    number = f"(({counter}) - {ids.FIRST_COUNTER} + 1)::VARCHAR"
    width = len(digits)
    padded = f"CASE WHEN length({number}) < {width} THEN lpad({number}, {width}, '0') "
    padded += f"ELSE {number} END"
    return f"concat({tables.text(head)}, {padded}, {tables.text(tail)})"


def _given(field: FieldDef) -> str:
    quoted = tables.name(field.name)
    if field.type is FieldType.BOOLEAN:
        return f"coalesce({quoted}, {tables.default_sql(field)})"
    return f"CAST({quoted} AS {tables.sql_type(field)})"


def _absent(field: FieldDef, system: Mapping[str, str]) -> str:
    if field.auto_number:
        return auto_number_sql(field.auto_number, tables.ORDER)
    return system.get(field.name, tables.default_sql(field))


def insert_sql(of: ObjectDef, given: frozenset[str], source: str, system: Mapping[str, str]) -> str:
    """The statement that appends the rows of ``source``, which has ``_k`` and ``given``."""
    targets = ", ".join(tables.name(field.name) for field in of.stored)
    values = ", ".join(
        _given(field) if field.name in given else _absent(field, system) for field in of.stored
    )
    return (
        f"INSERT INTO {tables.name(of.name)} ({tables.ORDER}, {targets}) "
        f"SELECT {tables.ORDER}, {values} FROM {source}"
    )


def append(
    cursor: duckdb.DuckDBPyConnection,
    of: ObjectDef,
    table: pa.Table,
    system: Mapping[str, str],
) -> None:
    """Append a table that has ids and counters to the object's rows."""
    cursor.register("_incoming", table)
    try:
        cursor.execute(insert_sql(of, frozenset(table.column_names), "_incoming", system))
    finally:
        cursor.unregister("_incoming")
