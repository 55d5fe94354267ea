"""Findings of a verification."""

import threading
from collections.abc import Callable

from unlost.model.errors import NotFound, UnlostError
from unlost.model.vault.snapshot import Damage

MISSING = "It is missing."


class VerifyFindings:
    """Counts of checked objects and bytes, and the damages. Safe to share between threads."""

    def __init__(self) -> None:
        self.objects = 0
        self.bytes = 0
        self._damages: dict[str, Damage] = {}
        self._lock = threading.Lock()

    def count_object(self, size: int) -> None:
        """Count an object of this size."""
        with self._lock:
            self.objects += 1
            self.bytes += size

    def damage(self, name: str, sentence: str) -> None:
        """Report a damaged object; only the first reason is kept."""
        with self._lock:
            # The first reason is the cause; later ones for the same object follow from it.
            self._damages.setdefault(name, Damage(object=name, sentence=sentence))

    def attempt[T](self, name: str, call: Callable[[], T]) -> T | None:
        """Return the result of ``call``; None if it raises one of our errors, which is reported."""
        try:
            return call()
        except NotFound:
            self.damage(name, MISSING)
        except UnlostError as error:
            self.damage(name, error.sentence)
        return None

    def damages(self) -> tuple[Damage, ...]:
        """Return all damages, sorted by object name."""
        with self._lock:
            return tuple(self._damages[name] for name in sorted(self._damages))
