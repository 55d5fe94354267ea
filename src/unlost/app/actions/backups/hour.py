"""Hourly backups between two nightly ones, of a few chosen tables.

An hourly backup is never left open. If it cannot run now, or reads too much, it is given up, and
the next hour or the nightly backup reads the same changes. So it never delays a nightly backup.

One hour of one org has one run id (``run_of_hour``), so queueing it twice runs it once.

See docs/adr/0012.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from unlost.app.alerts.evaluation import evaluate_backups
from unlost.app.backups.backup_run import (
    IN_PROGRESS,
    KIND,
    PARTLY_READ,
    backup_policy,
    backup_ports,
    close_hour,
    close_hours,
    refresh_identity,
)
from unlost.app.compose import Application, ObserverFanout, SilentObserver
from unlost.catalog.orgs.orgs import ProtectedOrg, list_orgs
from unlost.catalog.runs.nights import open_nights
from unlost.catalog.runs.observer import SqlObserver
from unlost.catalog.runs.runs import (
    RunEnd,
    RunState,
    begin_run,
    find_run,
    forget_hours,
    list_runs,
    unfinished_backups,
)
from unlost.catalog.runs.schedules import schedule_of
from unlost.engine.backup.backup import FinishedBackup, ParkedBackup
from unlost.engine.backup.backup import backup as run_backup
from unlost.engine.backup.partial import DeferredTables
from unlost.engine.schedule import HOUR, due_hour
from unlost.model.errors import Conflict, LimitReached, StoreError, TransientError, UnlostError
from unlost.model.finding import Finding, FindingKind
from unlost.model.message import Message, code_of, fault, joined, message
from unlost.model.runs.schedule import Schedule

NIGHTS = 5  # the newest runs that are searched for a successful one
REMEMBERED = timedelta(days=14)  # how long hourly runs stay listed; their data is in the vault
LEFT_TO_NIGHT = "hourly-left"
GIVES_WAY = (LEFT_TO_NIGHT, IN_PROGRESS, "work-folder-damaged")


class HourlyEnding(StrEnum):
    """The ending of an hourly backup."""

    DONE = "done"
    SKIPPED = "skipped"  # not started: not due, or a nightly backup is near
    GIVEN_UP = "given-up"  # the next hour or the nightly backup reads it
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class HourlyBackup:
    """An hourly backup by the service. ``code`` is why it was not done, or not completely."""

    run: str
    ending: HourlyEnding
    code: str = ""


def run_of_hour(oid: str, hour: str) -> str:
    """Return the run id of an hour; the same hour always gets the same id."""
    return f"hourly-{hour.replace('-', '').lower()}-{oid[:12]}"


def do_hour(app: Application, oid: str, hour: str) -> HourlyBackup:
    """Back up the chosen tables of an org. Errors of the org are recorded, not raised."""
    org = next(org_row for org_row in list_orgs() if org_row.oid == oid)
    run, schedule = run_of_hour(oid, hour), schedule_of(oid).schedule
    try:
        why = why_not(app, org, schedule, hour)
        close_hours(app, org, but="" if why else run)
    except UnlostError as error:  # a manual backup has just started, or the vault is unavailable
        why = error.code
    known = find_run(run)
    if why or (known is not None and known.state is not RunState.RUNNING):
        return HourlyBackup(run, HourlyEnding.SKIPPED, why)
    begin_run(run, org=org.name, kind=KIND, full=False, at=app.clock.now(), hourly=True)
    # An org has up to 24 hourly runs a day; their data is in the vault.
    forget_hours(oid, before=app.clock.now() - REMEMBERED)
    end = _ended(app, org, schedule.hourly, run=run)
    close_hour(app, org, end, run=run)
    if end.state is RunState.DONE:
        evaluate_backups(app, org)
    return HourlyBackup(run, _ending(end), code_of(end.error))


def why_not(app: Application, org: ProtectedOrg, schedule: Schedule, hour: str) -> str:
    """Return the code of why an hour should not run now; empty if it should."""
    zone, now = org.identity.zone, app.clock.now()
    if due_hour(schedule, zone=zone, key=org.oid, now=now) != hour:
        return "not-its-time"
    if any(night.oid == org.oid for night in open_nights()):
        return "night"
    # The unfinished backup read its data earlier, so it must commit before this hourly backup.
    begun = (run.id for run in unfinished_backups(org.oid, hourly=False))
    if any(app.steps.result(run, "begin", "") is not None for run in begun):
        return "backup-unfinished"
    if app.vault.newest_backup(org.oid) is None:
        return "no-night-yet"
    return "failed-before" if _no_use(org, now) else ""


def _no_use(org: ProtectedOrg, now: datetime) -> bool:
    """Return True if the last hour failed permanently and nothing has changed since.

    Retrying a wrong password every hour would lock the user out.
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
    """Run an hourly backup and return how it ended; never raises, so that it is always closed."""
    try:
        return _done(_read(app, org, tables, run=run), app.clock.now())
    except UnlostError as error:
        # An hourly backup never waits for an API limit: the next one reads the same changes.
        gives_way = isinstance(error, LimitReached) or error.code in GIVES_WAY
        state = RunState.ABANDONED if gives_way else RunState.FAILED
        passing = isinstance(error, TransientError | Conflict | StoreError)
        retry_at = app.clock.now() + HOUR if passing and not gives_way else None
        return RunEnd(state, None, None, retry_at, error.message)
    except Exception as error:  # noqa: BLE001 (a fault of ours must not end the worker)
        return RunEnd(RunState.FAILED, None, error=fault(error))


def _read(
    app: Application, org: ProtectedOrg, tables: tuple[str, ...], *, run: str
) -> FinishedBackup:
    written = SqlObserver(run, clock=app.clock)
    observer = ObserverFanout(written, SilentObserver())
    try:
        with app.open_org(org, observer=observer, run=run) as source:
            refresh_identity(org, source)
            ports = backup_ports(app, source, run, observer)
            outcome = run_backup(org.oid, ports, policy=backup_policy(org), only=tables)
    finally:
        written.flush()
    if isinstance(outcome, ParkedBackup):
        raise LimitReached.of(outcome.message)
    if isinstance(outcome, DeferredTables):
        text = message(
            "hourly-left",
            "{reason}",
            next_step="No action is needed. The next nightly backup reads it.",
            reason=outcome.message,
        )
        raise Conflict.of(text)
    return outcome


def _done(finished: FinishedBackup, at: datetime) -> RunEnd:
    """Return the end of a finished run, with findings about tables that it left to the night."""
    findings = finished.certificate.findings
    deferred = [finding for finding in findings if finding.kind is FindingKind.LEFT_TO_NIGHT]
    unread = any(finding.detail for finding in deferred)
    return RunEnd(
        RunState.DONE,
        at,
        snapshot=finished.snapshot.number,
        error=_reasons(deferred, code=PARTLY_READ if unread else LEFT_TO_NIGHT),
    )


def _reasons(findings: Sequence[Finding], *, code: str) -> Message | None:
    """Return the sentences of findings as one message; None if there are none."""
    if not findings:
        return None
    if len(findings) == 1:
        return replace(findings[0].message, code=code, next_step="", next_template="")
    return joined(code, (finding.message for finding in findings))


def _ending(end: RunEnd) -> HourlyEnding:
    endings = {RunState.DONE: HourlyEnding.DONE, RunState.FAILED: HourlyEnding.FAILED}
    return endings.get(end.state, HourlyEnding.GIVEN_UP)
