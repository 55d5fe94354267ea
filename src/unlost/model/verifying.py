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

    def upgrade(self, level: VerifyLevel) -> VerifyReport | None:
        """Prove that all of a vault of an earlier format is read, and write that it is of the newest since.

        The report of what was looked at; where it tells of damage, nothing was written. None if the vault was of
        the newest format before. Raises IntegrityError (``marker-damaged``), NotAllowed
        (``key-outdated``), StoreError.
        """
        ...
