"""A new master key: earlier ones open nothing any more, and everything is read as before."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from smallvault import SmallVault, finish, rows
from unit.vault.test_key_slots import Held, add_words, failing, whole
from unlost.model.errors import IntegrityError, NotAllowed, UnlostError
from unlost.model.org import OrgIdentity
from unlost.model.vault.snapshot import VerifyLevel
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.recovery import RecoverySheet
from unlost.vault.format.register import Handover, RegisterEntry, encode_entry, entry_copies
from unlost.vault.keys.derivation import epoch_folder
from unlost.vault.keys.founding import recovery_sheet
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.key_slots import list_slots, remove_slot
from unlost.vault.keys.opening import open_keyring, unlock_keyring
from unlost.vault.keys.register import (
    append_entry,
    find_entry,
    listed_entries,
    newest_entry,
    registered,
    sealed_earlier,
    strange_entries,
)
from unlost.vault.keys.renewal import finish_renewal, is_unfinished, renew_master
from unlost.vault.keys.service_key import ServiceKey
from unlost.vault.keys.unlock import ByPassphrase, ByRecoverySheet
from unlost.vault.mirror.update import update_mirror
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import open_vault

ENTROPY = SeededEntropy(6)
OTHER = OrgIdentity("fake", "T2", label="Another org")


@pytest.fixture
def small() -> SmallVault:
    """A vault with one night and one slot."""
    made = SmallVault()
    Held(made, "service").add()
    made.night("night-1", ("a", "U", {"Name": "Anna"}))
    made.vault.homes.store_copy(b"settings")
    return made


def begun(small: SmallVault, slot: str) -> Keyring:
    """The moment after which a new master key counts."""
    new = small.keys.successor()
    key = ServiceKey.new(new, entropy=ENTROPY, slot=slot)
    renew_master(small.store, small.keys, new, key=key, sheet_confirmed_at=small.clock.now(),
                 entropy=ENTROPY)  # fmt: skip
    return new


def renewed(small: SmallVault, slot: str = "service-2") -> None:
    small.keys = begun(small, slot)
    finish_renewal(small.store, small.keys)
    small.reopen()
    small.vault.homes.drop_before(small.vault.homes.store_copy(b"settings"))


def by(sheet: RecoverySheet) -> ByRecoverySheet:
    return ByRecoverySheet(sheet.text())


def opens(small: SmallVault, sheet: RecoverySheet) -> str:
    try:
        open_keyring(small.store, by(sheet), entropy=ENTROPY)
    except UnlostError as error:
        return error.code
    return "yes"


def test_the_new_sheet_opens_and_the_old_one_does_not(small: SmallVault) -> None:
    sheets = [recovery_sheet(small.keys)]
    for number in range(2, 5):
        renewed(small, f"service-{number}")
        sheets.append(recovery_sheet(small.keys))
        told = [opens(small, sheet) for sheet in sheets]
        assert told == ["key-outdated"] * (number - 1) + ["yes"]
        assert [state.slot for state in list_slots(small.store, small.keys)] == [
            f"service-{number}"
        ]
        assert whole(small)
    assert small.cells(1)["a"]["Name"] == "Anna"
    assert small.keys.epochs(small.org) == (1, 2, 3, 4)
    again = open_keyring(small.store, by(sheets[-1]), entropy=ENTROPY)
    assert again.masters == small.keys.masters
    assert registered(small.store, again).sheet == small.clock.now().isoformat()


def test_new_objects_are_under_the_new_epoch_and_old_ones_are_read(small: SmallVault) -> None:
    renewed(small)
    info = small.night("night-2", ("b", "U", {"Name": "Bert"}))
    name = f"orgs/{small.org}/commits/{info.number:020d}"
    assert small.vault.sealed.header(name).epoch == 2
    assert small.cells(2).keys() == {"a", "b"}
    assert whole(small)


def test_what_a_thief_had_wraps_nothing_that_is_left(small: SmallVault) -> None:
    before = small.keys
    renewed(small)
    names = [listed.name for listed in small.store.list(f"orgs/{small.org}/keys/")]
    assert names
    for name in names:
        with pytest.raises(IntegrityError):
            Keyring.of_secret(
                small.store, vault=before.vault, secret=before.owner.known_secret(), entropy=ENTROPY
            ).check_copy(name, org=small.org)
    old = Keyring.of_secret(small.store, vault=before.vault, secret=before.owner.known_secret(),
                            entropy=ENTROPY)  # fmt: skip
    assert failing(lambda: old.object_key("pack", org=small.org, name="x", epoch=1),
                   NotAllowed) == "key-outdated"  # fmt: skip
    assert failing(lambda: unlock_keyring(small.store, by(recovery_sheet(before)), entropy=ENTROPY),
                   NotAllowed) == "key-outdated"  # fmt: skip


def test_a_key_that_a_thief_slipped_in_is_never_written_under(small: SmallVault) -> None:
    """He has the earlier master key, and may write to the store."""
    before = small.keys
    renewed(small)
    name = f"{epoch_folder(small.org, 9)}/1"
    small.store.put_new(name, before._wrap(name, bytes(32), org=small.org))
    small.reopen()
    fresh = open_keyring(small.store, by(recovery_sheet(small.keys)), entropy=ENTROPY)
    assert 9 in fresh.epochs(small.org)
    assert fresh.epoch(small.org) == 2


def test_an_entry_that_a_thief_adds_counts_for_nobody(small: SmallVault) -> None:
    """He has the earlier sheet, and signs as the earlier owner."""
    before, old = small.keys, registered(small.store, small.keys)
    renewed(small)
    held = registered(small.store, small.keys)
    put(small, replace(old, number=held.number + 1), before)
    assert opens(small, recovery_sheet(small.keys)) == "yes"
    assert registered(small.store, small.keys) == held
    assert [one.object for one in small.reopen().verify(VerifyLevel.QUICK).damages] == [
        *entry_copies(held.number + 1)
    ]


def put(small: SmallVault, entry: RegisterEntry, keys: Keyring) -> None:
    """An entry that the owner of these keys signed."""
    for name in entry_copies(entry.number):
        assert small.store.put_new(name, encode_entry(entry, sign=keys.owner.sign))


def test_a_renewal_that_was_cut_off_is_finished(small: SmallVault) -> None:
    old = small.keys
    small.keys = begun(small, "service-2")
    assert is_unfinished(small.store, small.keys)
    assert not is_unfinished(small.store, old)
    small.reopen()
    assert small.cells(1)["a"]["Name"] == "Anna"
    assert small.vault.homes.get(1) == b"settings"
    small.night("night-2", ("b", "U", {"Name": "Bert"}))  # which wraps the org's keys by itself
    finish_renewal(small.store, small.keys)
    finish_renewal(small.store, small.keys)
    assert not is_unfinished(small.store, small.keys)
    assert whole(small)
    assert failing(lambda: finish_renewal(small.store, old), NotAllowed) == "key-outdated"


def test_finishing_a_renewal_again_begins_no_other_epoch(small: SmallVault) -> None:
    small.keys = begun(small, "service-2")
    finish_renewal(small.store, small.keys)
    epochs = small.keys.epochs(small.org)
    assert len(epochs) == 2
    finish_renewal(small.store, small.keys)
    assert small.keys.epochs(small.org) == epochs


def test_a_run_from_before_ends_well(small: SmallVault) -> None:
    commit = small.begin("night-2")
    before = small.vault
    added = commit.add("Thing", [rows(("b", "U", {"Name": "Bert"}))])
    renewed(small)
    info = finish(commit, added)
    assert small.reopen().newest_backup(small.org) is not None
    assert small.cells(info.number).keys() == {"a", "b"}
    objects = {one.name for one in small.store.list("")}
    assert failing(lambda: before.ensure_org(OTHER), NotAllowed) == "key-outdated"
    assert {one.name for one in small.store.list("")} == objects
    assert small.reopen().ensure_org(OTHER)
    finish_renewal(small.store, small.keys)
    assert whole(small)


def test_a_copy_of_a_home_under_an_earlier_key_counts_no_more(small: SmallVault) -> None:
    homes = small.vault.homes
    renewed(small)
    forged = homes.store_copy(b"evil")
    assert failing(lambda: small.vault.homes.get(forged), IntegrityError) == "home-copy-outdated"
    assert small.vault.homes.get(forged - 1) == b"settings"


def test_two_who_renew_at_once_are_one_after_the_other(small: SmallVault) -> None:
    first = begun(small, "service-2")
    assert failing(lambda: begun(small, "service-3"), NotAllowed) == "key-outdated"
    finish_renewal(small.store, first)
    small.keys = first
    assert whole(small)


def test_slots_can_be_added_and_repaired_after_it(small: SmallVault) -> None:
    renewed(small)
    held = Held(small, "usb").add()
    assert held.opens() == "yes"
    small.keys.repair_org(small.org)
    lost = f"{small.keys.folders(small.org)[0]}/2"
    small.store.delete(lost)
    assert small.keys.repair_org(small.org) == (lost,)
    remove_slot(small.store, small.keys, "service-2")
    assert whole(small)
    entry = registered(small.store, small.keys)
    assert (entry.generation, len(entry.earlier), len(entry.handovers)) == (2, 1, 1)


def test_with_a_lost_register_everything_is_read_by_the_sheet(small: SmallVault) -> None:
    renewed(small)
    for listed in list(small.store.list("register/")):
        small.store.delete(listed.name)
    assert opens(small, recovery_sheet(small.keys)) == "register-damaged"
    keys = unlock_keyring(small.store, by(recovery_sheet(small.keys)), entropy=ENTROPY)
    vault = open_vault(small.store, keys=keys, clock=small.clock, entropy=ENTROPY)
    assert vault.at(small.org, 1).scan("Thing").read_all().num_rows == 1


def test_a_second_copy_loses_what_opens_no_more(small: SmallVault) -> None:
    mirror = MemoryStore()
    update_mirror(small.vault, mirror)
    renewed(small)
    update_mirror(small.reopen(), mirror)
    assert {one.name for one in mirror.list("")} == {one.name for one in small.store.list("")}
    assert [one.name for one in mirror.list("register/")] == [
        *entry_copies(newest_entry(small.store, small.keys))
    ]


# --- handovers -----------------------------------------------------------------------------------


def test_every_earlier_key_is_told_that_it_is_outdated_over_many_generations(
    small: SmallVault,
) -> None:
    add_words(small)
    held = [Held(small, "service-1").add()]
    for number in range(2, 6):
        renewed(small, f"main-{number}")
        assert [one.opens() for one in held] == ["key-outdated"] * len(held)
        held.append(Held(small, f"service-{number}").add())
        assert held[-1].opens() == "yes"
    entry = registered(small.store, small.keys)
    assert (entry.generation, len(entry.handovers), len(entry.earlier)) == (5, 4, 4)
    assert all(handover.signature for handover in entry.handovers)
    assert [handover.owner for handover in entry.handovers] == [
        one.key.owner.hex() for one in held[:-1]
    ]
    assert whole(small)


def test_the_passphrase_of_an_earlier_owner_opens_nothing(small: SmallVault) -> None:
    add_words(small)
    words = ByPassphrase("lusab babad gutih", slot="words")
    open_keyring(small.store, words, entropy=ENTROPY)
    renewed(small)
    assert (
        failing(lambda: open_keyring(small.store, words, entropy=ENTROPY), NotAllowed)
        == "slot-missing"
    )


def without_signature(entry: RegisterEntry, at: int) -> tuple[Handover, ...]:
    handovers = list(entry.handovers)
    handovers[at] = replace(handovers[at], signature="")
    return tuple(handovers)


SPOILED: dict[str, Callable[[RegisterEntry], tuple[Handover, ...]]] = {
    "none": lambda _: (),
    "first not signed": lambda entry: without_signature(entry, 0),
    "second not signed": lambda entry: without_signature(entry, 1),
    "turned": lambda entry: entry.handovers[::-1],
    "first alone": lambda entry: entry.handovers[:1],
    "second alone": lambda entry: entry.handovers[1:],
    "junk": lambda entry: tuple(replace(one, signature="zz") for one in entry.handovers),
    "short": lambda entry: tuple(replace(one, signature="ab") for one in entry.handovers),
    "of nobody": lambda entry: (Handover("zz", ""), *entry.handovers[1:]),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_key_is_outdated_only_by_an_unbroken_chain_of_signatures(
    small: SmallVault, how: str
) -> None:
    """Otherwise a stranger could tell every home that its key is outdated."""
    first = Held(small, "first").add()
    renewed(small)
    second = Held(small, "second").add()
    renewed(small, "service-3")
    third = Held(small, "third").add()
    entry = registered(small.store, small.keys)
    assert (first.opens(), second.opens(), third.opens()) == ("key-outdated", "key-outdated", "yes")
    for name in entry_copies(entry.number):
        small.store.delete(name)
    put(small, replace(entry, handovers=SPOILED[how](entry)), small.keys)
    outdated = {"first not signed": ("register-damaged", "key-outdated"),
                "second alone": ("register-damaged", "key-outdated"),
                "of nobody": ("register-damaged", "key-outdated")}  # fmt: skip
    lost = ("register-damaged", "register-damaged")
    assert (first.opens(), second.opens()) == outdated.get(how, lost)
    assert third.opens() == "yes"


def test_a_stranger_cannot_declare_a_key_outdated(small: SmallVault) -> None:
    held = Held(small, "usb").add()
    stranger = Keyring.of_secret(
        small.store, vault=small.keys.vault, secret=b"t" * 32, entropy=ENTROPY
    )
    entry = registered(small.store, small.keys)
    own, other = small.keys.owner, stranger.owner
    forged = [
        Handover(own.public.hex(), ""),
        Handover(own.public.hex(), other.sign(b"anything").hex()),
        Handover(own.public.hex(), own.sign(b"something else").hex()),
    ]
    for number, handover in enumerate(forged, entry.number + 1):
        put(small, replace(entry, number=number, owner=other.public.hex(), handovers=(handover,)),
            stranger)  # fmt: skip
    assert held.opens() == "yes"
    assert len(strange_entries(small.store, small.keys)) == 9


def test_a_handover_counts_only_in_an_entry_that_the_next_owner_signed(small: SmallVault) -> None:
    held, before = Held(small, "usb").add(), small.keys
    renewed(small)
    entry = registered(small.store, small.keys)
    for name in entry_copies(entry.number):
        small.store.delete(name)
    stranger = Keyring.of_secret(small.store, vault=before.vault, secret=b"t" * 32, entropy=ENTROPY)
    put(small, entry, stranger)
    assert held.opens() == "register-damaged"
    assert entry.handovers[0].owner == before.owner.public.hex()


# --- a vault that was renewed very often ----------------------------------------------------------


def test_a_vault_with_three_hundred_earlier_master_keys_opens(small: SmallVault) -> None:
    """A number of two bytes is bound into each; one byte would end at 255."""
    before, present = small.keys, registered(small.store, small.keys)
    earlier = (before.master(), *(number.to_bytes(32) for number in range(2, 301)))
    new = Keyring.of_secret(small.store, vault=before.vault, secret=b"n" * 32, entropy=ENTROPY,
                            earlier=earlier)  # fmt: skip
    assert new.generation == 301
    new.inherit(before, orgs=[small.org])
    entry = replace(present, owner=new.owner.public.hex(), generation=301,
                    earlier=sealed_earlier(new), checks=new.inherited)  # fmt: skip
    assert append_entry(small.store, new, entry, after=present.number,
                        owner=before.owner.public) is not None  # fmt: skip
    keys = open_keyring(small.store, by(recovery_sheet(new)), entropy=ENTROPY)
    assert keys.masters == (*earlier, new.master())
    finish_renewal(small.store, keys)
    assert not is_unfinished(small.store, keys)
    small.keys = open_keyring(small.store, by(recovery_sheet(new)), entropy=ENTROPY)
    small.reopen()
    small.vault.homes.drop_before(small.vault.homes.store_copy(b"settings"))
    assert small.cells(1)["a"]["Name"] == "Anna"
    small.night("night-2", ("b", "U", {"Name": "Bert"}))
    assert small.cells(2).keys() == {"a", "b"}
    assert Held(small, "usb").add().opens() == "yes"
    renewed(small)
    assert small.keys.generation == 302
    assert small.cells(2).keys() == {"a", "b"}
    assert whole(small)


def test_earlier_master_keys_that_changed_places_are_damage(small: SmallVault) -> None:
    renewed(small)
    renewed(small, "service-3")
    entry = registered(small.store, small.keys)
    for name in entry_copies(entry.number):
        small.store.delete(name)
    put(small, replace(entry, earlier=entry.earlier[::-1]), small.keys)
    assert opens(small, recovery_sheet(small.keys)) == "register-damaged"


# --- the sheet was lost ---------------------------------------------------------------------------


def lost_sheet(small: SmallVault, held: Held, slot: str = "service-2") -> Keyring:
    """The moment after which a master key counts that was renewed with a key file alone."""
    keys = held.keyring()
    new = keys.successor()
    key = ServiceKey.new(new, entropy=ENTROPY, slot=slot)
    renew_master(small.store, keys, new, key=key, sheet_confirmed_at=small.clock.now(),
                 entropy=ENTROPY)  # fmt: skip
    return new


def test_a_key_file_renews_a_vault_whose_sheet_was_lost(small: SmallVault) -> None:
    service, other = Held(small, "first").add(), Held(small, "other").add()
    small.keys = lost_sheet(small, service)
    finish_renewal(small.store, small.keys)
    assert (service.opens(), other.opens()) == ("register-damaged", "register-damaged")
    assert opens(small, recovery_sheet(small.keys)) == "yes"
    assert [one.slot for one in list_slots(small.store, small.keys)] == ["service-2"]
    entry = registered(small.store, small.keys)
    assert entry.handovers == (Handover(service.key.owner.hex(), ""),)
    assert entry.sheet == small.clock.now().isoformat()
    small.reopen()
    small.vault.homes.drop_before(small.vault.homes.store_copy(b"settings"))
    assert small.cells(1)["a"]["Name"] == "Anna"
    small.night("night-2", ("b", "U", {"Name": "Bert"}))
    assert small.cells(2).keys() == {"a", "b"}
    assert whole(small)
    assert not is_unfinished(small.store, small.keys)


def test_a_lost_sheet_that_was_found_again_opens_nothing_new(small: SmallVault) -> None:
    found = recovery_sheet(small.keys)
    small.keys = lost_sheet(small, Held(small, "first").add())
    finish_renewal(small.store, small.keys)
    small.reopen()
    small.night("night-2", ("b", "U", {"Name": "Bert"}))
    keys = unlock_keyring(small.store, by(found), entropy=ENTROPY)
    vault = open_vault(small.store, keys=keys, clock=small.clock, entropy=ENTROPY)
    for call in (lambda: vault.at(small.org, 1), lambda: vault.at(small.org, 2)):
        assert failing(call, UnlostError) in ("key-outdated", "org-key-lost")
    assert failing(lambda: registered(small.store, keys), IntegrityError) == "register-damaged"


def test_a_renewal_with_a_lost_sheet_that_was_cut_off_is_finished(small: SmallVault) -> None:
    """The machine died before the entries of the earlier owner were removed."""
    service = Held(small, "first").add()
    earlier = registered(small.store, small.keys)
    before = small.keys
    small.keys = lost_sheet(small, service)
    put(small, earlier, before)
    assert service.unlock(small.store).entry == earlier
    assert is_unfinished(small.store, small.keys)
    finish_renewal(small.store, small.keys)
    assert service.opens() == "register-damaged"
    assert list(listed_entries(small.store)) == [newest_entry(small.store, small.keys)]
    assert not is_unfinished(small.store, small.keys)


def test_generations_after_a_lost_sheet_hand_over_again(small: SmallVault) -> None:
    first = Held(small, "first").add()
    small.keys = lost_sheet(small, first)
    finish_renewal(small.store, small.keys)
    second = Held(small, "second").add()
    renewed(small, "service-3")
    assert (first.opens(), second.opens()) == ("register-damaged", "key-outdated")
    entry = registered(small.store, small.keys)
    assert [bool(handover.signature) for handover in entry.handovers] == [False, True]
    found = find_entry(small.store, owner=small.keys.owner.public)
    assert found is not None
    assert whole(small)
