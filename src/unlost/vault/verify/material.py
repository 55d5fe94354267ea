"""Proving ``vault.json``, the slots and the wrapped keys, each copy of its own."""

from collections.abc import Mapping
from functools import partial

from unlost.model.store import Store
from unlost.vault.format.register import Register, register_name
from unlost.vault.format.shredded import SHREDDED
from unlost.vault.format.vaultjson import MAC_LABEL, VAULT_FILE, prove_vault_file
from unlost.vault.homes import VaultHomes, name_of
from unlost.vault.keys import COPIES, Keyring
from unlost.vault.opening import check_slot_copy, slots
from unlost.vault.register import digest_of, newest_entry, read_entry
from unlost.vault.sealing import SealedObjects
from unlost.vault.shred import read_proof
from unlost.vault.unlock import slot_copies
from unlost.vault.verify.ledger import Ledger


def check_vault_file(store: Store, keys: Keyring, ledger: Ledger) -> None:
    """Every byte of ``vault.json``."""

    def prove() -> None:
        data = store.get(VAULT_FILE)
        ledger.saw(len(data))
        prove_vault_file(data, mac=partial(keys.mac, MAC_LABEL, generation=1))

    ledger.attempt(VAULT_FILE, prove)


def check_slots(store: Store, keys: Keyring, ledger: Ledger, *, entries: int) -> None:
    """Three copies of each slot that there is or should be, proved without their secrets.

    ``entries``: how many entries of the register some commit has seen.
    """
    expected = _check_register(store, keys, ledger, entries=entries)
    for slot in sorted({*slots(store), *(expected or ())}):
        for name in slot_copies(slot):
            ledger.saw(store.size(name) or 0)
            ledger.attempt(name, partial(check_slot_copy, store, keys, name))
            if expected is not None and store.size(name) is not None:
                _check_listed(store, ledger, name, expected.get(slot))


def _check_register(
    store: Store, keys: Keyring, ledger: Ledger, *, entries: int
) -> Mapping[str, str] | None:
    """The slots by the newest entry of the register; None if that is damaged."""
    found: Register | None = None
    master = 1
    for number in range(1, max(1, entries, newest_entry(store)) + 1):
        name = register_name(number)
        ledger.saw(store.size(name) or 0)
        found = ledger.attempt(name, partial(read_entry, store, keys, number))
        if found is not None and found.master < master:
            ledger.damage(name, "Somebody made it with an earlier master key.")
            found = None
        master = found.master if found is not None else master
    return found.slots if found is not None else None


def _check_listed(store: Store, ledger: Ledger, name: str, digest: str | None) -> None:
    if digest is None:
        ledger.damage(name, "The vault has no such slot, or none any more.")
    elif digest_of(store.get(name)) != digest:
        ledger.damage(name, "It is not the slot that the vault's register lists.")


def check_homes(sealed: SealedObjects, ledger: Ledger) -> None:
    """Every byte of the copies of homes: they are few, and small. Gaps between them are damage."""
    homes = VaultHomes(sealed)
    numbers = homes.numbers()
    for number in range(numbers[0], numbers[-1] + 1) if numbers else ():
        name = name_of(number)
        if sealed.store.size(name) is None and number < homes.numbers()[0]:
            continue  # it was the oldest, and had to go while others were looked at
        ledger.saw(sealed.store.size(name) or 0)
        ledger.attempt(name, partial(homes.get, number))


def check_shredded(sealed: SealedObjects, ledger: Ledger) -> None:
    """Every byte of the proofs of orgs that were shredded."""
    for listed in list(sealed.store.list(SHREDDED)):
        ledger.saw(listed.size)
        ledger.attempt(listed.name, partial(read_proof, sealed.store, sealed.keys, listed.name))


def check_org_keys(store: Store, keys: Keyring, org: str, ledger: Ledger) -> None:
    """Three copies of the identity key and of each epoch's key."""
    for name in (f"{folder}/{copy}" for folder in keys.folders(org) for copy in COPIES):
        ledger.saw(store.size(name) or 0)
        ledger.attempt(name, partial(keys.check_copy, name, org=org))
