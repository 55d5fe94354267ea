"""A second copy: kept up to date, forgetting what the vault forgets, and repairing what was destroyed."""

from collections.abc import Callable

import pytest

import scanner
import vaultstory
from unlost.model.erasure import ErasureWish
from unlost.model.errors import Conflict, IntegrityError, StoreError
from unlost.model.plan import RecordKey
from unlost.model.retention import KeepRules
from unlost.model.snapshot import CommitKind, VerifyLevel
from unlost.model.store import Store
from unlost.testing.system import MemoryWitness
from unlost.vault import places
from unlost.vault.compact import tiers
from unlost.vault.mirror.repair import repair_from
from unlost.vault.mirror.update import update_mirror
from unlost.vault.opening import unlock_keyring
from unlost.vault.stores.fault import Fault, FaultKind, FaultStore, Operation
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.unlock import ByRecoverySheet
from unlost.vault.vault import EncryptedVault, open_vault

ZOE = RecordKey("Contact", "003000000000003AAA")


def contents(store: Store) -> dict[str, bytes]:
    return {one.name: store.get(one.name) for one in store.list("")}


def copy_of(store: Store) -> MemoryStore:
    made = MemoryStore()
    for name, data in contents(store).items():
        made.put_new(name, data)
    return made


@pytest.fixture(scope="module")
def told() -> vaultstory.Story:
    return vaultstory.told(MemoryStore())


@pytest.fixture(scope="module")
def mirrored(told: vaultstory.Story) -> MemoryStore:
    target = MemoryStore()
    update_mirror(told.vault, target)
    return target


@pytest.fixture
def story() -> vaultstory.Story:
    return vaultstory.told(MemoryStore())


def opener(story: vaultstory.Story) -> Callable[[Store], EncryptedVault]:
    """Opens a copy of the vault on a clean machine, with the sheet."""

    def opened(store: Store) -> EncryptedVault:
        keys = unlock_keyring(store, ByRecoverySheet(story.sheet), entropy=story.entropy)
        return open_vault(store, keys=keys, clock=story.clock, entropy=story.entropy)

    return opened


def whole(story: vaultstory.Story, store: Store) -> bool:
    return not opener(story)(store).verify(VerifyLevel.DEEP).damages


def test_a_mirror_has_what_is_live_and_is_a_vault(story: vaultstory.Story) -> None:
    target = MemoryStore()
    night = story.vault.begin(
        story.org, run="open", kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
    )
    done = update_mirror(story.vault, target)
    assert (done.damaged, done.strange, done.broken, done.removed) == ((), (), {}, 0)
    assert not [name for name in contents(target) if "/runs/" in name]
    assert whole(story, target)
    assert opener(story)(target).commits(story.org) == story.vault.commits(story.org)
    night.abandon()
    again = update_mirror(story.vault, target)
    assert (again.objects, again.bytes, again.removed) == (0, 0, 0)
    assert again.there == len(contents(target))


@pytest.fixture
def all_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "_begin", lambda all_: 0 if len(all_) > 1 else 1)


@pytest.mark.usefixtures("all_is_due")
def test_what_the_vault_removes_goes_from_the_mirror_too(story: vaultstory.Story) -> None:
    target = MemoryStore()
    update_mirror(story.vault, target)
    story.vault.compact(story.org, run="c1")
    story.clock.advance(days=9)
    story.vault.sweep(story.org, run="s1")
    story.vault.forget(story.org, KeepRules(daily=1, deleted_days=1), run="f1")
    story.vault.sweep(story.org, run="s2")
    story.clock.advance(days=9)
    swept = story.vault.sweep(story.org, run="s3")
    assert swept.removed > 0
    done = update_mirror(story.vault, target)
    assert done.removed > 0
    assert done.removed_bytes > 0
    assert done.strange == ()
    source = contents(story.store)
    assert contents(target) == {n: b for n, b in source.items() if n in contents(target)}
    assert whole(story, target)


def test_after_an_erasure_the_mirror_holds_nothing_of_it(story: vaultstory.Story) -> None:
    target = MemoryStore()
    update_mirror(story.vault, target)
    assert scanner.found(opener(story)(target), ZOE.record)
    story.vault.erase(story.org, ErasureWish((ZOE,), (), by="admin"), run="e1")
    done = update_mirror(story.vault, target)
    assert done.strange == ()
    assert scanner.found(opener(story)(target), ZOE.record) == set()
    assert whole(story, target)
    assert contents(target).keys() == contents(story.store).keys()


def test_an_empty_vault_empties_no_mirror(told: vaultstory.Story, mirrored: MemoryStore) -> None:
    """Whoever destroys the vault destroys no second copy by it."""
    source, target = copy_of(told.store), copy_of(mirrored)
    for name in contents(source):
        if "/data/" in name or "/packs/" in name:
            source.delete(name)
    done = update_mirror(opener(told)(source), target)
    assert done.removed == 0
    assert len(done.strange) > 5
    assert contents(target) == contents(mirrored)


def test_a_vault_that_lost_its_newest_commit_is_not_mirrored(
    told: vaultstory.Story, mirrored: MemoryStore
) -> None:
    source, target, witness = copy_of(told.store), copy_of(mirrored), MemoryWitness()
    opened = open_vault(
        source, keys=told.keys, clock=told.clock, entropy=told.entropy, witness=witness
    )
    newest = opened.commits(told.org)[-1].number
    source.delete(places.commit(told.org, newest))
    opened = open_vault(
        source, keys=told.keys, clock=told.clock, entropy=told.entropy, witness=witness
    )
    done = update_mirror(opened, target)
    assert list(done.broken) == [told.org]
    assert done.removed == 0
    assert contents(target) == contents(mirrored)


def test_what_is_damaged_in_the_vault_does_not_reach_the_mirror(story: vaultstory.Story) -> None:
    name = next(n for n in contents(story.store) if "/data/" in n and n.endswith(".idx"))
    data = story.store.get(name)
    story.store.delete(name)
    story.store.put_new(name, data[:-1] + bytes([data[-1] ^ 1]))
    target = MemoryStore()
    done = update_mirror(story.vault, target)
    assert done.damaged == (name,)
    assert target.size(name) is None
    story.store.delete(name)
    story.store.put_new(name, data)
    assert update_mirror(story.vault, target).objects == 1
    assert whole(story, target)


@pytest.mark.parametrize("side", ["vault", "mirror"])
def test_one_that_was_cut_short_is_known_by_what_the_commit_says(
    story: vaultstory.Story, side: str
) -> None:
    target = MemoryStore()
    update_mirror(story.vault, target)
    name = next(n for n in contents(target) if "/packs/" in n)
    data = target.get(name)
    store = target if side == "mirror" else story.store
    store.delete(name)
    store.put_new(name, data[:-5])
    done = update_mirror(story.vault, target)
    assert target.get(name) == data
    assert done.damaged == ((name,) if side == "vault" else ())


def test_a_place_with_something_else_is_refused(told: vaultstory.Story) -> None:
    other = MemoryStore()
    other.put_new("holiday.jpg", b"1")
    with pytest.raises(Conflict):
        update_mirror(told.vault, other)


def test_a_mirror_that_breaks_off_anywhere_is_a_vault_or_none_yet(
    told: vaultstory.Story, mirrored: MemoryStore
) -> None:
    names = list(contents(mirrored))
    for stop in range(1, len(names) + 1, 7):
        target = MemoryStore()
        fault = Fault(FaultKind.FAILS, at=stop, on=Operation.PUT)
        with pytest.raises(StoreError):
            update_mirror(told.vault, FaultStore(target, faults=[fault]))
        update_mirror(told.vault, target)
        assert contents(target).keys() == contents(mirrored).keys()


def kind_of(name: str) -> str:
    parts = name.split("/")
    return parts[2] + (".idx" if name.endswith(".idx") else "") if len(parts) > 2 else parts[0]


def test_each_object_that_is_destroyed_is_brought_back(
    told: vaultstory.Story, mirrored: MemoryStore
) -> None:
    """One of each kind: cut, flipped or missing, of all copies of keys."""
    everything = contents(mirrored)
    kinds = {kind_of(name): name for name in sorted(everything)}
    assert len(kinds) > 8
    for number, (kind, name) in enumerate(kinds.items()):
        store = copy_of(told.store)
        group = [n for n in everything if n.rpartition("/")[0] == name.rpartition("/")[0]]
        victims = group if kind in {"keys", "vault.json"} else [name]
        for victim in victims:
            data = store.get(victim)
            store.delete(victim)
            if number % 3:
                flipped = data[:-1] + bytes([data[-1] ^ 1]) if number % 3 == 1 else data[:-3]
                store.put_new(victim, flipped)
        cache = kind == "checkpoints"
        done = repair_from(store, mirrored, opened=opener(told))
        assert done.left == (), kind
        assert cache or set(victims) & set(done.objects), kind
        assert whole(told, store), kind
        assert {**everything, **contents(store)} == {**contents(store), **everything}


def test_what_both_have_lost_is_named_and_nothing_is_changed(
    told: vaultstory.Story, mirrored: MemoryStore
) -> None:
    store, other = copy_of(told.store), copy_of(mirrored)
    lost, both = [n for n in contents(other) if "/data/" in n and not n.endswith(".idx")][:2]
    store.delete(lost)
    for one in (store, other):
        data = one.get(both)
        one.delete(both)
        one.put_new(both, bytes(len(data)))
    done = repair_from(store, other, opened=opener(told))
    assert done.objects == (lost,)
    assert [damage.object for damage in done.left] == [both]
    assert store.get(both) == bytes(len(store.get(both)))


def test_lost_newest_commits_come_back_with_all_that_they_need(
    told: vaultstory.Story, mirrored: MemoryStore
) -> None:
    store = copy_of(told.store)
    commits = sorted(n for n in contents(store) if "/commits/" in n)
    for name in [*commits[-2:], *(n for n in contents(store) if "/checkpoints/" in n)]:
        store.delete(name)
    segments = [n for n in contents(store) if "/data/" in n]
    store.delete(segments[-1])
    done = repair_from(store, mirrored, opened=opener(told))
    assert set(commits[-2:]) <= set(done.objects)
    assert done.left == ()
    assert opener(told)(store).commits(told.org) == told.vault.commits(told.org)


def test_a_mirror_that_somebody_changed_repairs_nothing(
    told: vaultstory.Story, mirrored: MemoryStore
) -> None:
    store, other = copy_of(told.store), copy_of(mirrored)
    for name, data in contents(other).items():
        if "/data/" in name or "/commits/" in name:
            other.delete(name)
            other.put_new(name, data[:-1] + bytes([data[-1] ^ 1]))
    before = contents(store)
    lost = next(n for n in before if "/data/" in n)
    store.delete(lost)
    done = repair_from(store, other, opened=opener(told))
    assert done.objects == ()
    assert [damage.object for damage in done.left] == [lost]
    assert contents(store) == {n: b for n, b in before.items() if n != lost}


def test_a_repair_that_is_cut_off_is_done_again(
    told: vaultstory.Story, mirrored: MemoryStore
) -> None:
    store = copy_of(told.store)
    victims = [n for n in contents(store) if "/data/" in n][:3]
    for name in victims:
        data = store.get(name)
        store.delete(name)
        store.put_new(name, data[:-1])
    for at in (1, 2, 2):
        fault = Fault(FaultKind.FAILS, at=at, on=Operation.PUT)
        with pytest.raises(StoreError):
            repair_from(FaultStore(store, faults=[fault]), mirrored, opened=opener(told))
    done = repair_from(store, mirrored, opened=opener(told))
    assert done.left == ()
    assert whole(told, store)


def test_neither_copy_opens(told: vaultstory.Story, mirrored: MemoryStore) -> None:
    store, other = copy_of(told.store), copy_of(mirrored)

    def closed(_: Store) -> EncryptedVault:
        raise IntegrityError("slot-damaged", "All copies of the slot are damaged.")

    with pytest.raises(IntegrityError):
        repair_from(store, other, opened=closed)
