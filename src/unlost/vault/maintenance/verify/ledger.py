"""What a verification has looked at, and what it found wrong."""

import threading
from collections.abc import Callable

from unlost.model.errors import NotFound, UnlostError
from unlost.model.snapshot import Damage

MISSING = "It is missing."


class VerifyFindings:
    """Counts objects and bytes and keeps damages. Safe to share between threads."""

    def __init__(self) -> None:
        self.objects = 0
        self.bytes = 0
        self._damages: dict[str, Damage] = {}
        self._lock = threading.Lock()

    def saw(self, size: int) -> None:
        """An object of this size was looked at."""
        with self._lock:
            self.objects += 1
            self.bytes += size

    def damage(self, name: str, sentence: str) -> None:
        """An object is not what was written; the first reason counts."""
        with self._lock:
            self._damages.setdefault(name, Damage(object=name, sentence=sentence))

    def attempt[T](self, name: str, call: Callable[[], T]) -> T | None:
        """What the call gives; None, and the object is noted, if it raises one of our errors."""
        try:
            return call()
        except NotFound:
            self.damage(name, MISSING)
        except UnlostError as error:
            self.damage(name, error.sentence)
        return None

    def damages(self) -> tuple[Damage, ...]:
        """All damages in the order of the objects' names."""
        with self._lock:
            return tuple(self._damages[name] for name in sorted(self._damages))
