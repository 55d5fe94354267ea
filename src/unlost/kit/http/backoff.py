"""How long to wait before a call is made again, and when to give up: the one place for it."""

from dataclasses import dataclass

from unlost.model.errors import TransientError
from unlost.model.ports.system import Clock, Entropy


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits double from ``first`` to at most ``longest`` seconds; ``attempts`` counts all calls."""

    attempts: int = 6
    first: float = 0.5
    longest: float = 30.0

    def seconds(self, attempt: int, *, fraction: float, retry_after: float | None = None) -> float:
        """The wait after the failed ``attempt`` (1 is the first).

        ``fraction`` in [0, 1) spreads it over the upper half, so that many callers do not come
        back together; ``asked`` is what the other side wants, and is never undercut.
        """
        grown = min(self.longest, self.first * 2.0 ** (attempt - 1))
        return max(grown * (0.5 + fraction / 2), retry_after or 0.0)


@dataclass(frozen=True, slots=True)
class BackoffTimer:
    """A backoff with the clock that it waits by."""

    backoff: Backoff
    clock: Clock
    entropy: Entropy

    def bear(self, attempt: int, error: TransientError) -> None:
        """Wait after the failed ``attempt``, or raise ``error`` where it was the last one."""
        if attempt >= self.backoff.attempts:
            raise error
        self.clock.sleep(
            self.backoff.seconds(
                attempt, fraction=self.entropy.fraction(), retry_after=error.retry_after
            )
        )
