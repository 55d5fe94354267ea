"""Deletion of a row with its attachments and the rows that depend on it."""

from __future__ import annotations

from dataclasses import dataclass

from unlost_simulators.servicenow.instance import SYSTEM, Instance
from unlost_simulators.servicenow.model.columns import ID, Cascade, Column
from unlost_simulators.servicenow.model.errors import AUTHORIZATION_FAILED, ServiceNowError
from unlost_simulators.servicenow.model.platform import ATTACHMENT
from unlost_simulators.servicenow.store.store import equals
from unlost_simulators.servicenow.writing import evidence


@dataclass(frozen=True, slots=True)
class Removal:
    """Removes rows for the user ``name``, past all rights. Entries of journals stay."""

    instance: Instance
    name: str

    def remove(self, table: str, sys_id: str, *, marked: str) -> None:
        """Remove a row, if it is still there; ``marked`` is the user of its row of sys_audit."""
        whole = self.instance.store.whole(table, sys_id)
        if whole is None:
            return
        concrete, row = whole
        self.instance.store.delete(concrete, equals(ID, sys_id))
        definition = self.instance.schema[concrete]
        evidence.deleted(self.instance, definition, row, self.name, marked=marked)
        self._cascade(concrete, sys_id)
        files = self.instance.store.select(ATTACHMENT, equals("table_sys_id", sys_id))
        for file in files if concrete != ATTACHMENT else ():
            self.remove(ATTACHMENT, file[ID], marked=SYSTEM)

    def _cascade(self, table: str, sys_id: str) -> None:
        targets = self.instance.schema.lineage(table)
        for holder in self.instance.schema.tables():
            for column in holder.columns:
                if (
                    column.refers
                    and column.target in targets
                    and column.cascade is not Cascade.NONE
                ):
                    self._follow(holder.name, column, sys_id)

    def _follow(self, holder: str, column: Column, sys_id: str) -> None:
        rows = self.instance.store.select(holder, equals(column.name, sys_id))
        if rows and column.cascade is Cascade.RESTRICT:
            text = f"{holder}.{column.name} restricts the deletion"
            raise ServiceNowError(403, AUTHORIZATION_FAILED, text)
        for row in rows:
            if column.cascade is Cascade.DELETE:
                self.remove(holder, row[ID], marked=SYSTEM)
            else:
                # Neither stamps nor sys_audit show it (an inference).
                self.instance.store.update(holder, row[ID], {column.name: ""})
