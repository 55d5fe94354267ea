"""Re-encrypt an org under its newest key, so that a stolen earlier key opens none of its data."""

from dataclasses import dataclass

from unlost.app.access import Where, action
from unlost.app.compose import Application
from unlost.app.retention import scrubbing
from unlost.app.vault.home_copy import renew_copies
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.model.access import Right, Trace
from unlost.model.runs.exclusion import RunKind
from unlost.model.vault.rekeying import Rekeyed


@dataclass(frozen=True, slots=True)
class OrgRekeyed:
    """The re-encryption of an org.

    ``objects`` of ``bytes`` were re-encrypted by the commits up to ``snapshot``, None if nothing was
    left to do. ``complete``: the earlier keys are deleted. Until then, ``waiting`` unused objects
    are still under them, the run ``held_by`` must end, or the object ``damaged`` does not open and
    stays as it is.
    """

    org: str
    snapshot: int | None
    objects: int
    bytes: int
    waiting: int
    held_by: str
    damaged: str
    complete: bool


@dataclass(frozen=True, slots=True)
class AllRekeyed:
    """The results by org."""

    orgs: tuple[OrgRekeyed, ...]


@action("key.rekey", Right.MANAGE, trace=Trace.WRITE, where=Where.ORG)
def rekey(app: Application, org: str | None = None) -> AllRekeyed:
    """Re-encrypt an org, or all, under its newest key, and delete the earlier keys.

    After a renewal of the master key the service does it automatically, a part each night. Backups
    do not change. Raises Conflict (``run-in-progress``) during other maintenance.
    """
    mine = [org_row for org_row in app.orgs() if app.actor.may(Right.MANAGE, org_row.oid)]
    done = tuple(_rekeyed(app, org_row) for org_row in ([get_org(org)] if org else mine))
    if any(rekeyed.snapshot for rekeyed in done):
        renew_copies(app)  # after an interrupted renewal they may be under an earlier key
    return AllRekeyed(done)


def _rekeyed(app: Application, org: ProtectedOrg) -> OrgRekeyed:
    run = f"rekey-{app.clock.now():%Y%m%d-%H%M%S}-{app.entropy.bytes(4).hex()}"
    scrubbing.finish_if_idle(app, org)
    with app.lease.hold(org.oid, kind=RunKind.REKEY, run=run):
        vault = app.whole_vault
        done = vault.rekey(org.oid, run=run, pause=app.cancel_flag.check)
        if done.waiting:
            vault.sweep(org.oid, run=f"{run}-sweep")
            done = done.then(vault.rekey(org.oid, run=f"{run}-end", pause=app.cancel_flag.check))
    return _as_org_rekeyed(org.name, done)


def _as_org_rekeyed(name: str, done: Rekeyed) -> OrgRekeyed:
    return OrgRekeyed(
        org=name,
        snapshot=done.snapshot,
        objects=done.objects,
        bytes=done.bytes,
        waiting=done.waiting,
        held_by=done.held_by,
        damaged=done.damaged,
        complete=done.complete,
    )
