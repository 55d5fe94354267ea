"""Locks for work that only one process may do at a time."""

from typing import Protocol


class HeldLock(Protocol):
    """A lock that this process owns."""

    def release(self) -> None:
        """Release the lock; repeated calls have no effect."""
        ...


class Locks(Protocol):
    """Named locks of one home. They are released when their process ends, in any way."""

    def take(self, name: str) -> HeldLock | None:
        """Take a lock; None if it is taken, also by another thread of this process."""
        ...

    def close(self) -> None:
        """Release all locks."""
        ...
