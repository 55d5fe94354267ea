"""Cancellation of runs: they stop at their next call, as they do when an API limit is reached."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unlost.model.errors import LimitReached
from unlost.model.runs.jobs import RunCommand

if TYPE_CHECKING:
    from unlost.model.ports.system import Budget, Clock


@dataclass(slots=True)
class CancellationFlag:
    """A flag of the process that stops all its runs; once set, it stays set."""

    lost: bool = False
    _event: threading.Event = field(default_factory=threading.Event)

    def lose(self) -> None:
        """Stop all runs, because this process lost the locks that they rely on."""
        self.lost = True
        self.set()

    def set(self) -> None:
        """Stop all runs of this process."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """True once the flag is set."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until the flag is set, at most this long; return True if it is set."""
        return self._event.wait(seconds)

    def check(self) -> None:
        """Raise LimitReached (``run-stopped``) if the flag is set."""
        if self.is_set:
            raise LimitReached(
                "run-stopped",
                "The worker was stopped during the run.",
                next_step="Start it again with `unlost up`. The run resumes where it stopped.",
            )


@dataclass(frozen=True, slots=True)
class CancellableBudget:
    """A budget that grants no calls once a run is cancelled (port ``Budget``)."""

    budget: Budget
    cancel_flag: CancellationFlag
    cancellation: RunCancellation | None = None

    def take(self, calls: int = 1) -> None:
        """Take calls from the budget; raises LimitReached when the run is stopped."""
        self.cancel_flag.check()
        if self.cancellation is not None:
            self.cancellation.check()
        self.budget.take(calls)

    def report(self, *, used: int, limit: int) -> None:
        """Pass the report to the budget."""
        self.budget.report(used=used, limit=limit)


POLL_SECONDS = 2.0


@dataclass(slots=True)
class RunCancellation:
    """Stops one run on the command of a person, which is looked up every two seconds."""

    run: str
    clock: Clock
    command_of: Callable[[str], RunCommand]
    _polled_at: float = field(default=-POLL_SECONDS)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self) -> None:
        """Raise LimitReached (``run-paused``, ``run-cancelled``) after a command."""
        with self._lock:
            now = self.clock.monotonic()
            if now - self._polled_at < POLL_SECONDS:
                return
            self._polled_at = now
        command = self.command_of(self.run)
        if command is not RunCommand.NONE:
            raise stop_error(self.run, command)


def stop_error(run: str, command: RunCommand) -> LimitReached:
    """Return the error for a paused or cancelled run (codes of ``model.runs.jobs``)."""
    if command is RunCommand.PAUSE:
        return LimitReached(
            "run-paused",
            "The run {run} was paused manually.",
            next_step="Resume it with `unlost runs {run} --resume`.",
            run=run,
        )
    if command is RunCommand.GIVE_WAY:
        return LimitReached(
            "run-gave-way",
            "The run {run} stopped so that the nightly backup can start.",
            next_step="No action is needed. The nightly backup reads the same changes.",
            run=run,
        )
    return LimitReached(
        "run-cancelled",
        "The run {run} was cancelled manually.",
        next_step="None of its data was kept. The earlier backups are unchanged.",
        run=run,
    )
