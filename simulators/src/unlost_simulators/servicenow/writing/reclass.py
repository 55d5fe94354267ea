"""Changes of the class of a row, which the platform makes by copy, delete and insert.

Columns that the target lacks are lost. Where the target has mandatory data policies, the delete can
succeed and the insert fail: the whole record is gone.
"""

from __future__ import annotations

from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.model.columns import CLASS, ID
from unlost_simulators.servicenow.store.store import equals


def missing_columns(instance: Instance, table: str, sys_id: str) -> list[str]:
    """Give the labels of columns that data policies demand and the row lacks."""
    mandatory = instance.rules.mandatory(table)
    row = instance.store.get(table, sys_id) if mandatory else None
    if row is None:
        return []
    columns = instance.schema.columns(table)
    return [columns[name].label for name in mandatory if name in columns and not row[name]]


def is_move(instance: Instance, table: str, target: str) -> bool:
    """Return true for another class of the hierarchy; other targets change nothing (an inference)."""
    schema = instance.schema
    same_root = schema.get(target) is not None and schema.root(target) == schema.root(table)
    return same_root and target != table


def move(instance: Instance, table: str, sys_id: str, target: str) -> bool:
    """Give a row of a class another class; returns false if the record got lost."""
    lost = instance.schema.columns(table).keys() - instance.schema.columns(target).keys()
    instance.store.update(table, sys_id, {**dict.fromkeys(lost, ""), CLASS: target})
    if missing_columns(instance, target, sys_id):
        instance.store.delete(target, equals(ID, sys_id))
        return False
    return True
