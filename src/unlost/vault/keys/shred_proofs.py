"""Proofs that orgs were shredded: written in several copies, read back, and checked for forgery."""

from contextlib import suppress
from functools import partial

from unlost.model.errors import IntegrityError, NotFound, UsageError
from unlost.model.vault.store import Store
from unlost.vault.format.shredded import (
    SHREDDED,
    ShreddedOrg,
    damaged_proof,
    encode_shredded,
    read_shredded,
    shredded_copies,
    shredded_org,
)
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.register import registered


def shredded_orgs(store: Store, keys: Keyring) -> dict[str, ShreddedOrg]:
    """All shredded orgs, by oid; skips objects without a valid proof.

    Of proofs by an earlier master key, which a thief may have, only the proofs that the register
    lists are valid.
    """
    orgs: dict[str, ShreddedOrg] = {}
    for name in [listed.name for listed in store.list(SHREDDED)]:
        if shredded_org(name) not in orgs:
            with suppress(IntegrityError, NotFound, UsageError):
                proof = read_proof(store, keys, name)
                orgs[proof.org] = proof
    return orgs


def read_proof(store: Store, keys: Keyring, name: str) -> ShreddedOrg:
    """Read a copy of a proof, which must be valid; raises NotFound, IntegrityError, UsageError."""
    proof = read_shredded(store.get(name), name=name, mac=partial(_proof, keys, name))
    # A thief of an earlier master key could make a proof to have an org taken for shredded.
    if proof.master != keys.generation and proof.org not in keys.inherited.shredded:
        raise damaged_proof(name)
    return proof


def strange_proofs(store: Store, keys: Keyring) -> tuple[str, ...]:
    """Objects among the proofs that prove nothing: they were planted."""
    gone = shredded_orgs(store, keys)
    names = [listed.name for listed in store.list(SHREDDED)]
    return tuple(name for name in names if shredded_org(name) not in gone)


def remove_strange_proofs(store: Store, keys: Keyring) -> None:
    """Remove planted proofs.

    Raises NotAllowed (``key-outdated``) if they may belong to a newer master key.
    """
    strange = strange_proofs(store, keys)
    registered(store, keys)
    for name in strange:
        store.delete(name)


def write_proof(store: Store, keys: Keyring, proof: ShreddedOrg) -> None:
    """Write three copies of a proof, and read each back."""
    for name in proof_copies(proof):
        if not is_proof_whole(store, keys, name):
            data = encode_shredded(proof, mac=partial(_proof, keys, name))
            if not store.put_new(name, data):  # damaged, or forged
                store.delete(name)
                store.put_new(name, data)
            read_proof(store, keys, name)


def is_proof_whole(store: Store, keys: Keyring, name: str) -> bool:
    """True if this copy of a proof exists and is valid."""
    try:
        read_proof(store, keys, name)
    except (IntegrityError, NotFound, UsageError):
        return False
    return True


def proof_copies(proof: ShreddedOrg) -> tuple[str, ...]:
    """The names of the objects with a proof, each a complete copy."""
    return shredded_copies(proof.org)


def _proof(keys: Keyring, name: str, master: int, body: bytes) -> bytes:
    return keys.mac(name, body, generation=master)
