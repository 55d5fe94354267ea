"""The platform's own housekeeping: table cleaner, archive, undelete. None of it has a REST API."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from unlost_simulators.servicenow.instance import SYSTEM, Instance
from unlost_simulators.servicenow.model.columns import ID, Column, Kind, TableDef
from unlost_simulators.servicenow.model.platform import DELETIONS
from unlost_simulators.servicenow.query.compile import Compiler
from unlost_simulators.servicenow.query.encoded import parse
from unlost_simulators.servicenow.store.store import Where, equals
from unlost_simulators.servicenow.writing import evidence

ARCHIVE_PREFIX = "ar_"


def clean(instance: Instance, table: str, query: str) -> int:
    """Delete rows as the table cleaner does: no trail, no rules; gives how many."""
    return instance.store.delete(table, _where(instance, table, query))


def archive(instance: Instance, table: str, query: str) -> int:
    """Move rows of a class into its archive table, without a trail of deletions (an inference)."""
    name = f"{ARCHIVE_PREFIX}{table}"
    if instance.schema.get(name) is None:
        instance.add_table(_archive_table(instance, name, table))
    where = _where(instance, table, query)
    rows = instance.store.select(table, where)
    now = instance.stamp()
    with instance.store.database.writing():
        for row in rows:
            instance.store.insert(name, {**row, "archived": now})
        instance.store.delete(table, where)
    return len(rows)


def undelete(instance: Instance, table: str, sys_id: str) -> None:
    """Bring a deleted row back from its payload; LookupError if there is none."""
    where = equals("documentkey", sys_id).also(equals("tablename", table))
    rows = instance.store.select(DELETIONS, where)
    if not rows:
        raise LookupError(f"no deleted row {sys_id} of {table}")
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
    return Compiler(instance.schema).compile(instance.table(table).name, parse(query)).where
