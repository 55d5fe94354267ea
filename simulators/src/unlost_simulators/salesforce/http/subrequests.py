"""Subrequests of the composite resources: each is handled as a separate call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from unlost_simulators.salesforce.errors import SalesforceError, not_found
from unlost_simulators.salesforce.http import references
from unlost_simulators.salesforce.http.calls import Answer, call_from_target, error_answer
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.numbers import write_json

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


def answer(context: Context, asked: Subrequest, dispatch: Dispatch) -> Answer:
    """Handle a subrequest as a separate call; a refusal is a response too."""
    content = b"" if asked.body is None else write_json(asked.body)
    headers = {**context.call.headers, "content-type": "application/json", **asked.headers}
    call = call_from_target(asked.method, asked.target, headers=headers, body=content)
    try:
        parts = [part.lower() for part in call.segments]
        if parts[:2] != ["services", "data"] or tuple(parts[3:]) in NESTED:
            raise not_found()
        made = dispatch(replace(context, call=call))
    except SalesforceError as error:
        return error_answer(error)
    if made.document is None and made.status < 300 and made.status != 204:
        text = "Binary content cannot be read in a composite request"
        return error_answer(SalesforceError(400, "INVALID_INPUT", text))
    return made


def resolved(asked: Subrequest, results: Mapping[str, Any], version: int) -> Subrequest:
    """The subrequest with its references replaced; raises ``references.Absent``."""
    return replace(
        asked,
        target=str(references.resolve(asked.target, results, version)),
        body=references.resolve(asked.body, results, version),
    )


def failed(made: Answer) -> bool:
    """Return true if a subrequest failed, a row of a collection included."""
    if made.status >= 400:
        return True
    listed = made.document
    return isinstance(listed, list) and any(
        isinstance(one, dict) and one.get("success") is False for one in listed
    )


def entry(asked: Subrequest, made: Answer) -> dict[str, Any]:
    """The subrequest's element of ``compositeResponse``.

    Headers as in the samples of the REST API guide, composite: a place for what was created, an
    entity tag and a date for what can be asked for conditionally.
    """
    told = ("Location", "ETag", "Last-Modified")
    return {
        "body": made.document,
        "httpHeaders": {name: made.headers[name] for name in told if name in made.headers},
        "httpStatusCode": made.status,
        "referenceId": asked.reference,
    }


def halted(asked: Subrequest) -> dict[str, Any]:
    """The element of a subrequest whose work was rolled back or never begun."""
    return entry(asked, error_answer(ROLLED_BACK))
