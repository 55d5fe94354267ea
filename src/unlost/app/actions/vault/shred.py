"""Shred an org: destroy its keys in the vault, so that its backups can never be read again."""

from dataclasses import dataclass
from datetime import datetime

from unlost.app.access import action
from unlost.app.compose import Application, vault_of
from unlost.app.home.home_keys import SERVICE_KEY, GivenKey, OpenedKeys, open_keys
from unlost.app.retention.scrubbing import empty
from unlost.app.vault.home_copy import renew_copies
from unlost.catalog.orgs.orgs import ProtectedOrg, drop_org, get_org
from unlost.catalog.vault.mirroring import want_mirror
from unlost.model.access import Right, Trace
from unlost.model.errors import UsageError
from unlost.model.runs.exclusion import RunKind
from unlost.model.source.reading import Json
from unlost.vault.format.register import ShreddedOrg, entry_name
from unlost.vault.keys.register import newest_entry, shredded_orgs
from unlost.vault.maintenance.shred import (
    ShredPlanOfOrg,
    finish_shredding,
    plan_shredding,
    shred_changed,
    shred_org,
)

RUN = "shred"  # who holds the org's leases


@dataclass(frozen=True, slots=True)
class ShredPlan:
    """The backups, objects and bytes that would be destroyed. ``holds`` counts legal holds."""

    org: str
    oid: str
    nights: int
    objects: int
    bytes: int
    holds: int
    head: str


@dataclass(frozen=True, slots=True)
class ShredResult:
    """A shredded org. ``proof`` is the entry of the register that says so; later ones repeat it."""

    org: str
    oid: str
    at: datetime
    proof: str
    commits: int
    objects: int
    bytes: int


def _noted(done: ShredResult) -> dict[str, Json]:
    return {"oid": done.oid, "commits": done.commits, "proof": done.proof}


@action("shred.plan", Right.MANAGE)
def plan(app: Application, org: str) -> ShredPlan:
    """Show what shredding an org would destroy now. Raises Conflict (``runs-open``)."""
    known = get_org(org)
    shred_plan_of_org = _planned(app, known, _open(app))
    return ShredPlan(
        org=known.name,
        oid=known.oid,
        nights=shred_plan_of_org.backups,
        objects=shred_plan_of_org.objects,
        bytes=shred_plan_of_org.bytes,
        holds=len(shred_plan_of_org.holds),
        head=shred_plan_of_org.head,
    )


@action("shred.run", Right.MANAGE, trace=Trace.WRITE, detail=_noted)
def shred(
    app: Application, org: str, *, typed: str, head: str, given_key: GivenKey = SERVICE_KEY
) -> ShredResult:
    """Shred an org: destroy all copies of its keys, delete its objects, and remove it from the home.

    ``typed`` is the org's name once more, ``head`` that of the plan. Raises UsageError
    (``shred-unconfirmed``), NotAllowed (``sheet-needed``), Conflict (``shred-held``, ``shred-changed``, ``runs-open``,
    ``run-in-progress``).
    """
    known = get_org(org)
    if typed != known.name:
        raise UsageError(
            "shred-unconfirmed",
            "The entered name is not {org!r}.",
            next_step="Enter the name of the org to shred it. Nothing was changed.",
            org=known.name,
        )
    opened = _open(app, given_key)
    opened.keys.owner.known_secret()
    with app.lease.hold(known.oid, kind=RunKind.SHRED, run=RUN):
        proof = _shredded(app, known, opened, head)
        empty(app, known)
        drop_org(known)
    want_mirror()
    app.open_anew()
    renew_copies(app)
    return ShredResult(
        org=known.name,
        oid=known.oid,
        at=datetime.fromisoformat(proof.at),
        proof=entry_name(newest_entry(opened.store, opened.keys)),
        commits=proof.commits,
        objects=proof.objects,
        bytes=proof.bytes,
    )


def _shredded(app: Application, org: ProtectedOrg, opened: OpenedKeys, head: str) -> ShreddedOrg:
    """Shred the org and return the proof, also if an earlier call was interrupted."""
    done = shredded_orgs(opened.store, opened.keys).get(org.oid)
    if done is not None:
        finish_shredding(opened.store, opened.keys)
        return done
    vault = vault_of(opened.store, opened.keys, app.clock, app.entropy)
    shred_plan_of_org = _planned(app, org, opened)
    if shred_plan_of_org.head != head:
        raise shred_changed()
    return shred_org(vault.org_vault(org.oid), shred_plan_of_org, at=app.clock.now())


def _open(app: Application, given_key: GivenKey = SERVICE_KEY) -> OpenedKeys:
    return open_keys(app.home, clock=app.clock, entropy=app.entropy, given_key=given_key)


def _planned(app: Application, org: ProtectedOrg, opened: OpenedKeys) -> ShredPlanOfOrg:
    done = shredded_orgs(opened.store, opened.keys).get(org.oid)
    if done is not None:  # an earlier call was interrupted
        return ShredPlanOfOrg(org.oid, done.commits, done.head, 0, done.objects, done.bytes, ())
    vault = vault_of(opened.store, opened.keys, app.clock, app.entropy)
    return plan_shredding(vault.org_vault(org.oid), now=app.clock.now())
