"""The admin API that every system has: clock, faults, log, mistakes and refusals."""

from datetime import timedelta

import pytest


def test_the_clock_is_shown_moved_and_set(call, bakery) -> None:
    assert call("GET", "/__sim__/clock").json() == {"now": "2026-11-02T12:00:00+00:00"}
    assert call.admin("clock/advance", days=1, hours=2) == {"now": "2026-11-03T14:00:00+00:00"}
    assert call.admin("clock/set", now="2026-01-01T00:00:00") == {
        "now": "2026-01-01T00:00:00+00:00"
    }
    assert call("POST", "/__sim__/clock/advance", json={}).status_code == 400
    bakery.clock.advance(timedelta(days=1))
    assert call("GET", "/__sim__/clock").json() == {"now": "2026-01-02T00:00:00+00:00"}


def test_faults_are_planted_listed_and_cleared(call) -> None:
    assert call.admin("faults", kind="cut", after_bytes=1)["id"] == "fault-1"
    listed = call("GET", "/__sim__/faults").json()
    assert [rule["kind"] for rule in listed["rules"]] == ["cut"]
    assert listed["unhit"] == ["fault-1"]
    assert call.admin("faults/clear") == listed
    assert call("GET", "/__sim__/faults").json() == {"rules": [], "unhit": []}
    wrong = call("POST", "/__sim__/faults", json={"kind": "nonsense"})
    assert (wrong.status_code, "nonsense" in wrong.json()["error"]) == (400, True)


def test_the_log_of_requests_and_its_counters(call) -> None:
    call("GET", "/bread")
    call("POST", "/bread")
    entries = call("GET", "/__sim__/requests?after=1").json()
    assert [entry["number"] for entry in entries] == [2]
    counters = call("GET", "/__sim__/counters").json()
    assert (counters["requests"], counters["method GET"], counters["used"]) == (2, 1, 2)
    assert "requests" not in call.admin("counters/reset")
    assert call("GET", "/__sim__/requests").json() == []


def test_an_action_of_the_system_and_its_refusal(call) -> None:
    assert call.admin("sell", loaves=2) == {"loaves": 5}
    answer = call("POST", "/__sim__/sell", json={"loaves": 99})
    assert (answer.status_code, answer.json()) == (409, {"refused": "so many there are not"})


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"{}", b'{"loaves": "many"}'])
def test_a_mistake_of_the_caller_is_400(call, body: bytes) -> None:
    answer = call("POST", "/__sim__/sell", content=body)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "trace"}


def test_an_unknown_call_names_those_there_are(call) -> None:
    answer = call("GET", "/__sim__/nothing")
    assert answer.status_code == 404
    assert "POST sell" in answer.json()["calls"]
