"""Several orgs in one process: each with its own port, users, clock, faults and admin API.

With one port per org, third-party clients work unchanged: they know nothing but an address.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from starlette.types import ASGIApp

from unlost_simulators.kit import listener
from unlost_simulators.kit.clock import instant
from unlost_simulators.kit.listener import Listener, Serving
from unlost_simulators.kit.tls import TlsFiles

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_NUMBERS = ("scale", "seed")
OPENS = "opens"


@dataclass(frozen=True, slots=True)
class OrgOptions:
    """The options of one org, as the command line and the admin API give them.

    ``opens`` is the instant at which the org's clock starts; by default some weeks ago. ``db`` keeps
    the rows in a file. A system derives its options; what is a flag there is named in ``FLAGS``, and
    what ``named`` may change in ``MEMBERS``.
    """

    FLAGS: ClassVar[tuple[str, ...]] = ("running-clock",)
    MEMBERS: ClassVar[frozenset[str]] = frozenset({"scenario", *_NUMBERS, OPENS, "running_clock"})

    scenario: str = "chocolate"
    scale: int = 1
    seed: int = 1
    db: Path | None = None
    running_clock: bool = False
    opens: datetime | None = None
    name: str = "main"

    def named(self, name: str, members: Mapping[str, Any]) -> Self:
        """Give the options of another org of the same process: these, with some changed."""
        unknown = set(members) - self.MEMBERS
        if unknown:
            raise ValueError(f"an org has no option {', '.join(sorted(unknown))}")
        values = dict(members)
        if OPENS in values:
            values[OPENS] = instant(values[OPENS])
        return replace(self, db=None, name=name, **values)


@dataclass(frozen=True, slots=True)
class OrgPlan[Options: OrgOptions]:
    """A requested org, by its name in this process."""

    name: str
    wanted: Options

    @classmethod
    def parse(cls, text: str, base: Options) -> Self:
        """Read ``NAME=SCENARIO[,scale=N][,seed=S][,opens=WHEN][,FLAG]…``.

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
            elif key in base.FLAGS and not equals:
                members[key.replace("-", "_")] = True
            else:
                raise ValueError(f"an org has no option {option!r}")
        return cls.of(name, members, base)

    @classmethod
    def of(cls, name: str, members: Mapping[str, Any], base: Options) -> Self:
        """Make a plan from the members that ``parse`` reads."""
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"an org cannot be called {name!r}")
        return cls(name, base.named(name, members))


class RunningOrg(Protocol):
    """A simulated org with everything around it."""

    def facts(self) -> Mapping[str, Any]:
        """Give what a client needs beside the addresses: apps, users, the virtual instant."""

    def close(self) -> None:
        """Let go of everything that the org holds."""


@dataclass(slots=True)
class OpenOrg[Sim: RunningOrg]:
    """One running org; ``serving`` is None for the one that the main thread serves."""

    name: str
    sim: Sim
    door: Listener
    serving: Serving | None = None

    def line(self) -> dict[str, Any]:
        """Return the org's part of the ready line."""
        tls = self.door.tls
        return {
            "name": self.name,
            "url": self.door.url,
            "admin": f"{self.door.url}/__sim__",
            "ca": None if tls is None else str(tls.ca),
            **self.sim.facts(),
        }

    def end(self) -> None:
        """Stop serving, and close the org."""
        if self.serving is not None:
            self.serving.stop()
        self.door.socket.close()
        self.sim.close()


class System[Options: OrgOptions, Sim: RunningOrg](Protocol):
    """Makes the orgs of one simulated system."""

    def build(self, wanted: Options, base_url: str) -> Sim:
        """Make an org that answers at an address."""

    def app(self, sim: Sim, registry: OrgRegistry[Options, Sim]) -> ASGIApp:
        """Give the application of an org that belongs to a registry."""


@dataclass(slots=True)
class OrgRegistry[Options: OrgOptions, Sim: RunningOrg]:
    """The orgs of one process. The first is served by the main thread, others by their own."""

    host: str
    system: System[Options, Sim]
    base: Options
    tls: TlsFiles | None = None
    _orgs: dict[str, OpenOrg[Sim]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def begin(self, plan: OrgPlan[Options], *, port: int = 0) -> OpenOrg[Sim]:
        """Open the first org, which ``serve`` then serves."""
        return self._build(plan, port)

    def open(self, plan: OrgPlan[Options], *, port: int = 0) -> OpenOrg[Sim]:
        """Open a further org; it is served when this returns."""
        org = self._build(plan, port)
        org.serving = listener.serve_beside(self.system.app(org.sim, self), org.door)
        return org

    def _build(self, plan: OrgPlan[Options], port: int) -> OpenOrg[Sim]:
        with self._lock:
            if plan.name in self._orgs:
                raise ValueError(f"there is an org {plan.name} already")
            door = listener.listen(self.host, port, tls=self.tls)
            try:
                org = OpenOrg(plan.name, self.system.build(plan.wanted, door.url), door)
            except BaseException:
                door.socket.close()
                raise
            self._orgs[plan.name] = org
            return org

    def all(self) -> list[OpenOrg[Sim]]:
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

    def run(self, first: OpenOrg[Sim], *, on_ready: Callable[[], None]) -> None:
        """Serve the first org until SIGTERM; ``close_all`` is the caller's."""
        listener.run(self.system.app(first.sim, self), first.door, on_ready=on_ready)

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
