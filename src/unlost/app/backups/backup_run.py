"""Runs of nightly and hourly backups: their ports, cleanup, and how an hourly run is closed."""

import shutil
from contextlib import suppress
from dataclasses import replace

from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import ProtectedOrg, save_org
from unlost.catalog.orgs.searched_columns import chosen_columns
from unlost.catalog.runs.runs import RunEnd, RunState, end_run, ended_runs, unfinished_backups
from unlost.engine.backup.policy import BackupPolicy
from unlost.engine.backup.session import BackupPorts
from unlost.model.errors import UnlostError
from unlost.model.ports.source import Source
from unlost.model.ports.system import Observer
from unlost.model.runs.exclusion import RunKind
from unlost.model.vault.snapshot import CommitKind, SnapshotInfo

KIND = CommitKind.BACKUP
IN_PROGRESS = "run-in-progress"
PARTLY_READ = "hourly-unread"


def backup_ports(app: Application, source: Source, run: str, observer: Observer) -> BackupPorts:
    """Return the engine's ports for one run."""
    app.home.work.mkdir(mode=0o700, exist_ok=True)
    return BackupPorts(
        source=source,
        vault=app.whole_vault,
        runner=app.runner(run),
        lease=app.lease,
        clock=app.clock,
        observer=observer,
        work=app.home.work,
    )


def backup_policy(org: ProtectedOrg) -> BackupPolicy:
    """Return the limits of a backup, with the columns that the org chose to search."""
    return BackupPolicy(searched=chosen_columns(org.oid))


def refresh_identity(org: ProtectedOrg, source: Source) -> None:
    """Save a changed label, kind or zone; the tenant was checked already."""
    identity = source.identity()
    if identity != org.identity:
        save_org(replace(org, identity=identity))


def drop_ended_steps(app: Application) -> None:
    """Drop the steps of ended runs, which a killed process leaves behind."""
    for run in ended_runs(app.steps.runs()):
        app.steps.drop(run)


def close_hours(app: Application, org: ProtectedOrg, *, but: str = "") -> None:
    """Close hourly runs that a crash left open, except ``but``; they are not resumed.

    Raises Conflict (``run-in-progress``) if a process is executing one.
    """
    for hour in unfinished_backups(org.oid, hourly=True):
        if hour.id != but:
            with app.lease.hold(org.oid, kind=RunKind.HOURLY, run=hour.id):
                close_hour(app, org, RunEnd(RunState.ABANDONED, None), run=hour.id)


def close_hour(app: Application, org: ProtectedOrg, end: RunEnd, *, run: str) -> None:
    """Close an hourly run, as done if it was committed before a crash."""
    info = _committed(app, org, run)
    if info is None:
        with suppress(UnlostError):  # what stays is garbage, which a sweep removes
            app.whole_vault.begin(org.oid, run=run, kind=KIND, identity=org.identity).abandon()
    elif end.state is not RunState.DONE:
        end = RunEnd(RunState.DONE, None, snapshot=info.number)
    shutil.rmtree(app.home.work / run, ignore_errors=True)
    end_run(run, replace(end, at=app.clock.now()))
    app.steps.drop(run)


def _committed(app: Application, org: ProtectedOrg, run: str) -> SnapshotInfo | None:
    with suppress(UnlostError):
        return next((info for info in app.vault.commits(org.oid) if info.run == run), None)
    return None
