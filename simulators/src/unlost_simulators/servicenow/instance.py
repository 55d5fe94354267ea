"""One simulated instance: its schema, rows, users, rules and switches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.kit.sqlite import Row
from unlost_simulators.servicenow.access.acls import Acl, Acls
from unlost_simulators.servicenow.access.rules import Rules
from unlost_simulators.servicenow.model import ids, times
from unlost_simulators.servicenow.model.columns import Column, TableDef
from unlost_simulators.servicenow.model.errors import closed_table, invalid_table
from unlost_simulators.servicenow.model.platform import ACL, ACL_ROLE, PROPERTIES, ROLE
from unlost_simulators.servicenow.model.schema import Schema
from unlost_simulators.servicenow.model.transforms import TransformMap
from unlost_simulators.servicenow.model.users import ApiUser, OAuthClient, Users
from unlost_simulators.servicenow.settings import PROPERTIES as PROPERTY_NAMES
from unlost_simulators.servicenow.settings import InstanceSettings
from unlost_simulators.servicenow.store import dictionary
from unlost_simulators.servicenow.store.store import Store, equals

SYSTEM = "system"


class Instance:
    """The state of an instance. ``scripts`` are texts that queries made the server execute."""

    def __init__(
        self,
        tables: Iterable[TableDef],
        users: Iterable[ApiUser],
        clients: Iterable[OAuthClient] = (),
        *,
        clock: VirtualClock,
        transforms: Iterable[TransformMap] = (),
        db: Path | None = None,
    ) -> None:
        self.schema = Schema.of(tables)
        self.store = Store(self.schema, db)
        self.clock = clock
        self.users = Users.of(users)
        self.clients = {client.client_id: client for client in clients}
        self.settings = InstanceSettings()
        self.acls = Acls(self.schema)
        self.rules = Rules(self.schema)
        self.transforms = {each.staging: each for each in transforms}
        self.views: dict[tuple[str, str], tuple[str, ...]] = {}
        self.scripts: list[str] = []
        self.was_empty = self.store.is_empty()
        if self.was_empty:
            dictionary.describe(self.store, self.stamp())
            self.mirror_settings()

    def stamp(self) -> str:
        """Give the present as cells have it."""
        return times.text(self.clock.now())

    def table(self, name: str) -> TableDef:
        """Give a table, or refuse with 400."""
        table = self.schema.get(name)
        if table is None:
            raise invalid_table(name)
        return table

    def open_table(self, name: str) -> TableDef:
        """Give a table that is open to REST, or refuse."""
        table = self.table(name)
        if not table.web_access:
            raise closed_table()
        return table

    def add_table(self, table: TableDef) -> None:
        """Add a table with its dictionary rows."""
        self.schema.add(table)
        self.store.fit(table)
        dictionary.describe_table(self.store, table, self.stamp())

    def change_table(self, name: str, **changes: Any) -> None:
        """Change attributes of a table definition."""
        self.schema.replace(replace(self.table(name), **changes))
        dictionary.describe_table(self.store, self.schema[name], self.stamp())

    def put_column(self, table: str, column: Column) -> None:
        """Add a column, or replace it, as an upgrade does without notice."""
        self.table(table)
        # Reads go on meanwhile: they must not see a column that the database lacks.
        self.store.add_column(table, column)
        self.schema.put_column(table, column)
        dictionary.describe_table(self.store, self.schema[table], self.stamp())

    def drop_column(self, table: str, column: str) -> None:
        """Take a column away; its cells are no longer seen."""
        self.table(table)
        self.schema.drop_column(table, column)
        dictionary.describe_table(self.store, self.schema[table], self.stamp())

    def mirror_settings(self) -> None:
        """Write the switches that are properties into sys_properties."""
        for attribute, name in PROPERTY_NAMES.items():
            self.store.delete(PROPERTIES, equals("name", name))
            text = _property_text(getattr(self.settings, attribute))
            self.put_row(PROPERTIES, ids.fixed(PROPERTIES, name), name=name, value=text)

    def add_acl(self, rule: Acl) -> str:
        """Add an ACL and its row, and give the sys_id of the row."""
        self.acls.add(rule)
        sys_id = _acl_id(rule)
        self.store.delete(ACL, equals("sys_id", sys_id))
        self.put_row(
            ACL, sys_id, name=rule.name, operation=rule.operation.value, type="record",
            active="true", condition=rule.condition,
            admin_overrides=str(rule.admin_overrides).lower(),
        )  # fmt: skip
        for role in sorted(rule.roles):
            row = {"sys_security_acl": sys_id, "sys_user_role": ids.fixed(ROLE, role)}
            self.store.delete(ACL_ROLE, equals("sys_id", ids.fixed(ACL_ROLE, sys_id + role)))
            self.put_row(ACL_ROLE, ids.fixed(ACL_ROLE, sys_id + role), **row)
        return sys_id

    def clear_acls(self) -> None:
        """Remove all ACLs and their rows."""
        for rule in self.acls.all():
            self.store.delete(ACL, equals("sys_id", _acl_id(rule)))
            self.store.delete(ACL_ROLE, equals("sys_security_acl", _acl_id(rule)))
        self.acls.clear()

    def put_row(self, table: str, sys_id: str, **cells: str) -> None:
        """Insert a row of the platform, past all rules."""
        self.store.insert(table, {"sys_id": sys_id, **self.new_stamps(table, SYSTEM), **cells})

    def new_stamps(self, table: str, name: str) -> dict[str, str]:
        """Give the stamps of a row that a user creates now."""
        now = self.stamp()
        stamps = {
            "sys_created_on": now, "sys_created_by": name, "sys_updated_on": now,
            "sys_updated_by": name, "sys_mod_count": "0",
        }  # fmt: skip
        return self._of_table(table, stamps)

    def update_stamps(self, table: str, row: Row, name: str) -> dict[str, str]:
        """Give the stamps of a row that a user changes now."""
        count = int(row.get("sys_mod_count") or 0) + 1
        stamps = {
            "sys_updated_on": self.stamp(), "sys_updated_by": name, "sys_mod_count": str(count),
        }  # fmt: skip
        return self._of_table(table, stamps)

    def _of_table(self, table: str, cells: dict[str, str]) -> dict[str, str]:
        columns = self.schema.columns(table)
        return {name: value for name, value in cells.items() if name in columns}

    def close(self) -> None:
        """Close the database."""
        self.store.close()


def _acl_id(rule: Acl) -> str:
    parts = (rule.name, rule.operation, *sorted(rule.roles), rule.condition, rule.admin_overrides)
    return ids.fixed(ACL, "/".join(map(str, parts)))


def _property_text(value: object) -> str:
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    return str(value).lower() if isinstance(value, bool) else str(value)
