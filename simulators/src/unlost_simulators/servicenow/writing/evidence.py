"""The trails of changes and deletions: sys_audit and sys_audit_delete."""

from __future__ import annotations

from xml.sax.saxutils import escape

from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.model.columns import NO_AUDIT_DELETE, TableDef
from unlost_simulators.servicenow.model.platform import AUDIT, DELETIONS, JOURNAL
from unlost_simulators.servicenow.store.database import Row

DELETED = "DELETED"
RECOVERED = "RECOVERED"
EXCLUDED = frozenset({AUDIT, DELETIONS, JOURNAL})
"""Tables whose deletions leave no trail at all."""


def changed(
    instance: Instance, table: str, sys_id: str, user: str, *, column: str, old: str, new: str,
    updates: str = "-1",
) -> None:  # fmt: skip
    """Write one row of sys_audit."""
    instance.put_row(
        AUDIT, ids.fresh(), tablename=table, documentkey=sys_id, fieldname=column, oldvalue=old,
        newvalue=new, user=user, record_checkpoint=updates,
    )  # fmt: skip


def deleted(instance: Instance, table: TableDef, row: Row, user: str, *, marked: str) -> None:
    """Write the trails of a deletion; ``marked`` is the user of the row of sys_audit.

    sys_audit gets its row for every table, also if it is not audited.
    """
    if table.name in EXCLUDED:
        return
    changed(instance, table.name, row["sys_id"], marked, column=DELETED, old=DELETED, new=DELETED)
    if not _traced(instance, table):
        return
    shown = instance.schema.display_column(table.name)
    instance.put_row(
        DELETIONS, ids.fresh(), tablename=table.name, documentkey=row["sys_id"], user=user,
        display_value=row.get(shown or "", ""), payload=payload(table.name, row),
    )  # fmt: skip


def recovered(instance: Instance, table: str, sys_id: str, user: str) -> None:
    """Write the row of an undelete."""
    changed(instance, table, sys_id, user, column=DELETED, old=DELETED, new=RECOVERED)


def _traced(instance: Instance, table: TableDef) -> bool:
    if table.has(NO_AUDIT_DELETE) or table.name in instance.settings.not_deleted:
        return False
    return table.audited or not table.is_system


def payload(table: str, row: Row) -> str:
    """Give a row as XML, as sys_audit_delete stores it."""
    cells = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in row.items())
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><record_update table="{table}">'
        f'<{table} action="INSERT_OR_UPDATE">{cells}</{table}></record_update>'
    )
