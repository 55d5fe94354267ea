"""Putting a Salesforce simulator together: scenario, org, server settings, application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unlost_simulators.listener import Listener
from unlost_simulators.salesforce.clock import VirtualClock
from unlost_simulators.salesforce.http.app import SalesforceApp
from unlost_simulators.salesforce.oauth.apps import ConnectedApp
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.scenarios import scenario
from unlost_simulators.salesforce.scenarios.scenario import Act
from unlost_simulators.salesforce.server_settings import ServerSettings
from unlost_simulators.salesforce.simulator import Simulator

# For clients that know no other flow than user name and password.
THIRD_PARTY = ConnectedApp("third-party", "not-a-secret-third-party", password_flow=True)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    scenario: str = "chocolate"
    scale: int = 1
    seed: int = 1
    db: Path | None = None
    cache: Path | None = None
    running_clock: bool = False


def build(wanted: Wanted, *, base_url: str) -> Simulator:
    """Make the org of a scenario and the simulator around it."""
    chosen = scenario(wanted.scenario)
    clock = VirtualClock(chosen.opening, running=wanted.running_clock)
    org = Org(
        chosen.objects(),
        chosen.users(),
        clock=clock,
        id18=chosen.org_id,
        settings=chosen.settings(),
        db=wanted.db,
    )
    if org.store.is_empty():  # a database file keeps the rows of the run before
        chosen.load(org, scale=wanted.scale, seed=wanted.seed)
    return around(org, base_url=base_url, cache=wanted.cache, acts=chosen.acts())


def around(
    org: Org,
    *,
    base_url: str,
    cache: Path | None = None,
    acts: Mapping[str, Act] | None = None,
) -> Simulator:
    """Make a simulator around an org that exists already."""
    settings = ServerSettings(base_url=base_url)
    return Simulator(org, apps=[THIRD_PARTY], settings=settings, cache=cache, acts=acts)


def application(sim: Simulator) -> SalesforceApp:
    """Give the ASGI application of a simulator."""
    return SalesforceApp(sim)


def ready_line(sim: Simulator, listener: Listener) -> dict[str, Any]:
    """Give what the command prints when it is ready, as one JSON object.

    The secrets in it open nothing but this simulated org.
    """
    return {
        "url": listener.url,
        "admin": f"{listener.url}/__sim__",
        "ca": None if listener.tls is None else str(listener.tls.ca),
        "organization_id": sim.org.id18,
        "now": sim.org.clock.now().isoformat(),
        "apps": [
            {
                "consumer_key": app.consumer_key,
                "consumer_secret": app.consumer_secret,
                "run_as": app.run_as,
            }
            for app in sim.apps.all()
        ],
        "users": [user.username for user in sim.org.users.all()],
    }
