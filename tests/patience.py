"""Waiting for other threads and programs.

A test that waits fails only when nothing comes of it: on a busy machine it waits longer. Seconds
here are shares of a core: with a load of 15 on two cores, 60 of them last 450 by the clock.
"""

import os
import time
from collections.abc import Callable

HANGING = 900.0  # seconds by the clock: what takes longer hangs, however busy the machine is


def until(
    holds: Callable[[], object],
    *,
    seconds: float = 60.0,
    pause: float = 0.02,
    failure: Callable[[], str] = lambda: "it did not come to be",
) -> None:
    """Return as soon as ``holds`` is true; fail after so many seconds."""
    remaining = seconds
    while not holds():
        assert remaining > 0, failure()
        began = time.monotonic()
        time.sleep(pause)
        remaining -= (time.monotonic() - began) / load_per_core()


def load_per_core() -> float:
    """Programs that want each core, at least 1."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
