"""How long calls of an org take."""

import time


def test_each_call_of_the_org_waits_and_those_of_the_tester_do_not(client) -> None:
    answer = client.admin("bulk", latency={"median_seconds": 0.2, "p99_seconds": 0.2})
    assert answer.json()["latency"] == {"median_seconds": 0.2, "p99_seconds": 0.2}
    began = time.monotonic()
    client.http.get("/__sim__/clock")
    assert time.monotonic() - began < 0.2
    began = time.monotonic()
    client.get("limits")
    assert time.monotonic() - began >= 0.2
