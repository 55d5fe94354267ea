"""One try of a night: the backup that a schedule asked for, and when it is tried again."""

from datetime import datetime, timedelta

from unlost.app.actions.backups.backup import NOTES_LOST, backup
from unlost.app.backups.backup_run import IN_PROGRESS
from unlost.app.compose import Application
from unlost.catalog.nights import WORKER_DIED, NightEnd, end_try, give_up_before, start_try
from unlost.catalog.runs import RunState, find_run
from unlost.model.errors import (
    Conflict,
    LimitReached,
    StoreError,
    TransientError,
    UnlostError,
)
from unlost.model.jobs import CANCELLED, PAUSED
from unlost.model.night import NightRecord, NightState

AGAIN = (5, 15, 30, 60)  # minutes until the next try, by the number of failures; the last for ever
PAUSE = timedelta(hours=1)  # until a parked run goes on that does not know when
BUSY = timedelta(minutes=10)  # until it is looked again whether a backup by hand has ended
MOST_FAILURES = 12
RECONNECT = timedelta(minutes=1)  # until it goes on after the home's own database was away
DATABASE_AWAY = "database-away"
ANOTHER_ORG = "another-org"


def do_night(app: Application, oid: str, name: str) -> NightRecord | None:
    """Do a night, or go on with it. Never raises what is a matter of the org: it is written down."""
    night = start_try(oid, name)
    if night is None:
        return None
    give_up_before(oid, name, at=app.clock.now())
    if night.error_code == WORKER_DIED and night.failures >= MOST_FAILURES:
        end_try(oid, name, _given_up(worker_died(), app.clock.now()), number=night.tries)
        return night
    try:
        _back_up(app, night)
    except UnlostError as error:
        pause = timedelta(0) if app.brake.pulled else PAUSE
        end_try(
            oid,
            name,
            after_error(night, error, now=app.clock.now(), pause=pause),
            number=night.tries,
        )
    except Exception as error:  # noqa: BLE001 (a fault of ours must not end the worker)
        wrapped = UnlostError(type(error).__name__, str(error) or type(error).__name__)
        end_try(oid, name, _given_up(wrapped, app.clock.now()), number=night.tries)
    else:
        end_try(oid, name, NightEnd(NightState.DONE, app.clock.now()), number=night.tries)
    return night


def _back_up(app: Application, night: NightRecord) -> None:
    """What an earlier run left undone comes first; this night's own run is never done twice."""
    done = find_run(night.run)
    if done is not None and done.state is RunState.DONE:
        return
    backup(app, night.org, run=night.run)


def after_error(
    night: NightRecord, error: UnlostError, *, now: datetime, pause: timedelta = PAUSE
) -> NightEnd:
    """When a night is tried again after an error, or that it is not.

    ``pause`` is for a run that parked and cannot say until when.
    """
    if error.code == CANCELLED:
        return NightEnd(
            NightState.GIVEN_UP, now, error_code=error.code, error_sentence=error.sentence
        )
    if error.code == PAUSED:
        return NightEnd(
            NightState.WAITING, now, None, error_code=error.code, error_sentence=error.sentence
        )
    if isinstance(error, LimitReached):
        again = error.resume_at or now + pause
        return NightEnd(
            NightState.WAITING, now, again, error_code=error.code, error_sentence=error.sentence
        )
    if error.code == IN_PROGRESS:
        return NightEnd(NightState.WAITING, now, now + BUSY)
    if error.code == DATABASE_AWAY:  # the org has no part in it
        return NightEnd(NightState.WAITING, now, now + RECONNECT)
    if error.code == ANOTHER_ORG:
        return _given_up(error, now)  # it will not become the old one again
    passing = isinstance(error, TransientError | Conflict | StoreError) or error.code == NOTES_LOST
    if not passing or night.failures + 1 >= MOST_FAILURES:
        return _given_up(error, now)
    wait = AGAIN[min(night.failures, len(AGAIN) - 1)]
    return NightEnd(
        NightState.WAITING,
        now,
        now + timedelta(minutes=wait),
        failed=True,
        error_code=error.code,
        error_sentence=error.sentence,
    )


def worker_died() -> UnlostError:
    """The error for what ended its worker again and again: it is not begun once more."""
    return UnlostError(
        "worker-died",
        f"The process that did it ended in the middle of it, {MOST_FAILURES} times.",
        next_step="Look into the log of the service and of the system: memory may have run out. "
        "Then start it by hand.",
    )


def _given_up(error: UnlostError, now: datetime) -> NightEnd:
    return NightEnd(
        NightState.GIVEN_UP, now, failed=True, error_code=error.code, error_sentence=error.sentence
    )
