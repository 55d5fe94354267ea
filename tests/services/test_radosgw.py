"""The promises of a store, kept in buckets of Ceph; one with versions, which keeps them not; rights of two users."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import vaultstory
from services.ceph import Cluster, add_user, radosgw
from services.promises import BucketPromises
from services.servers import VERSIONED, Server, locked, opened
from unlost.model.errors import StoreError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.testing.entropy import SeededEntropy
from unlost.vault.stores.probe import probe_store
from unlost.vault.stores.reach import check_not_locked

pytestmark = [pytest.mark.radosgw, pytest.mark.network]

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "vault-in-a-bucket.md"
POLICY = re.compile(r'^```json\n(\{\n  "Version".*?)^```', re.MULTILINE | re.DOTALL)
NIGHTS = {"AWS_ACCESS_KEY_ID": "nightskey", "AWS_SECRET_ACCESS_KEY": "nightssecret"}


@pytest.fixture(scope="module")
def ceph() -> Iterator[tuple[Server, Cluster]]:
    with radosgw() as running:
        yield running


@pytest.fixture
def running(ceph: tuple[Server, Cluster], monkeypatch: pytest.MonkeyPatch) -> Server:
    for name, value in ceph[0].credentials.items():
        monkeypatch.setenv(name, value)
    return ceph[0]


class TestRadosgw(BucketPromises):
    @pytest.fixture
    def server(self, running: Server) -> Server:
        return running


def test_a_bucket_with_versions_is_found_out_and_refused(running: Server) -> None:
    """Not once in a while: each time that a vault shall be made there."""
    bucket = running.bucket()
    status, body = running.asked("PUT", f"{bucket}?versioning=", VERSIONED)
    assert status == 200, body
    for seed in range(5):
        store = opened(running.place(bucket))
        with pytest.raises(StoreError) as refused:
            probe_store(store, entropy=SeededEntropy(seed))
        assert refused.value.code == "store-not-atomic"
        assert "has versioning" in refused.value.sentence
        assert list(store.list("")) == []


def test_the_policy_of_the_how_to_lets_nights_write_and_not_delete(
    running: Server, ceph: tuple[Server, Cluster], tmp_path: Path
) -> None:
    add_user(ceph[1], "unlost-nights", NIGHTS)
    bucket = running.bucket()
    found = POLICY.search(PAGE.read_text("utf-8"))
    assert found is not None
    policy = found[1].replace(":::box", f":::{bucket}")
    status, body = running.asked("PUT", f"{bucket}?policy=", policy.encode())
    assert status in (200, 204), body
    files = {"append": NIGHTS, "maintain": running.credentials}
    for name, told in files.items():
        (tmp_path / name).write_text("".join(f"{key}={value}\n" for key, value in told.items()))
    place = running.place(bucket, "unlost")
    of_nights = replace(place.reach, credentials_file=tmp_path / "append")
    nights = opened(replace(place, reach=of_nights))
    story = vaultstory.told(nights)
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()
    some = next(iter(nights.list("orgs/"))).name
    with pytest.raises(StoreError) as refused:
        nights.delete(some)
    assert refused.value.code == "store-may-not-delete"
    assert nights.size(some) is not None
    with_both = replace(of_nights, maintenance_file=tmp_path / "maintain")
    assert opened(replace(place, reach=with_both)).delete(some) is True


def test_a_lock_that_may_be_lifted_is_lifted_for_maintenance(
    running: Server, ceph: tuple[Server, Cluster], tmp_path: Path
) -> None:
    bucket = running.bucket(x_amz_bucket_object_lock_enabled="true")
    status, body = running.asked("PUT", f"{bucket}?object-lock=", locked("GOVERNANCE"))
    assert status == 200, body
    place = running.place(bucket)
    check_not_locked(place, now=now, sleep=time.sleep)
    store = opened(place)
    assert store.put_new("one", b"x") is True
    _, told = running.asked("GET", f"{bucket}?versions=")
    version = re.search(rb"<VersionId>(.*?)</VersionId>", told)
    assert version is not None
    path = f"{bucket}/some/vault/one?versionId={version[1].decode()}"
    assert running.asked("DELETE", path)[0] == 403  # it is locked
    assert store.delete("one") is True
    _, told = running.asked("GET", f"{bucket}?versions=")
    assert b"<VersionId>" not in told


def test_a_lock_that_nobody_can_lift_is_found_out(running: Server) -> None:
    bucket = running.bucket(x_amz_bucket_object_lock_enabled="true")
    status, body = running.asked("PUT", f"{bucket}?object-lock=", locked("COMPLIANCE"))
    assert status == 200, body
    with pytest.raises(StoreError) as refused:
        check_not_locked(running.place(bucket), now=now, sleep=time.sleep)
    assert refused.value.code == "store-locked"


def now() -> datetime:
    return datetime.now(UTC)
