"""Run an ASGI application on loopback until SIGTERM, and notify the parent when it is ready."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from unlost_simulators.kit.tls import TlsFiles

GRACE_SECONDS = 2
KEEP_ALIVE_SECONDS = 75
BACKLOG = 256
START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound socket and the base address that clients use."""

    socket: socket.socket
    host: str
    tls: TlsFiles | None = None

    @property
    def url(self) -> str:
        """Give the base address, without a trailing slash."""
        scheme = "http" if self.tls is None else "https"
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{name}:{self.socket.getsockname()[1]}"


def listen(host: str, port: int, *, tls: TlsFiles | None = None) -> Listener:
    """Bind a port; 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named: with it, each answer of
    # a head and a body waits 40 ms for the client's delayed acknowledgement.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    return Listener(bound, host, tls)


def run(app: ASGIApp, listener: Listener, *, on_ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; ``on_ready`` is called once connections are accepted."""
    # The server raises the signal that ended it once more: here that is no reason to die by it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    _ReadyServer(_config(app, listener), on_ready).run(sockets=[listener.socket])


def serve_beside(app: ASGIApp, listener: Listener) -> Serving:
    """Serve in a separate thread; returns once connections are accepted."""
    ready = threading.Event()
    server = _ReadyServer(_config(app, listener), ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener.socket]}, daemon=True)
    thread.start()
    if not ready.wait(START_SECONDS):
        raise TimeoutError(f"nothing accepts connections at {listener.url}")
    return Serving(server, thread)


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that runs in a thread."""

    server: uvicorn.Server
    thread: threading.Thread

    def stop(self) -> None:
        """Stop it, and wait until it has stopped."""
        self.server.should_exit = True
        self.thread.join()


def _config(app: ASGIApp, listener: Listener) -> uvicorn.Config:
    tls = listener.tls
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=None if tls is None else str(tls.certificate),
        ssl_keyfile=None if tls is None else str(tls.key),
    )


class _ReadyServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._on_ready()
