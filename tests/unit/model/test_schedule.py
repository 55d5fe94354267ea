"""A schedule that makes no sense is refused, with what goes."""

from datetime import time
from typing import Any

import pytest

from unlost.model.errors import UsageError
from unlost.model.schedule import LEAST_CALLS, Hours, Schedule


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"window": -1}, "The window of -1 minutes"),
        ({"window": 721}, "The window of 721 minutes"),
        ({"calls": LEAST_CALLS - 1}, "is not between"),
        ({"calls": 101}, "101 is not between"),
        ({"blackout": (Hours(time(3), time(3)),)}, "no hours at all"),
        ({"blackout": (Hours(time(0), time(12)), Hours(time(12), time(0)))}, "leave no time"),
    ],
)
def test_what_makes_no_sense_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        Schedule(**values)
    assert caught.value.code == "schedule-invalid"
    assert words in caught.value.sentence


def test_what_is_just_allowed_is_taken() -> None:
    for values in ({"window": 0}, {"window": 720}, {"calls": LEAST_CALLS}, {"calls": 100}):
        Schedule(**values)
