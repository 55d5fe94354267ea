"""The next call is under way while one works on the answer to the one before."""

import threading

import pytest

from patience import HANGING
from unlost.engine.prefetch import prefetch


def test_answers_come_in_order_and_the_next_call_is_under_way() -> None:
    begun = [threading.Event() for _ in range(3)]

    def call(number: int) -> int:
        begun[number].set()
        return number * 10

    found = []
    for number, told in prefetch(call, range(3)):
        if number < 2:
            assert begun[number + 1].wait(HANGING)
        found.append((number, told))
    assert found == [(0, 0), (1, 10), (2, 20)]


def test_nothing_asked_is_nothing_told() -> None:
    assert list(prefetch(str, [])) == []


def test_what_a_call_raises_is_raised_in_its_turn() -> None:
    def call(number: int) -> int:
        return 6 // (2 - number)

    told = prefetch(call, range(4))
    assert next(told) == (0, 3)
    assert next(told) == (1, 6)
    with pytest.raises(ZeroDivisionError):
        next(told)
