"""Shredding an org: destroy its keys in all copies and epochs, then all objects that they opened.

    1  note it in the register, signed    from here on, the vault no longer has the org
    2  delete orgs/<oid>/keys/            the rest is unreadable, also in a stolen copy
    3  delete the identity, then the rest

Steps 2 and 3 may be cut off and repeated: ``finish_shredding`` goes by the register. See
docs/adr/0034 for why a shred is no operation with a plan in the vault.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from unlost.model.errors import Conflict
from unlost.model.vault.retention import Hold
from unlost.model.vault.store import Store
from unlost.vault.commits.state import shown_backups
from unlost.vault.format.register import RegisterEntry, ShreddedOrg
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.register import change_register, complete_entry, shredded_orgs
from unlost.vault.layout import object_names
from unlost.vault.layout.org_names import identity_names
from unlost.vault.maintenance.maintenance_run import BEGUN_ANEW, check_no_open_run
from unlost.vault.maintenance.retain.holds import holds_in
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
    """Destroy an org as planned, and return what the register says of it.

    Raises Conflict (``shred-held``, ``shred-changed``, ``runs-open``), NotAllowed
    (``sheet-needed``, ``key-outdated``) before anything was changed.
    """
    _check_agreed(plan, plan_shredding(org_vault, now=at))
    store, keys = org_vault.sealed.store, org_vault.sealed.keys
    shredded = ShreddedOrg(
        at=at.isoformat(),
        commits=plan.commits,
        head=plan.head,
        objects=plan.objects,
        bytes=plan.bytes,
    )

    def with_org(entry: RegisterEntry) -> RegisterEntry:
        return replace(entry, shredded={**entry.shredded, plan.org: shredded})

    change_register(store, keys, with_org)
    _destroy(store, plan.org)
    return shredded


def finish_shredding(store: Store, keys: Keyring) -> None:
    """Finish shreddings that were cut off; does nothing if there are none."""
    complete_entry(store, keys)
    for org in shredding_unfinished(store, keys):
        _destroy(store, org)


def shredding_unfinished(store: Store, keys: Keyring) -> tuple[str, ...]:
    """List shredded orgs (oids) that left objects behind."""
    return tuple(org for org in shredded_orgs(store, keys) if _left_behind(store, org))


def _left_behind(store: Store, org: str) -> bool:
    listed_object = next(iter(store.list(_folder(org))), None)
    return listed_object is not None or bool(identity_names(store, org))


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
