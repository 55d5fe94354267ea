"""Back up an org: choose the run, let the engine do it, and write down how it ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from unlost.app.access import action
from unlost.app.actions.snapshots import gaps
from unlost.app.backup_run import (
    IN_PROGRESS,
    KIND,
    backup_ports,
    close_hours,
    refresh_identity,
)
from unlost.app.brake import stopped
from unlost.app.compose import Application, Fanout, Silence
from unlost.catalog.observer import SqlObserver
from unlost.catalog.orgs import ProtectedOrg, get_org
from unlost.catalog.runs import (
    RunEnd,
    RunState,
    begin_run,
    end_run,
    find_run,
    set_wish,
)
from unlost.catalog.storage import keep_samples
from unlost.engine.backup import Finished, Parked
from unlost.engine.backup import backup as run_backup
from unlost.engine.partial import LeftToNight
from unlost.jobs.store import RunRecord
from unlost.jobs.store import RunState as JobState
from unlost.model.access import Right, Trace
from unlost.model.certificate import Certificate, Verdict
from unlost.model.errors import Conflict, LimitReached, UnlostError
from unlost.model.finding import Finding
from unlost.model.jobs import CANCELLED, PAUSED, Wish
from unlost.model.ports import Observer
from unlost.model.snapshot import CommitKind, Counts, SnapshotInfo

# Untouched for so long: jobs at the source and their results do not live much longer.
TOO_OLD = timedelta(days=3)
NOTES_LOST = "work-folder-damaged"
# Nobody can go on with such a run: a power cut took notes of a step that is done, another process
# gave it up, or what it took to be in the vault may be gone.
LOST = frozenset({NOTES_LOST, "run-given-up", "forgotten-meanwhile"})


@dataclass(frozen=True, slots=True)
class BackupResult:
    """A finished backup.

    ``records``, ``files`` and ``file_bytes`` are what the vault holds of the org now, ``counts``
    and ``bytes_added`` what this night brought. ``findings`` are those that mean that something is
    not protected.
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


@dataclass(frozen=True, slots=True)
class Chosen:
    """The run to do: a new one, or one that did not end."""

    id: str
    resumed: bool


@action("backup.run", Right.OPERATE, trace=Trace.WRITE, told=lambda done: {"run": done.run})
def backup(
    app: Application,
    org: str,
    *,
    full: bool = False,
    run: str | None = None,
    observer: Observer | None = None,
) -> BackupResult:
    """Back up an org, going on with a run of it that did not end.

    ``full`` reads everything again. ``run`` is the id that a new run gets; where another one did not
    end, that one is done first. Raises Conflict (``run-in-progress``, ``another-org``),
    NotAllowed, LimitReached (the run is parked), TransientError and others; whatever is raised,
    the last snapshot stands and the next call goes on.
    """
    known = get_org(org)
    chosen = _choose(app, known, full=full, run=run)
    if run is None:
        forget_wish(app, known.oid, KIND, chosen.id)  # who starts it by hand wants it to go on
    done = _done_by(app, known, chosen, full=full, observer=observer)
    another = run is not None and chosen.resumed and chosen.id != run
    return backup(app, org, full=full, run=run, observer=observer) if another else done


def forget_wish(app: Application, oid: str, kind: CommitKind, run: str) -> None:
    """Let a run go on that was paused or cancelled; not while another process is at it."""
    try:
        with app.lease.hold(oid, kind=kind, run=run):
            set_wish(run, Wish.NONE)
    except Conflict as busy:
        if busy.code != IN_PROGRESS:
            raise


def _done_by(
    app: Application, known: ProtectedOrg, chosen: Chosen, *, full: bool, observer: Observer | None
) -> BackupResult:
    with _recorded(app, known, chosen.id, full=full):
        written = SqlObserver(chosen.id, clock=app.clock)
        both = Fanout(written, observer or Silence())
        try:
            with app.open_org(known, observer=both, run=chosen.id) as source:
                refresh_identity(known, source)
                outcome = run_backup(
                    known.oid, backup_ports(app, source, chosen.id, both), full=full
                )
        finally:
            written.flush()
        finished = _finished(outcome)
        proof = finished.certificate
        keep_samples(known.oid, proof.quotas, at=proof.finished)
        _done(app, chosen.id, finished.snapshot)
    return _result(known, chosen, finished)


def _finished(outcome: Finished | Parked | LeftToNight) -> Finished:
    assert not isinstance(outcome, LeftToNight), "all tables were asked for"
    if isinstance(outcome, Finished):
        return outcome
    if outcome.code in (PAUSED, CANCELLED):
        raise LimitReached(outcome.code, outcome.sentence, next_step=outcome.next_step)
    raise LimitReached(
        "run-parked", outcome.sentence, next_step=outcome.next_step, resume_at=outcome.resume_at
    )


def _choose(app: Application, org: ProtectedOrg, *, full: bool, run: str | None) -> Chosen:
    """The unfinished run of this org, unless it is too old or reads less than was asked for."""
    close_hours(app, org)
    for open_run in app.jobs.unfinished(kind=KIND.value, org=org.oid):
        known = find_run(open_run.run)
        if known is not None and known.state is RunState.DONE:  # killed between two writings
            app.jobs.end(known.id, state=JobState.DONE, at=app.clock.now())
            continue
        if _worth_resuming(app, open_run, full=full):
            return Chosen(open_run.run, resumed=True)
        with app.lease.hold(org.oid, kind=KIND, run=open_run.run):
            _give_up(app, org, open_run.run)
    if run is not None and find_run(run) is None:
        return Chosen(run, resumed=False)
    began = app.clock.now()
    return Chosen(f"backup-{began:%Y%m%d-%H%M%S}-{app.entropy.bytes(4).hex()}", resumed=False)


def _worth_resuming(app: Application, run: RunRecord, *, full: bool) -> bool:
    parked = run.state is JobState.PARKED and run.resume_at is not None
    touched = max(run.changed, run.resume_at or run.changed) if parked else run.changed
    if app.clock.now() - touched > TOO_OLD:
        return False
    remembered = find_run(run.run)
    return not full or (remembered is not None and remembered.full)


def _give_up(
    app: Application, org: ProtectedOrg, run: str, *, why: UnlostError | None = None
) -> None:
    app.whole_vault.begin(org.oid, run=run, kind=KIND, identity=org.identity).abandon()
    app.jobs.end(run, state=JobState.GIVEN_UP, at=app.clock.now())
    code, sentence = (why.code, why.sentence) if why is not None else ("", "")
    end = RunEnd(RunState.ABANDONED, app.clock.now(), error_code=code, error_sentence=sentence)
    end_run(run, end)


def cancel_unfinished(app: Application, org: ProtectedOrg, run: str) -> bool:
    """Give up a backup that waits, False if it is over; raises Conflict (``run-in-progress``)."""
    with app.lease.hold(org.oid, kind=KIND, run=run):
        unfinished = app.jobs.unfinished(kind=KIND.value, org=org.oid)
        if not any(one.run == run for one in unfinished):
            return False
        _give_up(app, org, run, why=stopped(run, Wish.CANCEL))
    return True


@contextmanager
def _recorded(app: Application, org: ProtectedOrg, run: str, *, full: bool) -> Iterator[None]:
    """Write down that a run goes on, and how it ended where it did not end well.

    The store of runs knows it first: what is killed in between is found there and gone on with.
    """
    app.jobs.start(run, kind=KIND.value, org=org.oid, at=app.clock.now())
    begin_run(run, org=org.name, kind=KIND, full=full, at=app.clock.now())
    try:
        yield
    except UnlostError as error:
        if not (isinstance(error, Conflict) and error.code == IN_PROGRESS):
            _stopped(app, org, run, error)
        raise
    except BaseException as error:
        _failed(app, run, code=type(error).__name__, sentence=str(error))
        raise


def _stopped(app: Application, org: ProtectedOrg, run: str, error: UnlostError) -> None:
    if error.code == CANCELLED:
        _give_up(app, org, run, why=error)
        return
    if isinstance(error, LimitReached):
        _parked(app, run, error)
        return
    if error.code in LOST:
        _give_up(app, org, run)
    _failed(app, run, code=error.code, sentence=error.sentence)


def _parked(app: Application, run: str, error: LimitReached) -> None:
    now, until = app.clock.now(), error.resume_at
    app.jobs.end(run, state=JobState.PARKED, at=now, resume_at=until, sentence=error.sentence)
    end = RunEnd(RunState.PARKED, now, None, until, error.code, error.sentence)
    end_run(run, end)


def _failed(app: Application, run: str, *, code: str, sentence: str) -> None:
    now = app.clock.now()
    if app.jobs.run(run).state.resumable:
        app.jobs.end(run, state=JobState.FAILED, at=now, sentence=sentence)
    end_run(run, RunEnd(RunState.FAILED, now, error_code=code, error_sentence=sentence))


def _done(app: Application, run: str, snapshot: SnapshotInfo) -> None:
    now = app.clock.now()
    end_run(run, RunEnd(RunState.DONE, now, snapshot=snapshot.number))
    app.jobs.end(run, state=JobState.DONE, at=now)


def _result(org: ProtectedOrg, chosen: Chosen, finished: Finished) -> BackupResult:
    run = RunOfOrg(org.name, org.identity.zone, chosen.id, chosen.resumed)
    return result_of(run, finished.snapshot, finished.certificate)


@dataclass(frozen=True, slots=True)
class RunOfOrg:
    """A run, and the org that it backed up; ``resumed``: it had been begun before."""

    org: str
    zone: str
    run: str
    resumed: bool


def result_of(run: RunOfOrg, info: SnapshotInfo, proof: Certificate) -> BackupResult:
    """What is told of a finished backup, from its snapshot and certificate."""
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
        records=sum(line.held for line in proof.tables),
        rows_seen=info.rows_seen,
        counts=info.counts,
        files=proof.files,
        file_bytes=proof.file_bytes,
        bytes_added=info.bytes_added,
        verdict=proof.verdict,
        sentence=proof.sentence,
        findings=gaps(proof),
    )
