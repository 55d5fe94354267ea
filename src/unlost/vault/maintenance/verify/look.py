"""How a verification looks: how deep, and at which part of the objects."""

from dataclasses import dataclass

from blake3 import blake3

from unlost.model.snapshot import VerifyLevel, VerifyPart


@dataclass(frozen=True, slots=True)
class VerifyScope:
    """The level, and the part that is looked at so deeply; None: all."""

    level: VerifyLevel
    part: VerifyPart | None = None

    def proves(self, name: str) -> bool:
        """True if an object's bytes are proved, and not its presence and size alone."""
        if self.level is VerifyLevel.QUICK:
            return False
        return self.part is None or _falls_into(self.part, name)


def _falls_into(part: VerifyPart, name: str) -> bool:
    """Objects fall into parts by their names, about as many into each."""
    return int.from_bytes(blake3(name.encode()).digest(length=8)) % part.of == part.number - 1
