"""Runners: a finished step is not done again. One suite for the runner in memory and on file."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from patience import HANGING
from unlost.jobs.runner import LocalRunner
from unlost.jobs.store import StepStore
from unlost.model.errors import IntegrityError, TransientError
from unlost.model.ports.run import Runner
from unlost.model.vault.snapshot import Added
from unlost.testing.clock import START, VirtualClock
from unlost.testing.runner import MemoryRunner

type Again = Callable[[], Runner]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(params=["memory", "file"])
def again(request: pytest.FixtureRequest, tmp_path: Path, clock: VirtualClock) -> Iterator[Again]:
    """Makes the run's runner anew, as the next process would."""
    store = StepStore(tmp_path / "steps.sqlite")
    kept = MemoryRunner("run", clock=clock).steps

    def make() -> Runner:
        if request.param == "memory":
            return MemoryRunner("run", clock=clock, steps=kept)
        return LocalRunner("run", store=store, clock=clock, workers=3)

    yield make
    store.close()


def test_a_step_is_done_once(again: Again) -> None:
    done: list[int] = []

    def call() -> Added:
        done.append(1)
        return Added("Account", files=3)

    for _ in range(2):
        runner = again()
        assert runner.run == "run"
        assert runner.step("add", call, result=Added) == Added("Account", files=3)
    assert done == [1]


def test_a_step_may_have_no_result(again: Again) -> None:
    assert again().step("none", lambda: None, result=type(None)) is None
    assert again().step("none", lambda: pytest.fail("again"), result=type(None)) is None


def test_a_map_keeps_the_order_and_resumes_where_it_broke(again: Again) -> None:
    done: list[int] = []
    lock = threading.Lock()

    def call(item: int) -> int:
        if item == 5 and len(done) < 100:
            raise TransientError("busy", "busy")
        with lock:
            done.append(item)
        return item * 10

    with pytest.raises(TransientError):
        again().map("square", call, range(8), key=str, result=int)
    first = set(done)
    assert 5 not in first
    done.extend([-1] * 100)
    assert again().map("square", call, range(8), key=str, result=int) == [
        item * 10 for item in range(8)
    ]
    assert len([item for item in done if item >= 0]) == 8
    assert again().map("nothing", call, [], key=str, result=int) == []


def test_what_is_done_is_told_to_who_resumes(again: Again) -> None:
    first = again()
    first.map("read", str, [1], key=str, result=str)
    assert first.is_done("read", "1")
    resumed = again()
    assert [resumed.is_done("read", key) for key in ("1", "2")] == [True, False]
    assert not resumed.is_done("other", "1")


def test_sleeping_ends_at_the_instant(again: Again, clock: VirtualClock) -> None:
    until = clock.now() + timedelta(minutes=3)
    again().sleep_until(until)
    assert clock.now() == until
    again().sleep_until(until)
    assert clock.now() == until


def test_work_runs_side_by_side_within_bounds(tmp_path: Path, clock: VirtualClock) -> None:
    store = StepStore(tmp_path / "steps.sqlite")
    meeting = threading.Barrier(3, timeout=HANGING)
    busy: list[int] = []
    lock = threading.Lock()

    def call(item: int) -> int:
        with lock:
            busy.append(threading.active_count())
        meeting.wait()
        return item

    runner = LocalRunner("run", store=store, clock=clock, workers=3)
    before = threading.active_count()
    assert runner.map("meet", call, range(6), key=str, result=int) == list(range(6))
    assert max(busy) - before <= 3
    store.close()


def test_the_first_error_stops_what_has_not_begun(tmp_path: Path, clock: VirtualClock) -> None:
    store = StepStore(tmp_path / "steps.sqlite")
    done: list[int] = []

    def call(item: int) -> int:
        if item == 1:
            raise TransientError("busy", "busy")
        done.append(item)
        return item

    runner = LocalRunner("run", store=store, clock=clock, workers=1)
    with pytest.raises(TransientError):
        runner.map("stop", call, range(5), key=str, result=int)
    assert done == [0]
    store.close()


def test_a_kept_result_that_cannot_be_read_stops_the_run(
    tmp_path: Path, clock: VirtualClock
) -> None:
    store = StepStore(tmp_path / "steps.sqlite")
    store.keep("run", "add", "", b'{"table": 7}', at=START)
    runner = LocalRunner("run", store=store, clock=clock)
    with pytest.raises(IntegrityError, match="cannot be read"):
        runner.step("add", lambda: Added("x"), result=Added)
    store.close()
