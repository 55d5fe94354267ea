"""The reading side of the composite resources: batch, composite, and retrieve by ids.

Subrequests go through the same routes as calls of their own; only ``GET`` is served.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from unlost_simulators.salesforce.errors import SalesforceError, not_found
from unlost_simulators.salesforce.http.calls import (
    Answer,
    call_from_target,
    error_answer,
    json_answer,
)
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.ids import EMPTY_KEY

# REST API guide: composite batch and composite take 25 subrequests, 5 of them queries.
MAX_SUBREQUESTS = 25
MAX_QUERIES = 5
# REST API guide, collections retrieve.
MAX_IDS = 2000
_REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])*)\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")

type Dispatch = Callable[[Context], Answer]


class Composite:
    """Handlers that need the desk's own dispatch."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch

    def batch(self, context: Context) -> Answer:
        """Answer ``POST composite/batch``."""
        wanted = context.call.json_object()
        requests = _requests(wanted, "batchRequests")
        halt = bool(wanted.get("haltOnError"))
        results: list[dict[str, Any]] = []
        failed = False
        for request in requests:
            if halt and failed:
                results.append({"statusCode": 412, "result": _HALTED})
                continue
            target = "/services/data/" + str(request.get("url", "")).lstrip("/")
            answer = self._one(context, request, target)
            failed = failed or answer.status >= 400
            results.append({"statusCode": answer.status, "result": _body(answer)})
        return json_answer({"hasErrors": failed, "results": results})

    def composite(self, context: Context) -> Answer:
        """Answer ``POST composite``."""
        requests = _requests(context.call.json_object(), "compositeRequest")
        if sum("/query" in str(each.get("url", "")).lower() for each in requests) > MAX_QUERIES:
            raise _limit(f"cannot execute more than {MAX_QUERIES} queries in one composite call")
        bodies: dict[str, Any] = {}
        results: list[dict[str, Any]] = []
        for request in requests:
            answer = self._referring(context, request, bodies)
            reference = str(request.get("referenceId", ""))
            bodies[reference] = _body(answer)
            results.append(
                {
                    "body": bodies[reference],
                    "httpHeaders": {},
                    "httpStatusCode": answer.status,
                    "referenceId": reference,
                }
            )
        return json_answer({"compositeResponse": results})

    def _referring(
        self, context: Context, request: dict[str, Any], bodies: dict[str, Any]
    ) -> Answer:
        try:
            target = _resolve(str(request.get("url", "")), bodies)
        except SalesforceError as error:
            return error_answer(error)
        return self._one(context, request, target)

    def _one(self, context: Context, request: dict[str, Any], target: str) -> Answer:
        method = str(request.get("method", "GET"))
        headers = {
            **context.call.headers,
            **{str(k).lower(): str(v) for k, v in (request.get("httpHeaders") or {}).items()},
        }
        call = call_from_target(method, target, headers=headers, body=b"")
        try:
            if [part.lower() for part in call.segments[:2]] != ["services", "data"]:
                raise not_found()
            if call.method != "GET":
                text = f"HTTP Method '{call.method}' not allowed. Allowed are GET"
                raise SalesforceError(405, "METHOD_NOT_ALLOWED", text)
            answer = self._dispatch(replace(context, call=call))
        except SalesforceError as error:
            return error_answer(error)
        if answer.document is None and answer.status < 300:
            text = "Binary content cannot be read in a composite request"
            return error_answer(SalesforceError(400, "INVALID_INPUT", text))
        return answer


def retrieve(context: Context) -> Answer:
    """Answer ``GET composite/sobjects/X?ids=&fields=`` and its ``POST`` form."""
    if context.call.method == "POST":
        wanted = context.call.json_object()
        record_ids, fields = _texts(wanted, "ids"), _texts(wanted, "fields")
    else:
        record_ids = _split(context.call.query.get("ids", ""))
        fields = _split(context.call.query.get("fields", ""))
    if not record_ids or not fields:
        raise SalesforceError(400, "REQUIRED_FIELD_MISSING", "ids and fields are required")
    if len(record_ids) > MAX_IDS:
        raise _limit(f"record limit reached. cannot retrieve more than {MAX_IDS} records")
    # One id that is nobody's comes first: an unknown field is refused even if no id is an id.
    found = context.sim.org.get_many(
        context.user,
        context.params["object"],
        [EMPTY_KEY, *record_ids],
        fields,
        version=context.release,
    )
    return json_answer(list(found[1:]))


_HALTED = [
    {"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}
]


def _requests(wanted: dict[str, Any], key: str) -> list[dict[str, Any]]:
    requests = wanted.get(key)
    if not isinstance(requests, list) or not requests:
        raise SalesforceError(400, "REQUIRED_FIELD_MISSING", f"{key} is required")
    if len(requests) > MAX_SUBREQUESTS:
        raise _limit(f"cannot process more than {MAX_SUBREQUESTS} subrequests in one call")
    return [each if isinstance(each, dict) else {} for each in requests]


def _limit(text: str) -> SalesforceError:
    return SalesforceError(400, "LIMIT_EXCEEDED", text)


def _body(answer: Answer) -> Any:
    return answer.document


def _resolve(url: str, bodies: dict[str, Any]) -> str:
    def value(found: re.Match[str]) -> str:
        name, path = found.group(1), found.group(2)
        here: Any = bodies.get(name)
        for key, index in _STEP.findall(path):
            if key and isinstance(here, dict) and key in here:
                here = here[key]
            elif index and isinstance(here, list) and int(index) < len(here):
                here = here[int(index)]
            else:
                here = None
        if not isinstance(here, str | int | float):
            text = f"Invalid reference specified. No value for {found.group(0)[2:-1]} found"
            raise SalesforceError(400, "PROCESSING_HALTED", text)
        return str(here)

    return _REFERENCE.sub(value, url)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _texts(wanted: dict[str, Any], key: str) -> list[str]:
    values = wanted.get(key)
    return [str(each) for each in values] if isinstance(values, list) else []
