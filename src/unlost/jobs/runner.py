"""The local runner: steps run in this process, on a few threads; their results go to the step
store.

A step is done when its result is durable. A resumed run calls the same steps again and gets the
stored results, so only missing steps do any work:

  first try                                   resumed after a crash
  step("discover")  run, result stored        step("discover")  stored result, not run
  map("census")  A  run, result stored        map("census")  A  stored result, not run
                 B  crash before storing                     B  run (perhaps a second time)

A crash between the work of a step and the storing of its result repeats the step. A step with an
effect outside must therefore look before it acts. See docs/adr/0005 and 0012.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime

import msgspec

from unlost.jobs.store import StepStore
from unlost.model.decoders import decoder_for
from unlost.model.errors import IntegrityError
from unlost.model.ports.system import Clock

WORKERS = 4
LONGEST_NAP = 60.0


class LocalRunner:
    """Runner of one run. ``workers`` bounds how many items of a ``map`` run at a time.

    A step with a stored result does not run again; a stored result that cannot be read any more
    raises IntegrityError. A crash between running a step and storing its result repeats the step:
    steps must allow that.
    """

    def __init__(self, run: str, *, store: StepStore, clock: Clock, workers: int = WORKERS) -> None:
        self._run = run
        self._store = store
        self._clock = clock
        self._workers = workers

    @property
    def run(self) -> str:
        """The id of the run."""
        return self._run

    def step[T](self, name: str, call: Callable[[], T], *, result: type[T]) -> T:
        """The result of a step: stored, or computed now."""
        return self._once(name, "", call, result)

    def map[A, T](
        self,
        name: str,
        call: Callable[[A], T],
        items: Sequence[A],
        *,
        key: Callable[[A], str],
        result: type[T],
    ) -> list[T]:
        """Run a step for each item, at most ``workers`` at a time; results in the items' order."""
        if not items:
            return []
        if len(items) == 1:  # a thread would take longer to start than many a step takes
            return [self._once(name, key(items[0]), lambda: call(items[0]), result)]
        stop = threading.Event()

        def single(item: A) -> T | None:
            if stop.is_set():
                return None
            try:
                return self._once(name, key(item), lambda: call(item), result)
            except BaseException:
                # Items that have not started yet are skipped, so that the run fails now and not
                # hours later.
                stop.set()
                raise

        with ThreadPoolExecutor(min(self._workers, len(items))) as pool:
            futures = [pool.submit(single, item) for item in items]
        failed = _failed(futures)
        if failed is not None:
            raise failed
        return [future.result() for future in futures]  # type: ignore[misc]

    def is_done(self, name: str, key: str) -> bool:
        """True for a step with a stored result."""
        return self._store.result(self._run, name, key) is not None

    def sleep_until(self, when: datetime) -> None:
        """Sleep until an instant; a resumed run sleeps only for the rest."""
        while (total_seconds := (when - self._clock.now()).total_seconds()) > 0:
            # Short naps: a machine that was suspended meanwhile would oversleep by that time in one
            # long sleep.
            self._clock.sleep(min(total_seconds, LONGEST_NAP))

    def _once[T](self, name: str, key: str, call: Callable[[], T], result: type[T]) -> T:
        stored = self._store.result(self._run, name, key)
        if stored is not None:
            return _decoded(stored, result, name)
        fresh_result = call()
        result_bytes = msgspec.json.encode(fresh_result)
        self._store.keep(self._run, name, key, result_bytes, at=self._clock.now())
        return fresh_result


def _decoded[T](content: bytes, result: type[T], name: str) -> T:
    try:
        return decoder_for(result).decode(content)
    except msgspec.MsgspecError as error:
        raise IntegrityError(
            "step-unreadable",
            "The stored result of the step {name} cannot be read: {error}.",
            next_step="Start a new run. Nothing of this run was committed.",
            name=name,
            error=error,
        ) from error


def _failed[T](futures: Sequence[Future[T]]) -> BaseException | None:
    """The error of the first failed item, in the order of the items."""
    errors = [future.exception() for future in futures]
    return next((error for error in errors if error is not None), None)
