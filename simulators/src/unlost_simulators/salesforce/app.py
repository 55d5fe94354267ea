"""The ASGI application: reads a call, dispatches it in a worker thread, delivers the parcel."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from unlost_simulators.salesforce.admin import ADMIN_ROOT, Admin
from unlost_simulators.salesforce.http.calls import Call
from unlost_simulators.salesforce.http.delivery import Parcel, deliver
from unlost_simulators.salesforce.http.dispatcher import Dispatcher
from unlost_simulators.salesforce.orgs import OrgRegistry
from unlost_simulators.salesforce.simulator import Simulator

LATENCY_SEED = 1


class SalesforceApp:
    """The simulated org as an ASGI application; the admin API lies under ``/__sim__``.

    ``registry`` holds the orgs beside it.
    """

    def __init__(self, sim: Simulator, registry: OrgRegistry | None = None) -> None:
        self.sim = sim
        self._dispatcher = Dispatcher(sim)
        self._admin = Admin(sim, registry)
        self._dice = random.Random(LATENCY_SEED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event of the server."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        try:
            call = await _read(scope, receive)
        except ClientDisconnect:
            return
        wait = 0.0 if _is_admin(call) else self.sim.settings.latency.draw(self._dice)
        if wait:
            await asyncio.sleep(wait)
        parcel = await run_in_threadpool(self._serve, call)
        closes = call.headers.get("connection", "").lower() == "close"
        self.sim.log.sent(await deliver(replace(parcel, closes=closes), send))

    def _serve(self, call: Call) -> Parcel:
        if _is_admin(call):
            return self._admin.serve(call)
        return self._dispatcher.serve(call)


def _is_admin(call: Call) -> bool:
    return call.segments[:1] == [ADMIN_ROOT]


async def _read(scope: Scope, receive: Receive) -> Call:
    request = Request(scope, receive)
    query = scope["query_string"].decode("latin-1")
    raw = scope.get("raw_path") or scope["path"].encode()
    target = raw.decode("latin-1").partition("?")[0] + (f"?{query}" if query else "")
    return Call(
        method=request.method,
        path=scope["path"],
        target=target,
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
    )


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
