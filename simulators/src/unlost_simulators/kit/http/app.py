"""The ASGI application: reads a call, dispatches it in a worker thread, delivers the parcel."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from unlost_simulators.kit.http.calls import Call
from unlost_simulators.kit.http.delivery import Parcel, deliver
from unlost_simulators.kit.latency import Latency
from unlost_simulators.kit.request_log import RequestLog

ADMIN_ROOT = "__sim__"
LATENCY_SEED = 1


class Surroundings(Protocol):
    """The parts of a simulator that the application needs beside its calls."""

    @property
    def latency(self) -> Latency:
        """Response times of calls; those of the admin API do not wait."""

    @property
    def log(self) -> RequestLog:
        """Counts the bytes sent."""


type Serve = Callable[[Call], Parcel]


class SimulatorApp:
    """A simulated org as an ASGI application; the admin API lies under ``/__sim__``."""

    def __init__(self, around: Surroundings, *, serve: Serve, admin: Serve) -> None:
        self._around = around
        self._calls = serve
        self._admin = admin
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
        wait = 0.0 if _is_admin(call) else self._around.latency.draw(self._dice)
        if wait:
            await asyncio.sleep(wait)
        parcel = await run_in_threadpool(self._serve, call)
        closes = call.headers.get("connection", "").lower() == "close"
        self._around.log.sent(await deliver(replace(parcel, closes=closes), send))

    def _serve(self, call: Call) -> Parcel:
        return self._admin(call) if _is_admin(call) else self._calls(call)


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
