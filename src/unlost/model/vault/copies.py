"""Copies of a home's own data in the vault, from which a new machine can start."""

from collections.abc import Sequence
from typing import Protocol


class HomeCopies(Protocol):
    """Sealed copies, numbered from 1 upwards; the newest ones are kept.

    Only a process that can open the vault can read them.
    """

    def numbers(self) -> Sequence[int]:
        """Return the numbers of the existing copies, ascending."""
        ...

    def store_copy(self, content: bytes) -> int:
        """Store a copy and remove the oldest; returns its number. Durable on return."""
        ...

    def get(self, number: int) -> bytes:
        """Return a copy; raises NotFound (``home-copy-unknown``), IntegrityError."""
        ...

    def newest(self) -> bytes | None:
        """Return the newest copy that opens; None if there is no copy.

        If none opens, raises the error of the newest.
        """
        ...

    def drop_before(self, number: int) -> None:
        """Remove older copies than this one: they contain data that must not be kept."""
        ...
