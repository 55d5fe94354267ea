"""Restores by the service: handed over by people, done by a worker, gone on with after whatever."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from unlost.app.actions.night import (
    AGAIN,
    BUSY,
    DATABASE_AWAY,
    MOST_FAILURES,
    RECONNECT,
    worker_died,
)
from unlost.app.actions.restore_plan import load_plan
from unlost.app.actions.restore_run import announce_plan, resume_run
from unlost.app.backup_run import IN_PROGRESS
from unlost.app.compose import Application
from unlost.catalog.errands import (
    Errand,
    due_errands,
    next_errand,
    put_off_errand,
    queue_errand,
    start_errand,
)
from unlost.catalog.runs import RunEnd, RunState, end_run, find_run
from unlost.jobs.durable import ask
from unlost.jobs.slots import worker_runs
from unlost.model.errors import Conflict, LimitReached, StoreError, TransientError, UnlostError
from unlost.model.jobs import Job, JobKind


@dataclass(frozen=True, slots=True)
class Handed:
    """A restore that the service has. ``served``: a service or worker runs now."""

    run: str
    org: str
    served: bool
    over: bool = False


def hand_over(app: Application, file: Path) -> Handed:
    """Write the plan of a file into the vault, and have the service run it.

    Raises what running it would raise before the first record is written.
    """
    plan, org = load_plan(app, file)
    run, over = announce_plan(app, plan, org)
    if not over:
        queue_errand(run, org=org.name, at=app.clock.now())
        ask_for(app, run)
    served = worker_runs(app.locks, alone=not app.home.database)
    return Handed(run, org.name, served, over)


def ask_for(app: Application, run: str) -> None:
    """Have a waiting restore begun at once, and not with the service's next look."""
    errand = next_errand(run)
    if errand is not None:
        ask(app.home.queue, errand_job(errand))


def errand_jobs(app: Application) -> list[Job]:
    """Restores whose turn has come."""
    return [errand_job(one) for one in due_errands(app.clock.now())]


def errand_job(errand: Errand) -> Job:
    """The job of a try: asking twice for the same one is asking once."""
    return Job(f"restore:{errand.run}:{errand.number}", JobKind.RESTORE, errand.oid, errand.run)


def do_errand(app: Application, run: str) -> RunState | None:
    """Try a restore; how it is then. Never raises what is a matter of the org or the plan."""
    begun = start_errand(run, now=app.clock.now())
    if begun is None:
        return None
    if begun.crashed and begun.number > MOST_FAILURES:
        died, now = worker_died(), app.clock.now()
        end_run(run, RunEnd(RunState.FAILED, now, error_code=died.code, error_sentence=str(died)))
        return RunState.FAILED
    try:
        resume_run(app, run)
    except UnlostError as error:
        _put_off(app, run, error, tries=begun.number)
    known = find_run(run)
    return known.state if known is not None else None


def _put_off(app: Application, run: str, error: UnlostError, *, tries: int) -> None:
    """When it is tried again, if time alone may help."""
    wait: timedelta | None = None
    if isinstance(error, LimitReached):
        wait = timedelta(0) if app.brake.pulled else None  # else it parked, and knows until when
    elif error.code == IN_PROGRESS:
        wait = BUSY
    elif error.code == DATABASE_AWAY:
        wait = RECONNECT
    elif isinstance(error, TransientError | Conflict | StoreError) and tries < MOST_FAILURES:
        wait = timedelta(minutes=AGAIN[min(tries, len(AGAIN)) - 1])
    if wait is not None:
        put_off_errand(run, until=app.clock.now() + wait)
