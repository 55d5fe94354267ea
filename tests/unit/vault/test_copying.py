"""A vault in a second place: the same to the byte, whatever broke off on the way."""

from collections.abc import Iterator

import pytest

import vaultstory
from unlost.model.errors import Conflict, IntegrityError, NotFound, StoreError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.model.vault.store import ListedObject, Store
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.vaultjson import VAULT_FILE
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.unlock import ByRecoverySheet
from unlost.vault.mirror.copying import PASSES, UNFINISHED, CopyReport, copy_vault
from unlost.vault.stores.fault import Fault, FaultKind, FaultStore, StoreOperation
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import EncryptedVault, open_vault


@pytest.fixture(scope="module")
def told() -> vaultstory.Story:
    return vaultstory.copied()


@pytest.fixture
def source(told: vaultstory.Story) -> Store:
    return everything_in(told.vault.sealed.store)


def everything_in(store: Store) -> MemoryStore:
    copy = MemoryStore()
    for one in store.list(""):
        copy.put_new(one.name, store.get(one.name))
    return copy


def contents(store: Store) -> dict[str, bytes]:
    return {one.name: store.get(one.name) for one in store.list("")}


def opened(store: Store, told: vaultstory.Story) -> EncryptedVault:
    entropy = SeededEntropy(9)
    sheet = ByRecoverySheet(told.sheet)
    keys = open_keyring(store, sheet, entropy=entropy)
    return open_vault(store, keys=keys, clock=VirtualClock(), entropy=entropy)


def test_a_copy_is_the_vault(source: Store, told: vaultstory.Story) -> None:
    target, steps = MemoryStore(), list[tuple[int, int]]()
    done = copy_vault(source, target, on_progress=lambda *step: steps.append(step))
    count = len(contents(source))
    assert contents(target) == contents(source)
    assert done == CopyReport(count, sum(map(len, contents(source).values())), 0)
    assert steps == [(number, count) for number in range(1, count + 1)]
    assert opened(target, told).verify(VerifyLevel.DEEP).damages == ()


def test_copying_again_copies_what_came_since(source: Store) -> None:
    target = MemoryStore()
    copy_vault(source, target)
    source.put_new("orgs/new/data/ab/abc", b"segment")
    source.put_new("orgs/new/commits/00000000000000000001", b"commit")
    done = copy_vault(source, target)
    assert (done.objects, done.bytes) == (2, 13)
    assert done.existing == len(contents(source)) - 2


def test_a_copy_that_breaks_off_anywhere_has_no_commit_without_what_it_needs(
    source: Store,
) -> None:
    everything = list(contents(source))
    commits = sorted(name for name in everything if "/commits/" in name)
    assert len(commits) > 3
    for stop in range(len(everything) + 1):  # the mark of an unfinished copy comes first
        target = MemoryStore()
        fault = Fault(FaultKind.FAILS, at=stop + 1, on=StoreOperation.PUT)
        with pytest.raises(StoreError):
            copy_vault(source, FaultStore(target, faults=[fault]))
        held = contents(target)
        assert (UNFINISHED in held) is (stop > 0)
        assert VAULT_FILE not in held
        there = [name for name in commits if name in held]
        assert there == commits[: len(there)]
        assert not there or len(held) == len(everything) - len(commits) + len(there)
        copy_vault(source, target)
        assert contents(target) == contents(source)


def test_what_is_swept_away_while_it_is_copied_is_not_missed(source: Store) -> None:
    """A compaction ended meanwhile: the old segment is gone, a new commit tells of another."""
    swept = next(one.name for one in source.list("orgs/") if "/data/" in one.name)

    class Swept(MemoryStore):
        def get(self, name: str) -> bytes:
            if name == swept and self.delete(name):
                self.put_new("orgs/x/data/zz/merged", b"merged")
            return super().get(name)

    moving, target = Swept(), MemoryStore()
    for name, body in contents(source).items():
        moving.put_new(name, body)
    copy_vault(moving, target)
    assert swept not in contents(target)
    assert contents(target)["orgs/x/data/zz/merged"] == b"merged"


def test_an_object_that_is_listed_and_never_there_is_an_error(source: Store) -> None:
    class Broken(MemoryStore):
        asked = 0

        def get(self, name: str) -> bytes:
            if name.startswith("names/"):
                Broken.asked += 1
                raise NotFound("object-missing", "It is not there.")
            return super().get(name)

    broken = Broken()
    for name, body in contents(source).items():
        broken.put_new(name, body)
    with pytest.raises(NotFound):
        copy_vault(broken, MemoryStore())
    assert Broken.asked >= PASSES


def test_another_vault_is_not_copied_over(source: Store) -> None:
    other = vaultstory.found(MemoryStore(), seed=2).store
    before = contents(other)
    with pytest.raises(Conflict) as caught:
        copy_vault(source, other)
    assert caught.value.code == "copy-other-vault"
    assert contents(other) == before
    strange = MemoryStore()
    strange.put_new("holiday/photo", b"beach")
    with pytest.raises(Conflict):
        copy_vault(source, strange)


def test_a_place_without_a_vault_is_told() -> None:
    with pytest.raises(NotFound) as caught:
        copy_vault(MemoryStore(), MemoryStore())
    assert caught.value.code == "vault-missing"


def test_a_copy_that_is_not_what_was_written_is_told(source: Store) -> None:
    target = MemoryStore()
    copy_vault(source, target)
    name = next(iter(contents(target)))
    target.delete(name)
    target.put_new(name, b"other")
    with pytest.raises(IntegrityError) as caught:
        copy_vault(source, target)
    assert caught.value.code == "copy-differs"

    class Forgetful(MemoryStore):
        def get(self, name: str) -> bytes:
            return super().get(name)[:-1] + b"?"

    with pytest.raises(IntegrityError):
        copy_vault(source, Forgetful())


def test_a_commit_that_comes_while_the_vault_is_listed_is_not_copied_without_its_objects(
    source: Store,
) -> None:
    """A listing is no instant: on a disk folders are gone through one after the other."""
    org = next(one.name for one in source.list("orgs/")).split("/")[1]
    segment, commit = f"orgs/{org}/data/zz/new", f"orgs/{org}/commits/{99:020d}"

    class Listing(MemoryStore):
        def list(self, prefix: str) -> Iterator[ListedObject]:
            found = list(super().list(prefix))
            super().put_new(segment, b"segment")
            super().put_new(commit, b"commit")
            yield from found

    moving, target = Listing(), MemoryStore()
    for name, body in contents(source).items():
        MemoryStore.put_new(moving, name, body)
    copy_vault(moving, target)
    assert commit not in contents(target)
    copy_vault(moving, target)
    assert {segment, commit} <= set(contents(target))


def test_runs_that_are_under_way_are_no_part_of_a_copy(source: Store) -> None:
    source.put_new("orgs/x/runs/night-7", b"intent")
    source.put_new("orgs/x/runs/night-7.0001", b"note")
    target = MemoryStore()
    copy_vault(source, target)
    assert not [name for name in contents(target) if "/runs/" in name]


def test_an_unfinished_copy_is_gone_on_with_though_the_vault_has_moved_on(source: Store) -> None:
    target = MemoryStore()
    fault = Fault(FaultKind.FAILS, at=9, on=StoreOperation.PUT)
    with pytest.raises(StoreError):
        copy_vault(source, FaultStore(target, faults=[fault]))
    gone = next(name for name in contents(target) if name.startswith("orgs/"))
    source.delete(gone)  # merged and swept since
    copy_vault(source, target)
    assert set(contents(source)) == set(contents(target)) - {gone}
