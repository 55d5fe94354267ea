"""The org: one facade over the store, the schema, the users and SOQL, for HTTP and scenarios.

Every method may be called from any thread. It knows nothing of HTTP, tokens and jobs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from unlost_simulators.kit.allowances import Allowances
from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.salesforce import describe as describing
from unlost_simulators.salesforce import editing, limits, reading, replication
from unlost_simulators.salesforce.model.allocations import API_CALLS
from unlost_simulators.salesforce.model.answers import (
    Blob,
    BulkSelect,
    DeletedIds,
    Described,
    Holding,
    Json,
    UpdatedIds,
)
from unlost_simulators.salesforce.model.errors import SalesforceError, not_found
from unlost_simulators.salesforce.model.schema import FieldDef, FieldType, ObjectDef, Schema
from unlost_simulators.salesforce.model.settings import OrgSettings
from unlost_simulators.salesforce.model.users import Permission, SimUser, Users
from unlost_simulators.salesforce.soql import query as running
from unlost_simulators.salesforce.soql.result import QueryResult
from unlost_simulators.salesforce.storage import StorageMeter
from unlost_simulators.salesforce.store import database, evolve, tables
from unlost_simulators.salesforce.store.store import Store
from unlost_simulators.salesforce.writing import execution, pictures
from unlost_simulators.salesforce.writing.merges import merging
from unlost_simulators.salesforce.writing.merges.merging import MergeRequest, MergeResult
from unlost_simulators.salesforce.writing.mishaps import Mishaps, NoMishaps
from unlost_simulators.salesforce.writing.request import (
    DuplicateHeader,
    Row,
    RowResult,
    Verb,
    WriteOptions,
)
from unlost_simulators.salesforce.writing.rules import Planted

__all__ = ["Org", "SalesforceError"]

NO_DELAY = timedelta(0)
LATEST = "v66.0"


class Org:
    """One simulated org.

    ``objects`` are its objects, ``users`` who may call. ``db`` puts the rows into a file, else
    they live in memory. ``id18`` is the org's own id.
    """

    def __init__(
        self,
        objects: Sequence[ObjectDef],
        users: Sequence[SimUser],
        *,
        clock: VirtualClock,
        id18: str = "00D000000000062EAA",
        settings: OrgSettings | None = None,
        db: Path | None = None,
    ) -> None:
        self.clock = clock
        self.id18 = id18
        self.users = Users(users)
        self.store = Store(
            Schema(tuple(objects)),
            clock,
            first_user_id=self.users.first().id,
            settings=settings,
            db=db,
        )
        self.allocations = Allowances(clock)
        self.storage = StorageMeter(self.store)
        self.planted = Planted()
        self.mishaps: Mishaps = NoMishaps()
        self.figures = limits.Limits(self.store, self.allocations, self.storage)

    @property
    def settings(self) -> OrgSettings:
        """The org's numbers."""
        return self.store.settings

    def configure(self, **changes: Any) -> OrgSettings:
        """Change settings by name (``daily_api_requests=100``); gives the new ones."""
        self.store.settings = replace(self.store.settings, **changes)
        return self.store.settings

    @property
    def schema(self) -> Schema:
        """The objects at this moment."""
        return self.store.schema

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    # Describe

    def objects(self, user: SimUser) -> Sequence[ObjectDef]:
        """The objects that exist for the user, by name."""
        return describing.visible_objects(self.schema, self.users.current(user))

    def object(self, user: SimUser, name: str) -> ObjectDef:
        """The object of that name in any case; raises NOT_FOUND when it does not exist for him."""
        return reading.visible_object(self.store, self.users.current(user), name)

    def describe_global(self, user: SimUser, *, version: str = LATEST) -> Described:
        """The global describe."""
        body = describing.describe_global(self.schema, self.users.current(user), version)
        return self._described(body)

    def describe(self, user: SimUser, name: str, *, version: str = LATEST) -> Described:
        """The describe of one object; raises NOT_FOUND."""
        of = self.object(user, name)
        current = self.users.current(user)
        body = describing.describe(self.schema, current, of, version, self.settings)
        return self._described(body)

    def _described(self, body: Json) -> Described:
        return Described(body, describing.etag(body), self.store.schema_changed_at)

    # Queries

    def query(
        self, user: SimUser, soql: str, *, all_rows: bool = False, batch_size: int | None = None
    ) -> QueryResult:
        """Run a query; ``all_rows`` adds deleted and archived rows (queryAll).

        The result stays as it is now whatever is written later. Give it back with ``close``.
        """
        current = self.users.current(user)
        return running.run_query(
            self.store, current, soql, all_rows=all_rows, batch_size=batch_size
        )

    def bulk_sql(self, user: SimUser, soql: str, *, all_rows: bool = False) -> BulkSelect:
        """A query made ready for Bulk API 2.0; raises its refusals."""
        current = self.users.current(user)
        return running.bulk_select(self.store, current, soql, all_rows=all_rows)

    # Records and blobs

    def get(
        self,
        user: SimUser,
        name: str,
        record_id: str,
        fields: Sequence[str] | None = None,
        *,
        version: str = LATEST,
    ) -> Json:
        """One record, with all visible fields unless some are named.

        Raises NOT_FOUND (unknown), ENTITY_IS_DELETED (in the bin), INVALID_FIELD.
        """
        current = self.users.current(user)
        of = self.object(user, name)
        return reading.get(self.store, current, of, record_id, fields, version)

    def modified(self, name: str, record_id: str) -> datetime | None:
        """When a live row was last changed by a user; None if its object does not record it."""
        return reading.modified(self.store, self._need(name), record_id)

    def get_many(
        self,
        user: SimUser,
        name: str,
        record_ids: Sequence[str],
        fields: Sequence[str],
        *,
        version: str = LATEST,
    ) -> Sequence[Json | None]:
        """Records in the order of the ids; None where there is none for the user."""
        current = self.users.current(user)
        of = self.object(user, name)
        keys = reading.full_ids(record_ids)
        wanted = [key for key in keys if key is not None]
        records = reading.get_many(self.store, current, of, wanted, fields, version)
        return [None if key is None else records.get(key) for key in keys]

    def get_by_external_id(
        self,
        user: SimUser,
        name: str,
        field: str,
        value: str,
        fields: Sequence[str] | None = None,
        *,
        version: str = LATEST,
    ) -> Json | Sequence[str]:
        """The record with that external id; a list of ids when several have it.

        ``Id`` is a key too. Raises NOT_FOUND for no record, or a field that is no key.
        """
        if field.lower() == "id":
            return self.get(user, name, value, fields, version=version)
        current = self.users.current(user)
        of = self.object(user, name)
        key = of.field(field)
        visible = key is not None and current.sees(of.name, key.name)
        if key is None or not visible or not (key.external_id or key.id_lookup):
            text = f"Provided external ID field does not exist or is not accessible: {field}"
            raise not_found(text)
        matches = reading.by_external_id(self.store, current, of, key, value)
        if not matches:
            raise not_found()
        if len(matches) > 1:
            return matches
        return reading.get(self.store, current, of, matches[0], fields, version)

    def blob(self, user: SimUser, name: str, record_id: str, field: str) -> Blob:
        """The bytes of a blob field; raises NOT_FOUND for anything the user does not see."""
        current = self.users.current(user)
        of = self.object(user, name)
        return reading.blob(self.store, current, of, record_id, field)

    def image(self, user: SimUser, name: str, record_id: str, field: str, refid: str) -> Blob:
        """The bytes of an image in a rich text; raises NOT_FOUND as ``blob`` does."""
        current = self.users.current(user)
        of = self.object(user, name)
        if of.name in pictures.WITHOUT:
            raise not_found()
        return reading.image(self.store, current, of, record_id, field, refid)

    # Replication

    def updated(self, user: SimUser, name: str, start: datetime, end: datetime) -> UpdatedIds:
        """Answer of getUpdated; raises INVALID_REPLICATION_DATE and its like."""
        of = self.object(user, name)
        return replication.updated(self.store, self.users.current(user), of, start, end)

    def deleted(self, user: SimUser, name: str, start: datetime, end: datetime) -> DeletedIds:
        """Answer of getDeleted; raises INVALID_REPLICATION_DATE and its like."""
        of = self.object(user, name)
        return replication.deleted(self.store, self.users.current(user), of, start, end)

    def trim_delete_log(self, before: datetime, name: str | None = None) -> None:
        """Let getDeleted forget what was deleted before an instant."""
        self.store.trim_delete_log(before, name)

    # Limits

    def count_call(self, amount: int = 1) -> None:
        """Count API calls of the last 24 hours."""
        self.allocations.count(API_CALLS, amount)

    def api_usage(self) -> tuple[int, int]:
        """API calls used and allowed in 24 hours (``Sforce-Limit-Info``)."""
        return self.allocations.used(API_CALLS), self.settings.daily_api_requests

    def check_calls(self) -> None:
        """Raise REQUEST_LIMIT_EXCEEDED when the allocation of API calls is used up."""
        used, most = self.api_usage()
        if used > most:
            raise SalesforceError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")

    def limits(self, user: SimUser) -> Json:
        """Answer of ``/limits``: names to Max and Remaining, which is negative when over."""
        return self.figures.limits(self.users.current(user))

    def record_count(self, user: SimUser, names: Sequence[str] | None = None) -> Sequence[Json]:
        """Answer of ``/limits/recordCount``: cached counts of live rows.

        Raises INSUFFICIENT_ACCESS without View Setup and Configuration.
        """
        return self.figures.record_count(self.users.current(user), names)

    # Writes through the API

    def write(
        self,
        user: SimUser,
        verb: Verb,
        name: str,
        rows: Sequence[Row],
        options: WriteOptions | None = None,
    ) -> list[RowResult]:
        """Carry out a write as the API does it; one result a row, in the same order.

        Raises the refusals that concern the whole request; see ``writing.execution``.
        """
        current = self.users.current(user)
        return execution.write(self, current, verb, name, rows, options or WriteOptions())

    def merge(
        self,
        user: SimUser,
        requests: Sequence[MergeRequest],
        duplicates: DuplicateHeader | None = None,
    ) -> list[MergeResult]:
        """Merge records as the API does it; one result a request, in the same order.

        Raises NOT_FOUND and INVALID_TYPE_FOR_OPERATION for objects.
        """
        return merging.merge(self, self.users.current(user), requests, duplicates)

    # Edits by the admin API and by scenarios

    def insert(
        self,
        as_user: SimUser,
        name: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        visible_after: timedelta | None = None,
        stamp: datetime | None = None,
    ) -> list[str]:
        """Insert rows of field values (Python or JSON forms); gives their ids. All or nothing.

        Rows are stamped now (or ``stamp``) and become visible ``visible_after`` later. Any stored
        field may be given, system fields too. Raises the API's refusals (REQUIRED_FIELD_MISSING,
        STRING_TOO_LONG, STORAGE_LIMIT_EXCEEDED …).
        """
        of = self._need(name)
        self.figures.check_storage(of)
        return self.store.insert(
            as_user.id, of.name, rows, visible_after=self._delay(visible_after), stamp=stamp
        )

    def update(
        self,
        as_user: SimUser,
        name: str,
        changes: Mapping[str, Mapping[str, Any]],
        *,
        visible_after: timedelta | None = None,
        stamp: datetime | None = None,
    ) -> None:
        """Change rows by id; writes History rows for tracked fields and moves the stamps."""
        self.store.update(
            as_user.id,
            self._need(name).name,
            changes,
            visible_after=self._delay(visible_after),
            stamp=stamp,
        )

    def update_where(
        self,
        as_user: SimUser,
        name: str,
        where: str | None,
        assignments: Mapping[str, Any],
        *,
        limit: int | None = None,
        visible_after: timedelta | None = None,
        stamp: datetime | None = None,
    ) -> int:
        """Change all live rows that a SOQL condition chooses, in one statement; gives how many.

        ``assignments`` are values, or ``editing.Expression("{Phone} || ' x1'")`` for values made
        of the row's own fields. ``limit`` takes the first rows by id only.
        """
        of = self._need(name)
        chosen, sql = editing.chosen(self.store, of, where, assignments, limit)
        return self.store.update_chosen(
            as_user.id,
            of.name,
            chosen,
            sql,
            visible_after=self._delay(visible_after),
            stamp=stamp,
        )

    def ids_where(self, name: str, where: str | None, *, limit: int | None = None) -> list[str]:
        """Ids of live rows that a SOQL condition chooses, in the order of ids."""
        of = self._need(name)
        chosen, _ = editing.chosen(self.store, of, where, {}, limit)
        return database.column(self.store.cursor(), f'SELECT t0."Id" {chosen}')

    def delete(
        self,
        as_user: SimUser,
        name: str,
        record_ids: Sequence[str],
        *,
        visible_after: timedelta | None = None,
        stamp: datetime | None = None,
    ) -> None:
        """Delete rows with what hangs on them; raises DELETE_FAILED and ENTITY_IS_DELETED."""
        delay = self._delay(visible_after)
        of = self._need(name)
        self.store.delete(as_user.id, of.name, record_ids, visible_after=delay, stamp=stamp)

    def hard_delete(self, as_user: SimUser, name: str, record_ids: Sequence[str]) -> None:
        """Delete rows past the recycle bin."""
        self.store.delete(as_user.id, self._need(name).name, record_ids, hard=True)

    def undelete(self, as_user: SimUser, name: str, record_ids: Sequence[str]) -> None:
        """Bring rows back; raises UNDELETE_FAILED, STORAGE_LIMIT_EXCEEDED."""
        del as_user
        self.figures.check_storage(self._need(name))
        self.store.undelete(record_ids)

    def empty_bin(
        self,
        as_user: SimUser,
        name: str | None = None,
        record_ids: Sequence[str] | None = None,
    ) -> int:
        """Empty the recycle bin of these rows, of an object's rows, or of all; gives how many."""
        del as_user
        of = None if name is None else self._need(name).name
        return self.store.empty_bin(record_ids, object_name=of)

    def purge_expired(self) -> int:
        """Purge what has been in the bin for its 15 days (reads do it too); gives how many."""
        return self.store.purge_expired()

    def _delay(self, given: timedelta | None) -> timedelta:
        return self.settings.commit_delay if given is None else given

    def _need(self, name: str) -> ObjectDef:
        definition = self.schema.get(name)
        if definition is None:
            raise not_found()
        return definition

    # Changes of schema and rights while the org runs

    def add_object(self, of: ObjectDef) -> None:
        """A new, empty object."""
        self.store.add_object(of)

    def drop_object(self, name: str) -> None:
        """Without the object and its rows."""
        self.store.drop_object(self._need(name).name)

    def add_field(self, name: str, field: FieldDef) -> None:
        """A new field."""
        self._change(name, lambda of: evolve.add_field(of, field))

    def drop_field(self, name: str, field: str) -> None:
        """Without the field and its values."""
        self._change(name, lambda of: evolve.drop_field(of, field))

    def rename_field(self, name: str, field: str, new_name: str) -> None:
        """The field and its values under another API name."""
        self._change(name, lambda of: evolve.rename_field(of, field, new_name))

    def retype_field(self, name: str, field: FieldDef) -> None:
        """The field of that name with another type; values that do not fit become null."""
        self._change(name, lambda of: evolve.retype_field(of, field))

    def change_object(self, name: str, **changes: Any) -> None:
        """Change attributes of an object by name (``queryable=False``, ``bulk=False``)."""
        self._change(name, lambda of: (replace(of, **changes), ()))

    def _change(self, name: str, change: Callable[[ObjectDef], evolve.Change]) -> None:
        self.store.change_object(self._need(name).name, change)

    def hide_field(self, user: SimUser, name: str, field: str) -> SimUser:
        """Hide a field from a user."""
        return self.users.hide_field(user.id, name, field)

    def show_field(self, user: SimUser, name: str, field: str) -> SimUser:
        """Undo ``hide_field``."""
        return self.users.show_field(user.id, name, field)

    def hide_object(self, user: SimUser, name: str) -> SimUser:
        """Hide an object from a user."""
        return self.users.hide_object(user.id, name)

    def show_object(self, user: SimUser, name: str) -> SimUser:
        """Undo ``hide_object``."""
        return self.users.show_object(user.id, name)

    def set_permission(self, user: SimUser, permission: Permission, *, granted: bool) -> SimUser:
        """Grant or take a permission."""
        return self.users.set_permission(user.id, permission, granted=granted)

    # Truth for tests

    def holds(self, name: str) -> Holding:
        """Count the live and deleted rows of an object."""
        return self.store.holds(name)

    def export(self, name: str, *, user: SimUser | None = None, deleted: bool = False) -> pa.Table:
        """All live rows (or all rows) of an object with typed columns, in the order of ids.

        Stored fields only; blob fields hold recipe tokens. ``user`` leaves hidden fields out.
        """
        of = self._need(name)
        columns = ", ".join(
            tables.name(field.name)
            for field in of.stored
            if user is None or self.users.current(user).sees(of.name, field.name)
        )
        alive = ' WHERE NOT "IsDeleted"' if not deleted and of.field("IsDeleted") else ""
        sql = f"SELECT {columns} FROM {tables.name(of.name)}{alive} ORDER BY {tables.ORDER}"
        return database.arrow(self.store.cursor(), sql)

    def blob_fields(self, name: str) -> Sequence[str]:
        """Names of an object's blob fields."""
        return [field.name for field in self._need(name).fields if field.type is FieldType.BASE64]
