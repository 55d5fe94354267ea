"""Copies of a home's own data in the vault: what a new machine begins with."""

from collections.abc import Sequence
from typing import Protocol


class HomeCopies(Protocol):
    """Sealed copies, numbered from 1 upwards; the newest ones are kept.

    Only who can open the vault can read them.
    """

    def numbers(self) -> Sequence[int]:
        """The numbers of the copies that there are, ascending."""
        ...

    def keep(self, content: bytes) -> int:
        """Keep a copy, durable when it returns, and let the oldest go; its number."""
        ...

    def get(self, number: int) -> bytes:
        """A copy; raises NotFound (``home-copy-unknown``), IntegrityError."""
        ...

    def newest(self) -> bytes | None:
        """The newest copy that opens; None if there is no copy. Raises what the newest does if none opens."""
        ...

    def drop_before(self, number: int) -> None:
        """Remove the copies that are older than one: they hold what must not be kept."""
        ...
