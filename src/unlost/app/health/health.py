"""Results of health checks, and their repairs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from unlost.model.errors import UnlostError
from unlost.model.message import Arg, Message, StoresMessage, message

type Repair = Callable[[], None]


class HealthState(StrEnum):
    """The result of a check."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class HealthCheck(StoresMessage):
    """The result of one check; ``next_step`` is how to fix it.

    ``repairable``: `--repair` can fix it. ``repaired``: it was broken and is fixed now.
    """

    name: str
    health: HealthState
    sentence: str
    next_step: str = ""
    repairable: bool = False
    repaired: bool = False
    template: str = ""
    next_template: str = ""
    args: Mapping[str, Arg] = field(default_factory=dict, hash=False)

    @classmethod
    def of(
        cls, name: str, health: HealthState, text: Message, *, repairable: bool = False
    ) -> "HealthCheck":
        """Make the result of a check from its message."""
        return cls(
            name,
            health,
            text.sentence,
            text.next_step,
            repairable,
            template=text.template,
            next_template=text.next_template,
            args=text.args,
        )

    @property
    def message(self) -> Message:
        """The text, for surfaces that translate it."""
        return self.message_of(self.name)


@dataclass(frozen=True, slots=True)
class RepairableCheck:
    """A check and the repair of the problem that it found, if there is one."""

    check: HealthCheck
    repair: Repair | None = None

    @classmethod
    def good(cls, name: str, template: str, /, **args: Any) -> Self:
        """Make a check that passed."""
        return cls(HealthCheck.of(name, HealthState.GOOD, message(name, template, **args)))

    @classmethod
    def warning(
        cls,
        name: str,
        template: str,
        next_step: str,
        /,
        *,
        repair: Repair | None = None,
        **args: Any,
    ) -> Self:
        """Make a check of something that works but needs attention."""
        text = message(name, template, next_step=next_step, **args)
        return cls._problem(name, HealthState.WARNING, text, repair)

    @classmethod
    def bad(
        cls,
        name: str,
        template: str,
        next_step: str,
        /,
        *,
        repair: Repair | None = None,
        **args: Any,
    ) -> Self:
        """Make a check of something that does not work."""
        text = message(name, template, next_step=next_step, **args)
        return cls._problem(name, HealthState.BAD, text, repair)

    @classmethod
    def _problem(cls, name: str, state: HealthState, text: Message, repair: Repair | None) -> Self:
        return cls(HealthCheck.of(name, state, text, repairable=repair is not None), repair)

    @classmethod
    def failed(cls, name: str, error: UnlostError) -> Self:
        """Make a check that could not be finished because of an error."""
        return cls(HealthCheck.of(name, HealthState.BAD, error.message))
