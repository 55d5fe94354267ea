"""The Batch API: several calls in one. It is no transaction, and each item has its own status."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from unlost_simulators.kit.faults import Subject
from unlost_simulators.kit.http import encoding
from unlost_simulators.kit.http.calls import Answer, call_from_target, json_answer
from unlost_simulators.servicenow.faults import UNSERVICED
from unlost_simulators.servicenow.http.bodies import read_object
from unlost_simulators.servicenow.http.context import Context
from unlost_simulators.servicenow.model.errors import ServiceNowError, error_answer

MOST_BYTES = 5 << 20

type Dispatch = Callable[[Context], Answer]


def batch(context: Context, dispatch: Dispatch) -> Answer:
    """Answer ``POST v1/batch``; items that were not done are named, to be sent again."""
    if not context.version:
        raise ServiceNowError(400, "Requested URI does not represent any resource")
    body = read_object(context.call)
    items = body.get("rest_requests")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
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
    headers = {**answer.headers, "Content-Type": answer.content_type or ""}
    served: dict[str, Any] = {
        "id": str(item.get("id", "")),
        "body": base64.b64encode(content).decode(),
        "status_code": answer.status,
        "status_text": HTTPStatus(answer.status).phrase,
        "execution_time": 1,
    }
    if not item.get("exclude_response_headers"):
        served["headers"] = [{"name": key, "value": text} for key, text in headers.items() if text]
    return served


def _answer(context: Context, item: Mapping[str, Any], dispatch: Dispatch) -> Answer:
    try:
        content = base64.b64decode(item.get("body") or "", validate=True)
    except (ValueError, TypeError):
        return error_answer(ServiceNowError(400, "The body of an item is no base64"))
    if len(content) > MOST_BYTES:
        return error_answer(ServiceNowError(400, "The body of an item is too large"))
    headers = {
        str(each.get("name", "")).lower(): str(each.get("value", ""))
        for each in _objects(item.get("headers"))
    }
    target = str(item.get("url", ""))
    call = call_from_target(str(item.get("method", "GET")), target, headers=headers, body=content)
    if [part.lower() for part in call.segments[-1:]] == ["batch"]:
        return error_answer(ServiceNowError(400, "A batch holds no other batch"))  # an inference
    return dispatch(Context(context.sim, call, context.user))


def _objects(members: object) -> list[dict[str, Any]]:
    listed = members if isinstance(members, list) else []
    return [each for each in listed if isinstance(each, dict)]
