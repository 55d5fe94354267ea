"""Shredding an org: its keys are destroyed, all copies of all epochs, then all that they opened.

The proof is written first, and counts: from then on the vault has no such org. What follows may be
cut off and done again.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from unlost.model.errors import Conflict, IntegrityError, NotFound, UsageError
from unlost.model.retention import Hold
from unlost.model.store import Store
from unlost.vault import places
from unlost.vault.format.shredded import (
    SHREDDED,
    ShreddedOrg,
    damaged_proof,
    encode_shredded,
    read_shredded,
    shredded_copies,
    shredded_org,
)
from unlost.vault.keys import Keyring
from unlost.vault.orgnames import identity_names
from unlost.vault.register import registered
from unlost.vault.retain.forget import check_alone
from unlost.vault.retain.holds import holds_in
from unlost.vault.retain.scope import shown_backups
from unlost.vault.room import OrgRoom


@dataclass(frozen=True, slots=True)
class Shredding:
    """What would go: all ``nights`` that are shown, and all objects. ``holds`` forbid it."""

    org: str
    commits: int
    head: str
    nights: int
    objects: int
    bytes: int
    holds: tuple[Hold, ...]


def plan_shredding(room: OrgRoom, *, now: datetime) -> Shredding:
    """What shredding would take away now; nothing is written. Raises Conflict (``runs-open``)."""
    check_alone(room)
    state = room.chain.proved()
    sizes = [listed.size for listed in room.sealed.store.list(_folder(room.org))]
    held = tuple(hold for hold in holds_in(room, state) if hold.lasts(now)) if state.seq else ()
    nights = len(tuple(shown_backups(state)))
    return Shredding(room.org, state.seq, state.head, nights, len(sizes), sum(sizes), held)


def shred_org(room: OrgRoom, plan: Shredding, *, at: datetime) -> ShreddedOrg:
    """Destroy an org as it was planned; the proof of it.

    Raises Conflict (``shred-held``, ``shred-changed``, ``runs-open``); then nothing was changed.
    """
    _check_agreed(plan, plan_shredding(room, now=at))
    store, keys = room.sealed.store, room.sealed.keys
    proof = ShreddedOrg(
        vault=keys.vault.hex(),
        org=plan.org,
        at=at.isoformat(),
        commits=plan.commits,
        head=plan.head,
        objects=plan.objects,
        bytes=plan.bytes,
        master=keys.generation,
    )
    registered(store, keys)  # raises where another master key has followed since
    _write(store, keys, proof)
    _destroy(store, plan.org)
    return proof


def finish_shredding(store: Store, keys: Keyring) -> None:
    """Destroy what a shredding that was cut off left; no change where none was."""
    for proof in _unfinished(store, keys):
        _write(store, keys, proof)
        _destroy(store, proof.org)


def shredding_unfinished(store: Store, keys: Keyring) -> tuple[str, ...]:
    """Oids of orgs that were shredded, and of which something is left, or a copy of the proof is lost."""
    return tuple(proof.org for proof in _unfinished(store, keys))


def shredded_orgs(store: Store, keys: Keyring) -> dict[str, ShreddedOrg]:
    """All that were shredded, by oid; what does not prove itself is passed over.

    Of proofs by an earlier master key, which a thief may have, those count that were there when the
    present one followed.
    """
    found: dict[str, ShreddedOrg] = {}
    for name in [listed.name for listed in store.list(SHREDDED)]:
        if shredded_org(name) not in found:
            with suppress(IntegrityError, NotFound, UsageError):
                proof = read_proof(store, keys, name)
                found[proof.org] = proof
    return found


def read_proof(store: Store, keys: Keyring, name: str) -> ShreddedOrg:
    """What a copy of a proof says, which counts; raises NotFound, IntegrityError, UsageError."""
    proof = read_shredded(store.get(name), name=name, mac=partial(_proof, keys, name))
    if proof.master != keys.generation and proof.org not in keys.inherited.shredded:
        raise damaged_proof(name)
    return proof


def strange_proofs(store: Store, keys: Keyring) -> tuple[str, ...]:
    """What lies among the proofs of orgs that were not shredded: somebody put it there."""
    gone = shredded_orgs(store, keys)
    names = [listed.name for listed in store.list(SHREDDED)]
    return tuple(name for name in names if shredded_org(name) not in gone)


def remove_strange_proofs(store: Store, keys: Keyring) -> None:
    """Remove them; raises NotAllowed (``key-outdated``) where they may be those of a newer master key."""
    found = strange_proofs(store, keys)
    registered(store, keys)
    for name in found:
        store.delete(name)


def _unfinished(store: Store, keys: Keyring) -> Iterator[ShreddedOrg]:
    for proof in shredded_orgs(store, keys).values():
        left = next(iter(store.list(_folder(proof.org))), None)
        named = bool(identity_names(store, proof.org))
        if left or named or not all(_is_whole(store, keys, name) for name in _copies(proof)):
            yield proof


def _write(store: Store, keys: Keyring, proof: ShreddedOrg) -> None:
    """Three whole copies of a proof, each read back."""
    for name in _copies(proof):
        if not _is_whole(store, keys, name):
            data = encode_shredded(proof, mac=partial(_proof, keys, name))
            if not store.put_new(name, data):  # damaged, or forged
                store.delete(name)
                store.put_new(name, data)
            read_proof(store, keys, name)


def _is_whole(store: Store, keys: Keyring, name: str) -> bool:
    try:
        read_proof(store, keys, name)
    except (IntegrityError, NotFound, UsageError):
        return False
    return True


def _copies(proof: ShreddedOrg) -> tuple[str, ...]:
    return shredded_copies(proof.org)


def _destroy(store: Store, org: str) -> None:
    """Keys first: what is left without them nobody can read."""
    for prefix in (f"{_folder(org)}keys/", places.identity(org), _folder(org)):
        for name in [listed.name for listed in store.list(prefix)]:
            store.delete(name)


def _folder(org: str) -> str:
    return f"orgs/{org}/"


def _proof(keys: Keyring, name: str, master: int, body: bytes) -> bytes:
    return keys.mac(name, body, generation=master)


def _check_agreed(plan: Shredding, now: Shredding) -> None:
    if now.holds:
        raise Conflict(
            "shred-held",
            f"Holds ({len(now.holds)}) forbid to destroy this org.",
            next_step="See them with `unlost hold list ORG`; an admin may lift them with `unlost hold lift`.",
        )
    if (plan.commits, plan.head) != (now.commits, now.head):
        raise Conflict(
            "shred-changed",
            "Something was committed since the plan was made.",
            next_step="Look at the plan again.",
        )
