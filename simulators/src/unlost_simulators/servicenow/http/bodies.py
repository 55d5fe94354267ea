"""Bodies of requests as JSON objects."""

from __future__ import annotations

import json
from typing import Any

from unlost_simulators.kit.http.calls import Call
from unlost_simulators.servicenow.model.errors import ServiceNowError


def read_object(call: Call) -> dict[str, Any]:
    """Read the body; of a list the first object counts. 400 for any other body."""
    if not call.body:
        return {}
    kind = call.headers.get("content-type", "application/json")
    if "json" not in kind.lower():
        raise ServiceNowError(415, "Unsupported media type", f"Content-Type {kind}")
    try:
        document = json.loads(call.body)
    except ValueError as error:
        raise _unreadable(str(error)) from None
    if isinstance(document, list) and document:
        document = document[0]
    if not isinstance(document, dict):
        raise _unreadable("the body is no JSON object")
    return document


def _unreadable(text: str) -> ServiceNowError:
    return ServiceNowError(400, "Exception while reading request", text)
