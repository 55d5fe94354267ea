"""Several calls under way at a time: lanes beside one another, the items of one lane in turn."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field

READY = 2  # items of a lane that are made: one whose call is under way, and the next one


@dataclass(slots=True)
class _Lane[A, T]:
    """Items to come, and the calls of those that were taken, the oldest first."""

    items: Iterator[A]
    pool: ThreadPoolExecutor
    calls: deque[Future[T]] = field(default_factory=deque)
    ended: bool = False

    @property
    def takes(self) -> bool:
        """True if another item can be made for it."""
        return not self.ended and len(self.calls) < READY

    def take(self, call: Callable[[A], T]) -> None:
        for item in self.items:
            self.calls.append(self.pool.submit(call, item))
            return
        self.ended = True

    def over(self) -> Iterator[T]:
        """The results that are there, in their order."""
        while self.calls and self.calls[0].done():
            yield self.calls.popleft().result()


def abreast[A, T](call: Callable[[A], T], lanes: Sequence[Iterator[A]]) -> Iterator[T]:
    """What the call gives for each item, as it comes.

    Calls are made in a thread for each lane; items are made by who asks, so that they need not be
    safe for threads. What a call raises is raised here, once no other call is under way: then no new
    one is begun.
    """
    with ExitStack() as stack:
        running = [_Lane[A, T](lane, stack.enter_context(_thread())) for lane in lanes]
        try:
            while running:
                for lane in running:
                    if lane.takes:
                        lane.take(call)
                    yield from lane.over()
                running = [lane for lane in running if lane.calls or not lane.ended]
                if running and not any(lane.takes for lane in running):
                    wait([lane.calls[0] for lane in running], return_when=FIRST_COMPLETED)
        finally:
            for lane in running:
                for future in lane.calls:
                    future.cancel()


def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="unlost-lane")
