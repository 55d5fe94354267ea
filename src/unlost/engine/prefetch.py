"""Request the next items while the present one is processed; results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor


def prefetch[A, T](
    call: Callable[[A], T], items: Iterable[A], *, depth: int = 1
) -> Iterator[tuple[A, T]]:
    """Each item with its result; while one is processed the calls for the ``depth`` next ones run.

    Calls run in separate threads, ``depth`` at a time and started in order. An error of a call is
    raised in its turn. A consumer that stops early waits for the running calls.
    """
    with ThreadPoolExecutor(depth, thread_name_prefix="unlost-prefetch") as pool:
        begun: deque[tuple[A, Future[T]]] = deque()
        try:
            for item in items:
                begun.append((item, pool.submit(call, item)))
                if len(begun) > depth:
                    first, future = begun.popleft()
                    yield first, future.result()
            while begun:
                first, future = begun.popleft()
                yield first, future.result()
        finally:
            for _, future in begun:
                # Running calls cannot be cancelled: leaving the pool waits for them.
                future.cancel()
