"""Ways into the vault that vanish or come back are named, whatever became of their copies."""

import pytest

import vaultstory
from smallvault import SmallVault
from unlost.model.errors import IntegrityError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.model.vault.store import Store
from unlost.testing.clock import START
from unlost.testing.entropy import SeededEntropy
from unlost.vault.keys.opening import add_slot, draft_keyring, repair_slot, write_vault_file
from unlost.vault.keys.register import (
    newest_entry,
    read_entry,
    registered,
    repair_register,
    strange_entries,
)
from unlost.vault.keys.unlock import ServiceKey, slot_copies
from unlost.vault.stores.memory import MemoryStore

ENTROPY = SeededEntropy(5)
DAMAGED = "“slots/99999999”, which lists the key slots of the vault, is missing or damaged."


def add(small: SmallVault, slot: str) -> None:
    key = ServiceKey.new(small.keys, entropy=ENTROPY, slot=slot)
    add_slot(small.store, small.keys, key, slot=slot, entropy=ENTROPY)


def remove(store: Store, slot: str) -> dict[str, bytes]:
    """Take the copies of a slot away; what they were."""
    copies = {name: store.get(name) for name in slot_copies(slot)}
    for name in copies:
        store.delete(name)
    return copies


def damaged(small: SmallVault) -> dict[str, str]:
    told = [small.reopen().verify(level).damages for level in VerifyLevel]
    assert told[0] == told[1] == told[2]
    return {damage.object: damage.sentence for damage in told[0]}


@pytest.fixture
def small() -> SmallVault:
    """A founded vault with two slots, made one after the other."""
    small = SmallVault()
    add(small, "service")
    add(small, "second")
    assert damaged(small) == {}
    return small


def test_the_register_lists_every_slot(small: SmallVault) -> None:
    assert newest_entry(small.store, small.keys) == 5
    assert [len(read_entry(small.store, small.keys, n).slots) for n in range(1, 6)] == [
        0,
        1,
        1,
        2,
        2,
    ]
    assert registered(small.store, small.keys).slots.keys() == {"service", "second"}


@pytest.mark.parametrize("slot", ["service", "second"])
def test_a_slot_without_any_copy_is_named(small: SmallVault, slot: str) -> None:
    remove(small.store, slot)
    assert damaged(small) == dict.fromkeys(slot_copies(slot), "It is missing.")


def test_all_slots_at_once_are_named(small: SmallVault) -> None:
    for slot in ("service", "second"):
        remove(small.store, slot)
    assert len(damaged(small)) == 6


def test_a_slot_that_was_founded_with_the_vault_is_named_too() -> None:
    story = vaultstory.found(MemoryStore())
    assert story.vault.verify(VerifyLevel.FULL).damages == ()
    remove(story.store, "service")
    found = [damage.object for damage in story.vault.verify(VerifyLevel.QUICK).damages]
    assert found == list(slot_copies("service"))


def test_an_old_copy_of_a_slot_is_not_taken_for_the_new_one(small: SmallVault) -> None:
    """Whoever knows an old secret puts its slot back."""
    old = remove(small.store, "second")
    add(small, "second")
    assert damaged(small) == {}
    remove(small.store, "second")
    for name, data in old.items():
        small.store.put_new(name, data)
    found = damaged(small)
    assert list(found) == list(old)
    assert all("register" in sentence for sentence in found.values())


def test_a_slot_that_the_register_does_not_list_is_named(small: SmallVault) -> None:
    copies = {name: small.store.get(name) for name in slot_copies("second")}
    for number in (4, 5):
        small.store.delete(f"slots/{number:08d}")
    found = damaged(small)
    assert list(found) == list(copies)
    assert all("no such slot" in sentence for sentence in found.values())


def test_a_removed_newest_entry_is_missed_by_the_commits(small: SmallVault) -> None:
    small.night("night-1", ("a", "U", {"Name": "Anna"}))
    small.store.delete("slots/00000004")
    small.store.delete("slots/00000005")
    remove(small.store, "second")
    assert damaged(small) == {"slots/00000005": "It is missing, and 1 more before it."}


def test_a_hole_in_the_register_is_named(small: SmallVault) -> None:
    small.store.delete("slots/00000002")
    assert damaged(small) == {"slots/00000002": "It is missing."}


def spoil(store: Store, number: int) -> None:
    name = f"slots/{number:08d}"
    data = store.get(name)
    store.delete(name)
    store.put_new(name, data[:-3])


def test_one_damaged_entry_is_named_and_locks_nobody_out(small: SmallVault) -> None:
    """Each change is written twice: the entry before the newest says the same."""
    spoil(small.store, 5)
    assert list(damaged(small)) == ["slots/00000005"]
    add(small, "third")
    assert registered(small.store, small.keys).slots.keys() == {"service", "second", "third"}
    assert list(damaged(small)) == ["slots/00000005"]
    repair_register(small.store, small.keys)
    assert damaged(small) == {}


def test_nothing_is_added_to_a_register_that_is_lost(small: SmallVault) -> None:
    for number in range(1, 6):
        spoil(small.store, number)
    with pytest.raises(IntegrityError) as caught:
        add(small, "third")
    assert caught.value.code == "register-damaged"


def test_a_high_number_makes_nothing_endless(small: SmallVault) -> None:
    small.store.put_new("slots/99999999", b"x")
    asked: list[str] = []
    honest = small.store.get
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small.store, "get", lambda name: asked.append(name) or honest(name))
        assert registered(small.store, small.keys).number == 5
        assert damaged(small) == {"slots/99999999": DAMAGED}
    assert len(asked) < 200
    add(small, "third")
    small.night("night-1", ("a", "U", {"Name": "Anna"}))
    assert newest_entry(small.store, small.keys) == 7
    assert strange_entries(small.store, small.keys) == [99_999_999]
    repair_register(small.store, small.keys)
    assert damaged(small) == {}


def test_holes_are_closed_by_what_lies_next_to_them(small: SmallVault) -> None:
    small.night("night-1", ("a", "U", {"Name": "Anna"}))
    for number in (2, 4, 5):
        spoil(small.store, number)
    repair_register(small.store, small.keys)
    assert damaged(small).keys() == set(slot_copies("second"))  # what told of it is gone
    assert [len(read_entry(small.store, small.keys, n).slots) for n in range(1, 6)] == [
        0,
        1,
        1,
        1,
        1,
    ]


def test_repaired_copies_are_the_slot_that_is_listed(small: SmallVault) -> None:
    for name in slot_copies("second")[1:]:
        small.store.delete(name)
    assert len(damaged(small)) == 2
    repair_slot(small.store, small.keys, "second")
    assert damaged(small) == {}


def test_what_an_interrupted_founding_left_is_replaced() -> None:
    store, entropy = MemoryStore(), SeededEntropy(1)
    first = draft_keyring(store, entropy=entropy)
    add_slot(store, first, ServiceKey.new(first, entropy=entropy), slot="service", entropy=entropy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unlost.vault.keys.opening.encode_vault_file", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_vault_file(store, first, created=START)
    keys = draft_keyring(store, entropy=entropy)
    add_slot(store, keys, ServiceKey.new(keys, entropy=entropy), slot="service", entropy=entropy)
    write_vault_file(store, keys, created=START)
    assert newest_entry(store, keys) == 1
    assert registered(store, keys).slots.keys() == {"service"}


def interrupted(*_: object, **__: object) -> bytes:
    raise KeyboardInterrupt


def test_two_who_add_a_slot_at_once_are_both_listed(small: SmallVault) -> None:
    honest = small.store.put_new
    rivals = ["rival"]

    def put_new(name: str, data: bytes) -> bool:
        if name.startswith("slots/") and rivals:
            add(small, rivals.pop())
        return honest(name, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small.store, "put_new", put_new)
        add(small, "third")
    assert registered(small.store, small.keys).slots.keys() == {
        "service",
        "second",
        "third",
        "rival",
    }
    assert damaged(small) == {}


def test_other_objects_beside_the_register_are_passed_over(small: SmallVault) -> None:
    small.store.put_new("slots/readme.txt", b"not ours")
    assert damaged(small) == {}
