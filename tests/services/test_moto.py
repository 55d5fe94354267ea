"""The promises of a store, kept in buckets of a server that is not ours: moto speaks S3."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

import vaultstory
from unlost.model.snapshot import VerifyLevel
from unlost.model.store import Store
from unlost.testing.entropy import SeededEntropy
from unlost.testing.stores import StoreContract
from unlost.vault.stores.address import Reach, StoreAddress, read_address
from unlost.vault.stores.probe import probe_store
from unlost.vault.stores.reach import open_store

pytestmark = [pytest.mark.services, pytest.mark.network]

PACKAGES = Path(__file__).parents[2] / ".services" / "stores"
START = "from moto.server import main; main()"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """Where it answers."""
    port = free_port()
    child = subprocess.Popen(
        [sys.executable, "-c", START, "-H", "127.0.0.1", "-p", str(port)],
        env={**os.environ, "PYTHONPATH": str(PACKAGES)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            assert child.poll() is None, "moto ended: is it installed? make services does it"
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.kill()
        child.wait()


@pytest.fixture
def place(moto: str, monkeypatch: pytest.MonkeyPatch) -> StoreAddress:
    """A path in a bucket of its own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    name = f"box-{uuid.uuid4().hex}"
    urllib.request.urlopen(
        urllib.request.Request(f"{moto}/{name}", method="PUT"), timeout=10
    ).close()
    return read_address(f"s3://{name}/some/vault", reach=Reach(moto), base=Path("/"))


def opened(place: StoreAddress) -> Store:
    return open_store(place, sleep=time.sleep)


class TestMoto(StoreContract):
    @pytest.fixture
    def store(self, place: StoreAddress) -> Store:
        self.place = place
        return opened(place)

    def reopen(self, store: Store) -> Store:
        return opened(self.place)


def test_the_race_before_a_vault_is_made_has_one_winner(place: StoreAddress) -> None:
    probe_store(opened(place), entropy=SeededEntropy(1))
    assert list(opened(place).list("")) == []


def test_a_vault_lives_in_it(place: StoreAddress) -> None:
    story = vaultstory.told(opened(place))
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()
    assert len(story.vault.snapshots(story.org)) == 3
