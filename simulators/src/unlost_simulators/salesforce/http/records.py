"""Single records, their blobs, and the lists of updated and deleted ids."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from unlost_simulators.salesforce.errors import SalesforceError
from unlost_simulators.salesforce.http.calls import Answer, json_answer
from unlost_simulators.salesforce.http.context import Context

BLOB_TYPE = "application/octetstream"  # as the service spells it


def record(context: Context) -> Answer:
    """Answer ``GET sobjects/X/ID``."""
    found = context.sim.org.get(
        context.user,
        context.params["object"],
        context.params["id"],
        fields_of(context),
        version=context.release,
    )
    return json_answer(found)


def record_or_blob(context: Context) -> Answer:
    """Answer ``GET sobjects/X/ID/BlobField`` or ``GET sobjects/X/ExternalIdField/VALUE``."""
    org, user, name = context.sim.org, context.user, context.params["object"]
    first, second = context.params["first"], context.params["second"]
    if second.lower() in {each.lower() for each in org.blob_fields(name)}:
        return blob(context, first, second)
    found = org.get_by_external_id(
        user, name, first, second, fields_of(context), version=context.release
    )
    if isinstance(found, Mapping):
        return json_answer(found)
    known = org.object(user, name).name
    return json_answer([f"{context.base}/sobjects/{known}/{each}" for each in found], 300)


def blob(context: Context, record_id: str, field: str) -> Answer:
    """Give the bytes of a blob field, chunked: the service announces no length."""
    held = context.sim.org.blob(context.user, context.params["object"], record_id, field)
    return Answer(200, content_type=BLOB_TYPE, stream=held.chunks)


def updated(context: Context) -> Answer:
    """Answer ``GET sobjects/X/updated``."""
    start, end = window(context)
    found = context.sim.org.updated(context.user, context.params["object"], start, end)
    return json_answer(
        {"ids": list(found.ids), "latestDateCovered": rest_time(found.latest_date_covered)}
    )


def deleted(context: Context) -> Answer:
    """Answer ``GET sobjects/X/deleted``."""
    start, end = window(context)
    found = context.sim.org.deleted(context.user, context.params["object"], start, end)
    return json_answer(
        {
            "deletedRecords": [
                {"id": record_id, "deletedDate": rest_time(when)}
                for record_id, when in found.records
            ],
            "earliestDateAvailable": rest_time(found.earliest_date_available),
            "latestDateCovered": rest_time(found.latest_date_covered),
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
