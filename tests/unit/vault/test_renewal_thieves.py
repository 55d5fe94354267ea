"""Somebody has an earlier master key and may write to the store: what he puts there counts for nothing."""

import pytest

from smallvault import SmallVault
from unit.vault.test_key_slots import Held, failing, whole
from unit.vault.test_renewal import ENTROPY, begun, by, opens, renewed
from unlost.model.errors import IntegrityError, NotAllowed
from unlost.model.vault.snapshot import VerifyLevel
from unlost.vault.format.register import Register, register_name
from unlost.vault.keys.hierarchy import Keyring, epoch_folder, identity_folder
from unlost.vault.keys.key_slots import remove_slot
from unlost.vault.keys.opening import open_keyring, recovery_sheet
from unlost.vault.keys.register import (
    ENTRIES,
    _put,
    entry_numbers,
    is_single,
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


@pytest.mark.parametrize("how", ["gone", "spoiled"])
def test_one_lost_entry_after_a_renewal_locks_nobody_out(small: SmallVault, how: str) -> None:
    renewed(small)
    for number in entry_numbers(small.store)[: ENTRIES - 1]:
        spoil(small, number, how)
        assert opens(small, recovery_sheet(small.keys)) == "yes"
        assert register_name(number) in damaged(small) or how == "gone"
    assert is_single(small.store, small.keys)
    assert is_unfinished(small.store, small.keys)
    if how == "spoiled":
        repair_register(small.store, small.keys)
    finish_renewal(small.store, small.keys)
    assert not is_single(small.store, small.keys)
    assert whole(small)


def spoil(small: SmallVault, number: int, how: str) -> None:
    name = register_name(number)
    data = small.store.get(name)
    small.store.delete(name)
    if how == "spoiled":
        small.store.put_new(name, data[:50] + bytes([data[50] ^ 1]) + data[51:])


@pytest.mark.parametrize("how", ["gone", "spoiled"])
def test_where_all_entries_are_lost_the_register_is_named(small: SmallVault, how: str) -> None:
    renewed(small)
    numbers = entry_numbers(small.store)
    for number in numbers:
        spoil(small, number, how)
    with pytest.raises(IntegrityError) as caught:
        fresh(small)
    assert caught.value.code == "register-damaged"
    assert (register_name(numbers[0]) if how == "spoiled" else "“slots/”") in caught.value.sentence


def test_a_vault_file_that_is_damaged_is_still_called_so(small: SmallVault) -> None:
    data = small.store.get("vault.json")
    small.store.delete("vault.json")
    small.store.put_new("vault.json", data.replace(b"2026", b"2027"))
    assert opens(small, recovery_sheet(small.keys)) == "vault-file-damaged"


@pytest.mark.parametrize("junk", [b"x", b"[1]", b'{"master":9}', b'{"master":-3}'])
def test_a_junk_entry_lets_nobody_in_again(small: SmallVault, junk: bytes) -> None:
    sheet = recovery_sheet(small.keys)
    safe = Held(small, "safe").add()
    copy = small.store.get("keys/safe/1")
    remove_slot(small.store, small.keys, "safe")
    small.store.put_new("keys/safe/1", copy)
    small.store.put_new("slots/00000099", junk)
    assert safe.opens() == "slot-removed"
    assert opens(small, sheet) == "yes"
    renewed(small)
    assert opens(small, sheet) == "key-outdated"
    assert opens(small, recovery_sheet(small.keys)) == "yes"
    Held(small, "usb").add()
    remove_slot(small.store, small.keys, "service-2")
    assert damaged(small) == ["slots/00000099"]
    repair_register(small.store, small.keys)
    assert whole(small)


def test_an_entry_of_an_earlier_key_is_strange_where_it_comes_later(small: SmallVault) -> None:
    thief = small.keys
    renewed(small)
    small.store.put_new("slots/00000020", small.store.get("slots/00000001"))
    forged = registered(small.store, small.keys).number + 1
    _put(small.store, thief, Register(thief.vault.hex(), forged, {"evil": "00" * 32}))
    assert strange_entries(small.store, small.keys) == [20, forged]
    Held(small, "usb").add()
    repair_register(small.store, small.keys)
    assert whole(small)


def test_an_outdated_key_mends_nothing(small: SmallVault) -> None:
    before = small.keys
    renewed(small)
    assert failing(lambda: repair_register(small.store, before), NotAllowed) == "key-outdated"
    assert whole(small)


def test_names_that_are_no_slots_stop_nothing(small: SmallVault) -> None:
    small.store.put_new("keys/a.b/1", b"x")
    assert damaged(small) == ["keys/a.b/1"]
    renewed(small)
    remove_code = failing(lambda: remove_slot(small.store, small.keys, "a.b"), Exception)
    assert remove_code == "slot-unknown"
    assert damaged(small) == ["keys/a.b/1"]
