"""Maintenance that permanently removes data from an org: it is planned, reviewed, then applied.

A plan writes nothing. It contains a digest of the effect, so that a person agrees to exactly this
effect, and applying the plan fails if the effect has changed:

    plan = vault.plan(org, Forget(rules))      # effect, and its digest
    vault.apply(org, plan, run=run)            # computes the effect again, compares, writes

See docs/adr/0034.
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
        """Hash an effect of this operation, independently of how the vault stores its data."""

    @abstractmethod
    def changed(self) -> Conflict:
        """Return the error for a plan whose effect has changed."""


@dataclass(frozen=True, slots=True)
class Agreement[E]:
    """An operation and the digest of the effect that a person agreed to; None: any effect."""

    operation: MaintenanceOperation[E]
    digest: str | None

    def check(self, effect: E) -> None:
        """Raise the operation's Conflict if this is not the effect that was agreed to."""
        if self.digest is not None and self.digest != self.operation.digest(effect):
            raise self.operation.changed()


@dataclass(frozen=True, slots=True)
class MaintenancePlan[E](Agreement[E]):
    """An operation and the effect that it would have now, with its digest."""

    digest: str
    effect: E


def planned[E](operation: MaintenanceOperation[E], effect: E) -> MaintenancePlan[E]:
    """Return the plan of an operation that would have this effect."""
    return MaintenancePlan(operation, operation.digest(effect), effect)


def unconditional[E](operation: MaintenanceOperation[E]) -> Agreement[E]:
    """Agree to any effect of an operation, so that the effect is computed only once."""
    return Agreement(operation, None)


def digest_of(*parts: object) -> str:
    """Hash values that can be written as JSON."""
    return blake3(msgspec.json.encode(parts)).hexdigest(length=_DIGEST_BYTES)
