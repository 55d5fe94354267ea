"""Admin actions on rows and tables, as people, the platform and upgrades do them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from unlost_simulators.kit.admin.server import Routes, Wanted
from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.model.columns import Choice, Column, Kind
from unlost_simulators.servicenow.model.users import ApiUser
from unlost_simulators.servicenow.query.compile import Compiler
from unlost_simulators.servicenow.query.encoded import parse
from unlost_simulators.servicenow.store.store import Slice
from unlost_simulators.servicenow.writing import reclass, upkeep
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
            "POST records/quiet-update": self.quiet_update,
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
        reading = Compiler(self.instance.schema).compile(table, parse(wanted.get("query", "")))
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
        table = self.instance.table(wanted["table"]).name
        self.instance.store.update(table, wanted["sys_id"], wanted["values"])
        return {"updated": 1}

    def reclass(self, wanted: Wanted) -> Any:
        """Give ``sys_id`` of ``table`` the class ``to``; gives whether the record still exists."""
        table, sys_id = wanted["table"], wanted["sys_id"]
        return {"exists": reclass.reclassify(self.instance, table, sys_id, wanted["to"])}

    def clean(self, wanted: Wanted) -> Any:
        """Delete rows of ``table`` that meet ``query`` as the table cleaner does."""
        return {"deleted": upkeep.clean(self.instance, wanted["table"], wanted["query"])}

    def archive(self, wanted: Wanted) -> Any:
        """Move rows of ``table`` that meet ``query`` into its archive table."""
        return {"archived": upkeep.archive(self.instance, wanted["table"], wanted["query"])}

    def undelete(self, wanted: Wanted) -> Any:
        """Bring ``sys_id`` of ``table`` back, as an administrator does in the browser."""
        try:
            upkeep.undelete(self.instance, wanted["table"], wanted["sys_id"])
        except LookupError as error:
            raise ValueError(str(error)) from None
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
            return next(user for user in self.instance.users.all() if user.is_admin)
        user = self.instance.users.get(name)
        if user is None:
            raise ValueError(f"there is no user {name}")
        return user
