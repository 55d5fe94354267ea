"""The desk where writes are handed in: every row is answered, in the order of the request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from unlost_simulators.salesforce.errors import SalesforceError
from unlost_simulators.salesforce.users import SimUser
from unlost_simulators.salesforce.writing.request import (
    Row,
    RowError,
    RowResult,
    Verb,
    WriteOptions,
)

if TYPE_CHECKING:
    from unlost_simulators.salesforce.org import Org


def write(
    org: Org,
    user: SimUser,
    verb: Verb,
    object_name: str,
    rows: Sequence[Row],
    options: WriteOptions,
) -> list[RowResult]:
    """Carry out a request; gives one result a row, in the same order.

    Raises ``SalesforceError`` for what concerns the whole request (an object that does not exist
    for the user, an upsert by a field that is no key).
    """
    of = org.object(user, object_name)
    return [_one(org, user, verb, of.name, row, options) for row in rows]


def _one(
    org: Org, user: SimUser, verb: Verb, name: str, row: Row, options: WriteOptions
) -> RowResult:
    cells = {key: value for key, value in row.items() if key.lower() not in {"id", "attributes"}}
    key = next((str(value) for one, value in row.items() if one.lower() == "id"), None)
    created = None
    try:
        if verb is Verb.UPSERT:
            key = _existing(org, user, name, row, options)
            created = key is None
        if verb is Verb.CREATE or created:
            key = org.insert(user, name, [cells])[0]
        else:
            _change(org, user, verb, name, key or "", cells)
    except SalesforceError as error:
        refused = RowError(error.code, error.message, tuple(error.fields or ()))
        return RowResult(None, success=False, created=created and False, errors=(refused,))
    return RowResult(key, success=True, created=created)


def _existing(org: Org, user: SimUser, name: str, row: Row, options: WriteOptions) -> str | None:
    field = (options.external_id or "Id").lower()
    value = next((str(value) for one, value in row.items() if one.lower() == field), None)
    if value is None or field == "id":
        return value
    try:
        found = org.get_by_external_id(user, name, field, value, ["Id"])
    except SalesforceError as error:
        if error.message.startswith("Provided external ID"):
            raise
        return None
    if not isinstance(found, dict):
        raise SalesforceError(300, "DUPLICATE_EXTERNAL_ID", "more than one match for upsert", [])
    return str(found["Id"])


def _change(
    org: Org, user: SimUser, verb: Verb, name: str, key: str, cells: dict[str, Any]
) -> None:
    match verb:
        case Verb.DELETE:
            org.delete(user, name, [key])
        case Verb.HARD_DELETE:
            org.hard_delete(user, name, [key])
        case Verb.UNDELETE:
            org.undelete(user, name, [key])
        case Verb.EMPTY_BIN:
            org.empty_bin(user, name, [key])
        case _:
            org.update(user, name, {key: cells})
