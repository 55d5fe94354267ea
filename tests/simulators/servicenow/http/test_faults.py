"""Planted faults: those of the kit, and answers of success that are none."""

import pytest

from simulators.servicenow.clients import Client, detail

CANCELLED = "Transaction cancelled: maximum execution time exceeded"


@pytest.fixture(autouse=True)
def _hit(client: Client):
    yield
    assert client.see("faults")["unhit"] == []


def test_a_cancelled_page_is_200_and_no_json(client: Client) -> None:
    client.admin("faults", kind="cancelled_text", object="incident")
    answer = client.get("table/incident")
    assert answer.status_code == 200
    assert answer.text.endswith(CANCELLED)
    with pytest.raises(ValueError):
        answer.json()
    assert client.get("table/incident").json() == {"result": []}


def test_a_cancelled_page_may_have_an_error_key(client: Client) -> None:
    client.admin("faults", kind="cancelled_key")
    answer = client.get("table/incident")
    assert answer.status_code == 200
    assert answer.json()["error"]["message"] == CANCELLED


def test_a_short_page_is_done_in_time(client: Client) -> None:
    client.admin("faults", kind="cancelled_text", times=0, most_rows=100)
    assert client.get("table/incident", sysparm_limit=100).json() == {"result": []}
    assert client.get("table/incident", sysparm_limit=101).text.endswith(CANCELLED)


def test_a_cancelled_long_page_does_not_shadow_other_faults_of_a_short_one(client: Client) -> None:
    client.admin("faults", kind="cancelled_text", times=0, most_rows=100)
    client.admin("faults", kind="throttled_429")
    assert client.get("table/incident", sysparm_limit=100).status_code == 429
    assert client.get("table/incident").text.endswith(CANCELLED)


def test_a_token_ends_early(client: Client) -> None:
    token = client.sim.sessions.open("admin", "client")
    client.admin("faults", kind="expired_token")
    headers = {"Authorization": f"Bearer {token}"}
    answers = [client("GET", "table/incident", headers=headers, auth=None) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [401, 401]


def test_a_refusal_is_worded_by_the_rule(client: Client) -> None:
    client.admin("faults", kind="refuse", status=503, message="Busy", code="semaphore")
    answer = client.get("table/incident")
    assert (answer.status_code, detail(answer)) == (503, "semaphore")


def test_faults_of_the_kit(client: Client) -> None:
    client.admin("faults", kind="throttled_429")
    client.admin("faults", kind="unavailable_after", method="POST")
    assert client.get("table/incident").status_code == 429
    assert client("POST", "table/incident", json={}).status_code == 503
    assert len(client.list("incident")) == 1
    client.admin("faults", kind="date_skew", seconds=3600)
    assert "11:20:00" in client.get("table/incident").headers["Date"]
