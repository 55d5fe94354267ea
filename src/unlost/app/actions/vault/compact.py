"""Compact the vault: merge segments of many backups, and delete objects no longer needed."""

from dataclasses import dataclass
from datetime import datetime

from unlost.app.access import Where, action
from unlost.app.backups.backup_run import IN_PROGRESS
from unlost.app.compose import Application
from unlost.app.home.process import give_back
from unlost.app.retention import scrubbing
from unlost.app.vault.rekeying import go_on
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org, list_orgs
from unlost.catalog.vault.maintenance import save_maintenance
from unlost.model.access import Right, Trace
from unlost.model.errors import UnlostError
from unlost.model.message import fault
from unlost.model.runs.exclusion import RunKind
from unlost.model.vault.maintenance_results import Compaction, MaintenanceRecord, Merged, Sweep

PASSING = frozenset({IN_PROGRESS, "run-stopped"})


@dataclass(frozen=True, slots=True)
class OrgCompacted:
    """The compaction of an org. ``snapshot`` is its commit, None if nothing was due.

    ``removed`` objects are deleted; ``waiting`` ones are unused and are deleted at ``next_at`` at
    the earliest, and not before the run ``held_by`` has ended, if there is one.
    """

    org: str
    zone: str
    snapshot: int | None
    tables: tuple[Merged, ...]
    removed: int
    removed_bytes: int
    waiting: int
    waiting_bytes: int
    next_at: datetime | None
    held_by: str | None
    bytes: int


@dataclass(frozen=True, slots=True)
class CompactResult:
    """The results by org; ``bytes`` of each is the size of its live data."""

    orgs: tuple[OrgCompacted, ...]


@action("vault.compact", Right.OPERATE, trace=Trace.WRITE, where=Where.ORG)
def compact(app: Application, org: str | None = None) -> CompactResult:
    """Compact the vault, for one org or for all; the service does it after each nightly backup.

    Backups do not change. Raises Conflict (``run-in-progress``) if a compaction is active.
    """
    if org is not None:
        return CompactResult((_compacted(app, get_org(org)),))
    mine = [org_row for org_row in app.orgs() if app.actor.may(Right.OPERATE, org_row.oid)]
    return CompactResult(tuple(_compacted(app, org_row) for org_row in mine))


def compact_after_backup(app: Application, oid: str) -> MaintenanceRecord | None:
    """Compact an org after a nightly backup; returns None if nothing was done.

    Never raises: an alert reports failures.
    """
    org = next((org_row for org_row in list_orgs() if org_row.oid == oid), None)
    if org is None:
        return None
    give_back()  # return the memory of the preceding backup to the system
    try:
        done, swept = _compacted_and_swept(app, org)
    except UnlostError as error:
        if error.code in PASSING:
            return None  # stopped, or another process compacts: the next night does the rest
        record = MaintenanceRecord(app.clock.now(), error=error.message)
    except Exception as error:  # noqa: BLE001 (a fault of ours must not end the worker)
        record = MaintenanceRecord(app.clock.now(), error=fault(error))
    else:
        return _record(app, org, done, swept)
    save_maintenance(oid, record)
    return record


def _compacted(app: Application, org: ProtectedOrg) -> OrgCompacted:
    done, swept = _compacted_and_swept(app, org)
    _record(app, org, done, swept)
    return OrgCompacted(
        org.name,
        org.identity.zone,
        done.snapshot,
        done.merged,
        swept.removed,
        swept.removed_bytes,
        swept.waiting,
        swept.waiting_bytes,
        swept.next_at,
        swept.held_by,
        app.whole_vault.usage(org.oid).bytes,
    )


def _compacted_and_swept(app: Application, org: ProtectedOrg) -> tuple[Compaction, Sweep]:
    run = f"compact-{app.clock.now():%Y%m%d-%H%M%S}-{app.entropy.bytes(4).hex()}"
    vault = app.whole_vault
    scrubbing.finish_if_idle(app, org)
    with app.lease.hold(org.oid, kind=RunKind.COMPACT, run=run):
        try:
            done = vault.compact(org.oid, run=run, pause=app.cancel_flag.check)
            go_on(app, org.oid, run=f"{run}-rekey")
        except Exception:
            # The compaction may have failed for lack of disk space.
            vault.sweep(org.oid, run=f"{run}-sweep")
            raise
        return done, vault.sweep(org.oid, run=f"{run}-sweep")


def _record(
    app: Application, org: ProtectedOrg, done: Compaction, swept: Sweep
) -> MaintenanceRecord:
    record = MaintenanceRecord(
        at=app.clock.now(),
        snapshot=done.snapshot,
        before=sum(merged.bytes_before for merged in done.merged),
        after=sum(merged.bytes_after for merged in done.merged),
        removed=swept.removed_bytes,
        waiting=swept.waiting_bytes,
        next_at=swept.next_at,
        held_by=swept.held_by or "",
    )
    save_maintenance(org.oid, record)
    return record
