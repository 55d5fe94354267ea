"""The promises of a store, kept in buckets of a server that is not ours: moto speaks S3."""

import re
from collections.abc import Iterator

import pytest

import vaultstory
from services.promises import BucketPromises
from services.servers import VERSIONED, Server, moto, opened
from unlost.model.vault.snapshot import VerifyLevel
from unlost.testing.entropy import SeededEntropy
from unlost.vault.stores.probe import probe_store

pytestmark = [pytest.mark.services, pytest.mark.network]


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with moto() as server:
        yield server


class TestMoto(BucketPromises):
    checks_keys = False

    @pytest.fixture
    def server(self, running: Server) -> Server:
        return running


def test_what_is_deleted_leaves_no_version(
    running: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in running.credentials.items():
        monkeypatch.setenv(name, value)
    bucket = running.bucket()
    status, body = running.asked("PUT", f"{bucket}?versioning=", VERSIONED)
    assert status == 200, body
    store = opened(running.place(bucket, "v"))
    assert probe_store(store, entropy=SeededEntropy(1)) is True
    story = vaultstory.told(store)
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()
    kept = {one.name for one in store.list("")}
    assert versions(running, bucket) == {f"v/{name}" for name in kept}
    some = next(name for name in sorted(kept) if "/data/" in name)
    assert store.delete(some) is True
    assert versions(running, bucket) == {f"v/{name}" for name in kept - {some}}
    assert store.properties.keeps_deleted is False


def versions(server: Server, bucket: str) -> set[str]:
    """The names of which there is any version, or a mark that it was deleted."""
    status, told = server.asked("GET", f"{bucket}?versions=&max-keys=1000")
    assert status == 200
    return set(re.findall(r"<Key>(.*?)</Key>", told.decode()))
