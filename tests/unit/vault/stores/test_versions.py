"""A bucket with versions: what is deleted is gone from it, unless it is said that it stays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.bucket_server import BUCKET, Answers, Bucket, serving
from unlost.model.errors import StoreError
from unlost.model.vault.store import Store
from unlost.testing.clock import VirtualClock
from unlost.vault.stores.address import BucketOptions, StoreAddress, read_address
from unlost.vault.stores.reach import check_not_locked, open_store
from unlost.vault.stores.versions import AccessKey, BucketVersions, key_in

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
    reach = BucketOptions(bucket.url, **told)  # type: ignore[arg-type]
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
            check_not_locked(place, now=CLOCK.now, sleep=CLOCK.sleep)
        assert told.value.code == "store-locked"
    else:
        check_not_locked(place, now=CLOCK.now, sleep=CLOCK.sleep)


def test_what_cannot_be_asked_is_no_lock(bucket: Bucket, tmp_path: Path) -> None:
    bucket.lock_mode = "COMPLIANCE"
    check_not_locked(
        place_in(bucket, maintenance_file=tmp_path / "none"), now=CLOCK.now, sleep=CLOCK.sleep
    )
    check_not_locked(StoreAddress(folder=tmp_path), now=CLOCK.now, sleep=CLOCK.sleep)
    check_not_locked(StoreAddress(None, "az", "box"), now=CLOCK.now, sleep=CLOCK.sleep)
    bucket.forbidden = True
    check_not_locked(place_in(bucket), now=CLOCK.now, sleep=CLOCK.sleep)


def test_a_bucket_that_does_not_say_whether_it_has_locks_is_not_taken(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BucketVersions, "_once", lambda *_: (503, b""))
    with pytest.raises(StoreError) as told:
        check_not_locked(place_in(bucket), now=CLOCK.now, sleep=CLOCK.sleep)
    assert told.value.code == "store-failed"


def test_a_server_that_does_not_answer_or_not_in_xml_has_failed(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = BucketVersions(
        place_in(bucket), key=AccessKey("key", "secret"), now=CLOCK.now, sleep=CLOCK.sleep
    )
    monkeypatch.setattr(BucketVersions, "_body_of", lambda *_: b"<html>")
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
    nobody = read_address(f"s3://{BUCKET}", reach=BucketOptions(url), base=Path("/"))
    with pytest.raises(StoreError) as told:
        BucketVersions(
            nobody, key=AccessKey("key", "secret"), now=CLOCK.now, sleep=CLOCK.sleep
        ).remove("one")
    assert told.value.code == "store-failed"


def test_addresses_of_the_cloud_and_keys() -> None:
    told = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    key = key_in(told)
    assert key == AccessKey("key", "secret")
    assert "secret" not in repr(key)
    assert key_in({"aws_access_key_id": "key"}) is None
    assert key is not None
    cloud = StoreAddress(None, "s3", "box", "", BucketOptions(region="eu-central-1"))
    versions = BucketVersions(cloud, key=key, now=CLOCK.now, sleep=CLOCK.sleep)
    assert versions._host == "s3.eu-central-1.amazonaws.com"
    assert versions._root == "/box"
    hosted = StoreAddress(
        None, "s3", "box", "", BucketOptions("https://s3.example:9000", hosted=True)
    )
    versions = BucketVersions(hosted, key=key, now=CLOCK.now, sleep=CLOCK.sleep)
    assert (versions._host, versions._root) == ("box.s3.example:9000", "")
    link = versions._link()
    assert link.port == 9000


def test_a_bucket_without_locks_deletes_though_it_takes_no_word_of_lifting_one(
    bucket: Bucket,
) -> None:
    store = opened(place_in(bucket))
    store.put_new("one", b"x")
    assert store.delete("one") is True  # the server answers 400 to the header where it has no lock
    assert bucket.kept["a/vault/one"] == []
    bucket.lock_mode = "GOVERNANCE"
    store.put_new("two", b"x")
    assert store.delete("two") is True
    assert bucket.kept["a/vault/two"] == []


def answering(monkeypatch: pytest.MonkeyPatch, method: str, *answers: tuple[int, bytes]) -> None:
    """Let the server answer so to a method, the last one for ever."""
    left = list(answers)

    def answer(self: Answers) -> None:
        status, body = left.pop(0) if len(left) > 1 else left[0]
        self.reply(status, body)

    monkeypatch.setattr(Answers, method, answer)


LIST = b"<ListVersionsResult>%s</ListVersionsResult>"


@pytest.mark.parametrize(
    ("status", "told"), [(307, "answered 307"), (204, "remain"), (500, "answered 500")]
)
def test_what_was_not_removed_is_not_said_to_be(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, status: int, told: str
) -> None:
    store = opened(place_in(bucket))
    store.put_new("one", b"x")
    answering(monkeypatch, "do_DELETE", (status, b""))
    with pytest.raises(StoreError) as caught:
        store.delete("one")
    assert told in caught.value.sentence


def test_an_object_that_is_there_has_a_version(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(place_in(bucket))
    store.put_new("one", b"x")
    monkeypatch.setattr(Answers, "versions_of", lambda self, _: self.reply(200, LIST % b""))
    with pytest.raises(StoreError) as caught:
        store.delete("one")
    assert "lists no version" in caught.value.sentence
    monkeypatch.setattr(
        Answers,
        "versions_of",
        lambda self, _: self.bucket.objects.clear() or self.reply(200, LIST % b""),
    )
    assert store.delete("one") is True  # another was quicker


def test_what_fails_in_passing_is_asked_again(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, seen = opened(place_in(bucket)), Answers.versions_of
    store.put_new("one", b"x")
    faults = [503, 429]

    def later(self: Answers, prefix: str) -> None:
        self.reply(faults.pop()) if faults else seen(self, prefix)

    monkeypatch.setattr(Answers, "versions_of", later)
    assert store.delete("one") is True
    assert bucket.kept["a/vault/one"] == []


def test_without_the_right_to_list_versions_it_is_deleted_and_said_that_they_stay(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(place_in(bucket))
    store.put_new("one", b"x")
    monkeypatch.setattr(Answers, "versions_of", lambda self, _: self.trouble("AccessDenied", 403))
    assert store.delete("one") is True
    assert store.size("one") is None
    assert store.properties.keeps_deleted is True
