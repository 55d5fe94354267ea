"""One attempt at a scheduled nightly backup, and when to retry it."""

from datetime import datetime, timedelta

from unlost.app.actions.backups.backup import NOTES_LOST, backup
from unlost.app.backups.backup_run import IN_PROGRESS
from unlost.app.compose import Application
from unlost.catalog.runs.nights import WORKER_DIED, NightEnd, end_try, give_up_before, start_try
from unlost.catalog.runs.runs import RunState, find_run
from unlost.model.errors import (
    Conflict,
    LimitReached,
    StoreError,
    TransientError,
    UnlostError,
)
from unlost.model.message import Message, code_of, fault
from unlost.model.runs.jobs import CANCELLED, PAUSED
from unlost.model.runs.night import NightRecord, NightState

# Minutes until the next attempt, by the number of failures; the last one repeats.
AGAIN = (
    5,
    15,
    30,
    60,
)
PAUSE = timedelta(hours=1)  # for a parked run without a known resume time
BUSY = timedelta(minutes=10)  # until the next check whether a manual backup has ended
MOST_FAILURES = 12
RECONNECT = timedelta(minutes=1)  # after the home's own database was unavailable
DATABASE_AWAY = "database-away"
ANOTHER_ORG = "another-org"


def do_night(app: Application, oid: str, name: str) -> NightRecord | None:
    """Run or resume a nightly backup. Errors of the org are recorded, not raised."""
    night = start_try(oid, name)
    if night is None:
        return None
    # One backup catches up for all nights that were missed.
    give_up_before(oid, name, at=app.clock.now())
    if code_of(night.error) == WORKER_DIED and night.failures >= MOST_FAILURES:
        end_try(oid, name, _given_up(worker_died().message, app.clock.now()), number=night.tries)
        return night
    try:
        _back_up(app, night)
    except UnlostError as error:
        pause = timedelta(0) if app.cancel_flag.is_set else PAUSE
        end_try(
            oid,
            name,
            after_error(night, error, now=app.clock.now(), pause=pause),
            number=night.tries,
        )
    except Exception as error:  # noqa: BLE001 (a fault of ours must not end the worker)
        end_try(oid, name, _given_up(fault(error), app.clock.now()), number=night.tries)
    else:
        end_try(oid, name, NightEnd(NightState.DONE, app.clock.now()), number=night.tries)
    return night


def _back_up(app: Application, night: NightRecord) -> None:
    """Back up the org. An earlier unfinished run goes first; this night's run is never repeated."""
    done = find_run(night.run)
    # The process may have died between the end of the run and that of the night.
    if done is not None and done.state is RunState.DONE:
        return
    backup(app, night.org, run=night.run)


def after_error(
    night: NightRecord, error: UnlostError, *, now: datetime, pause: timedelta = PAUSE
) -> NightEnd:
    """Return when to retry a nightly backup after an error, or that it is given up.

    ``pause`` applies to a run that parked without a resume time.
    """
    if error.code == CANCELLED:
        return NightEnd(NightState.GIVEN_UP, now, error=error.message)
    if error.code == PAUSED:
        return NightEnd(NightState.WAITING, now, error=error.message)
    if isinstance(error, LimitReached):
        retry_at = error.resume_at or now + pause
        return NightEnd(NightState.WAITING, now, retry_at, error=error.message)
    if error.code == IN_PROGRESS:
        return NightEnd(NightState.WAITING, now, now + BUSY)
    if error.code == DATABASE_AWAY:  # not a failure of the org
        return NightEnd(NightState.WAITING, now, now + RECONNECT)
    if error.code == ANOTHER_ORG:
        return _given_up(error.message, now)  # a refreshed sandbox never becomes the old org again
    passing = isinstance(error, TransientError | Conflict | StoreError) or error.code == NOTES_LOST
    if not passing or night.failures + 1 >= MOST_FAILURES:
        return _given_up(error.message, now)
    wait = AGAIN[min(night.failures, len(AGAIN) - 1)]
    return NightEnd(
        NightState.WAITING,
        now,
        now + timedelta(minutes=wait),
        failed=True,
        error=error.message,
    )


def worker_died() -> UnlostError:
    """Return the error for a backup that ended its worker process ``MOST_FAILURES`` times."""
    return UnlostError(
        "worker-died",
        "The process that ran the backup stopped unexpectedly {failures} times.",
        next_step="Check the logs of the service and of the system: the machine may have run "
        "out of memory. Then start the backup manually.",
        failures=MOST_FAILURES,
    )


def _given_up(error: Message, now: datetime) -> NightEnd:
    return NightEnd(NightState.GIVEN_UP, now, failed=True, error=error)
