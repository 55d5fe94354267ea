"""A limit on the bytes that are sent to a store and received from it in a second."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from unlost.model.ports.system import Clock
from unlost.model.vault.store import ListedObject, Store, StoreProperties


class Bandwidth:
    """A token bucket of ``rate`` bytes a second, with a burst of one second.

    Safe to share between threads: each caller waits until the bytes before it have passed.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._free = float(rate)
        self._seen: float | None = None
        self._lock = threading.Lock()

    def spend(self, size: int, *, clock: Clock) -> None:
        """Take ``size`` bytes of the allowance, and sleep until they may have passed."""
        with self._lock:
            now = clock.monotonic()
            passed = 0.0 if self._seen is None else max(0.0, now - self._seen)
            self._seen = now
            self._free = min(float(self._rate), self._free + passed * self._rate) - size
            debt = -self._free
        if debt > 0:
            clock.sleep(debt / self._rate)


class LimitedStore:
    """Another store, slowed down to a bandwidth.

    An object is sent in one request, so the limit holds for the mean of several requests.
    """

    def __init__(self, inner: Store, *, bandwidth: Bandwidth, clock: Clock) -> None:
        self._inner = inner
        self._bandwidth = bandwidth
        self._clock = clock

    @property
    def properties(self) -> StoreProperties:
        """Facts about the store."""
        return self._inner.properties

    def put_new(self, name: str, data: bytes) -> bool:
        """Create an object; False if the name is taken."""
        self._spend(data)
        return self._inner.put_new(name, data)

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> bool:
        """Create an object from chunks; False if the name is taken."""
        return self._inner.put_stream(name, self._slowed(chunks))

    def get(self, name: str) -> bytes:
        """All bytes of an object; raises NotFound."""
        return self._spend(self._inner.get(name))

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        """A part of an object; raises NotFound."""
        return self._spend(self._inner.get_range(name, start=start, length=length))

    def size(self, name: str) -> int | None:
        """Size in bytes; None if the object does not exist."""
        return self._inner.size(name)

    def list(self, prefix: str) -> Iterator[ListedObject]:
        """Objects whose names begin with ``prefix``, in order."""
        return self._inner.list(prefix)

    def delete(self, name: str) -> bool:
        """Remove an object; False if there is none."""
        return self._inner.delete(name)

    def path(self, name: str) -> Path | None:
        """A file to read the object from."""
        return self._inner.path(name)

    def _spend(self, data: bytes) -> bytes:
        self._bandwidth.spend(len(data), clock=self._clock)
        return data

    def _slowed(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        yield from map(self._spend, chunks)
