"""What the store does not give now is not lost: salvaging stops, and takes nothing out."""

import errno
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from smallvault import TABLE, SmallVault
from sweeps import in_full
from unlost.model.errors import NotFound, StoreError
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.salvage import Salvage
from unlost.model.vault.snapshot import VerifyLevel, Version
from unlost.model.vault.store import Store
from unlost.vault.commits.state import LiveSegment
from unlost.vault.layout import object_names
from unlost.vault.maintenance.salvage.damaged import find_damaged
from unlost.vault.objects import segments
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.stores.readonly import ReadOnlyStore
from unlost.vault.stores.unread import unread

type Spoil = Callable[[bytes], bytes]
TIMES = 1 << 30


class Sick(ReadOnlyStore):
    """Another store; what it gives of one object is spoilt so many times, after so many whole ones."""

    def __init__(
        self, inner: Store, name: str, *, spoil: Spoil, times: int, after: int = 0
    ) -> None:
        super().__init__(inner)
        self._sick, self._spoil, self._times, self._after = name, spoil, times, after

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> bool:  # type: ignore[override]
        return self._inner.put_stream(name, chunks)

    def put_new(self, name: str, data: bytes) -> bool:  # type: ignore[override]
        return self._inner.put_new(name, data)

    def delete(self, name: str) -> bool:  # type: ignore[override]
        return self._inner.delete(name)

    def get(self, name: str) -> bytes:
        return self._given(name, super().get(name))

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        return self._given(name, super().get_range(name, start=start, length=length))

    def path(self, name: str) -> Path | None:
        return None

    def _given(self, name: str, data: bytes) -> bytes:
        if name != self._sick:
            return data
        self._after -= 1
        if self._after >= 0 or self._times <= 0:
            return data
        self._times -= 1
        return self._spoil(data)


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def rotten(data: bytes) -> bytes:
    """Damage for good: beside where ``flipped`` spoils, so that neither mends the other."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0x40]) + data[middle + 1 :]


def short(data: bytes) -> bytes:
    return data[: len(data) // 2]


def refused(data: bytes) -> bytes:
    raise StoreError("store-failed", f"{len(data)} bytes did not come in time.")


def gone(data: bytes) -> bytes:
    raise NotFound("object-missing", f"{len(data)} bytes are not there any more.")


def device_fails(data: bytes) -> bytes:
    sector = OSError(errno.EIO, os.strerror(errno.EIO))
    raise StoreError("store-failed", f"{len(data)} bytes cannot be read.") from sector


def made() -> SmallVault:
    vault = SmallVault()
    for night in (1, 2):
        vault.night(
            f"night-{night}",
            *((f"a{n}", "U", {"Name": f"Name {n} {night}", "Phone": f"0{n}"}) for n in range(5)),
        )
        vault.clock.advance(days=1)
    return vault


def one_of(vault: SmallVault) -> tuple[str, LiveSegment]:
    """The oldest segment of the table, and the name of its object."""
    state = vault.vault.org_vault(vault.org).chain.live()
    live = state.of(TABLE, until=state.seq)[0]
    return object_names.segment(vault.org, live.entry.object), live


def use(vault: SmallVault, store: Store) -> None:
    vault.store, vault.keys = store, vault.keys.for_store(store)
    vault.reopen()


def damage(vault: SmallVault, name: str, spoil: Spoil) -> None:
    data = spoil(vault.store.get(name))
    vault.store.delete(name)
    assert vault.store.put_new(name, data)
    vault.reopen()


@dataclass
class Disk:
    """A vault whose objects are files."""

    vault: SmallVault
    store: LocalStore


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    store = LocalStore(tmp_path / "vault")
    return Disk(made().copied(store), store)


def stopped(vault: SmallVault) -> StoreError:
    """The error with which both stop; nothing was committed."""
    with pytest.raises(StoreError) as planning:
        vault.vault.plan(vault.org, Salvage())
    with pytest.raises(StoreError):
        vault.vault.apply(vault.org, unconditional(Salvage()), run="salvage-1")
    assert vault.reopen().commits(vault.org)[-1].number == 2
    assert planning.value.next_step or planning.value.code == "store-failed"
    return planning.value


@pytest.mark.parametrize("spoil", [flipped, short])
def test_bytes_that_are_always_spoilt_on_their_way_are_no_damage(spoil: Spoil) -> None:
    vault = made()
    use(vault, Sick(vault.store, one_of(vault)[0], spoil=spoil, times=TIMES))
    assert stopped(vault).code == "store-unsteady"


@pytest.mark.parametrize("spoil", [flipped, short, gone])
def test_bytes_that_were_spoilt_once_stop_the_plan(spoil: Spoil) -> None:
    vault = made()
    use(vault, Sick(vault.store, one_of(vault)[0], spoil=spoil, times=1))
    with pytest.raises(StoreError) as caught:
        vault.vault.plan(vault.org, Salvage())
    assert caught.value.code == "store-unsteady"
    assert vault.vault.plan(vault.org, Salvage()).effect.objects == ()


@pytest.mark.parametrize("times", [1, TIMES])
def test_a_store_that_does_not_answer_has_lost_nothing(times: int) -> None:
    vault = made()
    use(vault, Sick(vault.store, one_of(vault)[0], spoil=refused, times=times))
    with pytest.raises(StoreError) as caught:
        vault.vault.plan(vault.org, Salvage())
    assert caught.value.code == "store-failed"


def test_a_listing_that_leaves_an_object_out_has_not_lost_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vault = made()
    name, _ = one_of(vault)
    whole = MemoryStore.list
    monkeypatch.setattr(
        MemoryStore, "list", lambda s, prefix: (o for o in whole(s, prefix) if o.name != name)
    )
    assert stopped(vault).code == "store-unsteady"


def test_a_bad_sector_is_damage() -> None:
    vault = made()
    name, live = one_of(vault)
    use(vault, Sick(vault.store, name, spoil=device_fails, times=TIMES))
    org_vault = vault.vault.org_vault(vault.org)
    damaged = find_damaged(org_vault, org_vault.chain.proved())
    assert (damaged.objects, damaged.segments) == ((name,), {live.entry.id})


def versions(vault: SmallVault) -> list[Version]:
    found = (vault.vault.history(vault.org, TABLE, f"a{number}") for number in range(5))
    return [version for held in found for version in held]


@pytest.mark.parametrize(
    ("spoil", "times"), [in_full(refused, TIMES), (refused, 1), in_full(flipped, 1)]
)
def test_what_does_not_come_whole_while_it_is_salvaged_is_not_lost(
    spoil: Spoil, times: int
) -> None:
    """At whichever of its reads: it stops and changes nothing, or loses what was damaged alone."""
    vault = made()
    name, _ = one_of(vault)
    damage(vault, name, rotten)
    sound = vault.copied()
    expected = sound.vault.apply(sound.org, unconditional(Salvage()), run="salvage-1")
    ends = set()
    for after in range(30):
        other = vault.copied()
        use(other, Sick(other.store, name, spoil=spoil, times=times, after=after))
        try:
            done = other.vault.apply(other.org, unconditional(Salvage()), run="salvage-1")
        except StoreError:
            assert other.reopen().commits(other.org)[-1].number == 2
            ends.add("stopped")
        else:
            assert (done.tables, versions(other)) == (expected.tables, versions(sound))
            ends.add("done")
    assert ends == {"stopped", "done"}


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EMFILE, errno.ESTALE])
def test_a_refused_read_is_no_damage(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    vault = disk.vault
    damage(vault, one_of(vault)[0], rotten)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(segments, "open_stored", refuse)
        assert stopped(vault).code == "store-unread"
    assert vault.vault.plan(vault.org, Salvage()).effect.objects


def test_a_file_that_the_system_refuses_is_told_as_such(disk: Disk) -> None:
    name, _ = one_of(disk.vault)
    path = disk.store.path(name)
    assert path is not None
    path.unlink()
    path.symlink_to(path)  # nobody may follow it, not even root
    error = stopped(disk.vault)
    assert error.code == "store-failed"
    assert str(disk.store.properties.folder) in error.sentence


def test_a_verification_tells_a_refused_file_from_one_that_is_gone(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _ = one_of(disk.vault)
    whole, loop = LocalStore.path, tmp_path / "loop"
    loop.symlink_to(loop)
    for path, words in (
        (loop, "cannot be read at the moment"),
        (tmp_path / "none", "It is missing."),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(
                LocalStore, "path", lambda s, n, p=path: p if n == name else whole(s, n)
            )
            (damage,) = disk.vault.vault.verify(VerifyLevel.FULL).damages
        assert damage.object == name
        assert words in damage.sentence
    assert disk.vault.vault.plan(disk.vault.org, Salvage()).effect.objects == ()


def test_the_error_of_an_unread_object_says_why() -> None:
    error = unread("orgs/a", OSError(errno.EMFILE, "Too many open files"))
    assert "Too many open files" in error.sentence
    assert error.next_step
