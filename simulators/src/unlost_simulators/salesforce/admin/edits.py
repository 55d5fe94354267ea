"""Admin actions on records, schema and access: what people do in the org, by name.

Every record action takes ``as``, a username; without it the org's first user acts. Rows are JSON
objects of API names. ``visible_after_seconds`` commits late: the rows carry the stamp of now and
are seen only later; a planted ``late_commit`` fault does the same to the next edits.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from unlost_simulators.kit.clock import instant
from unlost_simulators.kit.faults import (
    Subject,
)
from unlost_simulators.kit.http.calls import Answer
from unlost_simulators.salesforce.faults import (
    SalesforceFault,
)
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.schema import FieldDef, FieldType
from unlost_simulators.salesforce.model.users import Permission, SimUser
from unlost_simulators.salesforce.simulator import Simulator
from unlost_simulators.salesforce.writing.merges.merging import MergeRequest
from unlost_simulators.salesforce.writing.request import Verb

type Wanted = Mapping[str, Any]
ARROW_STREAM = "application/vnd.apache.arrow.stream"
LATE = frozenset({SalesforceFault.LATE_COMMIT})


class Edits:
    """Actions on what the org holds and shows."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.org = sim.org

    def insert(self, wanted: Wanted) -> Any:
        """Insert ``rows`` into ``object``; gives their ids. ``stamp`` sets their times."""
        ids = self.org.insert(
            self._actor(wanted),
            wanted["object"],
            wanted["rows"],
            visible_after=self._delay(wanted),
            stamp=_stamp(wanted),
        )
        return {"ids": list(ids)}

    def update(self, wanted: Wanted) -> Any:
        """Apply ``changes``, an object of id to changed fields, to ``object``."""
        self.org.update(
            self._actor(wanted),
            wanted["object"],
            wanted["changes"],
            visible_after=self._delay(wanted),
            stamp=_stamp(wanted),
        )
        return {"updated": len(wanted["changes"])}

    def update_where(self, wanted: Wanted) -> Any:
        """Set fields (``set``) of all rows of ``object`` that a SOQL condition ``where`` finds."""
        count = self.org.update_where(
            self._actor(wanted),
            wanted["object"],
            wanted.get("where"),
            wanted["set"],
            limit=wanted.get("limit"),
            visible_after=self._delay(wanted),
            stamp=_stamp(wanted),
        )
        return {"updated": count}

    def delete(self, wanted: Wanted) -> Any:
        """Delete ``ids`` of ``object`` into the recycle bin, with cascades."""
        self.org.delete(
            self._actor(wanted),
            wanted["object"],
            wanted["ids"],
            visible_after=self._delay(wanted),
            stamp=_stamp(wanted),
        )
        return {"deleted": len(wanted["ids"])}

    def hard_delete(self, wanted: Wanted) -> Any:
        """Delete ``ids`` of ``object`` past the recycle bin."""
        self.org.hard_delete(self._actor(wanted), wanted["object"], wanted["ids"])
        return {"deleted": len(wanted["ids"])}

    def merge(self, wanted: Wanted) -> Any:
        """Merge ``ids`` of ``object`` into ``master`` as the API does; ``set`` are its new values."""
        values = {name: _soap(value) for name, value in wanted.get("set", {}).items()}
        request = MergeRequest(wanted["object"], wanted["master"], tuple(wanted["ids"]), values)
        (result,) = self.org.merge(self._actor(wanted), [request])
        for error in result.errors:
            raise SalesforceError(400, error.code, error.message, list(error.fields))
        return {"merged": list(result.merged), "moved": list(result.moved)}

    def undelete(self, wanted: Wanted) -> Any:
        """Bring ``ids`` of ``object`` back from the recycle bin."""
        self.org.undelete(self._actor(wanted), wanted["object"], wanted["ids"])
        return {"undeleted": len(wanted["ids"])}

    def empty_bin(self, wanted: Wanted) -> Any:
        """Empty the recycle bin, or take ``ids`` of ``object`` out of it for good."""
        count = self.org.empty_bin(self._actor(wanted), wanted.get("object"), wanted.get("ids"))
        return {"purged": count}

    def purge(self, _wanted: Wanted) -> Any:
        """Purge what has been in the recycle bin for longer than it keeps things."""
        return {"purged": self.org.purge_expired()}

    def paste_image(self, wanted: Wanted) -> Any:
        """Add an image to the rich text ``field`` of the record ``id`` of ``object``.

        ``content`` is its base64 text, ``type`` its media type (PNG). Gives the text as it is now.
        """
        name, record_id, field = (wanted[key] for key in ("object", "id", "field"))
        actor = self._actor(wanted)
        before = self.org.get(actor, name, record_id, [field])[field] or ""
        data = f"data:{wanted.get('type', 'image/png')};base64,{wanted['content']}"
        row = {"Id": record_id, field: f'{before}<p><img alt="Picture" src="{data}"></img></p>'}
        (result,) = self.org.write(actor, Verb.UPDATE, name, [row])
        for error in result.errors:
            raise SalesforceError(400, error.code, error.message, list(error.fields))
        return {"text": self.org.get(actor, name, record_id, [field])[field]}

    def lose_image(self, wanted: Wanted) -> Any:
        """Lose the bytes of the image ``image``; texts still show its address."""
        self.org.store.lose_image(wanted["image"])
        return {}

    def add_field(self, wanted: Wanted) -> Any:
        """Add a field to ``object``: ``field`` holds members of ``FieldDef``."""
        self.org.add_field(wanted["object"], _field(wanted["field"]))
        return {}

    def drop_field(self, wanted: Wanted) -> Any:
        """Delete the field ``field`` of ``object``."""
        self.org.drop_field(wanted["object"], wanted["field"])
        return {}

    def rename_field(self, wanted: Wanted) -> Any:
        """Rename the field ``field`` of ``object`` to ``to``."""
        self.org.rename_field(wanted["object"], wanted["field"], wanted["to"])
        return {}

    def retype_field(self, wanted: Wanted) -> Any:
        """Give the field ``name`` in ``field`` of ``object`` another type."""
        self.org.retype_field(wanted["object"], _field(wanted["field"]))
        return {}

    def drop_object(self, wanted: Wanted) -> Any:
        """Delete a whole object with its rows."""
        self.org.drop_object(wanted["object"])
        return {}

    def hide_field(self, wanted: Wanted) -> Any:
        """Hide ``field`` of ``object`` from ``username``."""
        self.org.hide_field(self._user(wanted["username"]), wanted["object"], wanted["field"])
        return {}

    def show_field(self, wanted: Wanted) -> Any:
        """Undo ``hide_field``."""
        self.org.show_field(self._user(wanted["username"]), wanted["object"], wanted["field"])
        return {}

    def hide_object(self, wanted: Wanted) -> Any:
        """Take ``object`` away from ``username``."""
        self.org.hide_object(self._user(wanted["username"]), wanted["object"])
        return {}

    def show_object(self, wanted: Wanted) -> Any:
        """Undo ``hide_object``."""
        self.org.show_object(self._user(wanted["username"]), wanted["object"])
        return {}

    def set_permission(self, wanted: Wanted) -> Any:
        """Grant or take (``granted`` false) the permission ``permission`` of ``username``."""
        self.org.set_permission(
            self._user(wanted["username"]),
            Permission(wanted["permission"]),
            granted=bool(wanted.get("granted", True)),
        )
        return {}

    def holds(self, wanted: Wanted) -> Any:
        """Give the counts of live and deleted rows, of ``object`` or of all objects."""
        if "object" in wanted:
            names = [wanted["object"]]
        else:
            names = sorted(each.name for each in self.org.schema.objects)
        counts = {name: self.org.holds(name) for name in names}
        return {
            name: {"live": count.live, "deleted": count.deleted} for name, count in counts.items()
        }

    def export(self, wanted: Wanted) -> Any:
        """Return the live rows of ``object``; with ``deleted``, also the rows in the bin.

        ``username`` leaves out the fields that are hidden from that user. ``format`` is ``json``
        (default) or ``arrow``, an IPC stream.
        """
        user = self._user(wanted["username"]) if "username" in wanted else None
        deleted = str(wanted.get("deleted", "")).lower() in ("1", "true")
        table = self.org.export(wanted["object"], user=user, deleted=deleted)
        if wanted.get("format", "json") == "arrow":
            return Answer(200, _ipc(table), ARROW_STREAM)
        return {"rows": [_plain(row) for row in table.to_pylist()]}

    def _actor(self, wanted: Wanted) -> SimUser:
        return self._user(wanted["as"]) if "as" in wanted else self.org.users.first()

    def _user(self, username: str) -> SimUser:
        user = self.org.users.by_username(username)
        if user is None:
            raise ValueError(f"nobody is called {username}")
        return user

    def _delay(self, wanted: Wanted) -> timedelta | None:
        if "visible_after_seconds" in wanted:
            return timedelta(seconds=float(wanted["visible_after_seconds"]))
        subject = Subject("EDIT", wanted["object"], wanted["object"])
        rule = self.sim.faults.draw(LATE, subject)
        return timedelta(seconds=rule.seconds) if rule else None


def _soap(value: Any) -> str | None:
    """A value as the text of an XML element."""
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _stamp(wanted: Wanted) -> datetime | None:
    return instant(wanted["stamp"]) if "stamp" in wanted else None


def _field(wanted: Mapping[str, Any]) -> FieldDef:
    values = {**wanted, "type": FieldType(wanted["type"])}
    values.setdefault("label", values["name"])
    for name in ("targets", "picklist"):
        if name in values:
            values[name] = tuple(values[name])
    return FieldDef(**values)


def _ipc(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain_value(value) for name, value in row.items()}


def _plain_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
