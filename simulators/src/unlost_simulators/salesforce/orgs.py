"""Several orgs in one process: each with its own port, users, clock, faults and admin API.

With one port per org, third-party clients work unchanged: they know nothing but an instance
address.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from unlost_simulators import listener
from unlost_simulators.listener import Listener, Serving
from unlost_simulators.salesforce.clock import instant
from unlost_simulators.salesforce.server import Identity, SimulatorOptions, build, ready_line
from unlost_simulators.salesforce.simulator import Simulator
from unlost_simulators.tls import TlsFiles

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_NUMBERS = ("scale", "seed")
_FLAGS = ("sandbox", "same-id", "running-clock")
OPENS = "opens"


@dataclass(frozen=True, slots=True)
class OrgPlan:
    """A requested org, by its name in this process."""

    name: str
    wanted: SimulatorOptions

    @classmethod
    def parse(cls, text: str, base: SimulatorOptions) -> OrgPlan:
        """Read ``NAME=SCENARIO[,scale=N][,seed=S][,opens=WHEN][,sandbox][,same-id][,running-clock]``.

        What is left out is taken from ``base``. Raises ``ValueError``.
        """
        name, _, rest = text.partition("=")
        scenario, *options = rest.split(",")
        members: dict[str, Any] = {"scenario": scenario} if scenario else {}
        for option in options:
            key, equals, value = option.partition("=")
            if key in _NUMBERS and equals:
                members[key] = int(value)
            elif key == OPENS and equals:
                members[key] = value
            elif key in _FLAGS and not equals:
                members[key.replace("-", "_")] = True
            else:
                raise ValueError(f"an org has no option {option!r}")
        return cls.of(name, members, base)

    @classmethod
    def of(cls, name: str, members: Mapping[str, Any], base: SimulatorOptions) -> OrgPlan:
        """Make a plan from the members that ``parse`` reads."""
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"an org cannot be called {name!r}")
        values = dict(members)
        identity = Identity.OF_SCENARIO if values.pop("same_id", False) else Identity.OF_NAME
        known = {"scenario", "scale", "seed", OPENS, "sandbox", "running_clock"}
        if set(values) - known:
            unknown = ", ".join(sorted(set(values) - known))
            raise ValueError(f"an org has no option {unknown}")
        if OPENS in values:
            values[OPENS] = instant(values[OPENS])
        # Two orgs may come to the same revision of other rows: each has its own rendered results.
        cache = None if base.cache is None else base.cache / name
        wanted = replace(base, identity=identity, cache=cache, db=None, name=name)
        return cls(name, replace(wanted, **values))


@dataclass(slots=True)
class OpenOrg:
    """One running org; ``serving`` is None for the one that the main thread serves."""

    name: str
    sim: Simulator
    door: Listener
    serving: Serving | None = None

    def line(self) -> dict[str, Any]:
        """Return the org's part of the ready line."""
        return {"name": self.name, **ready_line(self.sim, self.door)}

    def end(self) -> None:
        """Stop serving, and let go of everything that the org holds."""
        if self.serving is not None:
            self.serving.stop()
        self.door.socket.close()
        self.sim.close()


class App(Protocol):
    """Makes the application of an org that belongs to this registry."""

    def __call__(self, sim: Simulator, registry: OrgRegistry) -> Any:
        """Give an ASGI application."""


@dataclass(slots=True)
class OrgRegistry:
    """The orgs of one process. The first is served by the main thread, others by their own."""

    host: str
    app: App
    tls: TlsFiles | None = None
    base: SimulatorOptions = field(default_factory=SimulatorOptions)
    _orgs: dict[str, OpenOrg] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def begin(self, plan: OrgPlan, *, port: int = 0) -> OpenOrg:
        """Open the first org, which ``serve`` then serves."""
        return self._build(plan, port)

    def open(self, plan: OrgPlan, *, port: int = 0) -> OpenOrg:
        """Open a further org; it is served when this returns."""
        org = self._build(plan, port)
        org.serving = listener.serve_beside(self.app(org.sim, self), org.door)
        return org

    def _build(self, plan: OrgPlan, port: int) -> OpenOrg:
        with self._lock:
            if plan.name in self._orgs:
                raise ValueError(f"there is an org {plan.name} already")
            door = listener.listen(self.host, port, tls=self.tls)
            try:
                org = OpenOrg(plan.name, build(plan.wanted, base_url=door.url), door)
            except BaseException:
                door.socket.close()
                raise
            self._orgs[plan.name] = org
            return org

    def all(self) -> list[OpenOrg]:
        """Give the orgs, in the order in which they were opened."""
        with self._lock:
            return list(self._orgs.values())

    def close(self, name: str) -> None:
        """Close a further org; the first stays as long as the process."""
        with self._lock:
            org = self._orgs.get(name)
            if org is None or org.serving is None:
                raise ValueError(f"no org called {name} can be closed")
            del self._orgs[name]
        org.end()

    def run(self, first: OpenOrg, *, on_ready: Callable[[], None]) -> None:
        """Serve the first org until SIGTERM; ``close_all`` is the caller's."""
        listener.run(self.app(first.sim, self), first.door, on_ready=on_ready)

    def ready_line(self) -> dict[str, Any]:
        """Return the printed line: the first org's facts, and the facts of all under ``orgs``."""
        lines = [org.line() for org in self.all()]
        return {**lines[0], "orgs": lines}

    def close_all(self) -> None:
        """Close every org."""
        for org in self.all():
            org.end()
        with self._lock:
            self._orgs.clear()
