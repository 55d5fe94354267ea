"""Faults at an exact call, and crashes at the n-th call.

A planted fault that never happens is a mistake of the test: ``Faults.assert_met`` fails for it.
"""

import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any


class Crash(BaseException):
    """The end of the process. Not an Exception: no handler may catch it and go on."""


@dataclass(slots=True)
class PlantedFault:
    """A fault waiting for its call: skips ``after`` calls, then happens ``times`` times."""

    call: str
    error: BaseException
    table: str | None = None
    after: int = 0
    times: int = 1
    met: int = 0


@dataclass(slots=True)
class Faults:
    """The faults of one fake. Calls are named after the port's methods (``read``: each page)."""

    planted: list[PlantedFault] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def plant(
        self,
        call: str,
        error: BaseException,
        *,
        table: str | None = None,
        after: int = 0,
        times: int = 1,
    ) -> None:
        """Make ``call`` (on ``table``, or on any table) raise ``error``."""
        self.planted.append(PlantedFault(call, error, table, after, times))

    def strike(self, call: str, table: str | None = None) -> None:
        """Raise the fault planted for this call, if any."""
        with self.lock:
            for fault in self.planted:
                if fault.call != call or fault.table not in (None, table):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                elif fault.met < fault.times:
                    fault.met += 1
                    raise fault.error

    def clear(self) -> None:
        """Remove all faults, met or not."""
        self.planted.clear()

    def assert_met(self) -> None:
        """Raise AssertionError if a fault never happened."""
        unmet = [fault.call for fault in self.planted if fault.met == 0]
        if unmet:
            raise AssertionError(f"planted faults that never happened: {', '.join(unmet)}")


class CrashPoint:
    """Counts calls to all guarded ports, and crashes at the n-th (0: never)."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.calls = 0
        self._lock = threading.Lock()

    def pass_by(self) -> None:
        """Count a call; crash if it is the n-th."""
        with self._lock:
            self.calls += 1
            calls = self.calls
        if calls == self.at:
            raise Crash(f"call {calls}")

    def guard[T](self, port: T, *, after: bool = False, only: Collection[str] | None = None) -> T:
        """Wrap a port so that each call counts before it acts (``after``: also when it has acted).

        ``only`` names the methods that count, if not all do.
        """
        return _Guarded(port, self, after, only)  # type: ignore[return-value]


class _Guarded:
    """A port that passes its calls through a crash point."""

    def __init__(
        self,
        port: Any,
        point: CrashPoint,
        after: bool,  # noqa: FBT001
        only: Collection[str] | None = None,
    ) -> None:
        self._port, self._point, self._after, self._only = port, point, after, only

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if not callable(attribute) or (self._only is not None and name not in self._only):
            return attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            self._point.pass_by()
            answer = attribute(*args, **kwargs)
            if self._after:
                self._point.pass_by()
            return self._wrapped(answer)

        return call

    def _wrapped(self, answer: Any) -> Any:
        if isinstance(answer, Iterator) and not hasattr(answer, "__enter__"):
            return self._counted(answer)
        # Commits and journals are guarded as well: the crashes that matter happen inside them.
        commit = hasattr(answer, "finish") and hasattr(answer, "add_files")
        journal = hasattr(answer, "append") and hasattr(answer, "run")
        if commit or journal:
            return _Guarded(answer, self._point, self._after)
        return answer

    def _counted(self, items: Iterator[Any]) -> Iterator[Any]:
        for item in items:
            self._point.pass_by()
            yield item
