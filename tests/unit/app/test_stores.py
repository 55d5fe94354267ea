"""How a home reaches its vault: with pieces of it on this machine, and no quicker than was said."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.bucket_server import BUCKET, Bucket, serving
from homes import make_home
from unlost.app.home.home import FILE, Home, plan_home, read_home, write_home
from unlost.app.home.stores import MEGABYTE, PIECES, home_store, store_at
from unlost.model.errors import IntegrityError
from unlost.testing.clock import VirtualClock
from unlost.vault.stores.address import CACHE, BucketOptions, StoreAddress, read_address
from unlost.vault.stores.bandwidth import LimitedStore
from unlost.vault.stores.cached import CachedStore, with_cache

SPEED = 2  # megabytes a second
ALL = BucketOptions(
    "http://127.0.0.1:9",
    "eu",
    hosted=True,
    ca_file=Path("/ca.pem"),
    credentials_file=Path("/append"),
    maintenance_file=Path("/maintain"),
    bandwidth=SPEED,
    cache=0,
)


def home_in(folder: Path, reach: BucketOptions) -> Home:
    place = read_address("s3://box/unlost", reach=reach, base=folder)
    home = plan_home(folder / "home", vault=place, service_key=None)
    home.root.mkdir()
    write_home(home)
    return home


def test_all_that_is_said_of_a_bucket_comes_back(tmp_path: Path) -> None:
    home = home_in(tmp_path, ALL)
    assert read_home(home.root) == home
    plain = replace(home, root=tmp_path / "plain", place=StoreAddress(None, "s3", "box"))
    plain.root.mkdir()
    write_home(plain)
    text = (plain.root / FILE).read_text()
    assert not [word for word in ("bandwidth", "cache", "maintenance") if word in text]
    assert read_home(plain.root).place.reach.cache == CACHE


@pytest.mark.parametrize("line", ['cache = "much"', "bandwidth = -1", "bandwidth = true"])
def test_a_number_that_is_none_is_told(tmp_path: Path, line: str) -> None:
    home = home_in(tmp_path, BucketOptions())
    with (home.root / FILE).open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(IntegrityError) as told:
        read_home(home.root)
    assert f"the setting {line.split(' ', 1)[0]}, a whole number" in told.value.sentence


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with serving() as running:
        yield running


def place_in(bucket: Bucket, **told: int) -> StoreAddress:
    reach = BucketOptions(bucket.url, **told)  # type: ignore[arg-type]
    return StoreAddress(None, "s3", BUCKET, "unlost", reach)


@pytest.mark.network
def test_pieces_of_a_bucket_lie_in_the_home(bucket: Bucket, tmp_path: Path) -> None:
    home = replace(make_home(tmp_path / "home"), place=place_in(bucket))
    store = home_store(home, clock=VirtualClock())
    assert isinstance(store, CachedStore)
    store.put_new("one", b"x")
    with_cache(store).get("one")
    assert [one for one in (home.cache / PIECES).rglob("*") if one.is_file()]
    without = replace(home, place=place_in(bucket, cache=0))
    assert not isinstance(home_store(without, clock=VirtualClock()), CachedStore)
    assert not (home.cache / PIECES).exists()  # they would outlive their objects


def test_a_folder_needs_no_pieces(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    store = home_store(home, clock=VirtualClock())
    assert with_cache(store) is store


@pytest.mark.network
def test_all_who_reach_a_place_share_its_limit(bucket: Bucket) -> None:
    clock, place = VirtualClock(), place_in(bucket, bandwidth=SPEED)
    first, second = store_at(place, clock=clock), store_at(place, clock=clock)
    assert isinstance(first, LimitedStore)
    first.put_new("one", bytes(SPEED * MEGABYTE))
    second.put_new("two", bytes(MEGABYTE))
    assert clock.slept == [pytest.approx(1 / SPEED, rel=0.01)]
    other = store_at(place_in(bucket, bandwidth=SPEED + 1), clock=clock)
    other.put_new("three", bytes(MEGABYTE))
    assert len(clock.slept) == 1
