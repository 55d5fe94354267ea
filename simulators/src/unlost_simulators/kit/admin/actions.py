"""Admin actions that every system has: clock, faults, log of requests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from unlost_simulators.kit.admin.server import Routes, Wanted
from unlost_simulators.kit.clock import VirtualClock, instant
from unlost_simulators.kit.faults import FaultPlan, FaultRule
from unlost_simulators.kit.request_log import RequestLog

UNITS = ("days", "hours", "minutes", "seconds")


class ClockActions:
    """Actions on the clock of an org; ``moved`` lets what waits for a time happen."""

    def __init__(self, clock: VirtualClock, *, moved: Callable[[], None] = lambda: None) -> None:
        self._clock = clock
        self._moved = moved

    def routes(self) -> Routes:
        """Give the calls."""
        return {
            "GET clock": self.show,
            "POST clock/advance": self.advance,
            "POST clock/set": self.set,
        }

    def show(self, _wanted: Wanted) -> Any:
        """Give the virtual instant."""
        return {"now": self._clock.now().isoformat()}

    def advance(self, wanted: Wanted) -> Any:
        """Move the clock by ``days``, ``hours``, ``minutes``, ``seconds``."""
        step = timedelta(**{unit: float(wanted[unit]) for unit in UNITS if unit in wanted})
        if not step:
            raise ValueError(f"say how far, by {', '.join(UNITS)}")
        self._clock.advance(step)
        self._moved()
        return self.show({})

    def set(self, wanted: Wanted) -> Any:
        """Move the clock to the instant ``now``."""
        self._clock.set(instant(wanted["now"]))
        self._moved()
        return self.show({})


class FaultActions[Rule: FaultRule]:
    """Actions on the planted faults; ``rule`` is the type of the system's rules."""

    def __init__(self, plan: FaultPlan[Rule], rule: type[Rule]) -> None:
        self._plan = plan
        self._rule = rule

    def routes(self) -> Routes:
        """Give the calls."""
        return {"GET faults": self.show, "POST faults": self.plant, "POST faults/clear": self.clear}

    def show(self, _wanted: Wanted) -> Any:
        """Return all planted rules with their hits, and the ids of rules that were never hit."""
        return {"rules": self._plan.report(), "unhit": self._plan.unhit()}

    def plant(self, wanted: Wanted) -> Any:
        """Plant a rule; its members are the attributes of the system's rule."""
        return self._plan.plant(self._rule.from_json(wanted)).to_json()

    def clear(self, _wanted: Wanted) -> Any:
        """Remove all rules; gives their last report."""
        report = self.show({})
        self._plan.clear()
        return report


class LogActions:
    """Actions on the log of requests; ``further`` gives counts that the system adds."""

    def __init__(self, log: RequestLog, *, further: Callable[[], dict[str, int]] = dict) -> None:
        self._log = log
        self._further = further

    def routes(self) -> Routes:
        """Give the calls."""
        return {
            "GET requests": self.entries,
            "GET counters": self.counters,
            "POST counters/reset": self.reset,
        }

    def entries(self, wanted: Wanted) -> Any:
        """Give the logged requests with a number above ``after``."""
        return self._log.entries(after=int(wanted.get("after", 0)))

    def counters(self, _wanted: Wanted) -> Any:
        """Give the counts of requests, statuses and bytes, and those of the system."""
        return {**self._log.counts(), **self._further()}

    def reset(self, _wanted: Wanted) -> Any:
        """Empty the request log and its counts."""
        self._log.forget()
        return self.counters({})
