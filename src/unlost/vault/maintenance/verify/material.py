"""Verification of ``vault.json``, slots and wrapped keys, each copy separately."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from itertools import pairwise

from unlost.model.vault.store import Store
from unlost.vault.format.register import Register, register_name
from unlost.vault.format.shredded import SHREDDED, shredded_copies
from unlost.vault.format.vaultjson import MAC_LABEL, VAULT_FILE, prove_vault_file
from unlost.vault.keys.hierarchy import COPIES, Keyring
from unlost.vault.keys.opening import check_slot_copy, slots, strange_slots
from unlost.vault.keys.register import digest_of, entry_numbers, read_entry
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.keys.shred_proofs import read_proof, shredded_orgs
from unlost.vault.keys.unlock import slot_copies
from unlost.vault.maintenance.verify.verify_result import MISSING, VerifyFindings
from unlost.vault.objects.home_copies import VaultHomes, name_of

STRANGE = "The vault does not use it: Unlost did not create it."


def check_vault_file(store: Store, keys: Keyring, findings: VerifyFindings) -> None:
    """Check every byte of ``vault.json``."""

    def prove() -> None:
        data = store.get(VAULT_FILE)
        findings.count_object(len(data))
        prove_vault_file(data, mac=partial(keys.mac, MAC_LABEL, generation=1))

    findings.attempt(VAULT_FILE, prove)


def check_slots(store: Store, keys: Keyring, findings: VerifyFindings, *, entries: int) -> None:
    """Check three copies of each slot that exists or should, without its secret.

    ``entries``: number of entries of the register that a commit refers to.
    """
    expected = _check_register(store, keys, findings, entries=entries)
    for name in strange_slots(store):
        findings.damage(name, STRANGE)
    for slot in sorted({*slots(store), *(expected or ())}):
        for name in slot_copies(slot):
            findings.count_object(store.size(name) or 0)
            findings.attempt(name, partial(check_slot_copy, store, keys, name))
            if expected is not None and store.size(name) is not None:
                _check_listed(store, findings, name, expected.get(slot))


def _check_register(
    store: Store, keys: Keyring, findings: VerifyFindings, *, entries: int
) -> Mapping[str, str] | None:
    """Return the slots of the newest valid entry of the register; None without a valid one."""
    newest: Register | None = None
    master, whole = 1, 0
    numbers = sorted(entry_numbers(store))
    for number in numbers:
        name = register_name(number)
        findings.count_object(store.size(name) or 0)
        register = findings.attempt(name, partial(read_entry, store, keys, number))
        if register is None:
            continue
        if register.master < master:
            findings.damage(name, "It was created with an earlier master key.")
            continue
        master, whole, newest = register.master, number, register
    top = max(1, entries, whole)
    for before, after in pairwise((0, *(entry for entry in numbers if entry <= top), top + 1)):
        _check_gap(findings, before, after, name_of=register_name)
    return newest.slots if newest is not None else None


def _check_gap(
    findings: VerifyFindings, before: int, after: int, *, name_of: Callable[[int], str]
) -> None:
    """Report a gap between two numbers once, by the name of the last missing object."""
    if (gap := after - before - 1) > 0:
        problem = MISSING if gap == 1 else f"It is missing, and {gap - 1} more before it."
        findings.damage(name_of(after - 1), problem)


def _check_listed(store: Store, findings: VerifyFindings, name: str, digest: str | None) -> None:
    if digest is None:
        findings.damage(name, "The vault has no such slot, or the slot was removed.")
    elif digest_of(store.get(name)) != digest:
        findings.damage(name, "It differs from the slot in the vault's register.")


def check_homes(sealed: SealedObjects, findings: VerifyFindings) -> None:
    """Check every byte of the copies of homes, which are few and small; gaps are damage."""
    homes = VaultHomes(sealed)
    numbers = homes.numbers()
    for number in numbers:
        name = name_of(number)
        if sealed.store.size(name) is None and number < homes.numbers()[0]:
            continue  # a newer copy replaced the oldest one during this check
        findings.count_object(sealed.store.size(name) or 0)
        findings.attempt(name, partial(homes.get, number))
    for before, after in pairwise(numbers):
        _check_gap(findings, before, after, name_of=name_of)


def check_shredded(sealed: SealedObjects, findings: VerifyFindings) -> None:
    """Check every byte of the proofs of shredded orgs."""
    store, keys = sealed.store, sealed.keys
    there = [listed.name for listed in store.list(SHREDDED)]
    expected = [name for org in shredded_orgs(store, keys) for name in shredded_copies(org)]
    for name in sorted({*there, *expected}):
        findings.count_object(store.size(name) or 0)
        findings.attempt(name, partial(read_proof, store, keys, name))


def check_org_keys(
    store: Store, keys: Keyring, org: str, findings: VerifyFindings, *, named: Collection[int]
) -> None:
    """Check three copies of the identity key and of each epoch's key.

    ``named``: epochs that manifests name. A lost key is damage even if nothing of it is left.
    """
    for name in (
        f"{folder}/{copy}" for folder in keys.folders(org, named=named) for copy in COPIES
    ):
        findings.count_object(store.size(name) or 0)
        findings.attempt(name, partial(keys.check_copy, name, org=org))
    for name in keys.strange_copies(org):
        findings.damage(name, STRANGE)
