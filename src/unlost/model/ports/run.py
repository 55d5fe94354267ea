"""The ports of runs: steps that survive a crash, and the queue of jobs."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from unlost.model.jobs import Job


class Runner(Protocol):
    """Runs work so that a crash loses no finished step. Step results are JSON values."""

    @property
    def run(self) -> str:
        """The id of the run; the same when it is resumed."""
        ...

    def step[T](self, name: str, call: Callable[[], T], *, result: type[T]) -> T:
        """The result of a step: from its record if it was done before, else by doing it."""
        ...

    def map[A, T](
        self,
        name: str,
        call: Callable[[A], T],
        items: Sequence[A],
        *,
        key: Callable[[A], str],
        result: type[T],
    ) -> list[T]:
        """A step for each item, in parallel within bounds; results in the order of the items.

        The first error stops the rest and is raised after running steps have ended.
        """
        ...

    def is_done(self, name: str, key: str) -> bool:
        """True for a step of ``map`` that a resumed run finds done."""
        ...

    def sleep_until(self, when: datetime) -> None:
        """Let time pass, durably."""
        ...


class Jobs(Protocol):
    """Takes jobs and has them done, each at least once: a job must allow to be done again."""

    def enqueue(self, job: Job) -> None:
        """Have a job done in its turn; durable when this returns, and nothing if it is known."""
        ...

    def again(self, ids: Iterable[str]) -> None:
        """Forget those that ended without doing what they should, so that they can be asked for again."""
        ...
