"""Arguments of a handler: the simulator, the call, the path's parts, and the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unlost_simulators.kit.http.calls import Call
from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.model.users import ApiUser
from unlost_simulators.servicenow.reading import Reader
from unlost_simulators.servicenow.simulator import Simulator
from unlost_simulators.servicenow.writing.writer import Writer


@dataclass(frozen=True, slots=True)
class Context:
    """One call while it is handled. ``version`` is ``v1``, ``v2`` or empty."""

    sim: Simulator
    call: Call
    user: ApiUser
    version: str = ""
    params: Mapping[str, str] | None = None

    @property
    def instance(self) -> Instance:
        """The instance that is called."""
        return self.sim.instance

    def param(self, name: str) -> str:
        """Give a part of the path."""
        return (self.params or {})[name]

    def switch(self, name: str) -> bool:
        """Return true for a query parameter that says ``true``."""
        return self.call.query.get(name, "").lower() == "true"

    def reader(self) -> Reader:
        """Give the reader of the caller."""
        return Reader(self.instance, self.user)

    def writer(self) -> Writer:
        """Give the writer of the caller; sysparm_input_display_value says how values are meant."""
        return Writer(self.instance, self.user, display=self.switch("sysparm_input_display_value"))

    def address(self, *parts: str) -> str:
        """Give the address of a resource of the same version."""
        version = f"{self.version}/" if self.version else ""
        return f"{self.sim.base_url}/api/now/{version}{'/'.join(parts)}"
