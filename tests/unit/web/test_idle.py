"""Memory goes back to the system after requests, also while more of them come."""

import asyncio
from threading import Event
from typing import Any

import pytest

from unlost.web.idle import CountedRequests, trim_after_requests


class Pauses(Event):
    """Pauses between which requests come, or not; then it is stopped."""

    def __init__(self, requests: CountedRequests, coming: list[int]) -> None:
        super().__init__()
        self.requests, self.coming = requests, coming

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout == 9.0
        if not self.coming:
            return True
        self.requests.count += self.coming.pop(0)
        return False


async def quiet(*_: Any) -> None:
    """An application that answers nothing."""


@pytest.mark.parametrize(
    ("coming", "released"),
    [([0, 0, 0], 0), ([2, 0, 0, 0], 1), ([2, 2, 2, 2], 4), ([2, 0, 2, 0, 0], 2)],
)
def test_memory_is_released_once_for_each_period_with_requests(
    coming: list[int], released: int
) -> None:
    requests, count = CountedRequests(quiet), [0]

    def release() -> None:
        count[0] += 1

    trim_after_requests(requests, Pauses(requests, coming), seconds=9.0, release=release)
    assert count[0] == released


def test_a_request_counts_also_if_it_fails() -> None:
    async def broken(*_: Any) -> None:
        raise ValueError

    requests = CountedRequests(broken)
    with pytest.raises(ValueError):
        asyncio.run(requests({}, quiet, quiet))  # type: ignore[arg-type]
    assert requests.count == 2
