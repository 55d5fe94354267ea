"""Somebody has an earlier master key and may write to the store: what he puts there counts for nothing."""

from dataclasses import replace

import pytest

from fakes.keeping_store import KeepingStore
from smallvault import SmallVault
from unit.vault.test_key_slots import Held, failing, whole
from unit.vault.test_renewal import ENTROPY, begun, by, lost_sheet, opens, put, renewed
from unlost.model.errors import IntegrityError, NotAllowed, NotFound, StoreError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.vault.format.register import encode_entry, entry_copies, entry_name
from unlost.vault.format.slots import SlotHolds, SlotPlace, wrap_key
from unlost.vault.keys.derivation import epoch_folder, identity_folder
from unlost.vault.keys.founding import recovery_sheet
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.key_slots import remove_slot
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.register import (
    handed_over,
    newest_entry,
    registered,
    repair_register,
    strange_entries,
)
from unlost.vault.keys.renewal import finish_renewal, is_unfinished, strange_keys

KNOWN = b"T" * 32  # a key that the thief knows


@pytest.fixture
def small() -> SmallVault:
    made = SmallVault()
    Held(made, "service").add()
    made.night("night-1", ("a", "U", {"Name": "Anna"}))
    made.vault.homes.store_copy(b"settings")
    return made


def fresh(small: SmallVault) -> Keyring:
    """The keys as a new process has them."""
    return open_keyring(small.store, by(recovery_sheet(small.keys)), entropy=ENTROPY)


def slip_in(small: SmallVault, thief: Keyring, base: str) -> None:
    for copy in (1, 2, 3):
        name = f"{base}/{copy}"
        small.store.delete(name)
        small.store.put_new(name, thief._wrap(name, KNOWN, org=small.org))


def writes_under_known(small: SmallVault, keys: Keyring) -> bool:
    base = epoch_folder(small.org, keys.epoch(small.org))
    return keys._key(base, org=small.org) == KNOWN


def damaged(small: SmallVault) -> list[str]:
    return [one.object for one in small.reopen().verify(VerifyLevel.FULL).damages]


def test_an_epoch_that_a_thief_put_after_a_renewal_is_never_taken_over(small: SmallVault) -> None:
    thief = small.keys
    renewed(small)
    base = epoch_folder(small.org, 7)
    slip_in(small, thief, base)
    assert not is_unfinished(small.store, small.keys)
    assert damaged(small) == [f"{base}/{copy}" for copy in (1, 2, 3)]
    assert not writes_under_known(small, fresh(small))
    with pytest.raises(IntegrityError):
        fresh(small).object_key("pack", org=small.org, name="x", epoch=7)
    finish_renewal(small.store, small.keys)
    assert not writes_under_known(small, fresh(small))
    assert whole(small)
    renewed(small, "service-3")
    assert not writes_under_known(small, fresh(small))


def test_a_planted_key_is_not_inherited_by_the_next_renewal(small: SmallVault) -> None:
    """Nobody has cleaned up before."""
    thief = small.keys
    renewed(small)
    base = epoch_folder(small.org, 7)
    slip_in(small, thief, base)
    small.keys = begun(small, "service-3")
    assert base not in small.keys.inherited
    assert base not in registered(small.store, small.keys).checks
    finish_renewal(small.store, small.keys)
    assert not writes_under_known(small, fresh(small))
    small.vault.homes.drop_before(small.reopen().homes.store_copy(b"settings"))
    assert small.cells(1)["a"]["Name"] == "Anna"
    assert whole(small)


def test_a_key_that_is_put_between_a_renewal_and_its_end_is_not_taken_over(
    small: SmallVault,
) -> None:
    thief = small.keys
    small.keys = begun(small, "service-2")
    slip_in(small, thief, epoch_folder(small.org, 2))
    assert not writes_under_known(small, fresh(small))
    finish_renewal(small.store, fresh(small))
    assert not writes_under_known(small, fresh(small))
    small.keys = fresh(small)
    assert small.reopen().at(small.org, 1).scan("Thing").read_all().num_rows == 1
    assert whole(small)


@pytest.mark.parametrize("base", ["epoch", "identity"])
def test_a_key_that_was_exchanged_is_told_from_the_one_that_counts(
    small: SmallVault, base: str
) -> None:
    folder = epoch_folder(small.org, 1) if base == "epoch" else identity_folder(small.org)
    thief, kept = small.keys, small.store.get(f"{folder}/2")
    small.keys = begun(small, "service-2")
    slip_in(small, thief, folder)
    small.store.delete(f"{folder}/2")
    small.store.put_new(f"{folder}/2", kept)  # one is left
    finish_renewal(small.store, fresh(small))
    small.keys = fresh(small)
    small.reopen()
    assert small.cells(1)["a"]["Name"] == "Anna"
    assert whole(small)


@pytest.mark.parametrize("copies", [(1,), (1, 2, 3)])
@pytest.mark.parametrize("bases", [("00000001",), ("00000001", "identity")])
def test_junk_that_waits_where_a_renewal_writes_defeats_nothing(
    small: SmallVault, copies: tuple[int, ...], bases: tuple[str, ...]
) -> None:
    before = small.keys._key(epoch_folder(small.org, 1), org=small.org)
    for base in bases:
        for copy in copies:
            small.store.put_new(f"orgs/{small.org}/keys/{base}.00000002/{copy}", b"junk")
    small.keys = begun(small, "service-2")
    finish_renewal(small.store, small.keys)
    small.keys = fresh(small)
    small.reopen()
    assert small.cells(1)["a"]["Name"] == "Anna"
    epoch = epoch_folder(small.org, small.keys.epoch(small.org))
    assert small.keys._key(epoch, org=small.org) != before
    assert whole(small)


def test_junk_of_a_generation_to_come_is_named_and_removed(small: SmallVault) -> None:
    names = [f"orgs/{small.org}/keys/{base}/1" for base in ("00000001.00000009", "x")]
    for name in names:
        small.store.put_new(name, b"junk")
    assert damaged(small) == names
    assert strange_keys(small.store, small.keys) == tuple(names)
    assert not is_unfinished(small.store, small.keys)
    assert small.cells(1)["a"]["Name"] == "Anna"
    finish_renewal(small.store, small.keys)
    assert whole(small)


def test_a_lost_writing_epoch_is_followed_by_another_one(small: SmallVault) -> None:
    """Never by one from before, which the thief knows."""
    renewed(small)
    for copy in (1, 2, 3):
        small.store.delete(f"{epoch_folder(small.org, 2, 2)}/{copy}")
    assert fresh(small).epoch(small.org) == 2


# --- the register --------------------------------------------------------------------------------


def spoil(small: SmallVault, name: str, how: str) -> None:
    data = small.store.get(name)
    small.store.delete(name)
    if how == "spoiled":
        small.store.put_new(name, data[:50] + bytes([data[50] ^ 1]) + data[51:])


@pytest.mark.parametrize("how", ["gone", "spoiled"])
def test_lost_copies_after_a_renewal_lock_nobody_out(small: SmallVault, how: str) -> None:
    renewed(small)
    first, second, third = entry_copies(newest_entry(small.store, small.keys))
    for name in (first, third):
        spoil(small, name, how)
        assert opens(small, recovery_sheet(small.keys)) == "yes"
        assert name in damaged(small)
    repair_register(small.store, small.keys)
    assert whole(small)
    spoil(small, second, how)
    assert repair_register(small.store, small.keys) == (second,)
    assert whole(small)


@pytest.mark.parametrize("how", ["gone", "spoiled"])
def test_where_all_copies_are_lost_the_register_is_named(small: SmallVault, how: str) -> None:
    renewed(small)
    for name in entry_copies(newest_entry(small.store, small.keys)):
        spoil(small, name, how)
    with pytest.raises(IntegrityError) as caught:
        fresh(small)
    assert caught.value.code == "register-damaged"
    assert "register/" in caught.value.sentence


def test_a_vault_file_that_is_damaged_is_still_called_so(small: SmallVault) -> None:
    data = small.store.get("vault.json")
    small.store.delete("vault.json")
    small.store.put_new("vault.json", data.replace(b"2026", b"2027"))
    assert opens(small, recovery_sheet(small.keys)) == "vault-file-damaged"


@pytest.mark.parametrize("junk", [b"x", b"[1]", b'{"generation":9}', b'{"generation":-3}'])
def test_a_junk_entry_lets_nobody_in_again(small: SmallVault, junk: bytes) -> None:
    sheet = recovery_sheet(small.keys)
    safe = Held(small, "safe").add()
    old = registered(small.store, small.keys)
    data = encode_entry(old, sign=small.keys.owner.sign)
    remove_slot(small.store, small.keys, "safe")
    small.store.put_new(entry_copies(old.number)[0], data)
    small.store.put_new(entry_copies(99)[0], junk)
    assert safe.opens() == "slot-missing"
    assert opens(small, sheet) == "yes"
    renewed(small)
    assert opens(small, sheet) == "key-outdated"
    assert opens(small, recovery_sheet(small.keys)) == "yes"
    Held(small, "usb").add()
    remove_slot(small.store, small.keys, "service-2")
    assert damaged(small) == [entry_copies(99)[0]]
    repair_register(small.store, small.keys)
    assert whole(small)


def test_an_entry_of_an_earlier_owner_is_strange_where_it_comes_later(small: SmallVault) -> None:
    thief, old = small.keys, registered(small.store, small.keys)
    renewed(small)
    number = registered(small.store, small.keys).number + 1
    for forged in (number, 20):
        put(small, replace(old, number=forged, slots={}), thief)
    assert strange_entries(small.store, small.keys) == [*entry_copies(number), *entry_copies(20)]
    Held(small, "usb").add()
    repair_register(small.store, small.keys)
    assert whole(small)


def test_an_earlier_owner_hands_the_vault_over_to_nobody_else(small: SmallVault) -> None:
    """He signs a second handover, to a key of his own."""
    before, old = small.keys, registered(small.store, small.keys)
    renewed(small)
    held = Held(small, "usb").add()
    mine = before.successor()
    forged = replace(old, number=30, owner=mine.owner.public.hex(), generation=2,
                     handovers=handed_over(before, mine, old))  # fmt: skip
    put(small, forged, mine)
    assert held.opens() == "yes"
    assert registered(small.store, small.keys).number < 30
    assert opens(small, recovery_sheet(small.keys)) == "yes"
    assert strange_entries(small.store, small.keys) == [*entry_copies(30)]


def test_an_outdated_key_mends_nothing(small: SmallVault) -> None:
    before = small.keys
    renewed(small)
    assert failing(lambda: repair_register(small.store, before), NotAllowed) == "key-outdated"
    assert failing(lambda: strange_entries(small.store, before), NotAllowed) == "key-outdated"
    assert newest_entry(small.store, before) == 0
    assert whole(small)


def test_names_that_are_no_slots_stop_nothing(small: SmallVault) -> None:
    name = f"{entry_name(1)}/a.b/1"
    small.store.put_new(name, b"x")
    assert damaged(small) == [name]
    renewed(small)
    remove_code = failing(lambda: remove_slot(small.store, small.keys, "a.b"), NotFound)
    assert remove_code == "slot-unknown"
    assert damaged(small) == [name]


# --- a thief of the service key ------------------------------------------------------------------


@pytest.fixture
def kept() -> SmallVault:
    """A vault in which the thief may only add objects."""
    made = SmallVault(store=KeepingStore())
    Held(made, "service").add()
    made.night("night-1", ("a", "U", {"Name": "Anna"}))
    return made


def test_a_thief_of_the_service_key_who_may_only_add_renews_nothing(kept: SmallVault) -> None:
    service = Held(kept, "stolen").add()
    sheet, held = recovery_sheet(kept.keys), registered(kept.store, kept.keys)
    with pytest.raises(StoreError) as error:
        lost_sheet(kept, service)
    assert error.value.code == "store-may-not-delete"
    assert service.opens() == "yes"
    assert opens(kept, sheet) == "yes"
    assert registered(kept.store, kept.keys) == held
    assert strange_entries(kept.store, kept.keys) == [*entry_copies(held.number + 1)]
    assert damaged(kept) == [*entry_copies(held.number + 1)]
    kept.night("night-2", ("b", "U", {"Name": "Bert"}))
    Held(kept, "usb").add()
    assert registered(kept.store, kept.keys).slots.keys() == {"service", "stolen", "usb"}
    assert kept.cells(2).keys() == {"a", "b"}
    assert isinstance(kept.store, KeepingStore)
    kept.store.may_delete = True
    repair_register(kept.store, kept.keys)
    assert whole(kept)


def test_a_thief_of_the_service_key_adds_no_slot_by_an_entry_of_his_own(kept: SmallVault) -> None:
    stolen = Held(kept, "service-2").add().keyring()
    present = registered(kept.store, kept.keys)
    mine = Keyring.of_secret(kept.store, vault=stolen.vault, secret=KNOWN, entropy=ENTROPY)
    wrapped = Held(kept, "mine")
    slot = wrap_key(stolen.master(), holds=SlotHolds.MASTER, stretch=None,
                    place=SlotPlace(stolen.vault.hex(), 1, "mine"),
                    key=wrapped.key.wrapping_key("mine", None), nonce=b"n" * 12)  # fmt: skip
    forged = replace(present, number=present.number + 1, slots={"mine": slot})
    put(kept, forged, mine)
    put(kept, replace(forged, number=forged.number + 1, owner=mine.owner.public.hex()), mine)
    assert wrapped.opens() == "slot-missing"
    assert registered(kept.store, kept.keys) == present
    assert len(damaged(kept)) == 6


def test_the_own_entry_of_a_thief_opens_for_nobody_but_the_thief(kept: SmallVault) -> None:
    """A key file that names the thief as the owner opens what he made, and no honest key does."""
    present = registered(kept.store, kept.keys)
    mine = Keyring.of_secret(kept.store, vault=kept.keys.vault, secret=KNOWN, entropy=ENTROPY)
    put(kept, replace(present, number=9, owner=mine.owner.public.hex()), mine)
    assert opens(kept, recovery_sheet(mine)) == "vault-file-damaged"
    assert opens(kept, recovery_sheet(kept.keys)) == "yes"
