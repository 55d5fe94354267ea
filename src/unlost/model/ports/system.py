"""The ports of the system: time, randomness, secrets, and other services of a run."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from unlost.model.progress import Progress
from unlost.model.snapshot import CommitKind


class Clock(Protocol):
    """Time: the only way to learn it or to let it pass."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        ...


class Entropy(Protocol):
    """Randomness: the only way to draw it."""

    def bytes(self, size: int) -> bytes:
        """``size`` unpredictable bytes."""
        ...

    def fraction(self) -> float:
        """A number in [0, 1), for jitter; not for secrets."""
        ...


class Observer(Protocol):
    """Told how a run gets on."""

    def progress(self, event: Progress) -> None:
        """Take notice of an event; must be quick and never raise."""
        ...


class SecretStore(Protocol):
    """Keeps an org's secrets sealed."""

    def get(self, name: str) -> str | None:
        """The secret of this name, or None."""
        ...

    def put(self, name: str, value: str) -> None:
        """Keep a secret; it is durable when this returns."""
        ...


class Cache(Protocol):
    """Keeps what the source can give again: an entry may be gone at any time, but is never altered."""

    def get(self, name: str) -> bytes | None:
        """The entry of this name; None where there is none, or none that can be trusted."""
        ...

    def put(self, name: str, value: bytes) -> None:
        """Keep an entry, or quietly do not."""
        ...

    def drop(self, name: str) -> None:
        """Forget an entry."""
        ...


class Budget(Protocol):
    """Leaves room for the other users of an org's API."""

    def take(self, calls: int = 1) -> None:
        """Ask before calling; raises LimitReached when the budget is spent."""
        ...

    def report(self, *, used: int, limit: int) -> None:
        """What the source last said about its calls of the day."""
        ...


class Lease(Protocol):
    """Keeps two runs of one kind off one org."""

    def hold(self, org: str, *, kind: CommitKind, run: str) -> AbstractContextManager[None]:
        """Hold the lease while the context is open; raises Conflict if another run has it."""
        ...


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The head that the application last saw of an org's chain."""

    number: int
    head: str


class Witness(Protocol):
    """Remembers heads outside the vault, so that a removed newest manifest is noticed."""

    def get(self, org: str) -> Witnessed | None:
        """The last head seen, or None on first sight."""
        ...

    def put(self, org: str, seen: Witnessed) -> None:
        """Remember a head; durable when this returns."""
        ...
