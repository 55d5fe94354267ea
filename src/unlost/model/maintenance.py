"""Maintenance that takes something out of an org for good: it is planned, seen, then applied.

A plan writes nothing. Its digest names the effect, so that people agree to just this effect, and
applying the plan refuses any other one. See docs/adr/0034.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import msgspec
from blake3 import blake3

from unlost.model.errors import Conflict

_DIGEST_BYTES = 16


class MaintenanceOperation[E](ABC):
    """An operation of a vault on an org; ``E`` is its effect."""

    __slots__ = ()

    @abstractmethod
    def digest(self, effect: E) -> str:
        """Name an effect of this operation, however the vault stores its data."""

    @abstractmethod
    def changed(self) -> Conflict:
        """The error for a plan whose effect would be another one by now."""


@dataclass(frozen=True, slots=True)
class Agreement[E]:
    """An operation, and the digest of the effect that was agreed to; None: whatever its effect is."""

    operation: MaintenanceOperation[E]
    digest: str | None

    def check(self, effect: E) -> None:
        """Raise Conflict (the operation's own) if this is not the effect that was agreed to."""
        if self.digest is not None and self.digest != self.operation.digest(effect):
            raise self.operation.changed()


@dataclass(frozen=True, slots=True)
class MaintenancePlan[E](Agreement[E]):
    """An operation, and the effect that it would have now, which the digest names."""

    digest: str
    effect: E


def planned[E](operation: MaintenanceOperation[E], effect: E) -> MaintenancePlan[E]:
    """The plan of an operation that would have this effect."""
    return MaintenancePlan(operation, operation.digest(effect), effect)


def unconditional[E](operation: MaintenanceOperation[E]) -> Agreement[E]:
    """Agree to an operation whatever its effect is, so that it is looked for only once."""
    return Agreement(operation, None)


def digest_of(*parts: object) -> str:
    """A digest of values that JSON can hold."""
    return blake3(msgspec.json.encode(parts)).hexdigest(length=_DIGEST_BYTES)
