"""An hour between two nights: a few tables are backed up, or left to the night.

It never stays open: where it cannot be done now it is given up, for the next hour or the night reads
what it would have read. So it never stands in the way of a night.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from unlost.app.backups.backup_run import (
    IN_PROGRESS,
    KIND,
    PARTLY_READ,
    backup_ports,
    close_hour,
    close_hours,
    refresh_identity,
)
from unlost.app.compose import Application, ObserverFanout, SilentObserver
from unlost.catalog.nights import open_nights
from unlost.catalog.observer import SqlObserver
from unlost.catalog.orgs import ProtectedOrg, list_orgs
from unlost.catalog.runs import (
    RunEnd,
    RunState,
    begin_run,
    find_run,
    forget_hours,
    list_runs,
    unfinished_backups,
)
from unlost.catalog.schedules import schedule_of
from unlost.engine.backup.backup import FinishedBackup, ParkedBackup
from unlost.engine.backup.backup import backup as run_backup
from unlost.engine.backup.partial import DeferredTables
from unlost.engine.schedule import HOUR, due_hour
from unlost.model.errors import Conflict, LimitReached, StoreError, TransientError, UnlostError
from unlost.model.finding import FindingKind
from unlost.model.schedule import Schedule

NIGHTS = 5  # runs among which a good one is looked for
REMEMBERED = timedelta(days=14)  # runs of hours; what they brought is in the vault
LEFT = "hourly-left"
GIVES_WAY = (LEFT, IN_PROGRESS, "work-folder-damaged")


class HourlyEnding(StrEnum):
    """What became of an hour."""

    DONE = "done"
    SKIPPED = "skipped"  # not begun: it is not its time, or a night is on its way
    GIVEN_UP = "given-up"  # the next hour or the night reads it
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class HourlyBackup:
    """An hour that a service saw to. ``code`` says why it is not done, or not all of it."""

    run: str
    ending: HourlyEnding
    code: str = ""


def run_of_hour(oid: str, hour: str) -> str:
    """The run of an hour: asked for twice it is one."""
    return f"hourly-{hour.replace('-', '').lower()}-{oid[:12]}"


def do_hour(app: Application, oid: str, hour: str) -> HourlyBackup:
    """Back up the chosen tables of an org. Never raises what is a matter of the org."""
    org = next(org_row for org_row in list_orgs() if org_row.oid == oid)
    run, schedule = run_of_hour(oid, hour), schedule_of(oid).schedule
    try:
        why = why_not(app, org, schedule, hour)
        close_hours(app, org, but="" if why else run)
    except UnlostError as error:  # a backup by hand has just begun, or the vault is away
        why = error.code
    known = find_run(run)
    if why or (known is not None and known.state is not RunState.RUNNING):
        return HourlyBackup(run, HourlyEnding.SKIPPED, why)
    begin_run(run, org=org.name, kind=KIND, full=False, at=app.clock.now(), hourly=True)
    forget_hours(oid, before=app.clock.now() - REMEMBERED)
    end = _ended(app, org, schedule.hourly, run=run)
    close_hour(app, org, end, run=run)
    return HourlyBackup(run, _ending(end), end.error_code)


def why_not(app: Application, org: ProtectedOrg, schedule: Schedule, hour: str) -> str:
    """Why an hour is not to be done now, in a word; empty if it is."""
    zone, now = org.identity.zone, app.clock.now()
    if due_hour(schedule, zone=zone, key=org.oid, now=now) != hour:
        return "not-its-time"
    if any(night.oid == org.oid for night in open_nights()):
        return "night"
    # What such a run has read is older than what an hour would commit before it.
    begun = (run.id for run in unfinished_backups(org.oid, hourly=False))
    if any(app.steps.result(run, "begin", "") is not None for run in begun):
        return "backup-unfinished"
    if app.vault.head(org.oid) is None:
        return "no-night-yet"
    return "failed-before" if _no_use(org, now) else ""


def _no_use(org: ProtectedOrg, now: datetime) -> bool:
    """True if an hour failed in a way that trying again does not help, and nothing changed since.

    A wrong password that is typed every hour locks the user out.
    """
    hours = list_runs(org.name, most=1, hourly=True)
    if not hours or hours[0].state is not RunState.FAILED or hours[0].resume_at is not None:
        return False
    failed_at = hours[0].ended_at or now
    runs = list_runs(org.name, most=NIGHTS, hourly=False)
    good = any(
        run.kind is KIND and run.state is RunState.DONE and (run.ended_at or failed_at) > failed_at
        for run in runs
    )
    return not good and schedule_of(org.oid).since <= failed_at


def _ended(app: Application, org: ProtectedOrg, tables: tuple[str, ...], *, run: str) -> RunEnd:
    """How the run of an hour ends; it is closed whatever that is."""
    try:
        return _done(_read(app, org, tables, run=run), app.clock.now())
    except UnlostError as error:
        gives_way = isinstance(error, LimitReached) or error.code in GIVES_WAY
        state = RunState.ABANDONED if gives_way else RunState.FAILED
        passing = isinstance(error, TransientError | Conflict | StoreError)
        again = app.clock.now() + HOUR if passing and not gives_way else None
        return RunEnd(state, None, None, again, error.code, error.sentence)
    except Exception as error:  # noqa: BLE001 (a fault of ours must not end the worker)
        name = type(error).__name__
        return RunEnd(RunState.FAILED, None, error_code=name, error_sentence=str(error) or name)


def _read(
    app: Application, org: ProtectedOrg, tables: tuple[str, ...], *, run: str
) -> FinishedBackup:
    written = SqlObserver(run, clock=app.clock)
    observer = ObserverFanout(written, SilentObserver())
    try:
        with app.open_org(org, observer=observer, run=run) as source:
            refresh_identity(org, source)
            outcome = run_backup(org.oid, backup_ports(app, source, run, observer), only=tables)
    finally:
        written.flush()
    if isinstance(outcome, ParkedBackup):
        raise LimitReached(outcome.code, outcome.sentence, next_step=outcome.next_step)
    if isinstance(outcome, DeferredTables):
        raise Conflict(
            "hourly-left",
            outcome.sentence,
            next_step="Nothing to do: the next night reads it.",
        )
    return outcome


def _done(finished: FinishedBackup, at: datetime) -> RunEnd:
    """Done; what was left of it is told with the run."""
    findings = finished.certificate.findings
    deferred = [finding for finding in findings if finding.kind is FindingKind.LEFT_TO_NIGHT]
    unread = any(finding.detail for finding in deferred)
    return RunEnd(
        RunState.DONE,
        at,
        snapshot=finished.snapshot.number,
        error_code=(PARTLY_READ if unread else LEFT) if deferred else "",
        error_sentence=" ".join(finding.sentence for finding in deferred),
    )


def _ending(end: RunEnd) -> HourlyEnding:
    endings = {RunState.DONE: HourlyEnding.DONE, RunState.FAILED: HourlyEnding.FAILED}
    return endings.get(end.state, HourlyEnding.GIVEN_UP)
