"""Proving ``vault.json``, the slots and the wrapped keys, each copy of its own."""

from functools import partial

from unlost.model.store import Store
from unlost.vault.format.vaultjson import MAC_LABEL, VAULT_FILE, prove_vault_file
from unlost.vault.keys import COPIES, Keyring, epoch_folder, identity_folder
from unlost.vault.opening import check_slot_copy, slots
from unlost.vault.unlock import slot_copies
from unlost.vault.verify.ledger import Ledger

_FIRST_EPOCH = 1


def check_vault_file(store: Store, keys: Keyring, ledger: Ledger) -> None:
    """Every byte of ``vault.json``."""

    def prove() -> None:
        data = store.get(VAULT_FILE)
        ledger.saw(len(data))
        prove_vault_file(data, mac=partial(keys.mac, MAC_LABEL))

    ledger.attempt(VAULT_FILE, prove)


def check_slots(store: Store, keys: Keyring, ledger: Ledger) -> None:
    """Three copies of each slot, proved without their secrets."""
    for slot in slots(store):
        for name in slot_copies(slot):
            ledger.saw(store.size(name) or 0)
            ledger.attempt(name, partial(check_slot_copy, store, keys, name))


def check_org_keys(store: Store, keys: Keyring, org: str, ledger: Ledger) -> None:
    """Three copies of the identity key and of each epoch's key."""
    epochs = {_FIRST_EPOCH, *keys.epochs(org)}
    folders = [identity_folder(org), *(epoch_folder(org, epoch) for epoch in sorted(epochs))]
    for name in (f"{folder}/{copy}" for folder in folders for copy in COPIES):
        ledger.saw(store.size(name) or 0)
        ledger.attempt(name, partial(keys.check_copy, name, org=org))
