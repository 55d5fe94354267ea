"""Reading of single records and of blobs for a user."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import cast

from unlost_simulators.kit import blobs
from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.answers import Blob, Json
from unlost_simulators.salesforce.model.errors import SalesforceError, not_found
from unlost_simulators.salesforce.model.schema import (
    INTEGERS,
    NUMBERS,
    FieldDef,
    FieldType,
    ObjectDef,
)
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.soql import query
from unlost_simulators.salesforce.soql.grammar import ast
from unlost_simulators.salesforce.store import tables
from unlost_simulators.salesforce.store.store import Store

OCTETS = "application/octetstream"
"""Content type of every blob, in the service's own spelling."""


def visible_object(store: Store, user: SimUser, name: str) -> ObjectDef:
    """The object of that name for the user; 404 otherwise."""
    of = store.schema.get(name)
    if of is None or not user.sees(of.name):
        raise not_found()
    return of


def full_ids(given: Sequence[str]) -> list[str | None]:
    """Each id in 18 characters, None for what is no id."""
    return [ids.full(key) if ids.is_id(key) else None for key in given]


def _names(of: ObjectDef, user: SimUser, wanted: Sequence[str] | None) -> list[str]:
    if wanted:
        return list(wanted)
    return [field.name for field in of.fields if user.sees(of.name, field.name)]


def get(
    store: Store,
    user: SimUser,
    of: ObjectDef,
    record_id: str,
    wanted: Sequence[str] | None,
    version: str,
) -> Json:
    """One record; raises NOT_FOUND, ENTITY_IS_DELETED or the refusal of an unknown field."""
    if not ids.is_id(record_id):
        raise not_found("Provided external ID field does not exist or is not accessible: Id")
    key = ids.full(record_id)
    deleted = dict(store.find(of, [key]))
    if key not in deleted:
        raise not_found()
    if deleted[key]:
        raise SalesforceError(404, "ENTITY_IS_DELETED", "entity is deleted", [])
    records = get_many(store, user, of, [key], wanted, version)
    record = records.get(key)
    if record is None:
        raise not_found()
    return record


def modified(store: Store, of: ObjectDef, record_id: str) -> datetime | None:
    """When a user last changed a row; None if the object has no such field, or there is no row."""
    if of.field("LastModifiedDate") is None:
        return None
    key = ids.full(record_id)
    row = (
        store.cursor()
        .execute(
            f'SELECT "LastModifiedDate" FROM {tables.name(of.name)} '
            f'WHERE {tables.ORDER} = ? AND "Id" = ?',
            [ids.counter_of(key), key],
        )
        .fetchone()
    )
    return None if row is None else cast("datetime", row[0]).replace(tzinfo=UTC)


def get_many(
    store: Store,
    user: SimUser,
    of: ObjectDef,
    keys: Sequence[str],
    wanted: Sequence[str] | None,
    version: str,
) -> dict[str, Json]:
    """Live records by full id, as far as they exist for the user."""
    if not keys:
        return {}
    names = _names(of, user, wanted)
    items = [ast.FieldItem(ast.Path(tuple(name.split(".")))) for name in dict.fromkeys(names)]
    has_id = any(name.lower() == "id" for name in names)
    if not has_id:
        items.append(ast.FieldItem(ast.Path(("Id",))))
    literals = tuple(
        ast.Literal(ast.Kind.STRING, record_id, f"'{record_id}'") for record_id in keys
    )
    where = ast.Member(ast.Path(("Id",)), literals)
    select = ast.Select(tuple(items), of.name, where=where)
    result = query.run_tree(store, user, select)
    by_key = {}
    for record in result.records(0, len(keys), version=version):
        key = record["Id"] if has_id else record.pop("Id")
        by_key[key] = record
    return by_key


def by_external_id(
    store: Store, user: SimUser, of: ObjectDef, field: FieldDef, value: str
) -> list[str]:
    """Ids of live rows whose key (an external id, or another look-up field) has the value."""
    literal = ast.Literal(ast.Kind.STRING, value, "''")
    if field.type in NUMBERS | INTEGERS:
        try:
            literal = ast.Literal(ast.Kind.NUMBER, Decimal(value), value)
        except InvalidOperation:
            return []
    where = ast.Compare(ast.Path((field.name,)), "=", literal)
    select = ast.Select((ast.FieldItem(ast.Path(("Id",))),), of.name, where=where)
    return [record["Id"] for record in query.run_tree(store, user, select).records(0, 2000)]


def blob(store: Store, user: SimUser, of: ObjectDef, record_id: str, field_name: str) -> Blob:
    """The bytes of a blob field of a row that the user sees."""
    field = of.field(field_name)
    if field is None or field.type is not FieldType.BASE64 or not user.sees(of.name, field.name):
        raise not_found()
    key = ids.full(record_id)
    if not ids.is_id(record_id) or key not in get_many(store, user, of, [key], ["Id"], "v66.0"):
        raise not_found()
    return _content_of(store, of, field, key)


def image(
    store: Store, user: SimUser, of: ObjectDef, record_id: str, field_name: str, refid: str
) -> Blob:
    """The bytes of an image in a rich text of a live row that the user sees."""
    field = of.field(field_name)
    key = ids.full(record_id)
    seen = field is not None and field.html and user.sees(of.name, field.name)
    if field is None or not seen or not ids.is_id(record_id):
        raise not_found()
    rows = get_many(store, user, of, [key], ["Id"], "v66.0")
    token = store.image(key, field.name, refid) if key in rows else None
    if token is None:
        raise not_found()
    return Blob(OCTETS, blobs.parse(token)[2], store.content(token))


def _content_of(store: Store, of: ObjectDef, field: FieldDef, key: str) -> Blob:
    row = (
        store.cursor()
        .execute(
            f"SELECT {tables.name(field.name)} FROM {tables.name(of.name)} "
            f'WHERE {tables.ORDER} = ? AND "Id" = ?',
            [ids.counter_of(key), key],
        )
        .fetchone()
    )
    if row is None or row[0] is None:
        return Blob(OCTETS, 0, iter(()))
    token = str(row[0])
    return Blob(OCTETS, blobs.parse(token)[2], store.content(token))
