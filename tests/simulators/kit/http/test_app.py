"""The way of a call through the kit: faults, compression, delivery, the log."""

import time

import httpx
import pytest

from unlost_simulators.kit.http.delivery import ReplyLost
from unlost_simulators.kit.latency import Latency


def test_a_call_is_answered_and_logged(call, bakery) -> None:
    answer = call("GET", "/bread?size=2")
    assert answer.json()["loaves"] == 7
    assert answer.headers["date"] == "Mon, 02 Nov 2026 12:00:00 GMT"
    assert answer.headers["content-encoding"] == "gzip"
    (entry,) = bakery.log.entries()
    assert (entry["method"], entry["target"], entry["object"]) == ("GET", "/bread?size=2", "bread")
    assert (entry["status"], entry["at"], entry["user"]) == (200, "2026-11-02T12:00:00+00:00", None)
    assert bakery.log.counts()["bytes"] > 0


def test_a_client_that_takes_no_compression_gets_none(call) -> None:
    answer = call("GET", "/bread", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert int(answer.headers["content-length"]) == len(answer.content) > 1_000


def test_a_head_has_the_headers_alone(call) -> None:
    answer = call("HEAD", "/bread", headers={"Accept-Encoding": "identity"})
    assert answer.content == b""
    assert int(answer.headers["content-length"]) > 1_000


@pytest.mark.parametrize(
    ("kind", "status"),
    [("unavailable_html", 503), ("empty_500", 500), ("throttled_429", 429), ("refuse", 418)],
)
def test_a_fault_answers_instead_and_nothing_is_done(call, bakery, kind, status) -> None:
    call.admin("faults", kind=kind, status=418, message="no tea here")
    answer = call("POST", "/bread")
    assert answer.status_code == status
    assert bakery.loaves == 7
    assert bakery.log.entries()[0]["faults"] == ("fault-1",)
    assert call("POST", "/bread").status_code == 200
    if kind == "refuse":
        assert answer.json() == {"oops": "no tea here"}


def test_an_answer_may_be_lost_when_all_is_done(call, bakery) -> None:
    call.admin("faults", kind="reply_lost", method="POST")
    with pytest.raises(ReplyLost):
        call("POST", "/bread")
    assert bakery.loaves == 8
    call.admin("faults", kind="unavailable_after", method="POST")
    assert call("POST", "/bread").status_code == 503
    assert bakery.loaves == 9


def test_what_answered_with_an_error_has_no_effect_to_lose(call, bakery) -> None:
    call.admin("faults", kind="refuse")
    call.admin("faults", kind="reply_lost")
    assert call("POST", "/bread").status_code == 400
    assert bakery.faults.unhit() == ["fault-2"]


@pytest.mark.parametrize("place", ["after_bytes", "half", "last_cell", "last_row"])
def test_a_cut_body_ends_early(call, place) -> None:
    call.admin("faults", kind="cut", place=place, after_bytes=3, framing="clean")
    answer = call("GET", "/bread", headers={"Accept-Encoding": "identity"})
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|decode|char"):
        answer.json()


def test_a_body_may_come_late_or_in_drips(call) -> None:
    call.admin("faults", kind="delay", seconds=0.2)
    call.admin("faults", kind="drip", seconds=0.02, chunk=300, skip=0)
    began = time.monotonic()
    assert call("GET", "/bread").json()["loaves"] == 7
    assert time.monotonic() - began >= 0.2
    began = time.monotonic()
    answer = call("GET", "/bread", headers={"Accept-Encoding": "identity"})
    assert answer.json()["loaves"] == 7
    assert time.monotonic() - began >= 0.06


def test_a_skewed_date(call) -> None:
    call.admin("faults", kind="date_skew", seconds=-3_600)
    assert call("GET", "/bread").headers["date"] == "Mon, 02 Nov 2026 11:00:00 GMT"


def test_garbage_looks_like_a_success(call) -> None:
    call.admin("faults", kind="garbage")
    answer = call("GET", "/bread")
    assert (answer.status_code, answer.headers["content-type"]) == (
        200,
        "application/json;charset=UTF-8",
    )
    with pytest.raises(ValueError, match=r"Expecting|decode|char"):
        answer.json()


def test_calls_wait_and_those_of_the_tester_do_not(call, bakery) -> None:
    bakery.latency = Latency(0.2, 0.2)
    began = time.monotonic()
    call("GET", "/__sim__/clock")
    assert time.monotonic() - began < 0.2
    began = time.monotonic()
    answer: httpx.Response = call("GET", "/bread")
    assert time.monotonic() - began >= 0.2
    assert answer.status_code == 200
