"""JSON of calls and refusals, as the service reads and writes it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from unlost_simulators.kit.http.calls import Answer, Call, json_answer
from unlost_simulators.salesforce.model.errors import SalesforceError


def json_object(call: Call) -> dict[str, Any]:
    """Read the body as a JSON object; anything else is refused as the service refuses it."""
    return _object(_read(call.body or b"null"))


def record_json(body: bytes) -> dict[str, Any]:
    """Read a JSON object; fractions become ``Decimal``. Anything else is JSON_PARSER_ERROR."""
    if not body.strip():
        text = "The HTTP entity body is required, but this request has no entity body."
        raise SalesforceError(400, "JSON_PARSER_ERROR", text)
    return _object(_read(body, parse_float=Decimal, parse_constant=_no_number))


def error_answer(error: SalesforceError) -> Answer:
    """Give the answer for a refusal, in the array form."""
    return json_answer(error.body(), error.status)


def _read(body: bytes, **numbers: Any) -> Any:
    try:
        return json.loads(body, **numbers)
    except ValueError as error:
        raise SalesforceError(400, "JSON_PARSER_ERROR", str(error)) from None


def _object(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise SalesforceError(400, "JSON_PARSER_ERROR", "The HTTP entity body is required")
    return document


def _no_number(token: str) -> Any:
    raise ValueError(f"Non-standard token '{token}'")
