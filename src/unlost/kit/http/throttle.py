"""A throttle: at most a few calls at a time, for sources that count the calls of a user."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from unlost.model.ports.system import Clock


class Throttle:
    """At most ``calls`` calls at a time, over all threads and clients that share the throttle.

    One throttle for one user of an org in one process. ``waited``: seconds that calls have waited
    for their turn so far, by the clock.
    """

    def __init__(self, calls: int, *, clock: Clock) -> None:
        assert calls > 0
        self.waited = 0.0
        self._clock = clock
        self._turns = threading.Semaphore(calls)
        self._lock = threading.Lock()
        self._active: Counter[int] = Counter()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and keep it while the context is open.

        A thread that makes another call while it reads a stream uses one turn for both. Otherwise
        threads could wait for each other without an end.
        """
        thread = threading.get_ident()
        if not self._begin_nested(thread):
            self._wait(thread)
        try:
            yield
        finally:
            self._end(thread)

    def _begin_nested(self, thread: int) -> bool:
        with self._lock:
            nested = self._active[thread] > 0
            self._active[thread] += nested
        return nested

    def _wait(self, thread: int) -> None:
        began = self._clock.monotonic()
        self._turns.acquire()
        with self._lock:
            self.waited += self._clock.monotonic() - began
            self._active[thread] += 1

    def _end(self, thread: int) -> None:
        with self._lock:
            self._active[thread] -= 1
            last = not self._active[thread]
            if last:
                del self._active[thread]
        if last:
            self._turns.release()
