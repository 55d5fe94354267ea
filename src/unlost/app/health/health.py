"""How things are: one check each, and the verdict over all."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class HealthState(StrEnum):
    """How a thing is."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One thing that was looked at; ``next_step`` says what puts it in order.

    ``repairable``: `--repair` can do it. ``repaired``: it was not in order, and is now.
    """

    name: str
    health: HealthState
    sentence: str
    next_step: str = ""
    repairable: bool = False
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class RepairableCheck:
    """A check, and what would repair what it found."""

    check: HealthCheck
    repair: Callable[[], None] | None = None


def good(name: str, sentence: str) -> RepairableCheck:
    """All is well."""
    return RepairableCheck(HealthCheck(name, HealthState.GOOD, sentence))


def warning(
    name: str, sentence: str, next_step: str, *, repair: Callable[[], None] | None = None
) -> RepairableCheck:
    """It works, but somebody should see to it."""
    check = HealthCheck(name, HealthState.WARNING, sentence, next_step, repair is not None)
    return RepairableCheck(check, repair)


def bad(
    name: str, sentence: str, next_step: str, *, repair: Callable[[], None] | None = None
) -> RepairableCheck:
    """It does not work."""
    return RepairableCheck(
        HealthCheck(name, HealthState.BAD, sentence, next_step, repair is not None), repair
    )
