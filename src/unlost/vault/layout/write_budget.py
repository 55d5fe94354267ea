"""The bound on text that waits in memory to be sorted, over all tables read in parallel."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

BUFFER_BYTES = 16 << 20
SEARCH_TOKENS = 250_000


class BufferLimit:
    """Shares one allowance among all who fill buffers at a time. Safe to share between threads."""

    def __init__(self, most: int = BUFFER_BYTES) -> None:
        self._most = most
        self._sharers = 0
        self._lock = threading.Lock()

    @contextmanager
    def share(self) -> Iterator[None]:
        """Take part while the context is open."""
        with self._lock:
            self._sharers += 1
        try:
            yield
        finally:
            with self._lock:
                self._sharers -= 1

    def part(self, of: int | None = None) -> int:
        """How much each may hold now, of this allowance or another one that is shared alike."""
        return (self._most if of is None else of) // max(1, self._sharers)
