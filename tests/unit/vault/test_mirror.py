"""A second copy: kept up to date, forgetting what the vault forgets, and repairing what was destroyed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

import scanner
import vaultstory
from fakes.keeping_store import KeepingStore
from unlost.model.errors import Conflict, IntegrityError, NotAllowed, StoreError
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.retention import Forget, KeepRules
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.model.vault.store import Store
from unlost.testing.entropy import SeededEntropy
from unlost.testing.system import MemoryWitness
from unlost.vault.format.register import (
    ShreddedOrg,
    damaged_register,
    encode_entry,
    entry_copies,
)
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.key_slots import add_slot, remove_slot, replace_slot
from unlost.vault.keys.opening import unlock_keyring
from unlost.vault.keys.owner import Owner
from unlost.vault.keys.register import newest_entry, registered, repair_register
from unlost.vault.keys.service_key import ServiceKey
from unlost.vault.keys.unlock import ByRecoverySheet, unlock_by_key
from unlost.vault.layout import object_names
from unlost.vault.maintenance.rewrite import tiers
from unlost.vault.maintenance.shred import plan_shredding, shred_org
from unlost.vault.mirror.copying import copy_vault
from unlost.vault.mirror.repair import repair_from
from unlost.vault.mirror.update import update_mirror
from unlost.vault.stores.fault import Fault, FaultKind, FaultStore, StoreOperation
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.stores.probe import probe_store
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
    return vaultstory.copied()


@pytest.fixture(scope="module")
def mirrored(told: vaultstory.Story) -> MemoryStore:
    target = MemoryStore()
    update_mirror(told.vault, target)
    return target


@pytest.fixture
def story() -> vaultstory.Story:
    return vaultstory.copied()


@pytest.fixture
def keeping() -> KeepingStore:
    """An empty place whose credentials may not delete, after a probe with them."""
    store = KeepingStore()
    assert not probe_store(store, entropy=SeededEntropy())
    return store


def test_a_mirror_that_may_not_delete_was_taken_for_another_vault(
    story: vaultstory.Story, keeping: KeepingStore
) -> None:
    copied = copy_vault(story.store, keeping)
    assert copied.objects > 20
    assert whole(story, keeping)
    done = update_mirror(story.vault, keeping)
    assert (done.strange, done.objects, done.broken) == ((), 0, {})


def test_a_mirror_that_may_not_delete_keeps_what_the_vault_forgets_and_says_so(
    story: vaultstory.Story, keeping: KeepingStore
) -> None:
    update_mirror(story.vault, keeping)
    story.vault.apply(story.org, unconditional(Erase((ZOE,), (), by="admin")), run="erase-1")
    done = update_mirror(story.vault, keeping)
    assert (done.removed, done.removed_bytes, done.strange) == (0, 0, ())
    assert done.not_removed
    assert all(keeping.size(name) is not None for name in done.not_removed)
    keeping.may_delete = True
    later = update_mirror(story.vault, keeping)
    assert (later.removed, later.not_removed) == (len(done.not_removed), ())


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
    assert again.existing == len(contents(target))


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
    story.vault.apply(
        story.org, unconditional(Forget(KeepRules(daily=1, deleted_days=1))), run="f1"
    )
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
    story.vault.apply(story.org, unconditional(Erase((ZOE,), (), by="admin")), run="e1")
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
    source.delete(object_names.commit(told.org, newest))
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
        fault = Fault(FaultKind.FAILS, at=stop, on=StoreOperation.PUT)
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
        assert done.still_damaged == (), kind
        assert cache or set(victims) & set(done.objects), kind
        assert whole(told, store), kind
        assert {**everything, **contents(store)} == {**contents(store), **everything}


@pytest.mark.parametrize("byte", [0, 255])
def test_what_opens_the_vault_comes_back_whatever_lies_in_its_place(
    told: vaultstory.Story, mirrored: MemoryStore, byte: int
) -> None:
    store = copy_of(told.store)
    names = [name for name in contents(store) if kind_of(name) in {"keys", "slots", "vault.json"}]
    for name in names:
        size = len(store.get(name))
        store.delete(name)
        store.put_new(name, bytes([byte]) * size)
    done = repair_from(store, mirrored, opened=opener(told))
    assert (done.still_damaged, set(names) - set(done.objects)) == ((), set())
    assert whole(told, store)


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
    assert [damage.object for damage in done.still_damaged] == [both]
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
    assert done.still_damaged == ()
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
    assert [damage.object for damage in done.still_damaged] == [lost]
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
        fault = Fault(FaultKind.FAILS, at=at, on=StoreOperation.PUT)
        with pytest.raises(StoreError):
            repair_from(FaultStore(store, faults=[fault]), mirrored, opened=opener(told))
    done = repair_from(store, mirrored, opened=opener(told))
    assert done.still_damaged == ()
    assert whole(told, store)


def test_neither_copy_opens(told: vaultstory.Story, mirrored: MemoryStore) -> None:
    store, other = copy_of(told.store), copy_of(mirrored)

    def closed(_: Store) -> EncryptedVault:
        raise damaged_register("register/")

    with pytest.raises(IntegrityError):
        repair_from(store, other, opened=closed)


# --- beside others, and what must not come back ---------------------------------------------------


def test_a_commit_of_another_home_is_not_replaced_by_a_lost_one() -> None:
    """The vault lost its newest commit; while a repair looks, somebody commits in its place."""
    story = vaultstory.found(MemoryStore())
    vaultstory.first_night(story)
    vaultstory.second_night(story)
    other = MemoryStore()
    update_mirror(story.vault, other)
    lost = object_names.commit(story.org, 2)
    story.store.delete(lost)
    looks = 0

    def opened(store: Store) -> EncryptedVault:
        nonlocal looks
        looks += 1
        if looks == 2:
            rival = opener(story)(story.store)
            commit = rival.begin(
                story.org, run="rival", kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
            )
            commit.finish([], as_of=story.clock.now())
        return opener(story)(store)

    done = repair_from(story.store, other, opened=opened)
    assert lost not in done.objects
    assert [one.run for one in opener(story)(story.store).commits(story.org)][-1] == "rival"


def test_an_object_that_was_mended_meanwhile_is_left_alone(
    told: vaultstory.Story, mirrored: MemoryStore
) -> None:
    store = copy_of(told.store)
    name = next(n for n in contents(store) if "/data/" in n)
    data = store.get(name)
    store.delete(name)
    store.put_new(name, b"torn")

    def opened(view: Store) -> EncryptedVault:
        store.delete(name)
        store.put_new(name, data)
        return opener(told)(view)

    done = repair_from(store, mirrored, opened=opened)
    assert done.objects == ()
    assert store.get(name) == data


@pytest.mark.parametrize("lost", ["commit", "redaction"])
def test_what_was_erased_does_not_come_back_from_a_copy_that_is_older(
    story: vaultstory.Story, lost: str
) -> None:
    other = MemoryStore()
    update_mirror(story.vault, other)
    story.vault.apply(story.org, unconditional(Erase((ZOE,), (), by="admin")), run="e1")
    newest = story.vault.commits(story.org)[-1].number
    (redaction, *_) = [one.name for one in story.store.list(object_names.redactions(story.org))]
    story.store.delete(object_names.commit(story.org, newest) if lost == "commit" else redaction)
    for name in [n for n in contents(story.store) if "/checkpoints/" in n]:
        story.store.delete(name)
    before = contents(story.store)

    def witnessed(store: Store) -> EncryptedVault:
        keys = unlock_keyring(store, ByRecoverySheet(story.sheet), entropy=story.entropy)
        return open_vault(
            store,
            keys=keys,
            clock=story.clock,
            entropy=story.entropy,
            witness=story.witness,
            ledger=story.ledger,
        )

    done = repair_from(story.store, other, opened=witnessed)
    assert done.objects == ()
    assert done.still_damaged
    assert contents(story.store) == before


def test_a_shredded_org_does_not_come_back(story: vaultstory.Story) -> None:
    other = MemoryStore()
    update_mirror(story.vault, other)
    org_vault = story.vault.org_vault(story.org)
    shred_org(org_vault, plan_shredding(org_vault, now=story.clock.now()), at=story.clock.now())
    done = repair_from(story.store, other, opened=opener(story))
    assert not [name for name in contents(story.store) if story.org in name and "orgs/" in name]
    assert not [name for name in done.objects if story.org in name]
    assert update_mirror(opener(story)(story.store), other).removed > 10
    assert not [name for name in contents(other) if name.startswith("orgs/")]


@pytest.mark.parametrize("number", [2, 9])
def test_a_note_of_a_stranger_keeps_no_org_from_being_mended(
    told: vaultstory.Story, mirrored: MemoryStore, number: int
) -> None:
    store, stranger = copy_of(told.store), Owner.of(b"t" * 32)
    note = ShreddedOrg("2026-01-01T00:00:00+00:00", 1, "x", 1, 1)
    entry = replace(registered(store, told.keys), number=number, shredded={told.org: note})
    for name in entry_copies(number):
        store.put_new(name, encode_entry(entry, sign=stranger.sign))
    lost = next(n for n in contents(store) if "/data/" in n)
    store.delete(lost)
    assert lost in repair_from(store, mirrored, opened=opener(told)).objects


def test_a_slot_of_the_same_name_is_renewed_in_the_mirror(story: vaultstory.Story) -> None:
    target = MemoryStore()
    update_mirror(story.vault, target)
    keys, entropy = story.keys, story.entropy
    replace_slot(
        story.store, keys, "service", ServiceKey.new(keys, entropy=entropy, slot="other"),
        new="other", entropy=entropy,
    )  # fmt: skip
    again = ServiceKey.new(keys, entropy=entropy, slot="service")
    replace_slot(story.store, keys, "other", again, new="service", entropy=entropy)
    update_mirror(story.vault, target)
    assert unlock_by_key(target, again).master == keys.master()
    with pytest.raises(NotAllowed) as wrong:
        unlock_by_key(target, story.service)
    assert wrong.value.code == "key-wrong"
    assert names_of(target) == names_of(story.store) == [*entry_copies(newest_entry(target, keys))]


def names_of(store: Store) -> list[str]:
    """The objects of the register."""
    return [listed.name for listed in store.list("register/")]


def test_a_removed_slot_does_not_open_the_mirror_after_an_update(
    story: vaultstory.Story,
) -> None:
    target, entropy = MemoryStore(), story.entropy
    second = ServiceKey.new(story.keys, entropy=entropy, slot="second")
    add_slot(story.store, story.keys, second, slot="second", entropy=entropy)
    update_mirror(story.vault, target)
    remove_slot(story.store, story.keys, "second")
    unlock_by_key(target, second)  # until then
    done = update_mirror(story.vault, target)
    assert (done.removed, done.strange) == (3, ())
    with pytest.raises(NotAllowed) as gone:
        unlock_by_key(target, second)
    assert gone.value.code == "slot-missing"
    assert unlock_by_key(target, story.service).master == story.keys.master()


@pytest.mark.parametrize("hurt", ["lost", "older"])
def test_a_mirror_keeps_the_register_that_the_vault_has_lost(
    story: vaultstory.Story, hurt: str
) -> None:
    """Somebody who may delete in the vault removes it, or puts an entry from before in place."""
    target, entropy = MemoryStore(), story.entropy
    old = {name: story.store.get(name) for name in names_of(story.store)}
    add_slot(story.store, story.keys, ServiceKey.new(story.keys, entropy=entropy, slot="second"),
             slot="second", entropy=entropy)  # fmt: skip
    update_mirror(story.vault, target)
    kept = names_of(target)
    for name in names_of(story.store):
        story.store.delete(name)
    for name, data in old.items() if hurt == "older" else ():
        story.store.put_new(name, data)
    done = update_mirror(story.vault, target)
    assert set(kept) <= set(done.strange)
    assert set(kept) <= set(names_of(target))
    assert registered(target, story.keys).slots.keys() == {"service", "second"}
    assert set(repair_from(story.store, target, opened=opener(story)).objects) >= set(kept)
    assert registered(story.store, story.keys).slots.keys() == {"service", "second"}
    assert whole(story, story.store)


@pytest.mark.parametrize("hurt", ["lost", "damaged"])
@pytest.mark.parametrize("broken", [(0,), (0, 1), (0, 1, 2)])
@pytest.mark.parametrize("by", ["key file", "sheet"])
def test_copies_of_the_register_are_repaired_from_a_mirror(
    story: vaultstory.Story, broken: tuple[int, ...], hurt: str, by: str
) -> None:
    target = MemoryStore()
    update_mirror(story.vault, target)
    before = {name: story.store.get(name) for name in names_of(story.store)}
    hit = [names_of(story.store)[copy] for copy in broken]
    for name in hit:
        story.store.delete(name)
        if hurt == "damaged":
            story.store.put_new(name, before[name][:-4] + b"junk")
    opened = opener(story) if by == "sheet" else by_key_file(story)
    done = repair_from(story.store, target, opened=opened)
    assert set(done.objects) == set(hit)
    assert {name: story.store.get(name) for name in names_of(story.store)} == before
    assert whole(story, story.store)


def by_key_file(story: vaultstory.Story) -> Callable[[Store], EncryptedVault]:
    """Opens a copy as a scheduled run does: not without the register."""

    def opened(store: Store) -> EncryptedVault:
        unlocked = unlock_by_key(store, story.service)
        keys = Keyring(store, vault=unlocked.vault, master=unlocked.master, owner=unlocked.owner,
                       entropy=story.entropy)  # fmt: skip
        return open_vault(store, keys=keys, clock=story.clock, entropy=story.entropy)

    return opened


@pytest.mark.parametrize("size", ["other", "same"])
def test_a_strangers_entry_that_was_mirrored_ended_all_later_updates(
    story: vaultstory.Story, size: str
) -> None:
    """A later entry of the owner gets its number, and must reach the mirror."""
    target, number = MemoryStore(), newest_entry(story.store, story.keys) + 1
    entry = replace(registered(story.store, story.keys), number=number)
    junk = encode_entry(entry, sign=Owner.of(b"t" * 32).sign)
    if size == "same":
        junk = b"x" * len(registered_after(story))
    for name in entry_copies(number):
        story.store.put_new(name, junk)
    assert update_mirror(story.vault, target).strange == ()
    assert names_of(target) == [*entry_copies(number - 1)]
    repair_register(story.store, story.keys)
    second = ServiceKey.new(story.keys, entropy=story.entropy, slot="second")
    add_slot(story.store, story.keys, second, slot="second", entropy=story.entropy)
    done = update_mirror(story.vault, target)
    assert (done.strange, done.damaged) == ((), ())
    assert names_of(target) == [*entry_copies(number)]
    assert unlock_by_key(target, second).master == story.keys.master()
    assert whole(story, target)


def registered_after(story: vaultstory.Story) -> bytes:
    """The bytes of the entry that one more slot makes."""
    store = copy_of(story.store)
    keys = story.keys.for_store(store)
    second = ServiceKey.new(keys, entropy=story.entropy, slot="second")
    add_slot(store, keys, second, slot="second", entropy=story.entropy)
    return store.get(entry_copies(newest_entry(store, keys))[0])


@pytest.mark.parametrize("hurt", ["cut", "flipped"])
def test_a_damaged_copy_of_the_register_does_not_reach_the_mirror(
    story: vaultstory.Story, hurt: str
) -> None:
    target, name = MemoryStore(), names_of(story.store)[1]
    data = story.store.get(name)
    story.store.delete(name)
    story.store.put_new(name, data[:-9] if hurt == "cut" else data[:9] + b"?" + data[10:])
    done = update_mirror(story.vault, target)
    assert target.size(name) is None
    if hurt == "flipped":
        assert done.damaged == (name,)
    repair_register(story.store, story.keys)
    update_mirror(story.vault, target)
    assert whole(story, target)


FOREIGN = ("redacted/junk", "redacted/1", "commits/junk", "commits/7", "checkpoints/junk")


@pytest.mark.parametrize("name", FOREIGN)
def test_a_name_that_is_none_of_ours_is_passed_over_and_told(
    story: vaultstory.Story, name: str
) -> None:
    story.vault.apply(story.org, unconditional(Erase((ZOE,), (), by="admin")), run="e1")
    full = f"orgs/{story.org}/{name}"
    story.store.put_new(full, b"junk")
    fresh = opener(story)(story.store)
    assert fresh.snapshots(story.org)
    assert [one.object for one in fresh.verify(VerifyLevel.DEEP).damages] == [full]
    target = MemoryStore()
    assert update_mirror(fresh, target).broken == {}
    assert target.size(full) is None


def test_copying_holds_pieces_and_not_objects(
    told: vaultstory.Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlost.vault.mirror.copying._PIECE_BYTES", 1000)
    asked: list[int] = []

    class Watched(MemoryStore):
        def get_range(self, name: str, *, start: int, length: int) -> bytes:
            asked.append(length)
            return super().get_range(name, start=start, length=length)

    target = Watched()
    update_mirror(told.vault, target)
    assert set(asked) == {1000}
    assert whole(told, target)
