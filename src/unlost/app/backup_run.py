"""What runs of nights and of hours between them share: their ports, and how an hour is closed."""

import shutil
from contextlib import suppress
from dataclasses import replace

from unlost.app.compose import Application
from unlost.catalog.orgs import ProtectedOrg, save_org
from unlost.catalog.runs import RunEnd, RunState, end_run, find_run
from unlost.engine.session import BackupPorts
from unlost.jobs.store import RunState as JobState
from unlost.model.errors import UnlostError
from unlost.model.ports import Observer, Source
from unlost.model.snapshot import CommitKind, SnapshotInfo

KIND = CommitKind.BACKUP
HOURLY = "hourly"  # kind of a run in the file of steps, so that no night goes on with it
IN_PROGRESS = "run-in-progress"
PARTLY_READ = "hourly-unread"


def backup_ports(app: Application, source: Source, run: str, observer: Observer) -> BackupPorts:
    """What the engine needs for one run."""
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


def refresh_identity(org: ProtectedOrg, source: Source) -> None:
    """Take over a label, a kind or a zone that changed; the tenant is proved already."""
    identity = source.identity()
    if identity != org.identity:
        save_org(replace(org, identity=identity))


def close_hours(app: Application, org: ProtectedOrg, *, but: str = "") -> None:
    """End what reads of hours a crash left open, all ``but`` one: they are not gone on with.

    Raises Conflict (``run-in-progress``) where a process is at one.
    """
    for left in app.jobs.unfinished(kind=HOURLY, org=org.oid):
        if left.run != but:
            with app.lease.hold(org.oid, kind=KIND, run=left.run):
                close_hour(app, org, _told(left.run), run=left.run)


def close_hour(app: Application, org: ProtectedOrg, end: RunEnd, *, run: str) -> None:
    """End a run of an hour for good, as done if it was committed before it could say so."""
    made = _committed(app, org, run)
    if made is None:
        with suppress(UnlostError):  # what stays is garbage of a run that nobody goes on with
            app.whole_vault.begin(org.oid, run=run, kind=KIND, identity=org.identity).abandon()
    elif end.state is not RunState.DONE:
        end = RunEnd(RunState.DONE, None, snapshot=made.number)
    now = app.clock.now()
    end_run(run, replace(end, at=now))
    state = JobState.DONE if made is not None else JobState.GIVEN_UP
    app.jobs.end(run, state=state, at=now)
    shutil.rmtree(app.home.work / run, ignore_errors=True)


def _told(run: str) -> RunEnd:
    """How a run ended that said so before its process did; given up where it did not."""
    known = find_run(run)
    if known is None or known.state is RunState.RUNNING:
        return RunEnd(RunState.ABANDONED, None)
    return RunEnd(
        known.state,
        None,
        known.snapshot,
        known.resume_at,
        error_code=known.error_code,
        error_sentence=known.error_sentence,
    )


def _committed(app: Application, org: ProtectedOrg, run: str) -> SnapshotInfo | None:
    with suppress(UnlostError):
        return next((info for info in app.vault.commits(org.oid) if info.run == run), None)
    return None
