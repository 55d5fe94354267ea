"""A bucket with versions: what is deleted is gone from it, unless it is said that it stays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.bucket_server import BUCKET, Bucket, serving
from unlost.model.errors import StoreError
from unlost.model.store import Store
from unlost.testing.clock import VirtualClock
from unlost.vault.stores.address import Reach, StoreAddress, read_address
from unlost.vault.stores.reach import check_not_locked, open_store
from unlost.vault.stores.versions import Key, Versions, key_in

pytestmark = pytest.mark.network
CLOCK = VirtualClock()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with serving() as running:
        running.versions = True
        yield running


def place_in(bucket: Bucket, **told: Path) -> StoreAddress:
    reach = Reach(bucket.url, **told)  # type: ignore[arg-type]
    return read_address(f"s3://{BUCKET}/a/vault", reach=reach, base=Path("/"))


def opened(place: StoreAddress) -> Store:
    return open_store(place, sleep=CLOCK.sleep, now=CLOCK.now)


def test_all_versions_of_what_is_deleted_are_gone(bucket: Bucket) -> None:
    store = opened(place_in(bucket))
    for _ in range(2):
        store.put_new("one", b"x")
        bucket.objects.clear()  # as somebody else deletes, who knows no versions
        bucket.kept["a/vault/one"].append(f"d{next(bucket.numbers)}")
    store.put_new("one", b"x")
    store.put_new("one.idx", b"y")
    assert len(bucket.kept["a/vault/one"]) == 5
    assert store.delete("one") is True
    assert bucket.kept["a/vault/one"] == []
    assert len(bucket.kept["a/vault/one.idx"]) == 1
    assert store.size("one") is None
    assert store.properties.versions is True
    assert store.properties.keeps_deleted is False


def test_the_newest_version_goes_last(bucket: Bucket) -> None:
    """Whoever dies before that finds the object again, and deletes it again."""
    store = opened(place_in(bucket))
    store.put_new("one", b"x")
    bucket.kept["a/vault/one"].insert(0, "v0")
    bucket.asked.clear()
    store.delete("one")
    gone = [name for verb, name in bucket.asked if verb == "DELETE"]
    assert len(gone) == 2
    assert bucket.objects == {}


def test_without_a_key_in_words_it_is_said_that_all_stays(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, plain = opened(place_in(bucket)), open_store(place_in(bucket), sleep=CLOCK.sleep)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    store.put_new("one", b"x")
    assert store.properties.keeps_deleted is False
    assert store.delete("one") is True
    assert store.properties.keeps_deleted is True
    plain.put_new("two", b"x")
    assert plain.delete("two") is True
    assert plain.properties.keeps_deleted is True


def test_the_key_is_that_of_maintenance(bucket: Bucket, tmp_path: Path) -> None:
    bucket.removers = {"maintain"}
    (tmp_path / "m").write_text(
        "AWS_ACCESS_KEY_ID=maintain\nAWS_SECRET_ACCESS_KEY=m\nAWS_SESSION_TOKEN=t\n"
    )
    refused = opened(place_in(bucket))
    refused.put_new("one", b"x")
    with pytest.raises(StoreError) as told:
        refused.delete("one")
    assert told.value.code == "store-may-not-delete"
    assert opened(place_in(bucket, maintenance_file=tmp_path / "m")).delete("one") is True
    assert bucket.kept["a/vault/one"] == []


@pytest.mark.parametrize(
    ("mode", "refused"), [("", False), ("GOVERNANCE", False), ("COMPLIANCE", True)]
)
def test_a_lock_that_nobody_can_lift_is_refused(bucket: Bucket, mode: str, refused: bool) -> None:
    bucket.lock_mode = mode
    place = place_in(bucket)
    if refused:
        with pytest.raises(StoreError) as told:
            check_not_locked(place, now=CLOCK.now)
        assert told.value.code == "store-locked"
    else:
        check_not_locked(place, now=CLOCK.now)


def test_what_cannot_be_asked_is_no_lock(bucket: Bucket, tmp_path: Path) -> None:
    bucket.lock_mode = "COMPLIANCE"
    check_not_locked(place_in(bucket, maintenance_file=tmp_path / "none"), now=CLOCK.now)
    check_not_locked(StoreAddress(folder=tmp_path), now=CLOCK.now)
    check_not_locked(StoreAddress(None, "az", "box"), now=CLOCK.now)
    bucket.forbidden = True
    check_not_locked(place_in(bucket), now=CLOCK.now)


def test_a_server_that_does_not_answer_or_not_in_xml_has_failed(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = Versions(place_in(bucket), key=Key("key", "secret"), now=CLOCK.now)
    monkeypatch.setattr(Versions, "_asked", lambda *_: b"<html>")
    with pytest.raises(StoreError) as told:
        versions.remove("one")
    assert "cannot be read" in told.value.sentence
    monkeypatch.undo()
    bucket.gone = True
    with pytest.raises(StoreError) as told:
        versions.remove("one")
    assert told.value.code == "store-failed"
    nobody = place_in(bucket)
    with serving() as closed:
        url = closed.url
    nobody = read_address(f"s3://{BUCKET}", reach=Reach(url), base=Path("/"))
    with pytest.raises(StoreError) as told:
        Versions(nobody, key=Key("key", "secret"), now=CLOCK.now).remove("one")
    assert told.value.code == "store-failed"


def test_addresses_of_the_cloud_and_keys() -> None:
    told = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    key = key_in(told)
    assert key == Key("key", "secret")
    assert "secret" not in repr(key)
    assert key_in({"aws_access_key_id": "key"}) is None
    assert key is not None
    cloud = StoreAddress(None, "s3", "box", "", Reach(region="eu-central-1"))
    versions = Versions(cloud, key=key, now=CLOCK.now)
    assert versions._host == "s3.eu-central-1.amazonaws.com"
    assert versions._root == "/box"
    hosted = StoreAddress(None, "s3", "box", "", Reach("https://s3.example:9000", hosted=True))
    versions = Versions(hosted, key=key, now=CLOCK.now)
    assert (versions._host, versions._root) == ("box.s3.example:9000", "")
    link = versions._link()
    assert link.port == 9000
