"""A Salesforce simulator as a child process: ready when the constructor returns.

For tests, demos and benchmarks::

    with SimulatorProcess("--scale", "1") as sim:
        token = sim.token("chocolate-backup")
        sim.admin.post("clock/advance", days=1)

Several orgs in one process, each with its own address::

    with SimulatorProcess("--org", "live=chocolate", "--org", "box=chocolate,sandbox") as sim:
        token = sim.orgs["box"].token("chocolate-backup")
"""

# ruff: noqa: S310 - the addresses are those of the simulator
from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from unlost_simulators.kit.process import (
    READY_SECONDS,
    AdminClient,
    ChildProcess,
    ProcessOrg,
    SimulatorFailed,
    open_url,
)

__all__ = ["AdminClient", "SimulatedOrg", "SimulatorFailed", "SimulatorProcess"]


class SimulatedOrg(ProcessOrg):
    """One org of a running Salesforce simulator; ``url`` is its instance address."""

    def token(self, consumer_key: str) -> str:
        """Log in by client credentials and give an access token."""
        app = next(each for each in self.ready["apps"] if each["consumer_key"] == consumer_key)
        basic = base64.b64encode(f"{consumer_key}:{app['consumer_secret']}".encode()).decode()
        request = urllib.request.Request(
            f"{self.url}/services/oauth2/token",
            data=b"grant_type=client_credentials",
            headers={
                "Authorization": f"Basic {basic}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        with open_url(request, self.ca) as answer:
            return str(json.loads(answer.read())["access_token"])


class SimulatorProcess(ChildProcess[SimulatedOrg]):
    """A running ``unlost-sim salesforce``; arguments are passed on to it."""

    def __init__(
        self,
        *arguments: str | Path,
        environment: Mapping[str, str] | None = None,
        ready_seconds: float = READY_SECONDS,
    ) -> None:
        super().__init__(
            "salesforce",
            SimulatedOrg,
            *arguments,
            environment=environment,
            ready_seconds=ready_seconds,
        )

    def token(self, consumer_key: str) -> str:
        """Log in to the first org by client credentials and give an access token."""
        return self.first.token(consumer_key)
