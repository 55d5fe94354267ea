"""A simulator as a child process: started on a free port, ready when the constructor returns.

A system derives an org that can log in from ``ProcessOrg``, and a process that starts its service from
``ChildProcess``.
"""

# ruff: noqa: S310, S603 - addresses and commands are this module's own
from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

READY_SECONDS = 300.0
STOP_SECONDS = 30.0
CALL_SECONDS = 300.0


class SimulatorFailed(Exception):
    """The simulator did not start, or refused an admin call; the text is its message."""


@dataclass(frozen=True, slots=True)
class AdminClient:
    """Calls of the admin API; answers are JSON values.

    A refusal raises ``SimulatorFailed`` with the status and the text of the answer.
    """

    root: str
    ca: str | None = None

    def get(self, path: str, /, **query: Any) -> Any:
        """Call ``GET /__sim__/path``."""
        return json.loads(self.raw(path, **query))

    def raw(self, path: str, /, **query: Any) -> bytes:
        """Return the raw body of ``GET /__sim__/path``, for example an Arrow stream."""
        tail = f"?{urllib.parse.urlencode(query)}" if query else ""
        return self._send(urllib.request.Request(f"{self.root}/{path}{tail}"))

    def post(self, path: str, /, **body: Any) -> Any:
        """Call ``POST /__sim__/path`` with the named values as its JSON body.

        A name that is a Python keyword takes a trailing underscore: ``as_="backup@…"``.
        """
        named = {name.removesuffix("_"): value for name, value in body.items()}
        request = urllib.request.Request(
            f"{self.root}/{path}",
            data=json.dumps(named).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        return json.loads(self._send(request))

    def fault(self, kind: str, /, **members: Any) -> str:
        """Plant a fault rule and give its id."""
        planted: dict[str, Any] = self.post("faults", kind=kind, **members)
        return str(planted["id"])

    def unhit_faults(self) -> list[str]:
        """Give the ids of planted rules that never fired."""
        return [str(each) for each in self.get("faults")["unhit"]]

    def _send(self, request: urllib.request.Request) -> bytes:
        try:
            with open_url(request, self.ca) as answer:
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode("utf-8", "replace")
            raise SimulatorFailed(f"{error.code} {request.full_url}: {text}") from None


class ProcessOrg:
    """One org of a running simulator.

    ``url``: its address; ``ca``: the file of the test authority with TLS; ``ready``: its
    part of the ready line; ``admin``: the client of its admin API.
    """

    def __init__(self, ready: Mapping[str, Any]) -> None:
        self.ready = dict(ready)
        self.name = str(ready["name"])
        self.url = str(ready["url"])
        self.ca: str | None = ready["ca"]
        self.admin = AdminClient(str(ready["admin"]), self.ca)


class ChildProcess[Org: ProcessOrg]:
    """A running ``unlost-sim SERVICE``; arguments are passed on to it.

    ``first``: the org whose ``url``, ``ca`` and ``admin`` it has; ``orgs``: all of them by name;
    ``ready``: the whole line that the command printed.
    """

    def __init__(
        self,
        service: str,
        org: Callable[[Mapping[str, Any]], Org],
        *arguments: str | Path,
        environment: Mapping[str, str] | None = None,
        ready_seconds: float = READY_SECONDS,
    ) -> None:
        command = [sys.executable, "-m", "unlost_simulators.cli", service, *map(str, arguments)]
        self._process = subprocess.Popen(
            [*command, "--with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self.ready: dict[str, Any] = self._wait(ready_seconds)
        self._org = org
        self.orgs = {each.name: each for each in map(org, self.ready["orgs"])}
        self.first = next(iter(self.orgs.values()))
        self.url, self.ca, self.admin = self.first.url, self.first.ca, self.first.admin

    @property
    def pid(self) -> int:
        """Give the process id."""
        return self._process.pid

    def open_org(self, name: str, **members: Any) -> Org:
        """Open a further org: ``scenario``, ``scale``, ``seed``, …, and what the system knows."""
        org = self._org(self.admin.post("orgs", name=name, **members))
        self.orgs[name] = org
        return org

    def close_org(self, name: str) -> None:
        """Close an org that was opened beside the first."""
        self.admin.post("orgs/close", name=name)
        del self.orgs[name]

    def stop(self) -> int:
        """Stop the simulator and give its exit status, 0 when it went in peace."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait(self, seconds: float) -> dict[str, Any]:
        output = self._process.stdout
        if output is None:
            raise SimulatorFailed("the simulator has no output")
        lines: list[str] = []
        reader = threading.Thread(target=_read_line, args=(output, lines), daemon=True)
        reader.start()
        reader.join(seconds)
        if not lines or not lines[0]:
            self._process.kill()
            status = self.stop()
            raise SimulatorFailed(f"the simulator did not get ready; it ended with {status}")
        line: dict[str, Any] = json.loads(lines[0])
        return line


def _read_line(output: IO[str], lines: list[str]) -> None:
    lines.append(output.readline())


def open_url(request: urllib.request.Request, ca: str | None) -> Any:
    """Send a request past all proxies; with ``ca``, only to a server of that authority."""
    opener = _opener(ssl.create_default_context(cafile=ca)) if ca else _without_tls()
    return opener.open(request, timeout=CALL_SECONDS)


@cache
def _without_tls() -> urllib.request.OpenerDirector:
    # Without a context of ours it would read all authorities of the machine.
    return _opener(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def _opener(trusting: ssl.SSLContext) -> urllib.request.OpenerDirector:
    handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting))
    return urllib.request.build_opener(*handlers)
