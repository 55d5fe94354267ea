"""Reading several segments in parallel. Decryption and decompression run outside Python's lock."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from itertools import islice

_MOST_THREADS = 8
_AHEAD = 2  # results that may wait for the consumer, for each thread


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=threads(), thread_name_prefix="unlost-vault-read")


@cache
def threads() -> int:
    """The number of segments that are read in parallel."""
    return max(1, min(_MOST_THREADS, os.cpu_count() or 1))


def start[T](call: Callable[[], T]) -> Future[T]:
    """Start a call on another thread. The call must not use ``start`` or ``spread``."""
    return _pool().submit(call)


def spread[A, T](call: Callable[[A], T], items: Sequence[A]) -> Iterator[T]:
    """The results of a call in the order of the items; only a few are in memory at a time.

    ``call`` must not use ``spread``: all threads could end up waiting for each other.
    """
    if len(items) < 2 or threads() < 2:
        yield from map(call, items)
        return
    todo = iter(items)
    waiting: list[Future[T]] = []
    try:
        ahead = threads() * _AHEAD
        waiting.extend(_pool().submit(call, item) for item in islice(todo, ahead))
        while waiting:
            first = waiting.pop(0)
            yield first.result()
            waiting.extend(_pool().submit(call, item) for item in islice(todo, 1))
    finally:
        for future in waiting:
            future.cancel()


def ahead[A, T](call: Callable[[A], T], items: Iterable[A]) -> Iterator[T]:
    """The results of a call in the order of ``items``; the next ones are computed ahead.

    ``items`` is iterated in the consumer's thread, and may use ``spread``; ``call`` must not.
    """
    waiting: deque[Future[T]] = deque()
    try:
        for item in items:
            waiting.append(_pool().submit(call, item))
            if len(waiting) > threads():
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
