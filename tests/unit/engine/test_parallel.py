"""Queues go beside one another; what stands in one queue goes in turn."""

import threading
from collections.abc import Iterator

import pytest

from patience import HANGING
from unlost.engine.parallel import run_queues


def test_lanes_are_under_way_at_the_same_time() -> None:
    meeting = threading.Barrier(3)

    def call(number: int) -> int:
        meeting.wait(HANGING)
        return number

    assert sorted(run_queues(call, [iter([1]), iter([2]), iter([3])])) == [1, 2, 3]


def test_the_items_of_a_lane_go_one_after_another_and_are_made_by_who_asks() -> None:
    makers: set[threading.Thread] = set()
    under_way = [0, 0]
    done: list[tuple[int, int]] = []

    def queue(which: int) -> Iterator[tuple[int, int]]:
        for number in range(20):
            makers.add(threading.current_thread())
            yield which, number

    def call(item: tuple[int, int]) -> None:
        under_way[item[0]] += 1
        assert under_way[item[0]] == 1
        done.append(item)
        under_way[item[0]] -= 1

    list(run_queues(call, [queue(0), queue(1)]))
    assert makers == {threading.current_thread()}
    for which in range(2):
        assert [number for lane_, number in done if lane_ == which] == list(range(20))


def test_what_a_call_raises_begins_no_new_one_and_waits_for_the_others() -> None:
    failed, ended = threading.Event(), threading.Event()

    def call(word: str) -> str:
        if word == "fails":
            failed.set()
            raise ZeroDivisionError
        assert failed.wait(HANGING)
        if word == "slow":
            ended.set()
        return word

    with pytest.raises(ZeroDivisionError):
        list(run_queues(call, [iter(["slow"]), iter(["fails", "never"] + ["never"] * 9)]))
    assert ended.is_set()


def test_what_is_to_be_made_may_fail_too() -> None:
    def queue() -> Iterator[int]:
        yield 1
        raise KeyError

    with pytest.raises(KeyError):
        list(run_queues(str, [queue(), iter([2])]))


def test_no_lanes_and_empty_ones_are_over_at_once() -> None:
    assert list(run_queues(str, [])) == []
    assert list(run_queues(str, [iter([]), iter([])])) == []
