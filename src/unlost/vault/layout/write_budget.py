"""The limit on text that is buffered for sorting, over all tables that are read in parallel."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

BUFFER_BYTES = 16 << 20
SEARCH_TOKENS = 250_000


class BufferLimit:
    """Divides one allowance among all buffers that are in use. Safe to share between threads."""

    def __init__(self, most: int = BUFFER_BYTES) -> None:
        self._most = most
        self._sharers = 0
        self._lock = threading.Lock()

    @contextmanager
    def share(self) -> Iterator[None]:
        """Count as one more user of the allowance while the context is open."""
        with self._lock:
            self._sharers += 1
        try:
            yield
        finally:
            with self._lock:
                self._sharers -= 1

    def part(self, of: int | None = None) -> int:
        """The share of each user now, of this allowance or of ``of``, which is divided likewise."""
        return (self._most if of is None else of) // max(1, self._sharers)
