"""The platform's own housekeeping: table cleaner, archive, undelete. None of it has a REST API."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from unlost_simulators.kit.sqlite import Where
from unlost_simulators.servicenow.instance import SYSTEM, Instance
from unlost_simulators.servicenow.model.columns import ID, Column, Kind, TableDef
from unlost_simulators.servicenow.model.platform import DELETIONS
from unlost_simulators.servicenow.query.conditions import valid_reading
from unlost_simulators.servicenow.store.store import Slice, equals
from unlost_simulators.servicenow.writing import evidence

ARCHIVE_PREFIX = "ar_"
NEWEST = Slice("sys_created_on DESC, rowid DESC", 1)


def clean(instance: Instance, table: str, query: str) -> int:
    """Delete rows as the table cleaner does: no trail, no rules; gives how many."""
    return instance.store.delete(table, _where(instance, table, query))


def archive(instance: Instance, table: str, query: str) -> int:
    """Move rows into the archive tables of their classes, without a trail (an inference)."""
    where = _where(instance, table, query)
    sys_ids = [row[ID] for row in instance.store.select(table, where)]
    wholes = [instance.store.whole(table, sys_id) for sys_id in sys_ids]
    rows = [whole for whole in wholes if whole is not None]
    for concrete in sorted({concrete for concrete, _ in rows}):
        _fit_archive(instance, concrete)
    now = instance.stamp()
    with instance.store.database.writing():
        for concrete, row in rows:
            cells = {**row, "archived": now}
            instance.store.insert(f"{ARCHIVE_PREFIX}{concrete}", cells)
            instance.store.delete(concrete, equals(ID, row[ID]))
    return len(rows)


def _fit_archive(instance: Instance, table: str) -> None:
    """Make the archive table of a class, or add the columns that it lacks."""
    name = f"{ARCHIVE_PREFIX}{table}"
    if instance.schema.get(name) is None:
        instance.add_table(_archive_table(instance, name, table))
    present = instance.schema.columns(name)
    for column in instance.schema.columns(table).values():
        if column.name not in present:
            instance.put_column(name, column)


def undelete(instance: Instance, table: str, sys_id: str) -> None:
    """Bring a deleted row back from its newest payload; ValueError if there is none, or it lives."""
    where = equals("documentkey", sys_id).also(equals("tablename", table))
    rows = instance.store.select(DELETIONS, where, NEWEST)
    if not rows or instance.store.get(instance.schema.root(table), sys_id):
        raise ValueError(f"no deleted row {sys_id} of {table}")
    record = ET.fromstring(rows[0]["payload"])  # noqa: S314 - written by `evidence.payload`
    cells = {cell.tag: cell.text or "" for cell in record.iterfind(f"{table}/*")}
    with instance.store.database.writing():
        instance.store.insert(table, cells)
        instance.store.delete(DELETIONS, equals(ID, rows[0][ID]))
        evidence.recovered(instance, table, sys_id, SYSTEM)


def _archive_table(instance: Instance, name: str, table: str) -> TableDef:
    columns = (
        *(each for each in instance.schema.columns(table).values()),
        Column(name="archived", label="Archived", kind=Kind.INSTANT),
    )
    label = f"Archived {instance.schema[table].label}"
    return TableDef(name=name, label=label, columns=columns)


def _where(instance: Instance, table: str, query: str) -> Where:
    return valid_reading(instance.schema, instance.table(table).name, query).where
