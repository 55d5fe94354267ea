"""Randomness that is the same in every run. Never for secrets."""

import hashlib
import threading


class SeededEntropy:
    """An Entropy whose values follow from a seed."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._drawn = 0
        self._lock = threading.Lock()

    def bytes(self, size: int) -> bytes:
        """``size`` bytes that follow from the seed and the number of earlier calls."""
        with self._lock:
            self._drawn += 1
            drawn = self._drawn
        # An extendable hash gives any number of bytes.
        return hashlib.shake_256(f"{self._seed}/{drawn}".encode()).digest(size)

    def fraction(self) -> float:
        """A number in [0, 1)."""
        return int.from_bytes(self.bytes(6)) / 2**48
