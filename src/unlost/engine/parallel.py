"""Several calls at a time: workers run side by side, the items of one queue in order.

A SaaS may lock the records that a row refers to while it writes the row. Rows that share a locked
record must therefore be written one call after the other, in one queue; queues share none:

  queue 1:  call A1 ──► call A2 ──► call A3     rows of account X
  queue 2:  call B1 ───────► call B2            rows of account Y
            one thread for each queue; items are made by the caller's thread, in its order

Items are built by the consuming thread only, so that building (which reads the vault and the
journal) need not be safe for threads. Each queue has at most two items: one in its call, and the
next one ready. See docs/adr/0019.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field

READY = 2  # items of a queue that exist: the one in its call, and the next one


@dataclass(slots=True)
class _CallQueue[A, T]:
    """Items to come, and the calls of taken items, the oldest first."""

    items: Iterator[A]
    pool: ThreadPoolExecutor
    calls: deque[Future[T]] = field(default_factory=deque)
    ended: bool = False

    @property
    def has_room(self) -> bool:
        """True if another item may be made for it."""
        return not self.ended and len(self.calls) < READY

    def start_next(self, call: Callable[[A], T]) -> None:
        for item in self.items:
            self.calls.append(self.pool.submit(call, item))
            return
        self.ended = True

    def finished_results(self) -> Iterator[T]:
        """The results that are ready, in order."""
        while self.calls and self.calls[0].done():
            yield self.calls.popleft().result()


def run_queues[A, T](call: Callable[[A], T], queues: Sequence[Iterator[A]]) -> Iterator[T]:
    """Call ``call`` for each item of each queue; yields results as they come.

    Calls run in one thread for each queue; items are made by the consuming thread, and need not be
    safe for threads. An error of a call is raised here when no other call is running; no new call
    is started after it.
    """
    with ExitStack() as stack:
        running = [_CallQueue[A, T](queue, stack.enter_context(_thread())) for queue in queues]
        try:
            while running:
                for worker in running:
                    if worker.has_room:
                        worker.start_next(call)
                    yield from worker.finished_results()
                running = [worker for worker in running if worker.calls or not worker.ended]
                if running and not any(worker.has_room for worker in running):
                    wait([worker.calls[0] for worker in running], return_when=FIRST_COMPLETED)
        finally:
            for worker in running:
                for future in worker.calls:
                    # Running calls cannot be cancelled: leaving the pools waits for them.
                    future.cancel()


def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="unlost-call")
