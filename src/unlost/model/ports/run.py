"""Ports of runs: steps that survive a crash, and the queue of jobs."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from unlost.model.runs.jobs import Job


class Runner(Protocol):
    """Runs work so that a crash loses no finished step. Step results are JSON values."""

    @property
    def run(self) -> str:
        """Id of the run; the same when it is resumed."""
        ...

    def step[T](self, name: str, call: Callable[[], T], *, result: type[T]) -> T:
        """Return the result of a step, from its record if it was done before."""
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
        """Run a step for each item, in parallel within limits; results in the order of the items.

        The first error stops the rest, and is raised after running steps have ended.
        """
        ...

    def is_done(self, name: str, key: str) -> bool:
        """Return true for a step of ``map`` that was done before the run was resumed."""
        ...

    def sleep_until(self, when: datetime) -> None:
        """Wait, durably."""
        ...


class Jobs(Protocol):
    """Queue of jobs. Each is done at least once, so that it must be safe to repeat."""

    def enqueue(self, job: Job) -> None:
        """Enqueue a job; durable on return. Has no effect if its id is known."""
        ...

    def delete_failed(self, ids: Iterable[str]) -> None:
        """Forget ended jobs that did not do their work, so that they can be enqueued again."""
        ...
