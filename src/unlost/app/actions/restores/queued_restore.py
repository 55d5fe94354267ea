"""Restores by the service: queued by people, run by a worker, resumed after any interruption.

The plan is written into the vault's journal before the run is queued, so everything needed to
resume is in the vault; the home stores only when to try next:

    hand_over ─> journal entry 0 ─> queue ─> do_restore ─┬─> done, or failed for good
                                              ^          └─> put off until ``_wait`` has passed
                                              └────────────────┘

See docs/adr/0010 for resuming and docs/adr/0014 for the queue.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from unlost.app.access import Where, action, check_org
from unlost.app.actions.backups.night import (
    AGAIN,
    BUSY,
    DATABASE_AWAY,
    MOST_FAILURES,
    RECONNECT,
    worker_died,
)
from unlost.app.actions.restores.restore_plan import PlanFile, load_plan
from unlost.app.actions.restores.restore_run import announce_plan, resume_run
from unlost.app.backups.backup_run import IN_PROGRESS
from unlost.app.compose import Application
from unlost.app.restores.plan_files import check_file_typed
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.people.tokens import acting_for
from unlost.catalog.runs.queued_restores import (
    QueuedRestore,
    asker_of_restore,
    drop_restore,
    due_restores,
    next_restore,
    put_off_restore,
    queue_restore,
    start_restore,
)
from unlost.catalog.runs.runs import RunEnd, RunState, command_of, end_run, find_run
from unlost.engine.restore.journal.log import RESTORE_UNDONE
from unlost.engine.restore.running.execute import kind_of
from unlost.jobs.enqueuing import enqueue_from_outside
from unlost.jobs.slots import worker_runs
from unlost.model.access import Actor, ActorKind, Right, Trace
from unlost.model.errors import (
    Conflict,
    LimitReached,
    NotAllowed,
    StoreError,
    TransientError,
    UnlostError,
)
from unlost.model.plan import RestorePlan
from unlost.model.runs.jobs import Job, JobKind, RunCommand
from unlost.model.vault.snapshot import CommitKind


@dataclass(frozen=True, slots=True)
class QueuedPlan:
    """A restore that is queued for the service. ``served``: a service or worker is running."""

    run: str
    org: str
    served: bool
    over: bool = False


@action(
    "restore.hand-over",
    Right.RESTORE,
    trace=Trace.WRITE,
    where=Where.ITSELF,
    detail=lambda handed: {"org": handed.org, "run": handed.run},
)
def hand_over(app: Application, file: PlanFile, *, typed: str = "") -> QueuedPlan:
    """Queue the restore plan of a file for the service to run.

    The plan is written into the vault first. ``typed``: the org's name, where it has to be typed.
    Raises UsageError (``org-not-typed``), and the errors of a restore before its first record.
    """
    plan, org = load_plan(app, file)
    check_org(app, Right.RESTORE, org.name)
    check_file_typed(app, plan, org, typed)
    return hand_over_plan(app, plan, org)


def hand_over_plan(app: Application, plan: RestorePlan, org: ProtectedOrg) -> QueuedPlan:
    """Write a plan into the vault and queue it for the service; raises as ``hand_over``."""
    run, over = announce_plan(app, plan, org)
    if not over:
        kind, by = CommitKind(kind_of(plan)), asker_of(app.actor)
        queue_restore(run, org=org.name, at=app.clock.now(), kind=kind, asked_by=by)
        ask_for(app, run)
    served = worker_runs(app.locks, alone=not app.home.database)
    return QueuedPlan(run, org.name, served, over)


def asker_of(actor: Actor) -> str:
    """Return whose role must allow a restore when it starts; empty for a user of this machine."""
    is_person = actor.kind in (ActorKind.PERSON, ActorKind.TOKEN)
    return actor.name if is_person or actor.person else ""  # a schedule acts for a person


def _check_asker(app: Application, run: str) -> None:
    """Raise NotAllowed (``restore-no-longer-allowed``) if a role was taken away meanwhile."""
    asker = asker_of_restore(run)
    if not asker.name:
        return
    actor = acting_for(asker.name, at=app.clock.now())
    if actor is None or not actor.may(Right.RESTORE, asker.oid):
        raise NotAllowed(
            "restore-no-longer-allowed",
            "{asker} asked for this run, but may no longer restore in this org. Nothing more "
            "was written.",
            next_step="A person who may restore here can have it run: `unlost runs {run} --resume`.",
            asker=asker.name,
            run=run,
        )


def ask_for(app: Application, run: str) -> None:
    """Enqueue a waiting restore now; if that fails, the service does so at its next tick."""
    queued = next_restore(run)
    if queued is not None:
        with suppress(UnlostError):
            enqueue_from_outside(app.home.queue, restore_job(queued))


def restore_jobs(app: Application) -> list[Job]:
    """Return the jobs of all restores that are due."""
    return [restore_job(due_restore) for due_restore in due_restores(app.clock.now())]


def restore_job(queued: QueuedRestore) -> Job:
    """Return the job of an attempt; queueing it twice runs it once."""
    return Job(f"restore:{queued.run}:{queued.number}", JobKind.RESTORE, queued.oid, queued.run)


def do_restore(app: Application, run: str) -> RunState | None:
    """Try a restore and return its state. Errors of org and plan are recorded, not raised."""
    begun = start_restore(run, now=app.clock.now())
    if begun is None:
        return None
    if begun.crashed and begun.failures >= MOST_FAILURES:
        _fail(app, run, worker_died())
        return RunState.FAILED
    try:
        _check_asker(app, run)
        resume_run(app, run, forget=False)
    except UnlostError as error:
        _after(app, run, error, failures=begun.failures)
    known = find_run(run)
    return known.state if known is not None else None


def _after(app: Application, run: str, error: UnlostError, *, failures: int) -> None:
    """Decide after an error whether a restore is retried later, waits for a person, or is over."""
    now = app.clock.now()
    if command_of(run) is RunCommand.CANCEL:
        drop_restore(run, at=now)
        return
    wait, failed = _wait(app, error, failures=failures)
    known = find_run(run)
    if wait is not None:
        put_off_restore(run, until=now + wait, failures=failures + int(failed))
    elif known is not None and known.state is RunState.RUNNING:  # it failed before its first step
        _fail(app, run, error)


def _wait(app: Application, error: UnlostError, *, failures: int) -> tuple[timedelta | None, bool]:
    """Return the time until the next attempt, None to stop, and whether it counts as a failure."""
    if isinstance(error, LimitReached):
        # Otherwise the run itself stores when it resumes.
        return (timedelta(0) if app.cancel_flag.is_set else None), False
    if error.code == IN_PROGRESS:
        return BUSY, False
    if error.code == DATABASE_AWAY:
        return RECONNECT, False
    if error.code == RESTORE_UNDONE:
        return None, False
    passing = isinstance(error, TransientError | Conflict | StoreError)
    if not passing or failures + 1 >= MOST_FAILURES:
        return None, True
    return timedelta(minutes=AGAIN[min(failures, len(AGAIN) - 1)]), True


def _fail(app: Application, run: str, error: UnlostError) -> None:
    now = app.clock.now()
    end_run(run, RunEnd(RunState.FAILED, now, error=error.message))
