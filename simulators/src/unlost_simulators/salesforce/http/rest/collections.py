"""sObject Collections: up to 200 records in one call, and retrieval by ids.

Source: REST guide (resources-composite-sobjects-collections-*), recorded answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unlost_simulators.kit.http.calls import Answer, json_answer
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.http.json_texts import json_object
from unlost_simulators.salesforce.http.rest import bodies, outcomes
from unlost_simulators.salesforce.http.rest.bodies import Body
from unlost_simulators.salesforce.model.errors import SalesforceError, not_found
from unlost_simulators.salesforce.model.ids import EMPTY_KEY
from unlost_simulators.salesforce.writing import typed
from unlost_simulators.salesforce.writing.request import RowResult, Verb
from unlost_simulators.salesforce.writing.typed import TypedRow
from unlost_simulators.salesforce.writing.values.cells import POLYMORPHIC

MOST_RECORDS = 200
MOST_IDS = 2000
OLDEST_VERSION = 42
OVER_LIMIT = f"record limit reached. cannot submit more than {MOST_RECORDS} records into this call"


def create(context: Context) -> Answer:
    """Answer ``POST composite/sobjects``."""
    return _save(context, Verb.CREATE)


def update(context: Context) -> Answer:
    """Answer ``PATCH composite/sobjects``."""
    return _save(context, Verb.UPDATE)


def upsert(context: Context) -> Answer:
    """Answer ``PATCH composite/sobjects/X/ExternalIdField``."""
    name, key = context.params["object"], context.params["field"]
    body = bodies.read(context.call)
    org, user = context.sim.org, context.user
    org.object(user, name)
    rows = _rows(body, first=True)
    for row in rows:
        if row.error is None and str(row.object).lower() != name.lower():
            text = f"The record type {row.object} does not match the requested type {name}"
            raise SalesforceError(400, "INVALID_TYPE", text)
    options = bodies.options(context, all_or_none=_together(body), external_id=key)
    return _listed(typed.write_typed(org, user, Verb.UPSERT, rows, options))


def delete(context: Context) -> Answer:
    """Answer ``DELETE composite/sobjects?ids=``."""
    wanted = _split(context.call.query.get("ids", ""))
    _check_count(wanted)
    together = bodies.flag(context.call.query.get("allOrNone"))
    options = bodies.options(context, all_or_none=together)
    org, user = context.sim.org, context.user
    rows = typed.by_id(org, user, wanted)
    return _listed(typed.write_typed(org, user, Verb.DELETE, rows, options))


def retrieve(context: Context) -> Answer:
    """Answer ``GET composite/sobjects/X?ids=&fields=`` and its ``POST`` form."""
    if context.call.method == "POST":
        wanted = json_object(context.call)
        record_ids, fields = _texts(wanted, "ids"), _texts(wanted, "fields")
    else:
        record_ids = _split(context.call.query.get("ids", ""))
        fields = _split(context.call.query.get("fields", ""))
    if not record_ids or not fields:
        raise SalesforceError(400, "REQUIRED_FIELD_MISSING", "ids and fields are required")
    if len(record_ids) > MOST_IDS:
        text = f"record limit reached. cannot retrieve more than {MOST_IDS} records"
        raise SalesforceError(400, "LIMIT_EXCEEDED", text)
    # One id that is nobody's comes first: an unknown field is refused even if no id is an id.
    records = context.sim.org.get_many(
        context.user,
        context.params["object"],
        [EMPTY_KEY, *record_ids],
        fields,
        version=context.release,
    )
    return json_answer(list(records[1:]))


def _save(context: Context, verb: Verb) -> Answer:
    if context.version < OLDEST_VERSION:
        raise not_found()
    body = bodies.read(context.call)
    options = bodies.options(context, all_or_none=_together(body))
    rows = _rows(body)
    return _listed(typed.write_typed(context.sim.org, context.user, verb, rows, options))


def _listed(results: Sequence[RowResult]) -> Answer:
    return json_answer([outcomes.listed(result) for result in results])


def _together(body: Body) -> bool:
    return bodies.flag(body.document.get("allOrNone"))


def _rows(body: Body, *, first: bool = False) -> list[TypedRow]:
    """The records of a body; with ``first``, ``attributes`` must open each of them.

    A record without them is refused alone.
    """
    records = body.document.get("records")
    records = records if isinstance(records, list) else []
    _check_count(records)
    return [_row(record, body.files, first=first) for record in records]


def _check_count(records: Sequence[object]) -> None:
    if not records:
        text = "At least 1 record is required"
        raise SalesforceError(400, "REQUIRED_FIELD_MISSING", text, [])
    if len(records) > MOST_RECORDS:
        raise SalesforceError(400, "EXCEEDED_ID_LIMIT", OVER_LIMIT)


def _row(record: object, files: Mapping[str, bytes], *, first: bool) -> TypedRow:
    """A record whose ``attributes`` name its type, and perhaps a part of bytes."""
    if not isinstance(record, dict):
        raise SalesforceError(400, POLYMORPHIC.code, POLYMORPHIC.message)
    attributes = record.get("attributes")
    kind = attributes.get("type") if isinstance(attributes, dict) else None
    late = first and next(iter(record), None) != "attributes"
    if not isinstance(attributes, dict) or not isinstance(kind, str) or late:
        return TypedRow(None, record, POLYMORPHIC)
    row = {name: value for name, value in record.items() if name != "attributes"}
    part = attributes.get("binaryPartName")
    if part is not None:
        if part not in files:
            text = f"No binary part named {part} in the multipart request"
            raise SalesforceError(400, "INVALID_MULTIPART_REQUEST", text)
        row[str(attributes.get("binaryPartNameAlias", "VersionData"))] = files[part]
    return TypedRow(kind, row)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _texts(wanted: dict[str, Any], key: str) -> list[str]:
    values = wanted.get(key)
    return [str(each) for each in values] if isinstance(values, list) else []
