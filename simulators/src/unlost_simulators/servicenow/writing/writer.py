"""Inserting, changing and deleting rows on behalf of a user.

Columns that a request names and the table lacks are left out without a word (an inference), and so
are the columns of the platform, apart from sys_id of a new row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unlost_simulators.kit.sqlite import Row, Where
from unlost_simulators.servicenow.access.acls import Operation
from unlost_simulators.servicenow.access.rules import Effect, WriteRule
from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.model.columns import CLASS, ENTRIES, ID, Column, Kind, TableDef
from unlost_simulators.servicenow.model.errors import (
    AUTHORIZATION_FAILED,
    ServiceNowError,
    refused_by_acl,
    refused_by_policy,
    refused_by_rule,
)
from unlost_simulators.servicenow.model.users import ApiUser
from unlost_simulators.servicenow.query.conditions import condition_sql
from unlost_simulators.servicenow.reading import Reader
from unlost_simulators.servicenow.settings import ExistingId, RefusedColumn
from unlost_simulators.servicenow.store.store import equals
from unlost_simulators.servicenow.writing import evidence, reclass
from unlost_simulators.servicenow.writing.cells import stored
from unlost_simulators.servicenow.writing.removal import Removal

FIRST_NUMBER = 10_000
SCOPES = {"sys_scope": "", "application": "sys_update_set"}
"""Columns that an insert stores as ``global`` whatever is asked, with the table they belong to."""
GLOBAL_SCOPE = "global"
_STAMPS = ("sys_created", "sys_updated", "sys_mod_count")
_OF_PLATFORM = (Kind.ID, Kind.CLASS, Kind.JOURNAL_LIST)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes for one user. ``display``: entered values are display values."""

    instance: Instance
    user: ApiUser
    display: bool = False

    def insert(self, table: str, values: Mapping[str, Any]) -> str:
        """Add a row, and give its sys_id, which may be another than asked."""
        definition = self.instance.open_table(table)
        acls = self.instance.acls
        if self.user.is_read_only or not acls.may(self.user, table, Operation.CREATE):
            raise refused_by_acl("Insert")
        # The transaction is the writer's alone, so that two rows never get the same number.
        with self.instance.store.database.writing():
            columns = self.instance.schema.columns(table)
            entered = self._entered(columns, values)
            closed = {
                name
                for name in entered
                if not acls.may_column(self.user, table, name, Operation.CREATE)
            }
            changes, journals = self._parted(columns, entered, closed, "Insert")
            cells = self._new_cells(definition, changes, self._new_id(table, values))
            self.instance.store.insert(table, cells)
            cells |= self._set_by_rules(table, cells[ID], "insert")
            evidence.entered(self.instance, table, cells[ID], self.user.name, journals)
            if self.instance.settings.audit_inserts:
                evidence.changes(self.instance, table, {ID: cells[ID]}, cells, self.user.name)
            self._create_by_rules(table, cells[ID], "insert")
            self._check(table, cells[ID], "insert")
        return cells[ID]

    def _new_cells(
        self, definition: TableDef, entered: Mapping[str, str], sys_id: str
    ) -> dict[str, str]:
        table = definition.name
        columns = self.instance.schema.columns(table)
        cells = {name: column.default for name, column in columns.items() if column.default}
        cells |= entered
        for name, of in SCOPES.items():
            if name in cells and of in ("", table):
                cells[name] = GLOBAL_SCOPE
        cells[ID] = sys_id
        if definition.number and not cells.get("number"):
            cells["number"] = self._next_number(table, definition.number)
        if CLASS in columns:
            cells[CLASS] = table
        return cells | self.instance.new_stamps(table, self.user.name)

    def update(self, table: str, sys_id: str, values: Mapping[str, Any]) -> None:
        """Change a row that the user may read."""
        self.instance.open_table(table)
        reader = Reader(self.instance, self.user)
        with self.instance.store.database.writing():
            row = reader.row(table, sys_id)
            if self.user.is_read_only or not reader.permitted(table, [row], Operation.WRITE):
                raise refused_by_acl("Update")
            self._change(table, row, values)

    def _change(self, table: str, row: Row, values: Mapping[str, Any]) -> None:
        columns = self.instance.schema.columns(table)
        concrete = row.get(CLASS, "") or table
        entered = self._entered(columns, values)
        reader = Reader(self.instance, self.user)
        closed = {
            name for name in entered if reader.closed_cells(concrete, name, [row], Operation.WRITE)
        }
        cells, journals = self._parted(columns, entered, closed, "Update")
        changes = {name: value for name, value in cells.items() if value != row[name]}
        target = str(values.get(CLASS) or concrete)
        moves = reclass.is_move(self.instance, concrete, target)
        if changes or journals or moves:
            stamps = self.instance.update_stamps(table, row, self.user.name)
            self.instance.store.update(table, row[ID], changes | stamps)
            changes |= self._set_by_rules(concrete, row[ID], "update")
            evidence.entered(self.instance, table, row[ID], self.user.name, journals)
            evidence.changes(self.instance, concrete, row, changes, self.user.name)
            self._create_by_rules(concrete, row[ID], "update")
        self._check(concrete, row[ID], "update")
        if moves:
            reclass.move(self.instance, concrete, row[ID], target)

    def delete(self, table: str, sys_id: str, *, no_domain: bool = False) -> None:
        """Delete a row with its attachments and dependent rows."""
        self.instance.open_table(table)
        reader = Reader(self.instance, self.user)
        with self.instance.store.database.writing():
            row = reader.row(table, sys_id, no_domain=no_domain)
            if self.user.is_read_only or not reader.permitted(table, [row], Operation.DELETE):
                raise refused_by_acl("Delete")
            concrete = row.get(CLASS, "") or table
            self._check(concrete, row[ID], "delete", policies=False)
            self._create_by_rules(concrete, row[ID], "delete")
            Removal(self.instance, self.user.name).remove(table, row[ID], marked=self.user.name)

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

    def _entered(self, columns: Mapping[str, Column], values: Mapping[str, Any]) -> dict[str, str]:
        """Give the texts of a request that count, also those of journal columns."""
        cells = {}
        for name, value in values.items():
            column = columns.get(name)
            if column is None or not self._takes_values(column):
                continue
            text = stored(self.instance, self.user, column, value, display=self.display)
            # An empty text neither clears a choice nor is an entry.
            if text or not (column.choices or column.kind in ENTRIES):
                cells[name] = text
        return cells

    def _takes_values(self, column: Column) -> bool:
        if column.virtual or column.kind in _OF_PLATFORM or column.name.startswith(_STAMPS):
            return False
        # The value of an encrypted column is not saved, without a word.
        opens = self.display and column.attributes in self.user.contexts
        return opens or column.kind is not Kind.ENCRYPTED

    def _parted(
        self,
        columns: Mapping[str, Column],
        entered: Mapping[str, str],
        closed: set[str],
        operation: str,
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Give the cells and the journal entries of a request, without columns that are closed."""
        if closed and self.instance.settings.refused_column is RefusedColumn.REFUSED:
            raise refused_by_acl(operation)
        opened = {name: text for name, text in entered.items() if name not in closed}
        journals = {name: text for name, text in opened.items() if columns[name].kind in ENTRIES}
        return {name: opened[name] for name in opened.keys() - journals.keys()}, journals

    def _set_by_rules(self, table: str, sys_id: str, operation: str) -> dict[str, str]:
        """Change the row as business rules do, and give the cells that they set."""
        cells: dict[str, str] = {}
        for rule in self._rules(Effect.SET, table, sys_id, operation):
            self.instance.store.update(table, sys_id, rule.values)
            cells |= rule.values
        return cells

    def _create_by_rules(self, table: str, sys_id: str, operation: str) -> None:
        """Add the rows that business rules create; no rule looks at them."""
        for rule in self._rules(Effect.CREATE, table, sys_id, operation):
            row = self.instance.store.get(table, sys_id) or {}
            target = self.instance.schema[rule.target]
            cells = self._new_cells(target, rule.values_for(row), ids.fresh())
            self.instance.store.insert(rule.target, cells)

    def _check(self, table: str, sys_id: str, operation: str, *, policies: bool = True) -> None:
        """Refuse writes that business rules and data policies forbid; the transaction rolls back."""
        for rule in self._rules(Effect.REFUSE, table, sys_id, operation):
            raise refused_by_rule(table, rule.name, rule.sys_id)
        if policies:
            missing = reclass.missing_columns(self.instance, table, sys_id)
            if missing:
                raise refused_by_policy(missing)

    def _rules(self, effect: Effect, table: str, sys_id: str, operation: str) -> list[WriteRule]:
        """Give the business rules whose condition the row meets."""
        schema, user_id = self.instance.schema, self.user.sys_id
        return [
            rule
            for rule in self.instance.rules.of_writes(table, operation)
            if rule.effect is effect
            and self.instance.store.count(
                table,
                condition_sql(schema, table, rule.condition, user_id=user_id).also(
                    equals(ID, sys_id)
                ),
            )
        ]
