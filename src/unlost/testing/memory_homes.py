"""Copies of homes in a dictionary."""

from collections.abc import Sequence

from unlost.model.errors import NotFound

HOMES_KEPT = 30


class MemoryHomes:
    """Copies of homes in memory (port ``HomeCopies``)."""

    def __init__(self) -> None:
        self.held: dict[int, bytes] = {}

    def numbers(self) -> Sequence[int]:
        """Ascending."""
        return sorted(self.held)

    def keep(self, content: bytes) -> int:
        """Keep a copy; the oldest of many goes."""
        number = max(self.held, default=0) + 1
        self.held[number] = content
        for old in self.numbers()[:-HOMES_KEPT]:
            del self.held[old]
        return number

    def newest(self) -> bytes | None:
        """That of the highest number."""
        return self.held[max(self.held)] if self.held else None

    def drop_before(self, number: int) -> None:
        """Remove older ones."""
        self.held = {one: content for one, content in self.held.items() if one >= number}

    def get(self, number: int) -> bytes:
        """A copy."""
        if number not in self.held:
            raise NotFound("home-copy-unknown", f"There is no copy {number}.")
        return self.held[number]
