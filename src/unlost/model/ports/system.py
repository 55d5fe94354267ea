"""Ports of the system: time, randomness, secrets, and other services of a run."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from unlost.model.runs.exclusion import RunKind
    from unlost.model.runs.progress import Progress


class Clock(Protocol):
    """The only source of time, and the only way to wait."""

    def now(self) -> datetime:
        """Return the present instant, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for ``seconds``."""
        ...


class Entropy(Protocol):
    """The only source of randomness."""

    def bytes(self, size: int) -> bytes:
        """Return ``size`` unpredictable bytes."""
        ...

    def fraction(self) -> float:
        """Return a number in [0, 1), for jitter; not for secrets."""
        ...


class Observer(Protocol):
    """Receives the progress of a run."""

    def progress(self, event: Progress) -> None:
        """Handle an event; must be fast and never raise."""
        ...


class SecretStore(Protocol):
    """Stores an org's secrets sealed."""

    def get(self, name: str) -> str | None:
        """Return the secret of this name, or None."""
        ...

    def put(self, name: str, value: str) -> None:
        """Store a secret; durable on return."""
        ...


class Cache(Protocol):
    """Caches data that the source can deliver again; entries may vanish, but never change."""

    def get(self, name: str) -> bytes | None:
        """Return the entry of this name; None if there is none, or none that can be trusted."""
        ...

    def put(self, name: str, value: bytes) -> None:
        """Store an entry; a failure is ignored."""
        ...

    def drop(self, name: str) -> None:
        """Delete an entry."""
        ...


class Budget(Protocol):
    """Limits API calls, so that enough are left for other users of an org."""

    def take(self, calls: int = 1) -> None:
        """Reserve calls before they are made; raises LimitReached when the budget is used up."""
        ...

    def report(self, *, used: int, limit: int) -> None:
        """Record the last daily call counts that the source returned."""
        ...


class Lease(Protocol):
    """Keeps runs that exclude each other off one org (``model.runs.exclusion``)."""

    def hold(self, org: str, *, kind: RunKind, run: str) -> AbstractContextManager[None]:
        """Hold all locks of this kind while the context is open.

        Raises Conflict (``run-in-progress``) if another run has one of them.
        """
        ...


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The head of an org's chain that the application saw last."""

    number: int
    head: str


class Witness(Protocol):
    """Remembers heads outside the vault, so that a removed newest manifest is noticed."""

    def get(self, org: str) -> Witnessed | None:
        """Return the last head seen, or None if there is none yet."""
        ...

    def orgs(self) -> Collection[str]:
        """Return the oids of all orgs of which a head was seen."""
        ...

    def put(self, org: str, seen: Witnessed) -> None:
        """Store a head; durable on return."""
        ...
