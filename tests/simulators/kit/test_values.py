"""Small values of the kit: clocks, allowances, the log, scenarios, openings."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from unlost_simulators.kit.allowances import Allowances
from unlost_simulators.kit.clock import VirtualClock, instant
from unlost_simulators.kit.moving import moved, opening_before
from unlost_simulators.kit.request_log import KEPT, RequestLog
from unlost_simulators.kit.scenarios import ScenarioRegistry

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def test_clocks_run_stand_and_jump() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    still = VirtualClock(start)
    assert still.now() == still.now() == start
    assert still.advance(timedelta(days=1)) == start + timedelta(days=1)
    still.set(start)
    assert still.stamp() == start
    running = VirtualClock(start, running=True)
    first = running.now()
    assert start <= first <= running.now()
    assert running.stamp().microsecond == 0
    running.set(start + timedelta(days=5))
    assert running.now() >= start + timedelta(days=5)


def test_instants_without_an_offset_are_in_utc() -> None:
    assert instant("2026-11-02T12:00:00") == instant("2026-11-02T13:00:00+01:00") == NOON


def test_an_allowance_counts_the_last_24_hours() -> None:
    clock = VirtualClock(NOON)
    allowances = Allowances(clock)
    assert allowances.count("calls", 3) == 3
    assert allowances.count("calls") == 4
    clock.advance(timedelta(hours=12))
    assert allowances.count("calls") == 5
    clock.advance(timedelta(hours=13))
    assert (allowances.used("calls"), allowances.used("files")) == (1, 0)
    allowances.set("calls", 99)
    assert allowances.used("calls") == 99


def test_the_log_is_bounded_and_its_counts_are_not() -> None:
    log = RequestLog(lambda: NOON)
    for _ in range(KEPT + 5):
        log.add("GET", "/x" * 5_000, status=200, object_name=None, user=None, faults=())
    entries = log.entries()
    assert (len(entries), entries[0]["number"], len(entries[0]["target"])) == (KEPT, 6, 2_000)
    assert log.counts()["requests"] == KEPT + 5
    log.forget()
    assert log.counts() == {"bytes": 0}


def test_a_scenario_is_named_with_an_argument() -> None:
    registry = ScenarioRegistry({"a": lambda argument: argument or "none", "b": lambda _: "b"})
    assert registry.names() == ("a", "b")
    assert [registry.get(name) for name in ("a", "a:7", "b:9")] == ["none", "7", "b"]
    with pytest.raises(ValueError, match="known are a, b"):
        registry.get("c")


def test_an_org_opens_whole_weeks_from_its_written_opening() -> None:
    opening = opening_before(NOON + timedelta(days=100), NOON)
    assert opening == NOON + timedelta(weeks=10)
    table = pa.table({"day": pa.array([date(2026, 1, 1), date(1700, 1, 1)]), "name": ["a", "b"]})
    days = moved(table, NOON, opening)["day"].to_pylist()
    assert days == [date(2026, 3, 12), date(1700, 1, 1)]
    assert moved(table, NOON, NOON) is table
