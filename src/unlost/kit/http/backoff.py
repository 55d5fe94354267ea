"""Backoff: the wait before a repeated call, and the number of attempts. The only place for both."""

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
        """The wait in seconds after the failed ``attempt`` (1 is the first).

        ``fraction`` in [0, 1) spreads the wait over its upper half, so that many callers do not
        return together. The wait is never shorter than ``retry_after``, which the server asks for.
        """
        grown = min(self.longest, self.first * 2.0 ** (attempt - 1))
        return max(grown * (0.5 + fraction / 2), retry_after or 0.0)


@dataclass(frozen=True, slots=True)
class BackoffTimer:
    """A backoff with the clock that it waits by."""

    backoff: Backoff
    clock: Clock
    entropy: Entropy

    def wait(self, attempt: int, error: TransientError) -> None:
        """Wait after the failed ``attempt``, or raise ``error`` after the last one."""
        if attempt >= self.backoff.attempts:
            raise error
        self.clock.sleep(
            self.backoff.seconds(
                attempt, fraction=self.entropy.fraction(), retry_after=error.retry_after
            )
        )
