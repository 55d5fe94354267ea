"""The brake of a process: runs stop at their next call, as they would where an allowance is spent."""

import threading
from dataclasses import dataclass, field

from unlost.model.errors import LimitReached
from unlost.model.ports import Budget


@dataclass(slots=True)
class Brake:
    """Pulled once, it stays pulled."""

    _pulled: threading.Event = field(default_factory=threading.Event)

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
class Braked:
    """A budget that gives nothing once the brake was pulled (port ``Budget``)."""

    budget: Budget
    brake: Brake

    def take(self, calls: int = 1) -> None:
        """As the budget; raises LimitReached when stopped."""
        self.brake.check()
        self.budget.take(calls)

    def report(self, *, used: int, limit: int) -> None:
        """As the budget."""
        self.budget.report(used=used, limit=limit)
