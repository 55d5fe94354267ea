"""Arguments of a handler: the simulator, the call, the path's parts, and the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unlost_simulators.kit.http.calls import Call
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.simulator import Simulator


@dataclass(frozen=True, slots=True)
class Context:
    """One call while it is handled; ``version`` is a number, for example 66."""

    sim: Simulator
    call: Call
    params: Mapping[str, str]
    version: int = 0
    caller: SimUser | None = None
    token: str = ""

    @property
    def user(self) -> SimUser:
        """Give the calling user; only routes that need a session may ask."""
        if self.caller is None:
            raise SalesforceError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        return self.caller

    @property
    def release(self) -> str:
        """The version as paths write it, for example ``v66.0``."""
        return f"v{self.version}.0"

    @property
    def base(self) -> str:
        """Give ``/services/data/vNN.0`` of this call."""
        return f"/services/data/{self.release}"
