"""Back up an org: choose the run, let the engine execute it, and record how it ended.

A backup that did not finish is resumed from its stored steps, up to ``TOO_OLD`` after the last one.
The run in the catalog is its only state:

    _choose ─┬─ unfinished and worth resuming ──> same run id, steps are replayed
             └─ none, too old, lost, or not full ─> given up, a new run begins

    RUNNING ─┬─> DONE                       committed; its steps are dropped
             ├─> PARKED until ``resume_at`` a limit of the source or a pause; steps stay
             ├─> FAILED                     steps stay, unless the error is in ``LOST``
             └─> ABANDONED                  cancelled or given up; everything is cleared

A scheduled backup and one started by hand take this same path. See docs/adr/0012 and docs/adr/0005.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from unlost.app.access import action
from unlost.app.alerts.evaluation import evaluate_backups
from unlost.app.backups.backup_run import (
    IN_PROGRESS,
    KIND,
    backup_policy,
    backup_ports,
    close_hours,
    drop_ended_steps,
    refresh_identity,
)
from unlost.app.backups.summaries import update_summaries
from unlost.app.compose import Application, ObserverFanout, SilentObserver
from unlost.app.home.cancellation import stop_error
from unlost.app.restores.open_bypasses import close_bypasses
from unlost.catalog.gaps import accepted_gaps
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.runs.observer import SqlObserver
from unlost.catalog.runs.runs import (
    RunEnd,
    RunRecord,
    RunState,
    begin_run,
    end_run,
    find_run,
    set_command,
    unfinished_backups,
)
from unlost.catalog.vault.storage import keep_samples
from unlost.engine.backup.backup import FinishedBackup, ParkedBackup
from unlost.engine.backup.backup import backup as run_backup
from unlost.engine.backup.partial import DeferredTables
from unlost.engine.backup.proof.verdict import verdict_now
from unlost.model.access import Right, Trace
from unlost.model.errors import Conflict, LimitReached, UnlostError
from unlost.model.finding import Finding
from unlost.model.gaps import AcceptedGap, gaps_of, open_gaps
from unlost.model.message import Message, code_of, fault
from unlost.model.ports.system import Observer
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.jobs import CANCELLED, PAUSED, RunCommand
from unlost.model.vault.certificate import Certificate, Verdict
from unlost.model.vault.snapshot import Counts, SnapshotInfo

# Steps older than this are not resumed: jobs at the source and their results expire soon after.
TOO_OLD = timedelta(days=3)
NOTES_LOST = "work-folder-damaged"
# Such a run cannot be resumed: a power cut lost the result of a finished step, another process
# gave it up, or data that it expects in the vault may have been forgotten.
LOST = frozenset({NOTES_LOST, "run-given-up", "forgotten-meanwhile"})


@dataclass(frozen=True, slots=True)
class BackupResult:
    """A finished backup.

    ``records``, ``files`` and ``file_bytes`` are totals of the org in the vault, ``counts`` and
    ``bytes_added`` are the changes of this backup. ``findings`` are those of severity gap, open
    ones first, of which people accepted ``accepted``.
    """

    org: str
    zone: str
    run: str
    resumed: bool
    snapshot: int
    head: str
    as_of: datetime
    started: datetime
    finished: datetime
    tables: int
    records: int
    rows_seen: int
    counts: Counts
    files: int
    file_bytes: int
    bytes_added: int
    verdict: Verdict
    sentence: str
    findings: tuple[Finding, ...]
    accepted: int = 0


@dataclass(frozen=True, slots=True)
class ChosenRun:
    """The run to execute: a new run, or an unfinished one that is resumed."""

    id: str
    resumed: bool


@action("backup.run", Right.OPERATE, trace=Trace.WRITE, detail=lambda done: {"run": done.run})
def backup(
    app: Application,
    org: str,
    *,
    full: bool = False,
    run: str | None = None,
    observer: Observer | None = None,
) -> BackupResult:
    """Back up an org, resuming an unfinished run if there is one.

    ``full`` reads everything again. ``run`` is the id for a new run; an unfinished run of another
    id is finished first. Raises Conflict (``run-in-progress``, ``another-org``), NotAllowed,
    LimitReached (the run is parked), TransientError and others; in all cases the last snapshot is
    unchanged. The next call resumes the run, unless it was cancelled, or cannot be resumed: then it
    begins a new one.
    """
    known = get_org(org)
    chosen = _choose(app, known, full=full, run=run)
    if run is None:
        clear_command(
            app, known.oid, RunKind.BACKUP, chosen.id
        )  # a start by hand overrides an earlier pause
    done = _done_by(app, known, chosen, full=full, observer=observer)
    another = run is not None and chosen.resumed and chosen.id != run
    return backup(app, org, full=full, run=run, observer=observer) if another else done


def clear_command(app: Application, oid: str, kind: RunKind, run: str) -> None:
    """Clear a run's pause or cancel command, unless another process is executing the run."""
    try:
        with app.lease.hold(oid, kind=kind, run=run):
            set_command(run, RunCommand.NONE)
    except Conflict as busy:
        if busy.code != IN_PROGRESS:
            raise


def _done_by(
    app: Application,
    known: ProtectedOrg,
    chosen: ChosenRun,
    *,
    full: bool,
    observer: Observer | None,
) -> BackupResult:
    with _recorded(app, known, chosen.id, full=full):
        written = SqlObserver(chosen.id, clock=app.clock)
        both = ObserverFanout(written, observer or SilentObserver())
        try:
            close_bypasses(app, known)  # that a killed restore left on
            with app.open_org(known, observer=both, run=chosen.id) as source:
                # The label, kind or time zone may have changed since the last backup.
                refresh_identity(known, source)
                ports = backup_ports(app, source, chosen.id, both)
                outcome = run_backup(known.oid, ports, policy=backup_policy(known), full=full)
        finally:
            written.flush()
        finished = _finished(outcome)
        proof = finished.certificate
        # Storage forecasts need a sample of each backup; the certificate has it already. It has the
        # time of the backup: a clock of the org that is behind moves both.
        keep_samples(known.oid, proof.quotas, at=proof.as_of)
        _done(app, chosen.id, finished.snapshot)
    # The run is over: whatever happens from here on, the backup is done.
    evaluate_backups(app, known)
    with suppress(Exception):  # the service adds the figures within minutes
        update_summaries(app, known)
    return _result(known, chosen, finished)


def _finished(outcome: FinishedBackup | ParkedBackup | DeferredTables) -> FinishedBackup:
    assert not isinstance(outcome, DeferredTables), "all tables were asked for"
    if isinstance(outcome, FinishedBackup):
        return outcome
    if outcome.code in (PAUSED, CANCELLED):
        raise LimitReached.of(outcome.message)
    parked = replace(outcome.message, code="run-parked")
    raise LimitReached.of(parked, resume_at=outcome.resume_at)


def _choose(app: Application, org: ProtectedOrg, *, full: bool, run: str | None) -> ChosenRun:
    """Return the org's unfinished run, unless it is too old or reads less than requested."""
    # An hourly run that a crash left open is never resumed.
    close_hours(app, org)
    drop_ended_steps(app)
    for unfinished in unfinished_backups(org.oid, hourly=False):
        if _worth_resuming(app, unfinished, full=full):
            return ChosenRun(unfinished.id, resumed=True)
        with app.lease.hold(org.oid, kind=RunKind.BACKUP, run=unfinished.id):
            _give_up(app, org, unfinished.id, unfinished.error)
    if run is not None and find_run(run) is None:
        return ChosenRun(run, resumed=False)
    began = app.clock.now()
    return ChosenRun(f"backup-{began:%Y%m%d-%H%M%S}-{app.entropy.bytes(4).hex()}", resumed=False)


def _worth_resuming(app: Application, run: RunRecord, *, full: bool) -> bool:
    if code_of(run.error) in LOST or (full and not run.full):
        return False
    touched = app.steps.last_at(run.id) or run.started_at
    if run.state is RunState.PARKED and run.resume_at is not None:
        # The time during which a run is parked does not count.
        touched = max(touched, run.resume_at)
    return app.clock.now() - touched <= TOO_OLD


def _clear(app: Application, org: ProtectedOrg, run: str) -> None:
    """Delete all that an unfinished run stored in the vault, the work folder and the step store."""
    app.whole_vault.begin(org.oid, run=run, kind=KIND, identity=org.identity).abandon()
    shutil.rmtree(app.home.work / run, ignore_errors=True)
    app.steps.drop(run)


def _give_up(app: Application, org: ProtectedOrg, run: str, why: Message | None) -> None:
    _clear(app, org, run)
    end_run(run, RunEnd(RunState.ABANDONED, app.clock.now(), error=why))


def cancel_unfinished(app: Application, org: ProtectedOrg, run: str) -> bool:
    """Give up an idle backup, False if it is over; raises Conflict (``run-in-progress``)."""
    with app.lease.hold(org.oid, kind=RunKind.BACKUP, run=run):
        known = find_run(run)
        if known is None or known.state.over:
            return False
        _give_up(app, org, run, stop_error(run, RunCommand.CANCEL).message)
    return True


@contextmanager
def _recorded(app: Application, org: ProtectedOrg, run: str, *, full: bool) -> Iterator[None]:
    """Record in the catalog that a run is active, and how it ended if it did not succeed."""
    begin_run(run, org=org.name, kind=KIND, full=full, at=app.clock.now())
    try:
        yield
    except UnlostError as error:
        # Another process is executing this run, and will record how it ends.
        if not (isinstance(error, Conflict) and error.code == IN_PROGRESS):
            _stopped(app, org, run, error)
        raise
    except BaseException as error:
        _failed(app, run, fault(error))
        raise


def _stopped(app: Application, org: ProtectedOrg, run: str, error: UnlostError) -> None:
    if error.code == CANCELLED:
        _give_up(app, org, run, error.message)
        return
    if isinstance(error, LimitReached):
        _parked(app, run, error)
        return
    # The next backup starts anew, so what this run left is only garbage.
    if error.code in LOST:
        _clear(app, org, run)
    _failed(app, run, error.message)


def _parked(app: Application, run: str, error: LimitReached) -> None:
    end = RunEnd(RunState.PARKED, app.clock.now(), None, error.resume_at, error.message)
    end_run(run, end)


def _failed(app: Application, run: str, why: Message) -> None:
    end_run(run, RunEnd(RunState.FAILED, app.clock.now(), error=why))


def _done(app: Application, run: str, snapshot: SnapshotInfo) -> None:
    end_run(run, RunEnd(RunState.DONE, app.clock.now(), snapshot=snapshot.number))
    app.steps.drop(run)


def _result(org: ProtectedOrg, chosen: ChosenRun, finished: FinishedBackup) -> BackupResult:
    run = RunOfOrg(org.name, org.identity.zone, chosen.id, chosen.resumed)
    accepted = accepted_gaps(org.oid)
    return result_of(run, finished.snapshot, finished.certificate, accepted=accepted)


@dataclass(frozen=True, slots=True)
class RunOfOrg:
    """A run and the org that it backed up; ``resumed``: it was started by an earlier call."""

    org: str
    zone: str
    run: str
    resumed: bool


def result_of(
    run: RunOfOrg,
    info: SnapshotInfo,
    proof: Certificate,
    *,
    accepted: Sequence[AcceptedGap] = (),
) -> BackupResult:
    """Return the result of a finished backup, from its snapshot and certificate."""
    gaps = gaps_of(proof)
    still_open = open_gaps(gaps, accepted)
    return BackupResult(
        org=run.org,
        zone=run.zone,
        run=run.run,
        resumed=run.resumed,
        snapshot=info.number,
        head=info.head,
        as_of=info.as_of,
        started=info.started,
        finished=info.finished,
        tables=len(proof.tables),
        records=sum(line.stored for line in proof.tables),
        rows_seen=info.rows_seen,
        counts=info.counts,
        files=proof.files,
        file_bytes=proof.file_bytes,
        bytes_added=info.bytes_added,
        verdict=proof.verdict,
        sentence=verdict_now(proof, accepted).sentence,
        findings=(*still_open, *(gap for gap in gaps if gap not in still_open)),
        accepted=len(gaps) - len(still_open),
    )
