"""Locks: what only one process at a time may do or be."""

from typing import Protocol


class HeldLock(Protocol):
    """A lock that this process holds."""

    def release(self) -> None:
        """Give it back; again does nothing."""
        ...


class Locks(Protocol):
    """Named locks of one home. A process that ends, however it ends, holds none of them."""

    def take(self, name: str) -> HeldLock | None:
        """Take a lock; None if another holds it, be it another thread of this process."""
        ...

    def close(self) -> None:
        """Give back all that is held."""
        ...
