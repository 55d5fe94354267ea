"""Subrequests of the composite resources: each is handled as a separate call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from unlost_simulators.kit.http.calls import Answer, call_from_target
from unlost_simulators.salesforce.http.combined import references
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.http.json_texts import error_answer
from unlost_simulators.salesforce.model.errors import SalesforceError, not_found
from unlost_simulators.salesforce.model.numbers import write_json

type Dispatch = Callable[[Context], Answer]

ROLLED_BACK = SalesforceError(
    400,
    "PROCESSING_HALTED",
    "The transaction was rolled back since another operation in the same transaction failed.",
)
NESTED = frozenset({("composite",), ("composite", "batch"), ("composite", "graph")})
"""Resources that cannot be subrequests."""


@dataclass(frozen=True, slots=True)
class Subrequest:
    """One subrequest as it was sent; ``target`` begins with a slash."""

    method: str
    target: str
    reference: str
    body: Any
    headers: Mapping[str, str]


def read(document: object, *, body: str = "body", prefix: str = "") -> Subrequest:
    """Read a subrequest; ``body`` names the member that holds its body."""
    given = document if isinstance(document, dict) else {}
    headers = given.get("httpHeaders")
    named = headers if isinstance(headers, dict) else {}
    return Subrequest(
        str(given.get("method", "GET")).upper(),
        prefix + str(given.get("url", "")).lstrip("/" if prefix else ""),
        str(given.get("referenceId", "")),
        given.get(body),
        {str(name).lower(): str(value) for name, value in named.items()},
    )


def answer(context: Context, request: Subrequest, dispatch: Dispatch) -> Answer:
    """Handle a subrequest as a separate call; a refusal is a response too."""
    content = b"" if request.body is None else write_json(request.body)
    headers = {**context.call.headers, "content-type": "application/json", **request.headers}
    call = call_from_target(request.method, request.target, headers=headers, body=content)
    try:
        parts = [part.lower() for part in call.segments]
        if parts[:2] != ["services", "data"] or tuple(parts[3:]) in NESTED:
            raise not_found()
        reply = dispatch(replace(context, call=call))
    except SalesforceError as error:
        return error_answer(error)
    if reply.document is None and reply.status < 300 and reply.status != 204:
        text = "Binary content cannot be read in a composite request"
        return error_answer(SalesforceError(400, "INVALID_INPUT", text))
    return reply


def resolved(request: Subrequest, results: Mapping[str, Any], version: int) -> Subrequest:
    """The subrequest with its references replaced; raises ``references.Absent``."""
    return replace(
        request,
        target=str(references.resolve(request.target, results, version)),
        body=references.resolve(request.body, results, version),
    )


def failed(reply: Answer) -> bool:
    """Return true if a subrequest failed, a row of a collection included."""
    if reply.status >= 400:
        return True
    listed = reply.document
    return isinstance(listed, list) and any(
        isinstance(item, dict) and item.get("success") is False for item in listed
    )


def entry(request: Subrequest, reply: Answer) -> dict[str, Any]:
    """The subrequest's element of ``compositeResponse``.

    Headers as in the samples of the REST API guide, composite: a place for what was created, an
    entity tag and a date for what can be asked for conditionally.
    """
    shown = ("Location", "ETag", "Last-Modified")
    return {
        "body": reply.document,
        "httpHeaders": {name: reply.headers[name] for name in shown if name in reply.headers},
        "httpStatusCode": reply.status,
        "referenceId": request.reference,
    }


def halted(request: Subrequest) -> dict[str, Any]:
    """The element of a subrequest whose work was rolled back or never begun."""
    return entry(request, error_answer(ROLLED_BACK))
