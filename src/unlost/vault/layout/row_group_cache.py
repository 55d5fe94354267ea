"""A cache of the row groups that were unpacked last, bounded in bytes.

Segments never change, so that a cached row group stays valid.
"""

import threading
from collections import OrderedDict

import pyarrow as pa

_PART = 2  # no single row group may take more than half of the cache

type Key = tuple[str, int, tuple[str, ...]]


class RowGroupCache:
    """Rows by segment, row group and columns. Safe to share between threads."""

    def __init__(self, most: int) -> None:
        self._most = most  # bytes
        self._rows: OrderedDict[Key, pa.Table] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Key) -> pa.Table | None:
        """The cached rows; None if they are not cached."""
        with self._lock:
            if key in self._rows:
                self._rows.move_to_end(key)
            return self._rows.get(key)

    def put(self, key: Key, rows: pa.Table) -> None:
        """Cache rows and evict the least recently used; rows that are too large are not cached."""
        if rows.nbytes * _PART > self._most:
            return
        with self._lock:
            if key in self._rows:
                return
            self._rows[key] = rows
            self._bytes += rows.nbytes
            while self._bytes > self._most:
                _, gone = self._rows.popitem(last=False)
                self._bytes -= gone.nbytes
