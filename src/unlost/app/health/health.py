"""How things are: one check each, and the verdict over all."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a thing is."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; ``next_step`` says what puts it in order.

    ``repairable``: `--repair` can do it. ``repaired``: it was not in order, and is now.
    """

    name: str
    health: Health
    sentence: str
    next_step: str = ""
    repairable: bool = False
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class CheckedHealth:
    """A check, and what would repair what it found."""

    check: Check
    repair: Callable[[], None] | None = None


def good(name: str, sentence: str) -> CheckedHealth:
    """All is well."""
    return CheckedHealth(Check(name, Health.GOOD, sentence))


def warning(
    name: str, sentence: str, next_step: str, *, repair: Callable[[], None] | None = None
) -> CheckedHealth:
    """It works, but somebody should see to it."""
    check = Check(name, Health.WARNING, sentence, next_step, repair is not None)
    return CheckedHealth(check, repair)


def bad(
    name: str, sentence: str, next_step: str, *, repair: Callable[[], None] | None = None
) -> CheckedHealth:
    """It does not work."""
    return CheckedHealth(Check(name, Health.BAD, sentence, next_step, repair is not None), repair)
