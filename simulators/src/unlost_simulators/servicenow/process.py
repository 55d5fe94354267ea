"""A ServiceNow simulator as a child process: ready when the constructor returns.

For tests, demos and benchmarks::

    with ServiceNowProcess("--scale", "1") as sim:
        token = sim.first.token("chocolate-client", "backup@chocolate.example")
"""

# ruff: noqa: S310 - the addresses are those of the simulator
from __future__ import annotations

import json
import urllib.parse
import urllib.request
from pathlib import Path

from unlost_simulators.kit.process import READY_SECONDS, ChildProcess, ProcessOrg, open_url


class SimulatedInstance(ProcessOrg):
    """One instance of a running simulator."""

    def token(self, client_id: str, user: str) -> str:
        """Sign in a user by the password grant and give an access token."""
        client = next(each for each in self.ready["clients"] if each["client_id"] == client_id)
        known = next(each for each in self.ready["users"] if each["name"] == user)
        form = {
            **client,
            "grant_type": "password",
            "username": user,
            "password": known["password"],
        }
        request = urllib.request.Request(
            f"{self.url}/oauth_token.do",
            data=urllib.parse.urlencode(form).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        with open_url(request, self.ca) as answer:
            return str(json.loads(answer.read())["access_token"])


class ServiceNowProcess(ChildProcess[SimulatedInstance]):
    """A running ``unlost-sim servicenow``; arguments are passed on to it."""

    def __init__(self, *arguments: str | Path, ready_seconds: float = READY_SECONDS) -> None:
        super().__init__("servicenow", SimulatedInstance, *arguments, ready_seconds=ready_seconds)
