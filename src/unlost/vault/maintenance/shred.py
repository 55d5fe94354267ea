"""Shredding an org: destroy its keys in all copies and epochs, then all objects that they opened.

    1  write the proof (several copies)   from here on, the vault no longer has the org
    2  delete orgs/<oid>/keys/            the rest is unreadable, also in a stolen copy
    3  delete the identity, then the rest

Steps 2 and 3 may be cut off and repeated: ``finish_shredding`` goes by the proofs. See
docs/adr/0034 for why a shred is no operation with a plan in the vault.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from unlost.model.errors import Conflict
from unlost.model.vault.retention import Hold
from unlost.model.vault.store import Store
from unlost.vault.format.shredded import (
    ShreddedOrg,
)
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.register import registered
from unlost.vault.keys.shred_proofs import is_proof_whole, proof_copies, shredded_orgs, write_proof
from unlost.vault.layout import object_names
from unlost.vault.layout.org_names import identity_names
from unlost.vault.maintenance.maintenance_run import BEGUN_ANEW, check_no_open_run
from unlost.vault.maintenance.retain.holds import holds_in
from unlost.vault.maintenance.retain.scope import shown_backups
from unlost.vault.read.org_vault import OrgVault


@dataclass(frozen=True, slots=True)
class ShredPlanOfOrg:
    """The effect of shredding an org: all shown backups and all objects are destroyed.

    ``backups``: the number of these backups, including hourly ones. Any of the ``holds`` forbids it.
    """

    org: str
    commits: int
    head: str
    backups: int
    objects: int
    bytes: int
    holds: tuple[Hold, ...]


def plan_shredding(org_vault: OrgVault, *, now: datetime) -> ShredPlanOfOrg:
    """Compute the effect of shredding an org now; writes nothing.

    Raises Conflict (``runs-open``).
    """
    state = org_vault.chain.proved()
    check_no_open_run(org_vault, state, ignore_kinds=BEGUN_ANEW)
    sizes = [listed.size for listed in org_vault.sealed.store.list(_folder(org_vault.org))]
    holds = (
        tuple(hold for hold in holds_in(org_vault, state) if hold.lasts(now)) if state.seq else ()
    )
    backups = len(tuple(shown_backups(state)))
    return ShredPlanOfOrg(
        org_vault.org, state.seq, state.head, backups, len(sizes), sum(sizes), holds
    )


def shred_org(org_vault: OrgVault, plan: ShredPlanOfOrg, *, at: datetime) -> ShreddedOrg:
    """Destroy an org as planned, and return the proof.

    Raises Conflict (``shred-held``, ``shred-changed``, ``runs-open``) before anything was changed.
    """
    _check_agreed(plan, plan_shredding(org_vault, now=at))
    store, keys = org_vault.sealed.store, org_vault.sealed.keys
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
    write_proof(store, keys, proof)
    _destroy(store, plan.org)
    return proof


def finish_shredding(store: Store, keys: Keyring) -> None:
    """Finish shreddings that were cut off; does nothing if there are none."""
    for proof in _unfinished(store, keys):
        write_proof(store, keys, proof)
        _destroy(store, proof.org)


def shredding_unfinished(store: Store, keys: Keyring) -> tuple[str, ...]:
    """List shredded orgs (oids) that left objects behind, or lack a copy of their proof."""
    return tuple(proof.org for proof in _unfinished(store, keys))


def _unfinished(store: Store, keys: Keyring) -> Iterator[ShreddedOrg]:
    for proof in shredded_orgs(store, keys).values():
        listed_object = next(iter(store.list(_folder(proof.org))), None)
        named = bool(identity_names(store, proof.org))
        if (
            listed_object
            or named
            or not all(is_proof_whole(store, keys, name) for name in proof_copies(proof))
        ):
            yield proof


def _destroy(store: Store, org: str) -> None:
    """Delete the keys first: without them the rest is unreadable."""
    for prefix in (f"{_folder(org)}keys/", object_names.identity(org), _folder(org)):
        for name in [listed.name for listed in store.list(prefix)]:
            store.delete(name)


def _folder(org: str) -> str:
    return f"orgs/{org}/"


def shred_changed() -> Conflict:
    """Return the error for a plan that is out of date."""
    return Conflict(
        "shred-changed",
        "The data of the org changed after the plan was made.",
        next_step="Review the new plan.",
    )


def _check_agreed(plan: ShredPlanOfOrg, now: ShredPlanOfOrg) -> None:
    if now.holds:
        raise Conflict(
            "shred-held",
            "The org cannot be destroyed: it has legal holds ({count}).",
            next_step="List them with `unlost hold list ORG`. An admin can lift them with "
            "`unlost hold lift ORG`.",
            count=len(now.holds),
        )
    if (plan.commits, plan.head) != (now.commits, now.head):
        raise shred_changed()
