"""The Batch API: several calls in one. It is no transaction, and each item has its own status."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from unlost_simulators.kit.faults import Subject
from unlost_simulators.kit.http import encoding
from unlost_simulators.kit.http.calls import Answer, call_from_target, json_answer
from unlost_simulators.servicenow.faults import UNSERVICED
from unlost_simulators.servicenow.http.bodies import read_object
from unlost_simulators.servicenow.http.context import Context
from unlost_simulators.servicenow.model.errors import ServiceNowError

MOST_BYTES = 5 << 20

type Dispatch = Callable[[Context], Answer]


def batch(context: Context, dispatch: Dispatch) -> Answer:
    """Answer ``POST v1/batch``; items that were not done are named, to be sent again."""
    if not context.version:
        raise ServiceNowError(400, "Requested URI does not represent any resource")
    body = read_object(context.call)
    items = body.get("rest_requests")
    if not isinstance(items, list):
        raise ServiceNowError(400, "rest_requests is missing")
    done = len(items) - _left_undone(context, len(items))
    return json_answer(
        {
            "batch_request_id": str(body.get("batch_request_id", "")),
            "serviced_requests": [_serve(context, item, dispatch) for item in items[:done]],
            "unserviced_requests": [str(item.get("id", "")) for item in items[done:]],
        }
    )


def _left_undone(context: Context, items: int) -> int:
    subject = Subject(context.call.method, context.call.target)
    rule = context.sim.faults.draw(UNSERVICED, subject)
    return 0 if rule is None else min(rule.rows, items)


def _serve(context: Context, item: Mapping[str, Any], dispatch: Dispatch) -> dict[str, Any]:
    answer = encoding.write_body(_answer(context, item, dispatch))
    content = b"".join(answer.chunks())
    headers = [{"name": name, "value": value} for name, value in answer.headers.items()]
    served: dict[str, Any] = {
        "id": str(item.get("id", "")),
        "body": base64.b64encode(content).decode(),
        "status_code": answer.status,
        "status_text": HTTPStatus(answer.status).phrase,
        "execution_time": 1,
    }
    if not item.get("exclude_response_headers"):
        served["headers"] = headers
    return served


def _answer(context: Context, item: Mapping[str, Any], dispatch: Dispatch) -> Answer:
    try:
        content = base64.b64decode(item.get("body") or "", validate=True)
    except (binascii.Error, TypeError):
        return error_answer(ServiceNowError(400, "The body of an item is no base64"))
    if len(content) > MOST_BYTES:
        return error_answer(ServiceNowError(400, "The body of an item is too large"))
    headers = {
        str(each.get("name", "")).lower(): str(each.get("value", ""))
        for each in item.get("headers") or []
    }
    target = str(item.get("url", ""))
    call = call_from_target(str(item.get("method", "GET")), target, headers=headers, body=content)
    try:
        return dispatch(Context(context.sim, call, context.user))
    except ServiceNowError as error:
        return error_answer(error)


def error_answer(error: ServiceNowError) -> Answer:
    """Give a refusal as JSON."""
    document = {"message": error.message, "detail": error.detail}
    return json_answer({"error": document, "status": "failure"}, error.status)
