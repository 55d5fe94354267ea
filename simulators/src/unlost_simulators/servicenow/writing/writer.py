"""Inserting, changing and deleting rows on behalf of a user.

Columns that a request names and the table lacks are left out without a word (an inference), and so
are the columns of the platform, apart from sys_id of a new row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unlost_simulators.servicenow.access.acls import Operation
from unlost_simulators.servicenow.instance import SYSTEM, Instance
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.model.columns import (
    CLASS,
    ENTRIES,
    ID,
    JOURNALS,
    Cascade,
    Column,
    Kind,
    TableDef,
)
from unlost_simulators.servicenow.model.errors import (
    AUTHORIZATION_FAILED,
    ServiceNowError,
    refused_by_acl,
    refused_by_policy,
    refused_by_rule,
)
from unlost_simulators.servicenow.model.platform import ATTACHMENT, JOURNAL
from unlost_simulators.servicenow.model.users import ApiUser
from unlost_simulators.servicenow.query.compile import Compiler
from unlost_simulators.servicenow.query.encoded import parse
from unlost_simulators.servicenow.reading import Reader
from unlost_simulators.servicenow.settings import ExistingId
from unlost_simulators.servicenow.store.database import Row
from unlost_simulators.servicenow.store.store import Where, equals
from unlost_simulators.servicenow.writing import evidence, reclass
from unlost_simulators.servicenow.writing.cells import stored

FIRST_NUMBER = 10_000
SCOPES = {"sys_scope": "", "application": "sys_update_set"}
"""Columns that an insert stores as ``global`` whatever is asked, with the table they belong to."""
GLOBAL_SCOPE = "global"


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes for one user. ``display``: entered values are display values."""

    instance: Instance
    user: ApiUser
    display: bool = False

    def insert(self, table: str, values: Mapping[str, Any]) -> str:
        """Add a row, and give its sys_id, which may be another than asked."""
        definition = self.instance.open_table(table)
        if not self.instance.acls.may(self.user, table, Operation.CREATE):
            raise refused_by_acl("Insert")
        # The transaction is the writer's alone, so that two rows never get the same number.
        with self.instance.store.database.writing():
            cells = self._new_cells(definition, values)
            journals = self._entries(self.instance.schema.columns(table), values)
            self.instance.store.insert(table, cells)
            self._write_entries(table, cells[ID], journals)
            if self.instance.settings.audit_inserts:
                self._audit(table, cells[ID], {}, cells)
            self._check(table, cells[ID], "insert")
        return cells[ID]

    def _new_cells(self, definition: TableDef, values: Mapping[str, Any]) -> dict[str, str]:
        table = definition.name
        columns = self.instance.schema.columns(table)
        cells = {name: column.default for name, column in columns.items() if column.default}
        cells |= self._entered(table, values, columns, operation=Operation.CREATE)
        for name, of in SCOPES.items():
            if name in cells and of in ("", table):
                cells[name] = GLOBAL_SCOPE
        cells[ID] = self._new_id(table, values)
        if definition.number and not cells.get("number"):
            cells["number"] = self._next_number(table, definition.number)
        if CLASS in columns:
            cells[CLASS] = table
        return cells | self._stamps(columns, created=True)

    def update(self, table: str, sys_id: str, values: Mapping[str, Any]) -> None:
        """Change a row that the user may read."""
        self.instance.open_table(table)
        reader = Reader(self.instance, self.user)
        with self.instance.store.database.writing():
            row = reader.row(table, sys_id)
            if not reader.permitted(table, [row], Operation.WRITE):
                raise refused_by_acl("Update")
            self._change(table, row, values)

    def _change(self, table: str, row: Row, values: Mapping[str, Any]) -> None:
        columns = self.instance.schema.columns(table)
        entered = self._entered(table, values, columns, operation=Operation.WRITE)
        changes = {
            name: value
            for name, value in entered.items()
            if value != row[name] and not (columns[name].choices and not value)
        }
        journals = self._entries(columns, values)
        concrete = row.get(CLASS, "") or table
        if changes or journals:
            stamps = self._stamps(columns, created=False)
            if "sys_mod_count" in columns:
                stamps["sys_mod_count"] = str(int(row["sys_mod_count"] or 0) + 1)
            self.instance.store.update(table, row[ID], changes | stamps)
            self._write_entries(table, row[ID], journals)
            self._audit(concrete, row[ID], row, changes)
        self._check(concrete, row[ID], "update")
        target = str(values.get(CLASS) or concrete)
        if target != concrete:
            reclass.reclassify(self.instance, table, row[ID], target)

    def delete(self, table: str, sys_id: str) -> None:
        """Delete a row with its attachments and dependent rows."""
        self.instance.open_table(table)
        reader = Reader(self.instance, self.user)
        with self.instance.store.database.writing():
            row = reader.row(table, sys_id)
            if not reader.permitted(table, [row], Operation.DELETE):
                raise refused_by_acl("Delete")
            self._check(row.get(CLASS, "") or table, row[ID], "delete", policies=False)
            self._remove(table, row[ID], marked=self.user.name)

    def _remove(self, table: str, sys_id: str, *, marked: str) -> None:
        whole = self.instance.store.whole(table, sys_id)
        if whole is None:
            return
        concrete, row = whole
        self.instance.store.delete(concrete, equals(ID, sys_id))
        definition = self.instance.schema[concrete]
        evidence.deleted(self.instance, definition, row, self.user.name, marked=marked)
        self._cascade(concrete, sys_id)
        files = self.instance.store.select(ATTACHMENT, equals("table_sys_id", sys_id))
        for file in files if concrete != ATTACHMENT else ():
            self._remove(ATTACHMENT, file[ID], marked=SYSTEM)

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
                self._remove(holder, row[ID], marked=SYSTEM)
            else:
                self.instance.store.update(holder, row[ID], {column.name: ""})

    def _new_id(self, table: str, values: Mapping[str, Any]) -> str:
        wanted = str(values.get(ID) or "")
        if not wanted or len(wanted) > ids.LENGTH or table in self.instance.settings.stray_ids:
            return ids.fresh()
        if self.instance.store.get(self.instance.schema.root(table), wanted) is None:
            return wanted
        if self.instance.settings.existing_id is ExistingId.NEW_ID:
            return ids.fresh()
        text = f"Error during insert of {table} ({wanted}): unique key violation"
        raise ServiceNowError(403, AUTHORIZATION_FAILED, text)

    def _next_number(self, table: str, prefix: str) -> str:
        where = Where("number LIKE ?", (f"{prefix}%",))
        root = self.instance.schema.root(table)
        largest = f"max(CAST(substr(number, {len(prefix) + 1}) AS INTEGER)) AS n"
        number = self.instance.store.aggregate(root, where, values=[largest], groups=[])[0]["n"]
        return f"{prefix}{max(int(number or 0), FIRST_NUMBER) + 1:07d}"

    def _entered(
        self,
        table: str,
        values: Mapping[str, Any],
        columns: Mapping[str, Column],
        *,
        operation: Operation,
    ) -> dict[str, str]:
        cells = {}
        for name, value in values.items():
            column = columns.get(name)
            if column is None or column.virtual or column.kind in JOURNALS:
                continue
            if column.kind in (Kind.ID, Kind.CLASS) or name.startswith("sys_created"):
                continue
            if name.startswith(("sys_updated", "sys_mod_count")) or not self._opens(column):
                continue
            if not self.instance.acls.may_column(self.user, table, name, operation):
                raise refused_by_acl("Insert" if operation is Operation.CREATE else "Update")
            cells[name] = stored(self.instance, self.user, column, value, display=self.display)
        return cells

    def _opens(self, column: Column) -> bool:
        """Return false for an encrypted column, whose value is then not saved, without a word."""
        if column.kind is not Kind.ENCRYPTED:
            return True
        return self.display and column.attributes in self.user.contexts

    def _stamps(self, columns: Mapping[str, Column], *, created: bool) -> dict[str, str]:
        now, name = self.instance.stamp(), self.user.name
        stamps = {"sys_updated_on": now, "sys_updated_by": name}
        if created:
            stamps |= {"sys_created_on": now, "sys_created_by": name, "sys_mod_count": "0"}
        return {column: value for column, value in stamps.items() if column in columns}

    def _entries(self, columns: Mapping[str, Column], values: Mapping[str, Any]) -> dict[str, str]:
        """Give the new journal entries; a column that only shows others' entries takes none."""
        return {
            name: str(value)
            for name, value in values.items()
            if name in columns and columns[name].kind in ENTRIES and value not in (None, "")
        }

    def _write_entries(self, table: str, sys_id: str, entries: Mapping[str, str]) -> None:
        for element, text in entries.items():
            self.instance.store.insert(
                JOURNAL,
                {
                    "sys_id": ids.fresh(),
                    "sys_created_on": self.instance.stamp(),
                    "sys_created_by": self.user.name,
                    "name": self.instance.schema.root(table),
                    "element_id": sys_id,
                    "element": element,
                    "value": text,
                },
            )

    def _audit(
        self, table: str, sys_id: str, before: Mapping[str, str], after: Mapping[str, str]
    ) -> None:
        """Write the changes of an audited table; columns of the platform are exempt."""
        if not self.instance.schema[table].audited:
            return
        updates = str(int(before.get("sys_mod_count") or -1) + 1)
        for name, value in after.items():
            if not name.startswith("sys_"):
                evidence.changed(
                    self.instance, table, sys_id, self.user.name, column=name,
                    old=before.get(name, ""), new=value, updates=updates,
                )  # fmt: skip

    def _check(self, table: str, sys_id: str, operation: str, *, policies: bool = True) -> None:
        """Refuse writes that business rules and data policies forbid; the transaction rolls back."""
        for rule in self.instance.rules.of_writes(table, operation):
            where = Compiler(self.instance.schema).compile(table, parse(rule.condition)).where
            if self.instance.store.count(table, where.also(equals(ID, sys_id))):
                raise refused_by_rule(table, rule.name, rule.sys_id)
        if policies:
            missing = reclass.missing_columns(self.instance, table, sys_id)
            if missing:
                raise refused_by_policy(missing)
