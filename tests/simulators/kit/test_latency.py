"""How long calls take."""

import random
import statistics

import pytest

from unlost_simulators.kit.latency import Latency


def test_calls_take_as_long_as_networks_do() -> None:
    dice = random.Random(7)
    latency = Latency(median_seconds=0.150, p99_seconds=1.5)
    drawn = sorted(latency.draw(dice) for _ in range(20_000))
    assert statistics.median(drawn) == pytest.approx(0.150, rel=0.05)
    assert drawn[int(0.99 * len(drawn))] == pytest.approx(1.5, rel=0.15)


def test_a_median_above_the_rest_is_refused() -> None:
    with pytest.raises(ValueError, match="median"):
        Latency(median_seconds=2.0, p99_seconds=1.0)
