"""A schedule that makes no sense is refused, with what goes."""

from datetime import time
from typing import Any

import pytest

from unlost.model.errors import UsageError
from unlost.model.runs.schedule import LEAST_CALLS, Hours, Schedule


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"window": -1}, "720 minutes, not -1"),
        ({"window": 721}, "720 minutes, not 721"),
        ({"calls": LEAST_CALLS - 1}, "must be between"),
        ({"calls": 101}, "100 percent, not 101"),
        ({"blackout": (Hours(time(3), time(3)),)}, "not start and end"),
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
