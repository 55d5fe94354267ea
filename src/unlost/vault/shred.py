"""Shredding an org: its keys are destroyed, all copies of all epochs, then all that they opened.

The proof is written first, and counts: from then on the vault has no such org. What follows may be
cut off and done again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from unlost.model.errors import Conflict, UnlostError
from unlost.model.retention import Hold
from unlost.model.store import Store
from unlost.vault import places
from unlost.vault.format.shredded import (
    SHREDDED,
    ShreddedOrg,
    encode_shredded,
    read_shredded,
    shredded_name,
)
from unlost.vault.keys import Keyring
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
    name = shredded_name(plan.org)
    mac = partial(_proof, keys, name)
    store.put_new(name, encode_shredded(proof, mac=mac))
    read_shredded(
        store.get(name), name=name, mac=mac
    )  # another one's may lie there, or a forged one
    _destroy(store, plan.org)
    return proof


def finish_shredding(store: Store, keys: Keyring) -> None:
    """Destroy what a shredding that was cut off left; no change where none was."""
    for proof in _unfinished(store, keys):
        _destroy(store, proof.org)


def shredding_unfinished(store: Store, keys: Keyring) -> tuple[str, ...]:
    """Oids of orgs that were shredded, and of which something is left."""
    return tuple(proof.org for proof in _unfinished(store, keys))


def shredded_orgs(store: Store, keys: Keyring) -> dict[str, ShreddedOrg]:
    """All that were shredded, by oid; what does not prove itself is passed over."""
    found = {}
    for listed in list(store.list(SHREDDED)):
        try:
            proof = read_proof(store, keys, listed.name)
        except UnlostError:
            continue
        found[proof.org] = proof
    return found


def read_proof(store: Store, keys: Keyring, name: str) -> ShreddedOrg:
    """A proof; raises NotFound, IntegrityError, UsageError."""
    return read_shredded(store.get(name), name=name, mac=partial(_proof, keys, name))


def _unfinished(store: Store, keys: Keyring) -> Iterator[ShreddedOrg]:
    """Only what the present master key proves is acted upon: an earlier one may have been stolen."""
    for proof in shredded_orgs(store, keys).values():
        left = next(iter(store.list(_folder(proof.org))), None)
        if proof.master == keys.generation and (left or store.size(places.identity(proof.org))):
            yield proof


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
            f"{len(now.holds)} holds forbid to destroy this org.",
            next_step="See them with `unlost hold list`; an admin may lift them with `unlost hold lift`.",
        )
    if (plan.commits, plan.head) != (now.commits, now.head):
        raise Conflict(
            "shred-changed",
            "Something was committed since the plan was made.",
            next_step="Look at the plan again.",
        )
