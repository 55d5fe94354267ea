"""A simulator as a child process: started on a free port, ready when the constructor returns.

For tests, demos and benchmarks::

    with SimulatorProcess("--scale", "1") as sim:
        token = sim.token("chocolate-backup")
        sim.admin.post("clock/advance", days=1)

Several orgs in one process, each with its own address::

    with SimulatorProcess("--org", "live=chocolate", "--org", "box=chocolate,sandbox") as sim:
        token = sim.orgs["box"].token("chocolate-backup")
"""

# ruff: noqa: S310, S603 - addresses and commands are this module's own
from __future__ import annotations

import base64
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
from collections.abc import Mapping
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
            with _open(request, self.ca) as answer:
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode("utf-8", "replace")
            raise SimulatorFailed(f"{error.code} {request.full_url}: {text}") from None


class SimulatedOrg:
    """One org of a running simulator.

    ``url``: its instance address; ``ca``: the file of the test authority with TLS; ``ready``: its
    part of the ready line; ``admin``: the client of its admin API.
    """

    def __init__(self, ready: Mapping[str, Any]) -> None:
        self.ready = dict(ready)
        self.name = str(ready["name"])
        self.url = str(ready["url"])
        self.ca: str | None = ready["ca"]
        self.admin = AdminClient(str(ready["admin"]), self.ca)

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
        with _open(request, self.ca) as answer:
            return str(json.loads(answer.read())["access_token"])


class SimulatorProcess:
    """A running ``unlost-sim salesforce``; arguments are passed on to it.

    ``url``, ``ca``, ``admin`` and ``token`` belong to its first org, ``orgs`` are all of them by
    name, ``ready`` is the whole line that the command printed.
    """

    def __init__(
        self,
        *arguments: str | Path,
        service: str = "salesforce",
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
        self.orgs = {org.name: org for org in map(SimulatedOrg, self.ready["orgs"])}
        self._first = next(iter(self.orgs.values()))
        self.url, self.ca, self.admin = self._first.url, self._first.ca, self._first.admin

    @property
    def pid(self) -> int:
        """Give the process id."""
        return self._process.pid

    def token(self, consumer_key: str) -> str:
        """Log in to the first org by client credentials and give an access token."""
        return self._first.token(consumer_key)

    def open_org(self, name: str, **members: Any) -> SimulatedOrg:
        """Open a further org: ``scenario``, ``scale``, ``seed``, ``sandbox``, ``same_id``, …"""
        org = SimulatedOrg(self.admin.post("orgs", name=name, **members))
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


def _open(request: urllib.request.Request, ca: str | None) -> Any:
    opener = _opener(ssl.create_default_context(cafile=ca)) if ca else _without_tls()
    return opener.open(request, timeout=CALL_SECONDS)


@cache
def _without_tls() -> urllib.request.OpenerDirector:
    # Without a context of ours it would read all authorities of the machine.
    return _opener(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def _opener(trusting: ssl.SSLContext) -> urllib.request.OpenerDirector:
    handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting))
    return urllib.request.build_opener(*handlers)
