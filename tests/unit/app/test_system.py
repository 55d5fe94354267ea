"""The system's clock and randomness keep to their ports."""

from datetime import timedelta

from unlost.app.home.system import SystemClock, SystemEntropy


def test_time_is_aware_and_goes_on() -> None:
    clock = SystemClock()
    first, tick = clock.now(), clock.monotonic()
    clock.sleep(0.01)
    clock.sleep(-1)
    assert first.utcoffset() == timedelta(0)
    assert clock.now() > first
    assert 0.009 < clock.monotonic() - tick < 10


def test_randomness_differs_and_stays_in_bounds() -> None:
    entropy = SystemEntropy()
    assert len(entropy.bytes(16)) == 16
    assert entropy.bytes(16) != entropy.bytes(16)
    draws = [entropy.fraction() for _ in range(100)]
    assert all(0 <= draw < 1 for draw in draws)
    assert len(set(draws)) == 100
