"""The part of the vault's port that looks whether it is whole, and of which format it is."""

from typing import Protocol

from unlost.model.salvage import Salvaging
from unlost.model.snapshot import VerifyLevel, VerifyPart, VerifyReport


class Verifying(Salvaging, Protocol):
    """Never raises for damage: damage is what it reports."""

    def verify(self, level: VerifyLevel, *, part: VerifyPart | None = None) -> VerifyReport:
        """Look whether everything is there, and whether all of it or a part is whole."""
        ...

    def format(self) -> int:
        """The number of the format that the vault is of; raises IntegrityError, NotFound, StoreError."""
        ...
