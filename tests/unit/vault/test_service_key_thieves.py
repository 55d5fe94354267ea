"""Somebody has the service key and credentials that only add objects: the owner loses nothing by it.

The thief has the master key, and not the owner's secret: that is on paper.
"""

from dataclasses import dataclass, replace

import pytest

import vaultstory
from thief import AddingStore
from unit.vault.test_rekey import another_night, files, fresh, pictures, rekeyed, renewed, whole
from unlost.model.errors import NotAllowed, StoreError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.model.vault.store import Store
from unlost.vault.format.register import (
    Handover,
    RegisterEntry,
    ShreddedOrg,
    encode_entry,
    entry_copies,
    handover_message,
)
from unlost.vault.keys.derivation import KEY_BYTES, epoch_folder, identity_folder
from unlost.vault.keys.founding import recovery_sheet
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.key_slots import add_slot, list_slots, remove_slot
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.owner import Owner
from unlost.vault.keys.register import registered, repair_register, strange_entries
from unlost.vault.keys.renewal import finish_renewal, renew_master, strange_keys
from unlost.vault.keys.service_key import ServiceKey
from unlost.vault.keys.unlock import ByRecoverySheet, UnlockedVault, unlock_by_key
from unlost.vault.layout import object_names
from unlost.vault.maintenance.shred import (
    finish_shredding,
    plan_shredding,
    shred_org,
    shredding_unfinished,
)
from unlost.vault.mirror.update import update_mirror
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import EncryptedVault, open_vault
from vaultstory import Story

FORGED = 9  # an epoch that no rekey began
OTHER = bytes(range(KEY_BYTES))  # the secret of an owner whom the thief made up


@dataclass(frozen=True, slots=True)
class ByKey:
    """The service key, as its file has it."""

    key: ServiceKey

    def unlock(self, store: Store) -> UnlockedVault:
        return unlock_by_key(store, self.key)


@pytest.fixture
def story(each_store: Store) -> Story:
    made = vaultstory.copied(each_store)
    made.vault.homes.store_copy(b"settings")
    return made


@pytest.fixture
def small() -> Story:
    """The same in memory."""
    made = vaultstory.copied()
    made.vault.homes.store_copy(b"settings")
    return made


def thief_of(story: Story) -> Keyring:
    """The keys that the service key gives, over a store that deletes nothing."""
    added = AddingStore(story.store)
    return open_keyring(added, ByKey(story.service), entropy=story.entropy)


def by_service(story: Story) -> EncryptedVault:
    """The vault as the next night opens it."""
    keys = open_keyring(story.store, ByKey(story.service), entropy=story.entropy)
    return open_vault(story.store, keys=keys, clock=story.clock, entropy=story.entropy,
                      witness=story.witness)  # fmt: skip


def opens_by_sheet(story: Story) -> bool:
    keys = open_keyring(story.store, ByRecoverySheet(story.sheet), entropy=story.entropy)
    return keys.master() == story.keys.master()


def damaged(story: Story, level: VerifyLevel = VerifyLevel.QUICK) -> set[str]:
    return {damage.object for damage in story.vault.verify(level).damages}


def forge(story: Story, entry: RegisterEntry, *, secret: bytes = OTHER) -> list[str]:
    """An entry after the one in force, signed by an owner whom the thief made up."""
    number = registered(story.store, story.keys).number + 1
    data = encode_entry(replace(entry, number=number), sign=Owner.of(secret).sign)
    for name in entry_copies(number):
        story.store.put_new(name, data)
    return list(entry_copies(number))


def lose_key(story: Story, epoch: int) -> list[str]:
    """All copies of an org key are deleted; returns their names."""
    copies = [*story.keys._own_copies(epoch_folder(story.org, epoch))]
    for name in copies:
        story.store.delete(name)
    fresh(story)
    return copies


def plant(story: Story, folder: str, *keys: bytes) -> list[str]:
    """Copies of wrapped keys, as a holder of the master key makes them."""
    names = [*story.keys._own_copies(folder)]
    for name, key in zip(names, keys * 3 if len(keys) == 1 else keys, strict=True):
        story.store.put_new(name, story.keys._wrap(name, key, org=story.org))
    fresh(story)
    return names


# --- the register ---------------------------------------------------------------------------------


def test_a_thief_locked_the_owner_out_by_a_renewal(story: Story) -> None:
    thief, before = thief_of(story), pictures(story)
    new = thief.successor()
    key = ServiceKey.new(new, entropy=story.entropy, slot="service-2")
    added = AddingStore(story.store)
    with pytest.raises(StoreError):  # it would end the owner's entries
        renew_master(added, thief, new, key=key, sheet_confirmed_at=story.clock.now(),
                     entropy=story.entropy)  # fmt: skip
    with pytest.raises(StoreError):
        finish_renewal(added, new)
    assert opens_by_sheet(story)
    vault = by_service(story)
    assert [info.number for info in vault.snapshots(story.org)] == [1, 2, 3]
    fresh(story)
    assert pictures(story) == before
    forged = damaged(story)
    assert {name for name in forged if name.startswith("register/")} == {
        *entry_copies(registered(story.store, story.keys).number + 1)
    }
    assert {name for name in forged if "/keys/" in name} == set(
        strange_keys(story.store, story.keys)
    )
    repair_register(story.store, story.keys)
    finish_renewal(story.store, story.keys)
    fresh(story)
    assert whole(story)
    renewed(story)  # and now the thief is out
    with pytest.raises(NotAllowed) as told:
        thief_of(story)
    assert told.value.code == "key-outdated"
    assert pictures(story)[:-1] == before[:-1]


def test_a_thief_forged_the_signature_of_the_handover(small: Story) -> None:
    present, other = registered(small.store, small.keys), Owner.of(OTHER)
    message = handover_message(present.vault, other.public.hex())
    handover = Handover(present.owner, other.sign(message).hex())
    forge(small, replace(present, owner=other.public.hex(), generation=2, handovers=(handover,)))
    assert opens_by_sheet(small)
    assert by_service(small).oids() == [small.org]


def test_an_entry_that_claims_the_owner_and_is_signed_by_another_counted(small: Story) -> None:
    names = forge(small, replace(registered(small.store, small.keys), slots={}))
    assert opens_by_sheet(small)
    assert {state.slot for state in list_slots(small.store, small.keys)} == {"service"}
    assert damaged(small) == set(names) == set(strange_entries(small.store, small.keys))


def test_a_thief_shredded_an_org_and_a_repair_deleted_its_files(story: Story) -> None:
    before = pictures(story)
    thief = thief_of(story)
    vault = open_vault(AddingStore(story.store), keys=thief, clock=story.clock,
                       entropy=story.entropy)  # fmt: skip
    org_vault = vault.org_vault(story.org)
    with pytest.raises(NotAllowed) as told:
        shred_org(org_vault, plan_shredding(org_vault, now=story.clock.now()),
                  at=story.clock.now())  # fmt: skip
    assert told.value.code == "sheet-needed"
    present, gone = registered(story.store, story.keys), ShreddedOrg("2026", 1, "ab", 1, 1)
    owner = Owner.of(OTHER).public.hex()
    forge(story, replace(present, owner=owner, shredded={story.org: gone}))
    story.store.put_new(f"shredded/{story.org}", b"{}")
    fresh(story)
    assert shredding_unfinished(story.store, story.keys) == ()
    finish_shredding(story.store, story.keys)
    repair_register(story.store, story.keys)
    fresh(story)
    assert story.vault.oids() == [story.org]
    assert pictures(story) == before
    assert whole(story)


def test_a_thief_added_and_removed_slots(small: Story) -> None:
    thief = thief_of(small)
    key = ServiceKey.new(thief, entropy=small.entropy, slot="mine")
    for change in (
        lambda: add_slot(small.store, thief, key, slot="mine", entropy=small.entropy),
        lambda: remove_slot(small.store, thief, "service"),
        lambda: recovery_sheet(thief),
    ):
        with pytest.raises(NotAllowed) as told:
            change()
        assert told.value.code == "sheet-needed"
    assert whole(small)


def test_an_old_entry_brought_a_removed_slot_back(small: Story) -> None:
    """The thief kept the signed entry of the time before, and adds it again."""
    key = ServiceKey.new(small.keys, entropy=small.entropy, slot="old")
    add_slot(small.store, small.keys, key, slot="old", entropy=small.entropy)
    number = registered(small.store, small.keys).number
    kept = {name: small.store.get(name) for name in entry_copies(number)}
    remove_slot(small.store, small.keys, "old")
    assert not any(small.store.size(name) for name in kept)
    for name, data in kept.items():
        small.store.put_new(name, data)
        small.store.put_new(name.replace(f"{number:08d}", "00000099"), data)
    with pytest.raises(NotAllowed) as told:
        unlock_by_key(small.store, key)
    assert told.value.code == "slot-missing"
    assert damaged(small) == set(entry_copies(99))


# --- org keys -------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", VerifyLevel)
def test_verify_called_a_vault_whole_whose_only_org_key_is_gone(
    story: Story, level: VerifyLevel
) -> None:
    renewed(story)
    assert rekeyed(story).complete
    assert damaged(story, level) == set()
    copies = lose_key(story, story.keys.epoch(story.org))
    assert damaged(story, level) >= set(copies)


@pytest.mark.parametrize("level", VerifyLevel)
def test_verify_called_a_vault_whole_under_a_forged_mark(small: Story, level: VerifyLevel) -> None:
    """Earlier builds had marks that org keys are gone; such an object means nothing."""
    mark = f"orgs/{small.org}/keys/oldest-{FORGED:08d}/1"
    small.store.put_new(mark, small.keys._wrap(mark, bytes(KEY_BYTES), org=small.org))
    assert damaged(small, level) == {mark}
    copies = lose_key(small, small.keys.epoch(small.org))
    assert damaged(small, level) >= {*copies}


@pytest.mark.parametrize("level", VerifyLevel)
def test_verify_misses_no_key_that_live_data_needs(small: Story, level: VerifyLevel) -> None:
    """A renewal without its rekey: data is under epoch 1."""
    renewed(small)
    copies = lose_key(small, 1)
    assert damaged(small, level) >= {*copies}


@pytest.mark.parametrize("marked", [True, False])
def test_a_forged_mark_or_epoch_made_the_maintenance_delete_the_only_org_key(
    story: Story, marked: bool
) -> None:
    renewed(story)
    before, contents = pictures(story), files(story)
    folder = f"orgs/{story.org}/keys/" + (f"oldest-{FORGED:08d}" if marked else f"{FORGED:08d}")
    plant(story, folder, bytes(KEY_BYTES))
    story.vault.compact(story.org, run="compact")
    assert rekeyed(story).complete
    assert pictures(story)[:-1] == before[:-1]
    assert files(story) == contents


def test_a_forged_epoch_made_a_mirror_drop_the_key_that_its_data_needs(story: Story) -> None:
    target = MemoryStore()
    update_mirror(story.vault, target)
    first = [*story.keys._own_copies(epoch_folder(story.org, 1))]
    plant(story, epoch_folder(story.org, FORGED), bytes(KEY_BYTES))
    for name in first:  # by somebody who may delete
        story.store.delete(name)
    update_mirror(story.vault, target)
    assert all(target.size(name) is not None for name in first)


def test_copies_of_three_keys_lost_all_data_with_the_first_of_them(story: Story) -> None:
    """Each copy opens; only the first was used, and the others were called whole."""
    names = plant(
        story, epoch_folder(story.org, FORGED), *(bytes([n]) * KEY_BYTES for n in (1, 2, 3))
    )
    assert story.keys.epoch(story.org) == 1  # nothing is written under it
    assert damaged(story) == set(names[1:])
    assert set(story.keys.repairable_copies(story.org)) == set(names[1:])
    story.keys.repair_org(story.org)
    fresh(story)
    assert whole(story)
    assert len({story.keys._unwrap(name, org=story.org) for name in names}) == 1
    assert story.keys.epoch(story.org) == FORGED


def test_a_service_that_ran_for_weeks_wrote_under_a_key_that_a_rekey_deleted(story: Story) -> None:
    """The thief begins an epoch, and the owner's maintenance, another process, seals all under it."""
    assert story.keys.epoch(story.org) == 1  # the service has begun to use it
    service = story.vault
    plant(story, epoch_folder(story.org, 2), bytes(KEY_BYTES))
    assert rekeyed(story).complete
    assert not story.keys.has_epoch(story.org, 1)
    story.vault = service
    another_night(story, "night-9")
    fresh(story)
    assert len(files(story)) == len(vaultstory.FILES)
    assert whole(story)


def test_an_identity_key_of_a_thief_replaced_the_owners(small: Story) -> None:
    present = small.keys.identity_key(small.org, "blob-id")
    folder = identity_folder(small.org, generation=2)
    for copy in (1, 2, 3):
        small.store.put_new(f"{folder}/{copy}", b"junk")
    fresh(small)
    assert small.keys.identity_key(small.org, "blob-id") == present
    renewed(small)
    assert small.keys.identity_key(small.org, "blob-id") == present
    assert whole(small)


# --- names that the thief takes first -------------------------------------------------------------


@pytest.mark.parametrize("copies", [(1,), (2, 3), (1, 2, 3)])
def test_junk_at_the_next_entry_stopped_the_owner(small: Story, copies: tuple[int, ...]) -> None:
    number = registered(small.store, small.keys).number + 1
    for copy in copies:
        small.store.put_new(f"register/{number:08d}/{copy}", b"junk")
    key = ServiceKey.new(small.keys, entropy=small.entropy, slot="usb")
    add_slot(small.store, small.keys, key, slot="usb", entropy=small.entropy)
    assert {state.slot for state in list_slots(small.store, small.keys)} == {"service", "usb"}
    repair_register(small.store, small.keys)
    assert whole(small)
    renewed(small)
    assert whole(small)


def test_a_thief_is_told_what_is_needed(small: Story) -> None:
    with pytest.raises(NotAllowed) as told:
        thief_of(small).owner.sign(b"")
    assert (told.value.code, "--sheet" in str(told.value.next_step)) == ("sheet-needed", True)


# --- somebody who may delete ----------------------------------------------------------------------


@pytest.mark.parametrize("level", VerifyLevel)
def test_verify_named_no_org_of_which_all_objects_are_gone(
    small: Story, level: VerifyLevel
) -> None:
    newest = len(small.vault.commits(small.org))
    for folder in (f"orgs/{small.org}/", "names/"):
        for name in [one.name for one in small.store.list(folder)]:
            small.store.delete(name)
    fresh(small)
    gone = damaged(small, level)
    assert object_names.commit(small.org, newest) in gone
    assert {f"{identity_folder(small.org)}/{copy}" for copy in (1, 2, 3)} <= gone


@pytest.mark.parametrize("level", VerifyLevel)
def test_verify_did_not_ask_the_witness_where_all_keys_are_gone(
    small: Story, level: VerifyLevel
) -> None:
    newest = object_names.commit(small.org, len(small.vault.commits(small.org)))
    for folder in (epoch_folder(small.org, 1), identity_folder(small.org)):
        for copy in (1, 2, 3):
            small.store.delete(f"{folder}/{copy}")
    fresh(small)
    assert newest not in damaged(small, level)  # it is there, and nobody can read it
    small.store.delete(newest)
    assert newest in damaged(small, level)


@pytest.mark.parametrize("which", ["epoch", "identity"])
@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_repair_followed_a_wrong_copy_that_was_put_where_one_was_lost(
    small: Story, which: str, lost: int
) -> None:
    before = pictures(small)
    folder = epoch_folder(small.org, 1) if which == "epoch" else identity_folder(small.org)
    name = f"{folder}/{lost}"
    small.store.delete(name)
    small.store.put_new(name, small.keys._wrap(name, bytes(KEY_BYTES), org=small.org))
    fresh(small)
    assert damaged(small)  # it is told, whichever copy is read first
    small.keys.repair_org(small.org)
    fresh(small)
    assert pictures(small) == before
    assert whole(small)


@pytest.mark.parametrize("left", [1, 2, 3])
def test_of_two_wrong_copies_and_one_right_one_the_right_one_wins_if_data_proves_it(
    small: Story, left: int
) -> None:
    before, folder = pictures(small), epoch_folder(small.org, 1)
    for copy in {1, 2, 3} - {left}:
        name = f"{folder}/{copy}"
        small.store.delete(name)
        small.store.put_new(name, small.keys._wrap(name, bytes([copy]) * KEY_BYTES, org=small.org))
    fresh(small)
    small.keys.repair_org(small.org)
    fresh(small)
    assert pictures(small) == before
    assert whole(small)


def test_adding_an_org_again_followed_a_wrong_first_copy(small: Story) -> None:
    before, name = pictures(small), f"{identity_folder(small.org)}/1"
    small.store.delete(name)
    small.store.put_new(name, small.keys._wrap(name, bytes(KEY_BYTES), org=small.org))
    fresh(small)
    small.keys.add_org(small.org)
    fresh(small)
    assert pictures(small) == before
    assert whole(small)
