"""One running simulator: the instance with everything that stands around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from unlost_simulators.kit.faults import FaultPlan
from unlost_simulators.kit.latency import Latency
from unlost_simulators.kit.request_log import RequestLog
from unlost_simulators.servicenow.faults import ServiceNowRule
from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.limits import RateRules
from unlost_simulators.servicenow.oauth.sessions import Sessions

type Act = Callable[[Instance], Mapping[str, Any]]
"""An act of people in the instance; gives the numbers of changed rows."""


class Simulator:
    """The state of one simulated instance, from its rows to its planted faults."""

    def __init__(
        self, instance: Instance, *, base_url: str, acts: Mapping[str, Act] | None = None
    ) -> None:
        self.instance, self.base_url = instance, base_url
        self.acts = dict(acts or {})
        self.sessions = Sessions(instance.clock.now)
        self.rates = RateRules()
        self.faults: FaultPlan[ServiceNowRule] = FaultPlan()
        self.log = RequestLog(instance.clock.now)

    @property
    def latency(self) -> Latency:
        """Response times of calls, as the settings have them now."""
        return self.instance.settings.latency

    def facts(self) -> Mapping[str, Any]:
        """Give the facts that the command prints of the instance, beside its addresses.

        The passwords and secrets in it open nothing but this simulated instance.
        """
        return {
            "now": self.instance.clock.now().isoformat(),
            "users": [
                {"name": user.name, "password": user.password, "roles": sorted(user.roles)}
                for user in self.instance.users.all()
            ],
            "clients": [
                {"client_id": each.client_id, "client_secret": each.secret}
                for each in self.instance.clients.values()
            ],
        }

    def close(self) -> None:
        """Close the instance."""
        self.instance.close()
