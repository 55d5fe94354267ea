"""Servers of buckets that nobody here wrote, on loopback, each for as long as a test needs it.

``moto`` speaks S3, ``azurite`` speaks as Azure Blob Storage does; ``make services`` installs both.
"""

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services import signing
from unlost.model.vault.store import Store
from unlost.vault.stores.address import BucketOptions, StoreAddress, read_address
from unlost.vault.stores.reach import open_store

INSTALLED = Path(__file__).parents[2] / ".services"
# moto looks for a name and then writes it, so that two writers of one name could both win on a busy
# machine. Here its requests are answered one after the other.
MOTO = """
import threading
from moto.server import DomainDispatcherApplication as Moto, main

turn, answer = threading.Lock(), Moto.__call__

def answer_in_turn(self, environ, start_response):
    with turn:
        return list(answer(self, environ, start_response))

Moto.__call__ = answer_in_turn
main()
"""
AZURITE = INSTALLED / "azurite" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
ACCOUNT = "devstoreaccount1"  # which Azurite knows, with its key, without being told
ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs. ``credentials`` are the variables that a client finds its own in."""

    kind: str
    url: str
    credentials: Mapping[str, str]

    def bucket(self, **headers: str) -> str:
        """The name of a new bucket, or container."""
        name = f"box-{uuid.uuid4().hex}"
        path = name if self.kind == "s3" else f"{name}?restype=container"
        status, body = self.asked("PUT", path, **headers)
        assert status in (200, 201), body
        return name

    def asked(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """What the server answers to a signed request; ``headers`` are its own, for S3 alone."""
        url, told = f"{self.url}/{path}", self.credentials
        if self.kind == "az":
            account, key = told["AZURE_STORAGE_ACCOUNT_NAME"], told["AZURE_STORAGE_ACCOUNT_KEY"]
            return signing.azure(method, url, account=account, key=key)
        key, secret = told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"]
        own = {name.replace("_", "-"): value for name, value in headers.items()}
        return signing.s3(method, url, body, key=key, secret=secret, headers=own)

    def place(self, bucket: str, path: str = "some/vault", *, url: str = "") -> StoreAddress:
        """A path in a bucket; ``url``: of what stands before the server."""
        text = f"{self.kind}://{bucket}/{path}"
        return read_address(text, reach=BucketOptions(url or self.url), base=Path("/"))


def opened(place: StoreAddress) -> Store:
    """The store at a place of such a server."""
    return open_store(place, sleep=time.sleep, now=lambda: datetime.now(UTC))


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str], *, port: int, env: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A program that listens on a port, until it is no longer needed."""
    child = subprocess.Popen(
        command,
        env={**os.environ, **(env or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await_port(child, port)
        yield child
    finally:
        child.kill()
        child.wait()


def await_port(child: "subprocess.Popen[bytes]", port: int) -> None:
    """Return when somebody listens there; fails when the program ends before."""
    for _ in range(START_SECONDS * 10):
        assert child.poll() is None, f"{child.args} ended: is it installed?"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{child.args} does not listen")


@contextmanager
def moto(**settings: str) -> Iterator[Server]:
    """A server in Python that many test with; ``settings`` are variables of its environment."""
    port = free_port()
    command = [sys.executable, "-c", MOTO, "-H", "127.0.0.1", "-p", str(port)]
    env = {"PYTHONPATH": str(INSTALLED / "stores"), **settings}
    with running(command, port=port, env=env):
        keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
        yield Server("s3", f"http://127.0.0.1:{port}", keys)


@contextmanager
def azurite(folder: Path) -> Iterator[Server]:
    """Microsoft's own stand-in for Azure Blob Storage, which keeps its things in a folder."""
    port = free_port()
    where = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)]
    quiet = ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    with running(["node", str(AZURITE), *where, *quiet], port=port):
        keys = {"AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": ACCOUNT_KEY}
        yield Server("az", f"http://127.0.0.1:{port}/{ACCOUNT}", keys)


VERSIONED = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


def locked(mode: str) -> bytes:
    """The default lock of a bucket: a day long."""
    return (
        "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>"
        f"<DefaultRetention><Mode>{mode}</Mode><Days>1</Days></DefaultRetention>"
        "</Rule></ObjectLockConfiguration>"
    ).encode()
