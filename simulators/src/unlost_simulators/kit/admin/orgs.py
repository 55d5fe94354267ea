"""Admin actions on the orgs of a process: which there are, a further one, without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from unlost_simulators.kit.admin.server import Routes, Wanted
from unlost_simulators.kit.orgs import OrgOptions, OrgPlan, OrgRegistry, RunningOrg


@dataclass(frozen=True, slots=True)
class OrgActions[Options: OrgOptions, Sim: RunningOrg]:
    """Actions on a registry of orgs; every org's admin API has them."""

    registry: OrgRegistry[Options, Sim]

    def routes(self) -> Routes:
        """Give the calls."""
        return {
            "GET orgs": self.all,
            "POST orgs": self.open,
            "POST orgs/close": self.close,
        }

    def all(self, _wanted: Wanted) -> Any:
        """Give the orgs as the ready line gives them."""
        return {"orgs": [org.line() for org in self.registry.all()]}

    def open(self, wanted: Wanted) -> Any:
        """Open an org by ``name``; ``scenario``, ``scale``, ``seed`` and what the system knows.

        With ``port`` it answers where a closed one did, as a refreshed sandbox does.
        """
        members = {key: value for key, value in wanted.items() if key not in ("name", "port")}
        plan = OrgPlan.of(wanted["name"], members, self.registry.base)
        return self.registry.open(plan, port=int(wanted.get("port", 0))).line()

    def close(self, wanted: Wanted) -> Any:
        """Close the org ``name``, with everything that it holds."""
        self.registry.close(wanted["name"])
        return {}
