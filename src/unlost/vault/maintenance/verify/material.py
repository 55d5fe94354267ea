"""Verification of ``vault.json``, the register and wrapped keys, each copy separately."""

from collections.abc import Callable, Collection
from functools import partial
from itertools import pairwise

from unlost.model.vault.store import Store
from unlost.vault.format.register import REGISTER, entry_copies, entry_name, entry_number
from unlost.vault.format.vaultjson import MAC_LABEL, VAULT_FILE, prove_vault_file
from unlost.vault.keys.derivation import COPIES
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.register import StoredEntry, find_entry, lacking_copies
from unlost.vault.keys.sealing import SealedObjects
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


def check_register(store: Store, keys: Keyring, findings: VerifyFindings, *, named: int) -> None:
    """Check three copies of the register's entry in force.

    ``named``: the newest entry that a commit refers to. Entries before the one in force have no
    effect; entries after it are forged.
    """
    # Listed first: an entry that is added meanwhile is not in the listing.
    listed_names = [listed.name for listed in store.list(REGISTER)]
    stored = findings.attempt(REGISTER, partial(find_entry, store, owner=keys.owner.public))
    number = stored.entry.number if stored is not None else 0
    if number < max(named, 1):
        findings.damage(entry_name(max(named, 1)), MISSING)
    if stored is not None:
        for name in entry_copies(number):
            findings.count_object(store.size(name) or 0)
        for name in _still_lacking(store, stored):
            missing = store.size(name) is None
            findings.damage(name, MISSING if missing else "It differs from the other copies.")
    for name in listed_names:
        if (entry_number(name) or number + 1) > number:
            findings.damage(name, STRANGE)


def _still_lacking(store: Store, stored: StoredEntry) -> list[str]:
    """Return the copies that are missing or differ, unless a writer puts them just now."""
    lacking = lacking_copies(store, stored)
    return [name for name in lacking_copies(store, stored) if name in lacking] if lacking else []


def _check_gap(
    findings: VerifyFindings, before: int, after: int, *, name_of: Callable[[int], str]
) -> None:
    """Report a gap between two numbers once, by the name of the last missing object."""
    if (gap := after - before - 1) > 0:
        problem = MISSING if gap == 1 else f"It is missing, and {gap - 1} more before it."
        findings.damage(name_of(after - 1), problem)


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
