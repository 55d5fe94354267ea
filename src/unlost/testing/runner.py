"""A Runner whose kept steps lie in memory: a run can be broken off and resumed within a test."""

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from unlost.model.ports import Clock

type Steps = dict[tuple[str, str, str], bytes]


class MemoryRunner:
    """Runs one step after the other. ``steps`` outlives the runner: hand it to the next one.

    Results go through JSON, as in a real runner, so that one that is no JSON value is found out.
    """

    def __init__(self, run: str, *, clock: Clock, steps: Steps | None = None) -> None:
        self._run = run
        self._clock = clock
        self.steps: Steps = {} if steps is None else steps

    @property
    def run(self) -> str:
        """The id of the run."""
        return self._run

    def step[T](self, name: str, call: Callable[[], T], *, result: type[T]) -> T:
        """The kept result of a step, or that of doing it now."""
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
        """A step for each item, in their order."""
        return [self._once(name, key(item), lambda i=item: call(i), result) for item in items]  # type: ignore[misc]

    def sleep_until(self, when: datetime) -> None:
        """Let time pass."""
        left = (when - self._clock.now()).total_seconds()
        if left > 0:
            self._clock.sleep(left)

    def _once[T](self, name: str, key: str, call: Callable[[], T], result: type[T]) -> T:
        place = (self._run, name, key)
        if place not in self.steps:
            made = call()
            self.steps[place] = msgspec.json.encode(made)
        return msgspec.json.decode(self.steps[place], type=result)
