"""The part of the vault's port that looks whether it is whole."""

from typing import Protocol

from unlost.model.snapshot import VerifyLevel, VerifyPart, VerifyReport


class Verifying(Protocol):
    """Never raises for damage: damage is what it reports."""

    def verify(self, level: VerifyLevel, *, part: VerifyPart | None = None) -> VerifyReport:
        """Look whether everything is there, and whether all of it or a part is whole."""
        ...
