"""Results of health checks, and their repairs."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class HealthState(StrEnum):
    """The result of a check."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """The result of one check; ``next_step`` is how to fix it.

    ``repairable``: `--repair` can fix it. ``repaired``: it was broken and is fixed now.
    """

    name: str
    health: HealthState
    sentence: str
    next_step: str = ""
    repairable: bool = False
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class RepairableCheck:
    """A check and the repair of the problem that it found, if there is one."""

    check: HealthCheck
    repair: Callable[[], None] | None = None


def good(name: str, sentence: str) -> RepairableCheck:
    """Return a check that passed."""
    return RepairableCheck(HealthCheck(name, HealthState.GOOD, sentence))


def warning(
    name: str, sentence: str, next_step: str, *, repair: Callable[[], None] | None = None
) -> RepairableCheck:
    """Return a check of something that works but needs attention."""
    check = HealthCheck(name, HealthState.WARNING, sentence, next_step, repair is not None)
    return RepairableCheck(check, repair)


def bad(
    name: str, sentence: str, next_step: str, *, repair: Callable[[], None] | None = None
) -> RepairableCheck:
    """Return a check of something that does not work."""
    return RepairableCheck(
        HealthCheck(name, HealthState.BAD, sentence, next_step, repair is not None), repair
    )
