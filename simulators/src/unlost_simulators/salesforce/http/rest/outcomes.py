"""Row results in REST form: alone with a status, and as elements of a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unlost_simulators.kit.http.calls import Answer, json_answer
from unlost_simulators.salesforce.writing.request import RowError, RowResult

STATUS: Mapping[str, int] = {
    "ENTITY_IS_DELETED": 404,
    "NOT_FOUND": 404,
    "STORAGE_LIMIT_EXCEEDED": 403,
    "INSUFFICIENT_ACCESS_OR_READONLY": 403,
    "INSUFFICIENT_ACCESS": 403,
}
"""Statuses of refusals of one record; all others are 400."""
FIELDLESS = frozenset({"INVALID_FIELD", "JSON_PARSER_ERROR", "NOT_FOUND"})
"""Codes that come without a ``fields`` key while they name no field (seen in recorded answers)."""


def refusal(errors: Sequence[RowError]) -> Answer:
    """The answer for one record that was refused."""
    status = STATUS.get(errors[0].code, 400)
    return json_answer([_alone(error) for error in errors], status)


def _alone(error: RowError) -> dict[str, Any]:
    document: dict[str, Any] = {"message": error.message, "errorCode": error.code}
    if error.detail is not None:
        # The misspelt name is that of the service.
        return {"duplicateResut": dict(error.detail), "errorCode": error.code} | document
    if error.fields or error.code not in FIELDLESS:
        document["fields"] = list(error.fields)
    return document


def listed(result: RowResult) -> dict[str, Any]:
    """One element of a collection's answer; a refused row has no id."""
    document: dict[str, Any] = {"id": result.id} if result.success else {}
    document["success"] = result.success
    document["errors"] = [listed_error(error) for error in result.errors]
    if result.created is not None:
        document["created"] = result.created
    return document


def listed_error(error: RowError) -> dict[str, Any]:
    """An error inside a list: ``statusCode`` instead of the ``errorCode`` of a single response."""
    return {"statusCode": error.code, "message": error.message, "fields": list(error.fields)}


def success(result: RowResult) -> dict[str, Any]:
    """The body of a successful create or upsert."""
    document: dict[str, Any] = {"id": result.id, "success": True, "errors": []}
    if result.created is not None:
        document["created"] = result.created
    return document
