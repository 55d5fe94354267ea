"""No more goes to a store and comes from it than was allowed."""

import threading

import pytest

from unlost.model.vault.store import Store
from unlost.testing.clock import VirtualClock
from unlost.testing.stores import StoreContract
from unlost.vault.stores.bandwidth import Bandwidth, LimitedStore
from unlost.vault.stores.memory import MemoryStore


def limited(clock: VirtualClock, rate: int = 1_000) -> LimitedStore:
    return LimitedStore(MemoryStore(), bandwidth=Bandwidth(rate), clock=clock)


class TestLimitedStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return limited(VirtualClock(), 1 << 30)


def test_what_is_more_than_a_second_s_worth_waits() -> None:
    clock = VirtualClock()
    store = limited(clock)
    store.put_new("one", bytes(1_000))
    assert clock.slept == []  # a second's worth goes at once
    store.put_new("two", bytes(500))
    assert clock.slept == [0.5]
    store.get("two")
    store.get_range("one", start=0, length=250)
    assert clock.slept == [0.5, 0.5, 0.25]


def test_what_was_not_used_is_not_saved_up_for_longer_than_a_second() -> None:
    clock = VirtualClock()
    store = limited(clock)
    clock.advance(hours=1)
    store.put_new("one", bytes(3_000))
    assert clock.slept == [2.0]
    clock.advance(seconds=0.5)
    store.get_range("one", start=0, length=500)
    assert clock.slept == [2.0]


def test_a_stream_is_slowed_piece_by_piece() -> None:
    clock = VirtualClock()
    limited(clock).put_stream("one", (bytes(1_000) for _ in range(4)))
    assert clock.slept == [1.0, 1.0, 1.0]


def test_threads_share_one_limit() -> None:
    clock, bandwidth = VirtualClock(), Bandwidth(1_000)
    stores = [LimitedStore(MemoryStore(), bandwidth=bandwidth, clock=clock) for _ in range(4)]
    threads = [
        threading.Thread(target=store.put_new, args=("one", bytes(1_000))) for store in stores
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.monotonic() >= 3.0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bandwidth, late, early = Bandwidth(1_000), VirtualClock(), VirtualClock()
    late.advance(hours=1)
    bandwidth.spend(1_000, clock=late)
    bandwidth.spend(1_000, clock=early)
    assert early.slept == [1.0]
