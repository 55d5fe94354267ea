"""Single records: read, created, changed and deleted; blobs; lists of updated and deleted ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from unlost_simulators.kit.http.calls import (
    Answer,
    json_answer,
    no_content,
)
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.http.json_texts import error_answer
from unlost_simulators.salesforce.http.rest import bodies, conditional, outcomes
from unlost_simulators.salesforce.http.routes import method_not_allowed
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.writing.request import RowResult, Verb

# From this version on an upsert that updates has a body (REST guide, upsert by external id).
OLDEST_UPSERT_BODY = 46
# From this version on a record is created by POST to sobjects/X/Id too (REST guide, create records
# using sObject rows by external id).
OLDEST_POST_ID = 37
BLOB_TYPE = "application/octetstream"  # as the service spells it


def record(context: Context) -> Answer:
    """Answer ``GET sobjects/X/ID``."""
    return _read(context, context.params["object"], context.params["id"])


def record_or_blob(context: Context) -> Answer:
    """Answer ``GET sobjects/X/ID/BlobField`` or ``GET sobjects/X/KeyField/VALUE``."""
    name, first, second = (context.params[param] for param in ("object", "first", "second"))
    if second.lower() in {each.lower() for each in context.sim.org.blob_fields(name)}:
        return blob(context, first, second)
    target = _by_key(context, name, first, second)
    return target if isinstance(target, Answer) else _read(context, name, target)


def _read(context: Context, name: str, record_id: str) -> Answer:
    """A record, or 304 if the client has it in this state."""
    stored = context.sim.org.get(
        context.user, name, record_id, fields_of(context), version=context.release
    )
    return conditional.answer(context.call, stored, conditional.of_record(context, name, record_id))


def blob(context: Context, record_id: str, field: str) -> Answer:
    """Give the bytes of a blob field, chunked: the service announces no length."""
    content = context.sim.org.blob(context.user, context.params["object"], record_id, field)
    return Answer(200, content_type=BLOB_TYPE, stream=content.chunks)


def image(context: Context) -> Answer:
    """Answer ``GET sobjects/X/ID/richTextImageFields/FIELD/IMAGE``, chunked like a blob."""
    params = context.params
    content = context.sim.org.image(
        context.user, params["object"], params["id"], params["field"], params["image"]
    )
    return Answer(200, content_type=BLOB_TYPE, stream=content.chunks)


def create(context: Context) -> Answer:
    """Answer ``POST sobjects/X``: JSON, or multipart with the bytes of a blob field."""
    name = context.params["object"]
    row = bodies.with_files(bodies.read(context.call))
    result = _write(context, Verb.CREATE, name, row)
    return _made(context, name, result) if result.success else outcomes.refusal(result.errors)


def create_many(context: Context, name: str, rows: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """Answers to as many creations of one object, carried out as one request."""
    try:
        results = context.sim.org.write(
            context.user, Verb.CREATE, name, rows, bodies.options(context)
        )
    except SalesforceError as error:
        return [error_answer(error) for _ in rows]
    return [
        _made(context, name, result) if result.success else outcomes.refusal(result.errors)
        for result in results
    ]


def update(context: Context) -> Answer:
    """Answer ``PATCH sobjects/X/ID``."""
    name, record_id = context.params["object"], context.params["id"]
    row = bodies.with_files(bodies.read(context.call))
    _refuse_key(row, "Id")
    conditional.check_change(context, name, record_id)
    result = _write(context, Verb.UPDATE, name, {**row, "Id": record_id})
    return no_content() if result.success else outcomes.refusal(result.errors)


def override(context: Context) -> Answer:
    """Answer ``POST sobjects/X/ID?_HttpMethod=PATCH``, which clients without PATCH send."""
    method = context.call.query.get("_HttpMethod", "POST").upper()
    keyed = "first" in context.params
    if method == "PATCH":
        return upsert(context) if keyed else update(context)
    if method == "DELETE":
        return delete_by_key(context) if keyed else delete(context)
    if keyed and method == "POST":
        return upsert(context)
    if method == "POST" and _is_id(context.params["id"]) and context.version >= OLDEST_POST_ID:
        return create(context)
    raise method_not_allowed(method, ["GET", "PATCH", "DELETE"])


def delete(context: Context) -> Answer:
    """Answer ``DELETE sobjects/X/ID``."""
    row = {"Id": context.params["id"]}
    result = _write(context, Verb.DELETE, context.params["object"], row)
    return no_content() if result.success else outcomes.refusal(result.errors)


def delete_by_key(context: Context) -> Answer:
    """Answer ``DELETE sobjects/X/ExternalIdField/VALUE``."""
    name = context.params["object"]
    target = _by_key(context, name, context.params["first"], context.params["second"])
    if isinstance(target, Answer):
        return target
    result = _write(context, Verb.DELETE, name, {"Id": target})
    return no_content() if result.success else outcomes.refusal(result.errors)


def upsert(context: Context) -> Answer:
    """Answer ``PATCH sobjects/X/KeyField/VALUE``; ``updateOnly=true`` never inserts.

    A key is an external id, another look-up field (``Email``), or ``Id``, which never inserts.
    """
    name, key, value = (context.params[param] for param in ("object", "first", "second"))
    row = bodies.with_files(bodies.read(context.call))
    _refuse_key(row, key)
    if _is_id(key):
        conditional.check_change(context, name, value)
        result = _write(context, Verb.UPDATE, name, {**row, "Id": value})
        return no_content() if result.success else outcomes.refusal(result.errors)
    options = bodies.options(
        context,
        external_id=key,
        update_only=bodies.flag(context.call.query.get("updateOnly")),
    )
    (result,) = context.sim.org.write(
        context.user, Verb.UPSERT, name, [{key: value, **row}], options
    )
    if any(error.code == "DUPLICATE_EXTERNAL_ID" for error in result.errors):
        several = _by_key(context, name, key, value)
        return several if isinstance(several, Answer) else outcomes.refusal(result.errors)
    if not result.success:
        return outcomes.refusal(result.errors)
    if result.created:
        return _made(context, name, result)
    if context.version < OLDEST_UPSERT_BODY:
        return no_content()
    return _made(context, name, result, status=200)


def _is_id(key: str) -> bool:
    """Return true for ``Id`` as a key, in any case."""
    return key.lower() == "id"


def _write(context: Context, verb: Verb, name: str, row: Mapping[str, Any]) -> RowResult:
    (result,) = context.sim.org.write(context.user, verb, name, [row], bodies.options(context))
    return result


def _made(context: Context, name: str, result: RowResult, *, status: int = 201) -> Answer:
    known = context.sim.org.object(context.user, name).name
    place = f"{context.base}/sobjects/{known}/{result.id}"
    return json_answer(outcomes.success(result), status, Location=place)


def _refuse_key(row: Mapping[str, Any], key: str) -> None:
    """The key stands in the address and must not be in the body too."""
    for name in row:
        if name.lower() in {key.lower(), "id"}:
            text = f"The {name} field should not be specified in the sobject data."
            raise SalesforceError(400, "INVALID_FIELD", text)


def _by_key(context: Context, name: str, key: str, value: str) -> str | Answer:
    """The id of the record with that external id, or the answer that lists several."""
    match = context.sim.org.get_by_external_id(context.user, name, key, value, ["Id"])
    return str(match["Id"]) if isinstance(match, Mapping) else _several(context, name, match)


def _several(context: Context, name: str, keys: Sequence[str]) -> Answer:
    known = context.sim.org.object(context.user, name).name
    return json_answer([f"{context.base}/sobjects/{known}/{each}" for each in keys], 300)


def updated(context: Context) -> Answer:
    """Answer ``GET sobjects/X/updated``."""
    start, end = window(context)
    updates = context.sim.org.updated(context.user, context.params["object"], start, end)
    return json_answer(
        {"ids": list(updates.ids), "latestDateCovered": rest_time(updates.latest_date_covered)}
    )


def deleted(context: Context) -> Answer:
    """Answer ``GET sobjects/X/deleted``."""
    start, end = window(context)
    deletions = context.sim.org.deleted(context.user, context.params["object"], start, end)
    return json_answer(
        {
            "deletedRecords": [
                {"id": record_id, "deletedDate": rest_time(when)}
                for record_id, when in deletions.records
            ],
            "earliestDateAvailable": rest_time(deletions.earliest_date_available),
            "latestDateCovered": rest_time(deletions.latest_date_covered),
        }
    )


def fields_of(context: Context) -> list[str] | None:
    """Give the names of the ``fields`` parameter."""
    text = context.call.query.get("fields")
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def window(context: Context) -> tuple[datetime, datetime]:
    """Read ``start`` and ``end``; seconds do not count, and an unencoded ``+`` survives."""
    return _instant(context, "start"), _instant(context, "end")


def _instant(context: Context, name: str) -> datetime:
    text = context.call.query.get(name, "")
    # A plus sign that was not percent-encoded arrives as a blank.
    repaired = f"{text[:19]}{text[19:].replace(' ', '+')}"
    try:
        when = datetime.fromisoformat(repaired)
    except ValueError:
        message = f"{name} is not a valid value for the type xsd:dateTime: {text}"
        raise SalesforceError(400, "INVALID_REPLICATION_DATE", message) from None
    aware = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return aware.astimezone(UTC).replace(second=0, microsecond=0)


def rest_time(when: datetime) -> str:
    """Give an instant as REST writes it."""
    utc = when.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}+0000"
