"""A power cut at any call to the file system, while ways into a vault change, locks nobody out.

Whoever could open the vault before and after can open it in between; the vault is never without a
way; and what is done again is done, and leaves nothing behind.
"""

from dataclasses import dataclass
from functools import cache

import pytest

import vaultstory
from faults.vault.test_power_cuts import ROOT, opened
from sweeps import parts_in_two_ways
from unlost.model.errors import UnlostError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.model.vault.store import Store
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.register import entry_copies
from unlost.vault.keys.key_slots import add_slot, list_slots, remove_slot, replace_slot
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.register import newest_entry, repair_register, strange_entries
from unlost.vault.keys.service_key import ServiceKey
from unlost.vault.keys.unlock import UnlockedVault, unlock_by_key
from unlost.vault.stores.fault import StoreCrash
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.unsynced import UnsyncedDisk
from vaultstory import Story

PARTS = 4


@dataclass(frozen=True, slots=True)
class Held:
    """A key in somebody's hand."""

    key: ServiceKey

    def unlock(self, store: Store) -> UnlockedVault:
        return unlock_by_key(store, self.key)

    def opens(self, store: Store) -> bool:
        try:
            open_keyring(store, self, entropy=SeededEntropy(3))
        except UnlostError:
            return False
        return True


def key_of(story: Story, slot: str) -> ServiceKey:
    """The same for a vault and a slot, as a file is that was written before."""
    return ServiceKey(story.keys.vault, slot, (slot.encode() * 32)[:32], story.keys.owner.public)


def change(story: Story) -> None:
    """One way is added, one gives way to another, and one is removed."""
    slots = {state.slot for state in list_slots(story.store, story.keys)}
    entropy = story.entropy
    if "second" not in slots and "third" not in slots:
        add_slot(story.store, story.keys, key_of(story, "second"), slot="second", entropy=entropy)
    if "third" not in slots:
        key = key_of(story, "third")
        replace_slot(story.store, story.keys, "second", key, new="third", entropy=entropy)
    for slot in ("second", "service"):
        if slot in {state.slot for state in list_slots(story.store, story.keys)}:
            remove_slot(story.store, story.keys, slot)


def founded(disk: UnsyncedDisk) -> Story:
    return vaultstory.found(LocalStore(ROOT, disk=disk))


after_founding = vaultstory.on_disk(founded)


@cache
def changes() -> int:
    disk, story = after_founding()
    before = disk.changes
    change(story)
    return disk.changes - before


@pytest.mark.parametrize(("part", "names_survive"), parts_in_two_ways(PARTS, full=PARTS))
def test_somebody_can_always_open_the_vault(part: int, names_survive: bool) -> None:
    for crash_at in range(part + 1, changes() + 1, PARTS):
        disk, story = after_founding()
        disk.crash_at = disk.changes + crash_at
        with pytest.raises(StoreCrash):
            change(story)
        disk.power_cut(names_survive=names_survive)
        again = opened(story, disk)
        holders = [Held(story.service), *(Held(key_of(story, one)) for one in ("second", "third"))]
        listed = {state.slot for state in list_slots(again.store, again.keys)}
        could = {one.key.slot for one in holders if one.opens(again.store)}
        assert could == listed != set()
        change(again)
        assert [state.slot for state in list_slots(again.store, again.keys)] == ["third"]
        assert not holders[0].opens(again.store)
        assert strange_entries(again.store, again.keys) == []
        assert holders[2].opens(again.store)
        # A cut after the one put that counts leaves a single copy, which the doctor completes.
        damaged = {damage.object for damage in again.vault.verify(VerifyLevel.FULL).damages}
        assert damaged <= {*entry_copies(newest_entry(again.store, again.keys))[1:]}
        assert set(repair_register(again.store, again.keys)) >= damaged
        assert again.vault.verify(VerifyLevel.DEEP).damages == ()
        assert holders[2].opens(again.store)


def test_there_are_enough_calls_to_cut_at() -> None:
    assert changes() > 60
