"""Reading several segments at a time. What is read is decrypted and unpacked outside Python's lock."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from itertools import islice

_MOST_THREADS = 8
_AHEAD = 2  # results for each thread that may wait to be taken


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=threads(), thread_name_prefix="unlost-vault-read")


@cache
def threads() -> int:
    """How many segments are read at a time."""
    return max(1, min(_MOST_THREADS, os.cpu_count() or 1))


def start[T](call: Callable[[], T]) -> Future[T]:
    """Begin a call beside this thread. It must not itself use ``start`` or ``spread``."""
    return _pool().submit(call)


def spread[A, T](call: Callable[[A], T], items: Sequence[A]) -> Iterator[T]:
    """The results of a call in the order of the items; few of them exist at a time.

    ``call`` must not itself use ``spread``: all threads could come to wait for one another.
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
    """The results of a call in the order of what comes; some are made while one is used.

    ``items`` is gone through in the thread of whoever takes the results, and may use ``spread``;
    ``call`` must not.
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
