"""The brake of a process: runs stop at their next call, as they would where an allowance is spent."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from unlost.model.errors import LimitReached
from unlost.model.jobs import RunCommand
from unlost.model.ports.system import Budget, Clock


@dataclass(slots=True)
class CancellationFlag:
    """Pulled once, it stays pulled."""

    lost: bool = False
    _pulled: threading.Event = field(default_factory=threading.Event)

    def lose(self) -> None:
        """Stop whatever runs: this process lost the locks under which it does."""
        self.lost = True
        self.pull()

    def pull(self) -> None:
        """Stop whatever runs in this process."""
        self._pulled.set()

    @property
    def pulled(self) -> bool:
        """True once it was pulled."""
        return self._pulled.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until it is pulled, but not longer than this; True if it is."""
        return self._pulled.wait(seconds)

    def check(self) -> None:
        """Raise LimitReached (``run-stopped``) once it was pulled."""
        if self.pulled:
            raise LimitReached(
                "run-stopped",
                "The worker was stopped in the middle of the run.",
                next_step="Start it again with `unlost up`: the run goes on where it stopped.",
            )


@dataclass(frozen=True, slots=True)
class RunCancelled:
    """A budget that gives nothing once a brake was pulled (port ``Budget``)."""

    budget: Budget
    brake: CancellationFlag
    run_flag: "RunCancellation | None" = None

    def take(self, calls: int = 1) -> None:
        """As the budget; raises LimitReached when stopped."""
        self.brake.check()
        if self.run_flag is not None:
            self.run_flag.check()
        self.budget.take(calls)

    def report(self, *, used: int, limit: int) -> None:
        """As the budget."""
        self.budget.report(used=used, limit=limit)


LOOK_SECONDS = 2.0


@dataclass(slots=True)
class RunCancellation:
    """Stops one run when people ask for it; what they want is looked up now and then."""

    run: str
    clock: Clock
    wanted: Callable[[str], RunCommand]
    _looked: float = field(default=-LOOK_SECONDS)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self) -> None:
        """Raise LimitReached (``run-paused``, ``run-cancelled``) if somebody wants that."""
        with self._lock:
            now = self.clock.monotonic()
            if now - self._looked < LOOK_SECONDS:
                return
            self._looked = now
        wish = self.wanted(self.run)
        if wish is not RunCommand.NONE:
            raise stopped(self.run, wish)


def stopped(run: str, wish: RunCommand) -> LimitReached:
    """The error by which a run stops that people paused or cancelled (codes of ``model.jobs``)."""
    if wish is RunCommand.PAUSE:
        return LimitReached(
            "run-paused",
            f"The run {run} was paused by hand.",
            next_step=f"Let it go on with `unlost runs {run} --go-on`.",
        )
    if wish is RunCommand.GIVE_WAY:
        return LimitReached(
            "run-gave-way",
            f"The run {run} stopped to let the night begin.",
            next_step="Nothing to do: the night reads what it would have read.",
        )
    return LimitReached(
        "run-cancelled",
        f"The run {run} was cancelled by hand.",
        next_step="Nothing of it was kept; the backups before it are as they were.",
    )
