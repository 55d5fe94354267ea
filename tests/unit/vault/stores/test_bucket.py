"""Vaults in buckets: what becomes of a PUT whose answer is lost, of errors, of a bucket that is away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import unlost
import vaultstory
from fakes.bucket_server import BUCKET, Bucket, serving
from unlost.model.errors import NotFound, StoreError, UnlostError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.model.vault.store import Store
from unlost.testing.entropy import SeededEntropy
from unlost.testing.stores import StoreContract
from unlost.vault.keys.founding import recovery_sheet
from unlost.vault.layout import object_names
from unlost.vault.maintenance.garbage import GRACE
from unlost.vault.objects.home_copies import MOST_COPIES
from unlost.vault.stores.address import BucketOptions, read_address
from unlost.vault.stores.bucket import TRIES
from unlost.vault.stores.probe import probe_store
from unlost.vault.stores.reach import open_store

pytestmark = pytest.mark.network


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving() as running:
        yield running


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def store(bucket: Bucket, pauses: list[float]) -> Store:
    return opened(bucket.url, pauses)


def opened(url: str, pauses: list[float]) -> Store:
    place = read_address(f"s3://{BUCKET}/a/vault", reach=BucketOptions(url), base=Path("/"))
    return open_store(place, sleep=pauses.append)


class TestBucketStore(StoreContract):
    @pytest.fixture
    def store(self, bucket: Bucket) -> Store:
        self.url = bucket.url
        return opened(bucket.url, [])

    def reopen(self, store: Store) -> Store:
        return opened(self.url, [])


def code(call: object, *given: object) -> str:
    with pytest.raises(UnlostError) as caught:
        call(*given)  # type: ignore[operator]
    assert caught.value.next_step
    return caught.value.code


def test_objects_lie_below_the_prefix(store: Store, bucket: Bucket) -> None:
    store.put_new("orgs/one", b"x")
    assert list(bucket.objects) == ["a/vault/orgs/one"]
    bucket.objects["a/other"] = b"no"
    assert [one.name for one in store.list("")] == ["orgs/one"]
    assert store.properties.address == f"s3://{BUCKET}/a/vault"


def test_a_vault_lives_in_it(store: Store) -> None:
    story = vaultstory.told(store)
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()
    assert len(story.vault.snapshots(story.org)) == 3


@pytest.mark.parametrize("fault", ["lost", "refused", "503"])
def test_a_put_without_an_answer_is_sent_again_and_wins_once(
    store: Store, bucket: Bucket, pauses: list[float], fault: str
) -> None:
    bucket.faults.extend([fault, fault])
    assert store.put_new("one", b"mine") is True
    assert store.get("one") == b"mine"
    assert store.put_new("one", b"mine") is False  # an answered put is believed
    assert len(pauses) in (1, 2)
    assert pauses == sorted(pauses)


def test_a_put_without_an_answer_that_another_was_quicker_than_has_lost(
    store: Store, bucket: Bucket
) -> None:
    bucket.objects["a/vault/one"] = b"another's"
    bucket.faults.append("lost")
    assert store.put_new("one", b"mine") is False
    assert store.get("one") == b"another's"


def test_a_name_that_is_said_to_be_taken_and_is_not_is_tried_again(
    store: Store, bucket: Bucket, pauses: list[float]
) -> None:
    """S3 says 409 while another's write to the name is under way; that one may come to nothing."""
    bucket.faults.extend(["409", "409"])
    assert store.put_new("one", b"mine") is True
    assert len(pauses) == 2
    bucket.faults.extend(["409"] * TRIES)
    assert code(store.put_new, "two", b"mine") == "store-failed"
    assert store.size("two") is None


def test_a_bucket_that_keeps_failing_is_said_to_fail(
    store: Store, bucket: Bucket, pauses: list[float]
) -> None:
    bucket.faults.extend(["503"] * TRIES)
    assert code(store.put_new, "one", b"mine") == "store-failed"
    assert len(pauses) == TRIES - 1
    assert store.size("one") is None


def test_refused_access_is_said(store: Store, bucket: Bucket) -> None:
    bucket.forbidden = True
    assert code(store.get, "one") == "store-refused"
    assert code(store.put_new, "one", b"x") == "store-refused"
    assert code(list, store.list("")) == "store-refused"


def test_without_a_bucket_nothing_is_said_to_be_missing(store: Store, bucket: Bucket) -> None:
    bucket.gone = True
    for call in (store.get, store.size, store.delete):
        assert code(call, "one") == "store-missing"
    assert code(store.put_new, "one", b"x") == "store-missing"


def test_an_object_is_not_there_only_if_the_bucket_is(store: Store, bucket: Bucket) -> None:
    assert store.size("one") is None
    assert ("GET", "") in bucket.asked  # HEAD tells no reason: the bucket was looked at
    bucket.asked.clear()
    assert store.size("two") is None
    assert bucket.asked == [("HEAD", "a/vault/two")]
    with pytest.raises(NotFound):
        store.get("two")


def test_no_answer_at_all_is_an_error_of_the_store(pauses: list[float]) -> None:
    with serving() as bucket:
        url = bucket.url
    with pytest.raises(StoreError) as caught:
        opened(url, pauses).get("one")
    assert caught.value.code == "store-failed"
    assert "secret" not in caught.value.sentence


def test_wrong_settings_are_told_before_anything_is_asked(tmp_path: Path) -> None:
    certificates = read_address(
        "s3://box", reach=BucketOptions(ca_file=tmp_path / "none"), base=tmp_path
    )
    (tmp_path / "ca").write_text("no certificate")
    nonsense = read_address("s3://box", reach=BucketOptions(ca_file=tmp_path / "ca"), base=tmp_path)
    for place, told in (
        (certificates, "ca-file-unreadable"),
        (nonsense, "store-settings-wrong"),
    ):
        with pytest.raises(StoreError) as caught:
            open_store(place, sleep=lambda _: None).size("one")
        assert caught.value.code.startswith(told)


def test_a_container_of_azure_is_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    place = read_address("az://backups/unlost", base=tmp_path)
    store = open_store(place, sleep=lambda _: None)
    assert store.properties.address == "az://backups/unlost"
    assert store.path("one") is None


def test_a_program_reads_a_vault_in_a_bucket(store: Store, bucket: Bucket) -> None:
    story = vaultstory.told(store)
    sheet = recovery_sheet(story.keys).text()
    place = f"s3://{BUCKET}/a/vault"
    vault = unlost.open_vault(place, recovery=sheet, endpoint=bucket.url)
    assert vault.orgs() == [story.vault.orgs()[story.org].label]
    bucket.asked.clear()
    assert vault.org(vault.orgs()[0]).at().table("Account").count() > 0
    assert {verb for verb, _ in bucket.asked} <= {"GET", "HEAD"}


def with_files(url: str, folder: Path) -> tuple[Store, Path]:
    """A store whose own credentials may not delete; the file for those that may, which is not there yet."""
    (folder / "append").write_text("AWS_ACCESS_KEY_ID=append\nAWS_SECRET_ACCESS_KEY=a\n")
    file = folder / "maintain"
    reach = BucketOptions(url, credentials_file=folder / "append", maintenance_file=file)
    place = read_address(f"s3://{BUCKET}/a/vault", reach=reach, base=folder)
    return open_store(place, sleep=lambda _: None), file


def test_what_may_not_be_deleted_is_said(store: Store, bucket: Bucket) -> None:
    bucket.removers = {"maintain"}
    store.put_new("one", b"x")
    with pytest.raises(StoreError) as told:
        store.delete("one")
    assert told.value.code == "store-may-not-delete"
    assert "Backups continue" in told.value.next_step
    assert store.delete("two") is False
    assert store.get("one") == b"x"


def test_maintenance_has_credentials_of_its_own(bucket: Bucket, tmp_path: Path) -> None:
    bucket.removers = {"maintain"}
    store, file = with_files(bucket.url, tmp_path)
    for name in ("one", "two"):
        store.put_new(name, b"x")
    with pytest.raises(StoreError) as told:
        store.delete("one")
    assert told.value.code == "store-may-not-delete"
    assert str(file) in told.value.sentence
    file.write_text("AWS_ACCESS_KEY_ID=maintain\nAWS_SECRET_ACCESS_KEY=m\n")
    assert store.delete("one") is True
    file.unlink()
    with pytest.raises(StoreError) as told:
        store.delete("two")  # whoever takes the file away takes the right away
    assert told.value.code == "store-may-not-delete"
    assert list(bucket.objects) == ["a/vault/two"]


def test_without_the_right_to_delete_backups_go_on(bucket: Bucket, tmp_path: Path) -> None:
    """Upkeep says what it needs, and does it all when it has that."""
    bucket.removers = {"maintain"}
    store, file = with_files(bucket.url, tmp_path)
    assert probe_store(store, entropy=SeededEntropy(1)) is False
    story = vaultstory.told(store)
    homes = story.vault.homes
    numbers = [homes.store_copy(b"home") for _ in range(MOST_COPIES + 2)]
    assert len(story.vault.snapshots(story.org)) == 3
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()
    store.put_new(object_names.segment(story.org, "ab" * 16), b"of a run that came to nothing")
    with pytest.raises(StoreError) as told:
        story.vault.sweep(story.org, run="sweep-1")
    assert told.value.code == "store-may-not-delete"
    before = len(bucket.objects)
    file.write_text("AWS_ACCESS_KEY_ID=maintain\nAWS_SECRET_ACCESS_KEY=m\n")
    assert story.vault.sweep(story.org, run="sweep-2").held_by is None
    story.clock.advance(days=GRACE.days + 1)
    assert story.vault.sweep(story.org, run="sweep-3").removed == 1
    homes.store_copy(b"home")
    assert len(homes.numbers()) == MOST_COPIES
    assert homes.numbers()[-1] == numbers[-1] + 1
    assert probe_store(store, entropy=SeededEntropy(2)) is True
    assert not [name for name in bucket.objects if "/probe/" in name]
    assert len(bucket.objects) < before
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()


def test_a_bucket_that_keeps_versions_is_known_by_its_answers(store: Store, bucket: Bucket) -> None:
    assert store.properties.versions is False
    bucket.versions = True
    store.put_new("one", b"x")
    assert store.properties.versions is True


def test_a_delete_that_was_carried_out_at_the_first_try_is_one(
    store: Store, bucket: Bucket
) -> None:
    store.put_new("one", b"x")
    bucket.forgetful = True
    assert store.delete("one") is True
    assert store.size("one") is None
