"""The table and the waits: pure decisions."""

import pytest

from unlost.kit.http import (
    AnswerHandling,
    Backoff,
    BackoffTimer,
    CallFailure,
    RetryRule,
    RetryTable,
)
from unlost.model.errors import TransientError
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy

TABLE = RetryTable(
    (
        RetryRule(AnswerHandling.FAIL, statuses=frozenset({401}), contains="never"),
        RetryRule(AnswerHandling.REAUTH, statuses=frozenset({401})),
        RetryRule(AnswerHandling.RETRY, codes=frozenset({"LOCKED"})),
        RetryRule(AnswerHandling.RETRY, statuses=frozenset({0, 503})),
    )
)


@pytest.mark.parametrize(
    ("failure", "action"),
    [
        (CallFailure(401, "X", "This is NEVER valid"), AnswerHandling.FAIL),
        (CallFailure(401, "X", "expired"), AnswerHandling.REAUTH),
        (CallFailure(400, "LOCKED", ""), AnswerHandling.RETRY),
        (CallFailure(503), AnswerHandling.RETRY),
        (CallFailure(0), AnswerHandling.RETRY),
        (CallFailure(418, "TEAPOT", "short and stout"), AnswerHandling.FAIL),
    ],
)
def test_the_first_fitting_line_decides(failure: CallFailure, action: AnswerHandling) -> None:
    assert TABLE.decide(failure) is action


def test_waits_double_up_to_the_longest_and_are_spread() -> None:
    backoff = Backoff(attempts=9, first=1.0, longest=10.0)
    lowest = [backoff.seconds(attempt, fraction=0.0) for attempt in range(1, 7)]
    highest = [backoff.seconds(attempt, fraction=0.999) for attempt in range(1, 7)]
    assert lowest == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert all(low < high <= 2 * low for low, high in zip(lowest, highest, strict=True))


def test_what_the_other_side_asks_for_is_never_undercut() -> None:
    assert Backoff().seconds(1, fraction=0.5, retry_after=120.0) == 120.0


def test_patience_sleeps_by_its_clock_and_ends_with_the_error() -> None:
    clock = VirtualClock()
    backoff = BackoffTimer(Backoff(attempts=3, first=2.0), clock, SeededEntropy())
    error = TransientError("busy", "Busy.", retry_after=7.0)
    backoff.wait(1, error)
    backoff.wait(2, error)
    assert clock.slept == [7.0, 7.0]
    with pytest.raises(TransientError) as caught:
        backoff.wait(3, error)
    assert caught.value is error
