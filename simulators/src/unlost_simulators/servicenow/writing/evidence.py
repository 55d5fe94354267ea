"""The trails of changes and deletions: sys_audit and sys_audit_delete."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from unlost_simulators.kit.sqlite import Cells, Row
from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.model.columns import NO_AUDIT_DELETE, TableDef
from unlost_simulators.servicenow.model.platform import AUDIT, DELETIONS, JOURNAL

NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
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


def changes(instance: Instance, table: str, before: Cells, after: Cells, user: str) -> None:
    """Write the changes of an audited table; columns of the platform are exempt."""
    if not instance.schema[table].audited:
        return
    updates = str(int(before.get("sys_mod_count") or -1) + 1)
    for name, value in after.items():
        if not name.startswith("sys_"):
            changed(
                instance, table, before["sys_id"], user, column=name,
                old=before.get(name, ""), new=value, updates=updates,
            )  # fmt: skip


def entered(instance: Instance, table: str, sys_id: str, user: str, journals: Cells) -> None:
    """Write new entries of journals."""
    for element, text in journals.items():
        instance.put_row(
            JOURNAL, ids.fresh(), sys_created_by=user, name=instance.schema.root(table),
            element_id=sys_id, element=element, value=text,
        )  # fmt: skip


def deleted(instance: Instance, table: TableDef, row: Row, user: str, *, marked: str) -> None:
    """Write the trails of a deletion; ``marked`` is the user of the row of sys_audit.

    sys_audit gets its row for every table, also if it is not audited.
    """
    if table.name in EXCLUDED:
        return
    marked_deleted(instance, table.name, row["sys_id"], marked)
    if not _traced(instance, table):
        return
    shown = instance.schema.display_column(table.name)
    instance.put_row(
        DELETIONS, ids.fresh(), tablename=table.name, documentkey=row["sys_id"], user=user,
        display_value=row.get(shown or "", ""), payload=payload(table.name, row),
    )  # fmt: skip


def marked_deleted(instance: Instance, table: str, sys_id: str, user: str) -> None:
    """Write the row of sys_audit of a deletion."""
    changed(instance, table, sys_id, user, column=DELETED, old=DELETED, new=DELETED)


def recovered(instance: Instance, table: str, sys_id: str, user: str) -> None:
    """Write the row of an undelete."""
    changed(instance, table, sys_id, user, column=DELETED, old=DELETED, new=RECOVERED)


def _traced(instance: Instance, table: TableDef) -> bool:
    if table.has(NO_AUDIT_DELETE) or table.name in instance.settings.not_deleted:
        return False
    return table.audited or not table.is_system


def payload(table: str, row: Row) -> str:
    """Give a row as XML, as sys_audit_delete stores it; what XML cannot hold becomes U+FFFD."""
    cells = "".join(f"<{name}>{_escaped(value)}</{name}>" for name, value in row.items())
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><record_update table="{table}">'
        f'<{table} action="INSERT_OR_UPDATE">{cells}</{table}></record_update>'
    )


def _escaped(value: str) -> str:
    return escape(NO_XML.sub("\N{REPLACEMENT CHARACTER}", value), {"\r": "&#13;"})
