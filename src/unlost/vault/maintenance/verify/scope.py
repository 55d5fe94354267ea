"""Scope of a verification: its level, and the part of the objects."""

from dataclasses import dataclass

from blake3 import blake3

from unlost.model.vault.snapshot import VerifyLevel, VerifyPart


@dataclass(frozen=True, slots=True)
class VerifyScope:
    """The level, and the part of the objects that it applies to; None for all."""

    level: VerifyLevel
    part: VerifyPart | None = None

    def proves(self, name: str) -> bool:
        """Return true if the bytes of an object are checked, not only its presence and size."""
        if self.level is VerifyLevel.QUICK:
            return False
        return self.part is None or _falls_into(self.part, name)


def _falls_into(part: VerifyPart, name: str) -> bool:
    """Return true if an object belongs to the part; names are distributed evenly by hash."""
    return int.from_bytes(blake3(name.encode()).digest(length=8)) % part.of == part.number - 1
