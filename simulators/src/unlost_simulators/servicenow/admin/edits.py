"""Admin actions on rows and tables, as people, the platform and upgrades do them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unlost_simulators.kit.admin.server import Routes, Wanted
from unlost_simulators.kit.sqlite import Row
from unlost_simulators.servicenow.instance import SYSTEM, Instance
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.model.columns import CLASS, ID, Choice, Column, Kind
from unlost_simulators.servicenow.model.users import ApiUser
from unlost_simulators.servicenow.query.conditions import valid_reading
from unlost_simulators.servicenow.store.store import Slice, equals
from unlost_simulators.servicenow.writing import evidence, reclass, upkeep
from unlost_simulators.servicenow.writing.writer import Writer


@dataclass(frozen=True, slots=True)
class Edits:
    """Actions on one instance; ``as`` names the user who acts."""

    instance: Instance

    def routes(self) -> Routes:
        """Give the calls."""
        return {
            "GET records": self.records,
            "POST records/insert": self.insert,
            "POST records/update": self.update,
            "POST records/delete": self.delete,
            "POST records/quiet-insert": self.quiet_insert,
            "POST records/quiet-update": self.quiet_update,
            "POST records/quiet-delete": self.quiet_delete,
            "POST records/reclass": self.reclass,
            "POST records/clean": self.clean,
            "POST records/archive": self.archive,
            "POST records/undelete": self.undelete,
            "POST schema/put-column": self.put_column,
            "POST schema/drop-column": self.drop_column,
            "POST schema/web-access": self.web_access,
        }

    def records(self, wanted: Wanted) -> Any:
        """Give the rows of ``table`` that meet ``query``, past all rights."""
        table = self.instance.table(wanted["table"]).name
        reading = valid_reading(self.instance.schema, table, wanted.get("query", ""))
        return self.instance.store.select(table, reading.where, Slice(reading.order))

    def insert(self, wanted: Wanted) -> Any:
        """Insert ``rows`` into ``table``."""
        writer = self._writer(wanted)
        return {"sys_ids": [writer.insert(wanted["table"], row) for row in wanted["rows"]]}

    def update(self, wanted: Wanted) -> Any:
        """Change rows of ``table``: ``changes`` by sys_id."""
        writer = self._writer(wanted)
        for sys_id, values in wanted["changes"].items():
            writer.update(wanted["table"], sys_id, values)
        return {"updated": len(wanted["changes"])}

    def delete(self, wanted: Wanted) -> Any:
        """Delete ``sys_ids`` of ``table``."""
        writer = self._writer(wanted)
        for sys_id in wanted["sys_ids"]:
            writer.delete(wanted["table"], sys_id)
        return {"deleted": len(wanted["sys_ids"])}

    def quiet_update(self, wanted: Wanted) -> Any:
        """Change ``values`` of ``sys_id`` without new stamps, as autoSysFields(false) does."""
        table, _ = self._existing(wanted["table"], wanted["sys_id"])
        self._check_cells(table, wanted["values"])
        self.instance.store.update(table, wanted["sys_id"], wanted["values"])
        return {"updated": 1}

    def quiet_insert(self, wanted: Wanted) -> Any:
        """Insert ``rows`` into ``table`` with the stamps that they have; no rule runs."""
        table = self.instance.table(wanted["table"]).name
        rows = [{ID: ids.fresh(), **row} for row in wanted["rows"]]
        if CLASS in self.instance.schema.columns(table):
            rows = [{**row, CLASS: table} for row in rows]
        with self.instance.store.database.writing():
            for row in rows:
                self._check_cells(table, row)
                if self.instance.store.get(self.instance.schema.root(table), row[ID]):
                    raise ValueError(f"{table} has a row {row[ID]}")
                self.instance.store.insert(table, row)
        return {"sys_ids": [row[ID] for row in rows]}

    def quiet_delete(self, wanted: Wanted) -> Any:
        """Delete ``sys_ids`` of ``table`` without rules and cascades, as setWorkflow(false) does.

        sys_audit gets its row, sys_audit_delete does not (an inference).
        """
        for sys_id in wanted["sys_ids"]:
            table, _ = self._existing(wanted["table"], sys_id)
            with self.instance.store.database.writing():
                self.instance.store.delete(table, equals(ID, sys_id))
                evidence.marked_deleted(self.instance, table, sys_id, SYSTEM)
        return {"deleted": len(wanted["sys_ids"])}

    def _existing(self, table: str, sys_id: str) -> tuple[str, Row]:
        """Give the class of a row and the row; ValueError if it does not exist."""
        whole = self.instance.store.whole(self.instance.table(table).name, sys_id)
        if whole is None:
            raise ValueError(f"{table} has no row {sys_id}")
        return whole

    def _check_cells(self, table: str, cells: Mapping[str, Any]) -> None:
        self.instance.schema.require_columns(table, cells)
        if not cells or not all(isinstance(text, str) for text in cells.values()):
            raise ValueError("cells are texts by the names of columns")

    def reclass(self, wanted: Wanted) -> Any:
        """Give ``sys_id`` of ``table`` the class ``to``; gives whether the record still exists."""
        table, sys_id, target = wanted["table"], wanted["sys_id"], wanted["to"]
        whole = self.instance.store.whole(self.instance.table(table).name, sys_id)
        if whole is None or not reclass.is_move(self.instance, whole[0], target):
            return {"exists": whole is not None}
        concrete, row = whole
        stamps = self.instance.update_stamps(concrete, row, SYSTEM)
        with self.instance.store.database.writing():
            self.instance.store.update(concrete, sys_id, stamps)
            return {"exists": reclass.move(self.instance, concrete, sys_id, target)}

    def clean(self, wanted: Wanted) -> Any:
        """Delete rows of ``table`` that meet ``query`` as the table cleaner does."""
        return {"deleted": upkeep.clean(self.instance, wanted["table"], wanted["query"])}

    def archive(self, wanted: Wanted) -> Any:
        """Move rows of ``table`` that meet ``query`` into its archive table."""
        return {"archived": upkeep.archive(self.instance, wanted["table"], wanted["query"])}

    def undelete(self, wanted: Wanted) -> Any:
        """Bring ``sys_id`` of ``table`` back, as an administrator does in the browser."""
        table = self.instance.table(wanted["table"]).name
        upkeep.undelete(self.instance, table, wanted["sys_id"])
        return {"undeleted": 1}

    def put_column(self, wanted: Wanted) -> Any:
        """Add or replace a column of ``table``; members as in ``Column``."""
        members = {name: value for name, value in wanted.items() if name != "table"}
        members["kind"] = Kind(members.get("kind", Kind.STRING))
        options = members.get("choices", {})
        members["choices"] = tuple(Choice(value, label) for value, label in options.items())
        self.instance.put_column(wanted["table"], Column(**members))
        return {"column": wanted["name"]}

    def drop_column(self, wanted: Wanted) -> Any:
        """Take the column ``name`` of ``table`` away."""
        self.instance.drop_column(wanted["table"], wanted["name"])
        return {"column": wanted["name"]}

    def web_access(self, wanted: Wanted) -> Any:
        """Open or close ``table`` to REST."""
        self.instance.change_table(wanted["table"], web_access=bool(wanted["open"]))
        return {"open": bool(wanted["open"])}

    def _writer(self, wanted: Wanted) -> Writer:
        return Writer(self.instance, self._user(wanted.get("as")))

    def _user(self, name: str | None) -> ApiUser:
        if name is None:
            writers = [user for user in self.instance.users.all() if not user.is_read_only]
            return next(user for user in writers if user.is_admin)
        user = self.instance.users.get(name)
        if user is None:
            raise ValueError(f"there is no user {name}")
        return user
