"""What a request holds beyond its operation: refused, for a misspelled name would else do something else."""

import dataclasses
import inspect
import json
from typing import Any

from django.http import HttpRequest
from ninja.errors import ValidationError

from unlost.app.operations import Method, Operation, hints

UNKNOWN = "the operation has nothing of this name"


def refuse_surplus(request: HttpRequest, operation: Operation) -> None:
    """Raise ValidationError for a name in query or body that the operation does not know."""
    sent = {"query": set(request.GET), "body": _names_in(request.body)}
    known = {"query": set(_query(operation)), "body": set(_body(operation))}
    wrong = [(place, name) for place in sent for name in sorted(sent[place] - known[place])]
    if wrong:
        raise ValidationError([{"loc": place, "msg": UNKNOWN} for place in wrong])


def _names_in(body: bytes) -> set[str]:
    told: Any = json.loads(body) if body.strip() else {}
    return set(told) if isinstance(told, dict) else set()


def _left(operation: Operation) -> list[str]:
    """Parameters that do not stand in the path."""
    return [name for name in operation.parameters if not operation.in_path(name)]


def _query(operation: Operation) -> list[str]:
    return _left(operation) if operation.method is Method.GET else []


def _body(operation: Operation) -> list[str]:
    """Names in the body: those of its one record, or one for each parameter."""
    if operation.method is Method.GET:
        return []
    names = _left(operation)
    kinds = hints(operation.call)
    if (
        len(names) == 1
        and inspect.isclass(kinds[names[0]])
        and dataclasses.is_dataclass(kinds[names[0]])
    ):
        return [field.name for field in dataclasses.fields(kinds[names[0]])]
    return names
