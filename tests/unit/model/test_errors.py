"""Errors: a code, a sentence, a next step, and what the caller must know to go on."""

import inspect
from datetime import UTC, datetime

import pytest

from unlost.model import errors
from unlost.model.errors import LimitReached, TransientError, UnlostError

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, UnlostError) and kind.__module__ == errors.__name__
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_tells_what_happened_and_what_to_do(kind: type[UnlostError]) -> None:
    error = kind("some-code", "It broke.", next_step="Repair it.")
    assert (error.code, error.sentence, error.next_step) == ("some-code", "It broke.", "Repair it.")
    assert str(error) == "It broke."
    assert error.args == ("It broke.",)
    assert error.page == "docs/reference/errors.md#some-code"
    assert kind("some-code", "It broke.").next_step == ""


def test_a_passing_error_says_when_to_try_again() -> None:
    assert TransientError("busy", "Busy.", retry_after=2.5).retry_after == 2.5
    assert TransientError("busy", "Busy.").retry_after is None


def test_a_spent_allowance_says_when_it_comes_back() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    assert LimitReached("spent", "Spent.", resume_at=at).resume_at == at
    assert LimitReached("spent", "Spent.").resume_at is None


def test_the_list_of_kinds_in_the_words_of_the_module_is_complete() -> None:
    told = errors.__doc__ or ""
    assert [kind.__name__ for kind in KINDS if kind.__name__ not in told] == []
