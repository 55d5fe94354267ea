"""Asking for the next while one works on what came: answers in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor


def ahead[A, T](
    call: Callable[[A], T], items: Iterable[A], *, deep: int = 1
) -> Iterator[tuple[A, T]]:
    """Each item with its result; while one is used the calls for the ``deep`` next are under way.

    Calls are made in threads of their own, ``deep`` at a time and begun in order. What a call raises
    is raised in its turn. Who stops early waits for the calls that are under way.
    """
    with ThreadPoolExecutor(deep, thread_name_prefix="unlost-ahead") as pool:
        begun: deque[tuple[A, Future[T]]] = deque()
        try:
            for item in items:
                begun.append((item, pool.submit(call, item)))
                if len(begun) > deep:
                    first, future = begun.popleft()
                    yield first, future.result()
            while begun:
                first, future = begun.popleft()
                yield first, future.result()
        finally:
            for _, future in begun:
                future.cancel()
