"""Bodies and headers of write requests: records with or without bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unlost_simulators.kit.http.calls import Call
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.http.json_texts import record_json
from unlost_simulators.salesforce.http.rest import parts
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.writing.request import (
    AllOrNone,
    Channel,
    DuplicateHeader,
    WriteOptions,
)

MULTIPART = "multipart/form-data"
_JSON = ("application/json", "text/json")
ENTITY = "entity_"
COLLECTION = "collection"
# REST guide, insert or update blob data: how much a JSON body with base64 may hold.
MAX_JSON = 50_000_000
OLDEST_DUPLICATE_HEADER = 52
_PAIR = re.compile(r"\s*(\w+)\s*=\s*(\w+)\s*")


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON object and the bytes that came beside it, by the names of their parts."""

    document: dict[str, Any]
    files: Mapping[str, bytes]


def read(call: Call) -> Body:
    """Read the body of a write; raises UNSUPPORTED_MEDIA_TYPE for what is neither form."""
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == MULTIPART:
        return _multipart(call)
    if kind and kind not in _JSON:
        text = f"Content type {kind} is not supported"
        raise SalesforceError(415, "UNSUPPORTED_MEDIA_TYPE", text)
    if len(call.body) > MAX_JSON:
        raise SalesforceError(413, "REQUEST_ENTITY_TOO_LARGE", "The request entity is too large")
    return Body(record_json(call.body), {})


def _multipart(call: Call) -> Body:
    """One part holds the record (its name begins with ``entity_``) or the collection."""
    document: dict[str, Any] | None = None
    files: dict[str, bytes] = {}
    for part in parts.read(call.body, call.headers.get("content-type", "")):
        if part.name.startswith(ENTITY) or part.name == COLLECTION:
            document = parts.json_object(part)
        else:
            files[part.name] = part.body
    if document is None:
        text = "The multipart request has no part with the record's fields"
        raise SalesforceError(400, "INVALID_MULTIPART_REQUEST", text)
    return Body(document, files)


def with_files(body: Body) -> dict[str, Any]:
    """One record with its bytes: each part is named after its field."""
    return {**body.document, **body.files}


def options(
    context: Context,
    *,
    all_or_none: bool = False,
    external_id: str | None = None,
    update_only: bool = False,
) -> WriteOptions:
    """The options of a write by REST."""
    headers = context.call.headers
    duplicates = DuplicateHeader()
    if context.version >= OLDEST_DUPLICATE_HEADER:
        duplicates = _duplicates(headers.get("sforce-duplicate-rule-header", ""))
    return WriteOptions(
        external_id=external_id,
        all_or_none=AllOrNone.ALL if all_or_none else AllOrNone.EACH,
        channel=Channel.REST,
        duplicates=duplicates,
        auto_assign=headers.get("sforce-auto-assign"),
        update_only=update_only,
    )


def _duplicates(text: str) -> DuplicateHeader:
    given = {
        match.group(1).lower(): match.group(2).lower() == "true"
        for match in (_PAIR.fullmatch(pair) for pair in re.split(r"[;,]", text))
        if match is not None
    }
    return DuplicateHeader(
        allow_save=given.get("allowsave", False),
        include_record_details=given.get("includerecorddetails", False),
        run_as_current_user=given.get("runascurrentuser", False),
    )


def flag(value: object) -> bool:
    """A boolean of a body or a query parameter."""
    return value is True or str(value).lower() == "true"
