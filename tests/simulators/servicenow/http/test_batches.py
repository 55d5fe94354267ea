"""Batches: each item has its own status, and what was not done is named."""

import base64
import json
from typing import Any

from simulators.servicenow.clients import Client


def item(number: int, method: str, url: str, body: Any = None, **more: Any) -> dict[str, Any]:
    text = base64.b64encode(json.dumps(body).encode()).decode() if body is not None else ""
    headers = [{"name": "Content-Type", "value": "application/json"}]
    return {"id": number, "method": method, "url": url, "headers": headers, "body": text, **more}


def run(client: Client, *items: dict[str, Any]) -> dict[str, Any]:
    answer = client("POST", "v1/batch", json={"batch_request_id": 1, "rest_requests": items})
    assert answer.status_code == 200, answer.text
    return answer.json()


def body(served: dict[str, Any]) -> Any:
    return json.loads(base64.b64decode(served["body"]))


def test_items_have_their_own_status(client: Client) -> None:
    document = run(
        client,
        item(1, "POST", "/api/now/table/incident", {"priority": "2"}),
        item(2, "GET", "/api/now/table/no_such"),
        item(3, "GET", "/api/now/v2/table/incident?sysparm_fields=priority"),
        item(4, "GET", "/elsewhere", exclude_response_headers=True),
    )
    assert document["batch_request_id"] == "1"
    served = document["serviced_requests"]
    assert [each["id"] for each in served] == ["1", "2", "3", "4"]
    assert [each["status_code"] for each in served] == [201, 400, 200, 400]
    assert served[0]["status_text"] == "Created"
    assert body(served[2]) == {"result": [{"priority": "2"}]}
    assert "Location" in {each["name"] for each in served[0]["headers"]}
    assert "headers" not in served[3]
    assert document["unserviced_requests"] == []


def test_items_keep_the_rights_of_the_caller(client: Client, agent: Client) -> None:
    client.admin("acls", table="incident", operation="create", roles=["nobody"])
    (served,) = run(agent, item(1, "POST", "/api/now/table/incident", {}))["serviced_requests"]
    assert served["status_code"] == 403


def test_items_may_be_left_undone(client: Client) -> None:
    client.admin("faults", kind="unserviced", rows=2)
    items = [item(n, "POST", "/api/now/table/incident", {}) for n in range(3)]
    document = run(client, *items)
    assert document["unserviced_requests"] == ["1", "2"]
    assert len(client.list("incident")) == 1
    assert client.see("faults")["unhit"] == []


def test_mistakes(client: Client) -> None:
    assert client("POST", "batch", json={"rest_requests": []}).status_code == 400
    assert client("POST", "v1/batch", json={}).status_code == 400
    wrong = {**item(1, "POST", "/api/now/table/incident"), "body": "%"}
    large = {**item(2, "POST", "/x"), "body": base64.b64encode(bytes((5 << 20) + 1)).decode()}
    served = run(client, wrong, large)["serviced_requests"]
    assert [each["status_code"] for each in served] == [400, 400]


def test_a_fault_of_a_table_strikes_the_item_that_asks_for_it(client: Client) -> None:
    client.admin("faults", kind="throttled_429", object="incident")
    served = run(
        client,
        item(1, "GET", "/api/now/table/problem"),
        item(2, "GET", "/api/now/table/incident"),
    )["serviced_requests"]
    assert [each["status_code"] for each in served] == [200, 429]
    logged = client.see("requests")
    entries = logged["requests"] if isinstance(logged, dict) else logged
    assert [(each["object"], each["status"]) for each in entries][:2] == [
        ("problem", 200), ("incident", 429),
    ]  # fmt: skip


def test_items_name_their_type_of_content(client: Client) -> None:
    (served,) = run(client, item(1, "GET", "/api/now/table/incident"))["serviced_requests"]
    assert {"name": "Content-Type", "value": "application/json;charset=UTF-8"} in served["headers"]


def test_items_that_are_none_are_refused(client: Client) -> None:
    assert client("POST", "v1/batch", json={"rest_requests": [1]}).status_code == 400
    wrong = {**item(1, "POST", "/api/now/table/incident"), "body": "é", "headers": 7}
    nested = item(2, "POST", "/api/now/v1/batch", {"rest_requests": []})
    served = run(client, wrong, nested)["serviced_requests"]
    assert [each["status_code"] for each in served] == [400, 400]
