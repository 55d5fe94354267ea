"""Follow a run of a remote service, with progress, and end as the run ends."""

from dataclasses import dataclass, field, replace

from unlost.app.actions.runs.run import RunStatus, RunTable, run_status
from unlost.app.compose import Application
from unlost.catalog.runs.runs import RunState
from unlost.model.errors import Conflict, LimitReached, NotFound, UnlostError
from unlost.model.message import message
from unlost.model.ports.system import Observer
from unlost.model.runs.progress import Phase, Progress

POLL_SECONDS = 2.0  # seconds between two polls
BEGINS_WITHIN = 600.0  # seconds; a service that has not started by then is busy or stopped


@dataclass(slots=True)
class _ProgressReporter:
    """Reports the totals of a run as progress events."""

    observer: Observer
    seen: dict[str, RunTable] = field(default_factory=dict)

    def report(self, now: RunStatus) -> None:
        """Report the progress since the last poll."""
        for table in now.tables:
            before = self.seen.get(table.table)
            if before != table:
                self.observer.progress(_increment(before, table, now.phase))
        self.seen = {table.table: table for table in now.tables}


def follow(
    app: Application, run: str, *, observer: Observer, before: RunStatus | None = None
) -> RunStatus:
    """Wait until a run is done.

    ``before`` is its status when the service was asked to resume it. Raises LimitReached if it is
    parked, UnlostError if it failed or was cancelled, Conflict (``run-not-begun``).
    """
    reporter, waited = _ProgressReporter(observer), 0.0
    while waited < BEGINS_WITHIN:
        now = status_if_begun(app, run)
        if now is not None and not _untouched(now, before):
            before = None
            reporter.report(now)
            if not now.going:
                return _done(now)
            # Only the time without progress counts: a run may take hours.
            waited = 0.0 if now.state == RunState.RUNNING.value else waited
        app.clock.sleep(POLL_SECONDS)
        waited += POLL_SECONDS
    raise not_begun(run)


def status_if_begun(app: Application, run: str) -> RunStatus | None:
    """Return the status of a run; None if the service has not started it."""
    try:
        return run_status(app, run)
    except NotFound as error:
        if error.code != "run-unknown":
            raise
        return None


def _untouched(now: RunStatus, before: RunStatus | None) -> bool:
    """Return True while the service has not resumed a run that had stopped."""
    if before is None or before.going:
        return False
    return (now.state, now.ended) == (before.state, before.ended)


def _increment(before: RunTable | None, now: RunTable, phase: Phase | None) -> Progress:
    known = before or replace(now, rows=0, bytes=0, files=0, calls=0)
    return Progress(
        now.phase or phase or Phase.DISCOVER,
        now.table,
        # A resumed run may begin to count at zero again.
        rows=max(0, now.rows - known.rows),
        bytes=max(0, now.bytes - known.bytes),
        files=max(0, now.files - known.files),
        calls=max(0, now.calls - known.calls),
    )


def _done(now: RunStatus) -> RunStatus:
    if now.state == RunState.DONE.value:
        return now
    stopped = now.error or message("run-stopped", "The run {run} stopped.", run=now.run)
    why = replace(stopped, next_step=f"See its state: unlost runs {now.run}", next_template="")
    if now.state == RunState.PARKED.value:
        raise LimitReached.of(why, resume_at=now.resume_at)
    raise UnlostError.of(why)


def not_begun(run: str) -> Conflict:
    """Return the error for a run that the service has not started."""
    return Conflict(
        "run-not-begun",
        "The service has not started {run} yet.",
        next_step="It starts when the service is free. Check `unlost runs {run}`, and that `unlost up` runs there.",
        run=run,
    )
