"""Refuse unknown names in requests: a misspelled parameter would otherwise be ignored."""

import dataclasses
import json
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest
from ninja.errors import HttpError, ValidationError

from unlost.app.operations import ApiOperation

UNKNOWN = "the operation has nothing of this name"


def refuse_surplus(request: HttpRequest, operation: ApiOperation) -> None:
    """Raise ValidationError for an unknown name in the query or the body.

    Raises HttpError for a body that is not JSON, also if none is expected.
    """
    wrong = [("query", name) for name in sorted(set(request.GET) - set(_query(operation)))]
    if not operation.takes:  # a file
        names = _names_in(request.body)
        # The client chooses the keys of a mapping.
        surplus = set() if operation.mapping else names - set(_body(operation))
        wrong += [("body", name) for name in sorted(surplus)]
    if wrong:
        raise ValidationError([{"loc": place, "msg": UNKNOWN} for place in wrong])


def _names_in(body: bytes) -> set[str]:
    try:
        document: Any = json.loads(body) if body.strip() else {}
        # Half of a surrogate pair is JSON, and no text that a database or a file can store.
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise HttpError(HTTPStatus.BAD_REQUEST, "the body is no JSON") from error
    return set(document) if isinstance(document, dict) else set()


def _query(operation: ApiOperation) -> tuple[str, ...]:
    return operation.free_parameters if operation.has_query else ()


def _body(operation: ApiOperation) -> tuple[str, ...]:
    """Return the names allowed in the body: the fields of its only record, or the parameters."""
    if operation.has_query:
        return ()
    if operation.alone:
        return tuple(field.name for field in dataclasses.fields(operation.kind))
    return operation.free_parameters
