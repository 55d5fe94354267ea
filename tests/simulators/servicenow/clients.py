"""A client that talks to a simulated instance in process."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx

from unlost_simulators.servicenow.app import ServiceNowApp
from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.simulator import Simulator

BASE = "http://now.example"
PASSWORD = "not-a-secret"


@dataclass
class Client:
    """Calls of one user; checks nothing."""

    sim: Simulator
    user: str = "admin"
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def instance(self) -> Instance:
        return self.sim.instance

    def as_(self, user: str) -> "Client":
        return Client(self.sim, user)

    def __call__(self, method: str, path: str, **rest: Any) -> httpx.Response:
        target = path if path.startswith("/") else f"/api/now/{path}"
        if self.user and "auth" not in rest:
            rest["auth"] = (self.user, PASSWORD)
        rest["headers"] = {**self.headers, **rest.get("headers", {})}
        return asyncio.run(self._send(method, target, rest))

    async def _send(self, method: str, path: str, rest: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(app=ServiceNowApp(self.sim))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            return await client.request(method, path, **rest)

    def get(self, path: str, **query: Any) -> httpx.Response:
        """Get a resource; query parameters lose a trailing underscore."""
        return self("GET", path, params={name.rstrip("_"): value for name, value in query.items()})

    def list(self, table: str, query: str = "", **rest: Any) -> list[dict[str, Any]]:
        answer = self.get(f"table/{table}", sysparm_query=query, **rest)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def row(self, table: str, sys_id: str, **query: Any) -> dict[str, Any]:
        answer = self.get(f"table/{table}/{sys_id}", **query)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def create(self, table: str, **values: Any) -> dict[str, Any]:
        answer = self("POST", f"table/{table}", json=values)
        assert answer.status_code == 201, answer.text
        return answer.json()["result"]

    def change(self, table: str, sys_id: str, **values: Any) -> httpx.Response:
        return self("PATCH", f"table/{table}/{sys_id}", json=values)

    def admin(self, path: str, /, **members: Any) -> Any:
        """Post to the admin API; names lose a trailing underscore."""
        body = {name.rstrip("_"): value for name, value in members.items()}
        answer = self("POST", f"/__sim__/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def see(self, path: str, **query: Any) -> Any:
        answer = self("GET", f"/__sim__/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


def detail(answer: httpx.Response) -> str:
    """The detail of a refusal, by which clients tell its cause."""
    document = answer.json()
    assert document["status"] == "failure"
    return document["error"]["detail"]


def count(client: Client, table: str, query: str = "") -> str:
    """The count of the Aggregate API."""
    answer = client.get(f"stats/{table}", sysparm_count="true", sysparm_query=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]["stats"]["count"]
