"""A Runner with its results in memory: a test can interrupt a run and resume it."""

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from unlost.model.decoders import decoder_for
from unlost.model.ports.system import Clock

type Steps = dict[tuple[str, str, str], bytes]


class MemoryRunner:
    """Runs one step after the other. ``steps`` outlives the runner: pass it to the next one.

    Results go through JSON, as in a real runner, so that a result that is not a JSON value fails
    the first time. It deliberately shares no code with the runners of ``unlost.jobs``: it is a
    second implementation of the port, so that a mistake of theirs does not pass with it.
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
        """The stored result of a step, or its result now."""
        return self.map(name, lambda _: call(), ("",), key=str, result=result)[0]

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
        done = []
        for item in items:
            place = (self._run, name, key(item))
            if place not in self.steps:
                self.steps[place] = msgspec.json.encode(call(item))
            # Decoded the first time, too: a result that JSON changes must fail without a
            # resumption.
            done.append(decoder_for(result).decode(self.steps[place]))
        return done

    def is_done(self, name: str, key: str) -> bool:
        """True for a step with a stored result."""
        return (self._run, name, key) in self.steps

    def sleep_until(self, when: datetime) -> None:
        """Let time pass."""
        total_seconds = (when - self._clock.now()).total_seconds()
        if total_seconds > 0:
            self._clock.sleep(total_seconds)
