"""Drafts and the store: existing rows, their old values, and the statements that write them.

Every function works on all drafts of a request together; none runs a statement per row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.schema import FieldDef, FieldType, ObjectDef, Sharing
from unlost_simulators.salesforce.model.users import Permission, SimUser
from unlost_simulators.salesforce.soql import access, query
from unlost_simulators.salesforce.store import database, tables
from unlost_simulators.salesforce.store.load import NOTHING_SET
from unlost_simulators.salesforce.store.writes import Staged
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.job import Job

_ASKED = "_asked_rows"
DELETED = "deleted"
"""Purpose of a memo: of rows that exist, whether they are deleted."""
_STAMPS = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
_AUTHORS = ("CreatedById", "LastModifiedById", "OwnerId")


def stored_rows(
    job: Job, of: ObjectDef, keys: Iterable[str], fields: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Read rows by full id, deleted ones too, with ``IsDeleted`` and the existing fields."""
    wanted = sorted({key for key in keys if ids.is_id(key)})
    if not wanted:
        return {}
    flag = 't."IsDeleted"' if of.field("IsDeleted") else "FALSE"
    known = {field.name for field in of.stored} - {"Id", "IsDeleted"}
    names = [name for name in dict.fromkeys(fields) if name in known]
    columns = "".join(f", t.{tables.name(name)}" for name in names)
    sql = f'SELECT t."Id", {flag}{columns} FROM {tables.name(of.name)} t'
    found_rows = _few(job, sql, wanted) if len(wanted) <= database.FEW else _many(job, sql, wanted)
    return {row[0]: dict(zip(("Id", "IsDeleted", *names), row, strict=True)) for row in found_rows}


def _few(job: Job, sql: str, keys: Sequence[str]) -> list[Any]:
    """Read rows by ids that are listed in the statement; their counters limit the search."""
    orders = ", ".join(str(ids.counter_of(key)) for key in keys)
    with database.listing(job.store.cursor(), keys, tables.text) as listed:
        where = f'WHERE t.{tables.ORDER} IN ({orders}) AND t."Id" IN {listed}'
        return job.store.cursor().execute(f"{sql} {where}").fetchall()


def _many(job: Job, sql: str, keys: Sequence[str]) -> list[Any]:
    cursor = job.store.cursor()
    key_table = pa.table({"id": keys, "k": [ids.counter_of(key) for key in keys]})
    cursor.register(_ASKED, key_table)
    join = f'JOIN {_ASKED} a ON t.{tables.ORDER} = a.k AND t."Id" = a.id'
    found_rows = cursor.execute(f"{sql} {join}").fetchall()
    cursor.unregister(_ASKED)
    return found_rows


def visible_ids(job: Job, of: ObjectDef, keys: Iterable[str], user: SimUser) -> set[str]:
    """Return the rows that exist for the user; without sharing rules, all of them."""
    wanted = sorted(set(keys))
    context = query.context_of(job.store, user, "", all_rows=True)
    condition = access.visible(context, of, "t")
    if condition is None or not wanted:
        return set(wanted)
    cursor = job.store.cursor()
    with database.listing(cursor, wanted, tables.text) as listed:
        visible = cursor.execute(
            f'SELECT t."Id" FROM {tables.name(of.name)} t WHERE t."Id" IN {listed} AND {condition}'
        ).fetchall()
    return {row[0] for row in visible}


def editable_ids(job: Job, keys: Iterable[str]) -> set[str]:
    """Return the rows the user may change: all with Modify All Data, else own and shared ones."""
    user = job.user
    if job.by_platform or user.may(Permission.MODIFY_ALL_DATA) or job.of.sharing is Sharing.PUBLIC:
        return set(keys)
    return visible_ids(job, job.of, keys, _without_wide_reading(user))


def _without_wide_reading(user: SimUser) -> SimUser:
    wide = {Permission.VIEW_ALL_DATA, Permission.QUERY_ALL_FILES}
    return replace(user, permissions=user.permissions - wide)


def insert(job: Job, drafts: Sequence[Draft]) -> None:
    """Write new rows and give each draft its id."""
    table = staged(job, drafts)
    new_ids = job.store.append(job.of, table, job.author)
    job.store.memo(job.of.name, DELETED).update(dict.fromkeys(new_ids, False))
    for draft, key in zip(drafts, new_ids, strict=True):
        draft.id = key


def staged(job: Job, drafts: Sequence[Draft]) -> pa.Table:
    """New rows as an Arrow table of the fields that any of them sets."""
    fields = _fields(job.of, drafts)
    arrays = {
        field.name: pa.array(_column(job, field, drafts), tables.arrow_type(field))
        for field in fields
    }
    return pa.table(arrays or {NOTHING_SET: pa.nulls(len(drafts))})


def _fields(of: ObjectDef, drafts: Sequence[Draft]) -> list[FieldDef]:
    names = {name for draft in drafts for name in draft.cells}
    return [field for field in of.stored if field.name in names]


def _column(job: Job, field: FieldDef, drafts: Sequence[Draft]) -> list[Any]:
    absent = _default(job, field)
    name = field.name
    column = [draft.cells.get(name, absent) for draft in drafts]
    return _stored_blobs(job, column) if field.type is FieldType.BASE64 else column


def _stored_blobs(job: Job, column: Sequence[Any]) -> list[Any]:
    """The column with a token in place of all bytes."""
    contents = [cell for cell in column if isinstance(cell, bytes)]
    tokens = iter(job.store.keep_all(contents) if contents else ())
    return [next(tokens) if isinstance(cell, bytes) else cell for cell in column]


def _default(job: Job, field: FieldDef) -> Any:
    """Return the value of a new row in a field that only other rows of the request set."""
    if field.name in _STAMPS:
        return job.stamp
    if field.name in _AUTHORS:
        return job.user.id
    if field.type is FieldType.BOOLEAN:
        return bool(field.default)
    return field.default


def update(job: Job, drafts: Sequence[Draft]) -> None:
    """Write changes to live rows, with their history."""
    changed = [draft for draft in drafts if draft.id is not None]
    if not changed:
        return
    fields = _fields(job.of, changed)
    keys = [draft.id or "" for draft in changed]
    columns: dict[str, pa.Array] = {
        "Id": pa.array(keys, pa.string()),
        tables.ORDER: pa.array([ids.counter_of(key) for key in keys], pa.int64()),
    }
    for field in fields:
        columns[field.name] = pa.array(_given(job, field, changed), tables.arrow_type(field))
        flags = [field.name in draft.cells for draft in changed]
        columns[f"p_{field.name}"] = pa.array(flags, pa.bool_())
    job.store.change(job.of, Staged(pa.table(columns), tuple(fields)), job.author)


def _given(job: Job, field: FieldDef, drafts: Sequence[Draft]) -> list[Any]:
    column = [draft.cells.get(field.name) for draft in drafts]
    return _stored_blobs(job, column) if field.type is FieldType.BASE64 else column
