"""Asking for the next while one works on what came: one question at a time, answers in order."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor


def ahead[A, T](call: Callable[[A], T], items: Iterable[A]) -> Iterator[tuple[A, T]]:
    """Each item with its result; while one is used the call for the next is under way.

    Calls are made one after another, in a thread of their own. What a call raises is raised in its
    turn. Who stops early waits for the call that is under way.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="unlost-ahead") as pool:
        before: tuple[A, Future[T]] | None = None
        for item in items:
            begun = item, pool.submit(call, item)
            if before is not None:
                yield before[0], before[1].result()
            before = begun
        if before is not None:
            yield before[0], before[1].result()
