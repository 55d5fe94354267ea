"""A bakery, and a client that talks to it in process."""

import asyncio
from typing import Any

import httpx
import pytest

from simulators.kit.bakery import Bakery, app
from unlost_simulators.kit.orgs import OrgOptions


class InProcess:
    """Calls an application without a network."""

    def __init__(self, application: Any) -> None:
        self._app = application

    def __call__(self, method: str, path: str, **rest: Any) -> httpx.Response:
        return asyncio.run(self._send(method, path, rest))

    async def _send(self, method: str, path: str, rest: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(app=self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bakery") as client:
            return await client.request(method, path, **rest)

    def admin(self, path: str, /, **members: Any) -> Any:
        answer = self("POST", f"/__sim__/{path}", json=members)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def bakery() -> Bakery:
    return Bakery(OrgOptions(scale=7))


@pytest.fixture
def call(bakery: Bakery) -> InProcess:
    return InProcess(app(bakery))
