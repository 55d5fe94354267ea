"""The cache of a home: entries come back as they were kept, or not at all."""

from collections.abc import Callable
from pathlib import Path

import pytest

from homes import SECRET, World
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.home import cache as module
from unlost.app.home.cache import FolderCache, cache_key
from unlost.catalog.orgs.orgs import get_org
from unlost.testing.entropy import SeededEntropy

KEY = cache_key(b"k" * 32)
VALUE = b"describe " * 1000


@pytest.fixture
def cache(tmp_path: Path) -> FolderCache:
    return made(tmp_path)


def made(folder: Path, *, org: str = "one", key: bytes = KEY) -> FolderCache:
    return FolderCache(folder / "cache", org=org, key=key, entropy=SeededEntropy(7))


def files(folder: Path) -> list[Path]:
    return [file for file in (folder / "cache").rglob("*") if file.is_file()]


def test_an_entry_comes_back_and_can_be_replaced_and_dropped(cache: FolderCache) -> None:
    assert cache.get("Account") is None
    cache.put("Account", VALUE)
    cache.put("Case", b"")
    assert (cache.get("Account"), cache.get("Case")) == (VALUE, b"")
    cache.put("Account", b"new")
    assert cache.get("Account") == b"new"
    cache.drop("Account")
    cache.drop("Account")
    assert cache.get("Account") is None
    assert cache.get("Case") == b""


def test_nothing_is_kept_in_clear_and_nobody_else_may_look(
    cache: FolderCache, tmp_path: Path
) -> None:
    cache.put("Account", VALUE)
    (file,) = files(tmp_path)
    assert b"describe" not in file.read_bytes()
    assert "Account" not in file.name
    assert file.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: b"",
        lambda body: body[:5],
        lambda body: body[:-1],
        lambda body: b"\x02" + body[1:],
        lambda body: body[:20] + bytes([body[20] ^ 1]) + body[21:],
        lambda body: b"\xff" * 200,
    ],
)
def test_a_damaged_entry_is_none(
    cache: FolderCache, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    cache.put("Account", VALUE)
    (file,) = files(tmp_path)
    file.write_bytes(spoil(file.read_bytes()))
    assert cache.get("Account") is None
    cache.put("Account", VALUE)
    assert cache.get("Account") == VALUE


def test_an_entry_in_anothers_place_is_none(cache: FolderCache, tmp_path: Path) -> None:
    cache.put("Account", VALUE)
    (file,) = files(tmp_path)
    cache.put("Case", b"x")
    (other,) = [one for one in files(tmp_path) if one != file]
    other.write_bytes(file.read_bytes())
    assert cache.get("Case") is None
    stranger = made(tmp_path, org="two")
    stranger.put("Account", b"x")
    (moved,) = [one for one in files(tmp_path) if one.parent.name == "two"]
    moved.write_bytes(file.read_bytes())
    assert stranger.get("Account") is None
    assert made(tmp_path, key=cache_key(b"j" * 32)).get("Account") is None


def test_a_folder_that_cannot_be_written_keeps_nothing_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    cache = made(tmp_path)
    cache.put("Account", VALUE)
    assert cache.get("Account") is None
    cache.drop("Account")


def test_what_is_too_large_is_not_kept(cache: FolderCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 8)
    cache.put("Account", b"123456789")
    assert cache.get("Account") is None


def test_a_connector_gets_the_cache_of_its_org(world: World) -> None:
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    with world.app.open_org(get_org("sales")):
        given = world.connector.contexts[-1].cache
    assert given is not None
    given.put("Account", VALUE)
    again = world.app.cache(get_org("sales").oid)
    assert again.get("Account") == VALUE
    assert world.connector.contexts[0].cache is None, "before the org is known there is none"
