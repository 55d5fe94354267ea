"""Pieces of a remote vault on this machine: bounded, proved, and gone with their object."""

import stat
from pathlib import Path

import pytest

from smallvault import SmallVault
from unlost.model.errors import IntegrityError, NotFound, StoreError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.model.vault.store import Store
from unlost.testing.clock import VirtualClock
from unlost.testing.stores import StoreContract
from unlost.vault.stores.cached import CachedStore, with_cache
from unlost.vault.stores.fault import FaultStore, StoreOperation
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.stores.pieces import (
    GONE_LIFETIME,
    LARGEST,
    PIECE_LIFETIME,
    TRIM_EVERY,
    ObjectRange,
    RangeCache,
)

LIMIT = 1 << 20


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def pieces(tmp_path: Path, clock: VirtualClock) -> RangeCache:
    return RangeCache(tmp_path / "pieces", limit=LIMIT, clock=clock)


def files(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file() and one.name != "gone"]


class TestCachedStore(StoreContract):
    @pytest.fixture
    def store(self, pieces: RangeCache) -> Store:
        return CachedStore(MemoryStore(), pieces=pieces)


def counted(pieces: RangeCache) -> tuple[CachedStore, FaultStore]:
    inner = FaultStore(MemoryStore())
    store = CachedStore(inner, pieces=pieces)
    store.put_new("one", b"0123456789")
    return store, inner


def reads(inner: FaultStore) -> int:
    return sum(call.operation is StoreOperation.GET for call in inner.calls)


def test_what_was_read_once_is_not_asked_for_again(pieces: RangeCache) -> None:
    store, inner = counted(pieces)
    view = with_cache(store)
    for _ in range(2):
        assert view.get("one") == b"0123456789"
        assert view.get_range("one", start=2, length=3) == b"234"
    assert reads(inner) == 2
    assert with_cache(inner) is inner


def test_who_asks_the_store_itself_is_answered_by_it(pieces: RangeCache) -> None:
    store, inner = counted(pieces)
    for _ in range(2):
        store.get("one")
        store.get_range("one", start=2, length=3)
    assert reads(inner) == 4


def test_a_deleted_object_is_gone_here_too(
    pieces: RangeCache, tmp_path: Path, clock: VirtualClock
) -> None:
    """Also for who read it just before, and keeps it just after."""
    store, _ = counted(pieces)
    view = with_cache(store)
    view.get("one")
    view.get_range("one", start=0, length=4)
    assert len(files(tmp_path)) == 2
    assert store.delete("one") is True
    assert files(tmp_path) == []
    pieces.put(ObjectRange("one"), b"0123456789")
    assert files(tmp_path) == []
    with pytest.raises(NotFound):
        view.get("one")
    clock.advance(days=GONE_LIFETIME.days, seconds=1)
    pieces.trim()
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def test_a_piece_that_is_kept_in_the_moment_of_the_deletion_is_not(
    pieces: RangeCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = RangeCache._write

    def late(self: RangeCache, file: Path, data: bytes) -> None:
        monkeypatch.setattr(RangeCache, "_write", write)
        self.forget("one")
        write(self, file, data)

    monkeypatch.setattr(RangeCache, "_write", late)
    pieces.put(ObjectRange("one"), b"secret")
    assert files(tmp_path) == []


@pytest.mark.parametrize("damage", [b"", b"short", bytes(40)])
def test_a_damaged_piece_is_none(pieces: RangeCache, tmp_path: Path, damage: bytes) -> None:
    pieces.put(ObjectRange("one"), b"0123456789")
    (file,) = files(tmp_path)
    file.write_bytes(damage)
    assert pieces.get(ObjectRange("one")) is None
    assert files(tmp_path) == []


def test_a_piece_in_the_place_of_another_is_none(pieces: RangeCache, tmp_path: Path) -> None:
    pieces.put(ObjectRange("one", 0, 4), b"0123")
    (file,) = files(tmp_path)
    file.rename(file.with_name("4-4"))
    assert pieces.get(ObjectRange("one", 4, 4)) is None


def test_pieces_are_no_more_than_the_limit_and_the_last_read_stay(
    pieces: RangeCache, tmp_path: Path, clock: VirtualClock
) -> None:
    size = LIMIT // 8
    for number in range(TRIM_EVERY * 2 + 1):
        clock.advance(seconds=1)
        pieces.put(ObjectRange(f"o{number}"), bytes(size))
        pieces.get(ObjectRange("o0"))
    assert sum(one.stat().st_size for one in files(tmp_path)) <= LIMIT
    assert pieces.get(ObjectRange("o0")) is not None
    assert pieces.get(ObjectRange("o1")) is None
    assert pieces.get(ObjectRange(f"o{TRIM_EVERY * 2}")) is not None


def test_that_an_object_was_deleted_is_known_though_there_is_no_room(
    pieces: RangeCache, tmp_path: Path, clock: VirtualClock
) -> None:
    pieces.put(ObjectRange("one"), b"x")
    pieces.forget("one")
    for number in range(12):
        clock.advance(seconds=1)
        pieces.put(ObjectRange(f"o{number}"), bytes(LIMIT // 8))
    pieces.trim()
    pieces.put(ObjectRange("one"), b"x")
    assert pieces.get(ObjectRange("one")) is None


def test_a_piece_that_may_not_be_removed_does_not_keep_the_others(
    pieces: RangeCache, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("stays", "goes"):
        pieces.put(ObjectRange(name), b"x")
        clock.advance(seconds=1)
    clock.advance(days=PIECE_LIFETIME.days + 1)
    unlink = Path.unlink
    tried: list[Path] = []

    def refused(file: Path, missing_ok: bool = False) -> None:
        tried.append(file)
        if len(tried) == 1:
            raise PermissionError(1, "Operation not permitted")
        unlink(file, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    pieces.trim()
    monkeypatch.undo()
    assert pieces.get(ObjectRange("stays")) == b"x"
    assert pieces.get(ObjectRange("goes")) is None


def test_pieces_that_cannot_be_cleared_are_named(tmp_path: Path, clock: VirtualClock) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError) as told:
        RangeCache(tmp_path / "file", limit=LIMIT, clock=clock).clear()
    assert told.value.code == "cache-not-removed"


def test_what_nobody_reads_for_long_is_removed(
    pieces: RangeCache, tmp_path: Path, clock: VirtualClock
) -> None:
    pieces.put(ObjectRange("old"), b"x")
    clock.advance(days=PIECE_LIFETIME.days - 1)
    pieces.put(ObjectRange("new"), b"x")
    clock.advance(days=2)
    pieces.trim()
    assert pieces.get(ObjectRange("old")) is None
    assert pieces.get(ObjectRange("new")) == b"x"


def test_what_is_large_is_not_kept(pieces: RangeCache, tmp_path: Path) -> None:
    pieces.put(ObjectRange("one"), bytes(LIMIT + 1))
    RangeCache(tmp_path / "roomy", limit=LARGEST * 4, clock=VirtualClock()).put(
        ObjectRange("one"), bytes(LARGEST + 1)
    )
    assert files(tmp_path) == []


def test_only_the_owner_can_read_them(pieces: RangeCache, tmp_path: Path) -> None:
    pieces.put(ObjectRange("one"), b"x")
    (file,) = files(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_where_nothing_can_be_kept_the_store_answers(tmp_path: Path, clock: VirtualClock) -> None:
    (tmp_path / "file").write_text("in the way")
    store, inner = counted(RangeCache(tmp_path / "file" / "pieces", limit=LIMIT, clock=clock))
    for _ in range(2):
        assert with_cache(store).get("one") == b"0123456789"
    assert reads(inner) == 2
    assert store.delete("one") is True


def test_what_cannot_be_removed_keeps_the_object(
    pieces: RangeCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever erases is told so, and does it again."""
    store, inner = counted(pieces)
    with_cache(store).get("one")

    def refused(self: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(13, "not yours")

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(StoreError) as told:
        store.delete("one")
    assert told.value.code == "cache-not-removed"
    assert inner.size("one") == 10


def test_a_vault_reads_from_pieces_what_it_read_before(
    pieces: RangeCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In another process too; and what is kept is as sealed as in the store."""
    inner = FaultStore(MemoryStore())
    small = SmallVault(store=CachedStore(inner, pieces=pieces))
    small.night("first", *((f"a{n}", "U", {"Name": f"Zartbitter {n}"}) for n in range(50)))
    small.night("second", ("a1", "U", {"Name": "Vollmilch"}))
    told = []
    for _ in range(2):
        small.reopen()
        inner.calls.clear()
        told.append(small.vault.history(small.org, "Thing", "a1"))
        told.append(len([call for call in inner.calls if "/data/" in call.name]))
    assert told[0] == told[2]
    assert told[1] > 0
    assert told[3] == 0
    assert files(tmp_path)
    assert not any(b"Zartbitter" in file.read_bytes() for file in files(tmp_path))


class _Lying(MemoryStore):
    """Gives other bytes of data than it holds, for as many reads as it is told to."""

    lies = 0

    def get(self, name: str) -> bytes:
        return self._told(name, super().get(name))

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        return self._told(name, super().get(name))[start : start + length]

    def _told(self, name: str, data: bytes) -> bytes:
        if not self.lies or "/data/" not in name:
            return data
        self.lies -= 1
        return bytes(byte ^ 1 for byte in data)


@pytest.mark.parametrize("lies", [1, 1_000])
def test_one_wrong_answer_of_the_store_is_no_damage_for_good(pieces: RangeCache, lies: int) -> None:
    inner = _Lying()
    small = SmallVault(store=CachedStore(inner, pieces=pieces))
    small.night("first", *((f"a{n}", "U", {"Name": f"Zartbitter {n}"}) for n in range(50)))
    small.night("second", ("a1", "U", {"Name": "Vollmilch"}))
    small.reopen()
    inner.lies = lies
    if lies == 1:
        assert small.vault.history(small.org, "Thing", "a1")
    else:
        with pytest.raises(IntegrityError):
            small.vault.history(small.org, "Thing", "a1")
    inner.lies = 0
    small.reopen()
    assert small.vault.history(small.org, "Thing", "a1")


def test_who_proves_a_vault_asks_the_store_itself(pieces: RangeCache) -> None:
    """What is kept here is right, and what lies there is not: only the latter counts."""
    inner = _Lying()
    small = SmallVault(store=CachedStore(inner, pieces=pieces))
    small.night("first", ("a1", "U", {"Name": "Zartbitter"}))
    small.reopen()
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()
    assert small.vault.history(small.org, "Thing", "a1")
    inner.lies = 1_000
    assert small.vault.verify(VerifyLevel.DEEP).damages


def test_a_damaged_piece_that_cannot_be_removed_is_not_given_out(
    pieces: RangeCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces.put(ObjectRange("one"), b"x")
    (file,) = files(tmp_path)
    file.write_bytes(file.read_bytes() + b"y")

    def refused(self: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(13, "not yours")

    monkeypatch.setattr(Path, "unlink", refused)
    assert pieces.get(ObjectRange("one")) is None


def test_a_folder_that_cannot_be_listed_keeps_the_object(
    pieces: RangeCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces.put(ObjectRange("one"), b"x")

    def refused(self: Path) -> list[Path]:
        raise PermissionError(13, "not yours")

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(StoreError) as told:
        pieces.forget("one")
    assert told.value.code == "cache-not-removed"
