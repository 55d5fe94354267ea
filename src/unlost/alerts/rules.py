"""The rules: pure functions from known facts to alerts."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from unlost.alerts.archive_alerts import archive_alerts
from unlost.alerts.mass_alerts import mass_alerts
from unlost.alerts.mirror import mirror_alerts
from unlost.alerts.watch_alerts import watch_alerts
from unlost.alerts.watched import AlertFacts, OrgFacts, RunFacts
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.finding import FindingKind
from unlost.model.gaps import gap_counts, gaps_of
from unlost.model.message import Message, Noun, code_of, counted, message, render
from unlost.model.runs.jobs import CANCELLED, PAUSED
from unlost.model.runs.night import NightRecord, NightState
from unlost.model.source.quota import Quota
from unlost.model.vault.certificate import Certificate
from unlost.model.vault.maintenance_results import MaintenanceRecord

OVERDUE = timedelta(minutes=15)  # a backup not started by then was missed
PATIENCE = 2  # failures of one backup before an alert
LATE_FACTOR = 3.0  # a run that takes so many times its usual time is late
LATE_LEAST = timedelta(hours=2)
LATE_UNKNOWN = timedelta(hours=12)  # used while there is no usual time
STUCK = timedelta(minutes=30)  # without progress
PARKED = timedelta(hours=6)  # a shorter pause is no news
OLDEST_BACKUP = timedelta(hours=36)
STORAGE_SHARES = (0.80, 0.90, 0.95, 1.00)  # and the one at which the org stops
STORAGE_NOW = 0.95
FORECAST_SOON = timedelta(days=30)
FORECAST_NOW = timedelta(days=7)
CALLS_SHARE = 0.90
NAMED = 3  # listed changes of a schema
EXPIRES_SOON = timedelta(days=30)
EXPIRES_NOW = timedelta(days=7)
LAST_CALL = timedelta(days=7)  # before a removal of others counts as confirmed
HELD_LONG = timedelta(days=7)  # after the day on which unneeded objects may be deleted

REPLACED = "another-org"
GOING_ON = frozenset({NightState.WAITING, NightState.RUNNING})
LOST_TABLE = frozenset(
    {FindingKind.TABLE_GONE, FindingKind.TABLE_REFUSED, FindingKind.TABLE_UNREADABLE}
)

type OrgRule = Callable[[OrgFacts], Iterator[RaisedAlert]]


def raised_alerts(watched: AlertFacts) -> Sequence[RaisedAlert]:
    """All alerts that apply now, each once."""
    alerts = [alert for org in watched.orgs for rule in ORG_RULES for alert in rule(org)]
    alerts += list(damaged(watched))
    alerts += list(mirror_alerts(watched.mirror)) if watched.mirror is not None else []
    return tuple({alert.key: alert for alert in alerts}.values())


# --- nights ---------------------------------------------------------------------------------------


def failed(org: OrgFacts) -> Iterator[RaisedAlert]:
    """The newest backup was given up, or failed more than once."""
    night = _newest(org)
    if night is None or _finished_since(org, night):
        return
    if code_of(night.error) in (REPLACED, CANCELLED, PAUSED):
        return  # another rule covers it, or a person wanted it
    given_up = night.state is NightState.GIVEN_UP and night.error is not None
    again = night.state in GOING_ON and night.failures >= PATIENCE
    if not (given_up or again):
        return
    yield _raised(
        AlertRule.NIGHT_FAILED,
        org,
        "",
        Urgency.NOW if given_up else Urgency.SOON,
        "The backup of {org} of {day} failed: {why} Unlost retries it automatically."
        if again
        else "The backup of {org} of {day} failed: {why} Unlost does not retry it.",
        "Fix the cause, then start the backup: it resumes where it stopped.",
        "unlost backup {org}",
        day=_day(night),
        why=night.error or "",
    )


def hourly_failed(org: OrgFacts) -> Iterator[RaisedAlert]:
    """An hourly backup of chosen tables failed twice, or in a way that a retry cannot fix."""
    if not org.schedule.hourly or not org.hours:
        return
    newest, *before = org.hours
    once = newest.again and not (before and before[0].failed)
    if not newest.failed or once:
        return
    if org.proof is not None and org.proof.finished > newest.ended:
        return
    yield _raised(
        AlertRule.HOURLY_FAILED,
        org,
        "",
        Urgency.SOON,
        "The hourly backup of {org} failed: {why} Unlost retries it every hour."
        if newest.again
        else "The hourly backup of {org} failed: {why} The next nightly backup reads these tables.",
        "Fix the cause, then start a backup. Hourly backups resume after it succeeds.",
        "unlost backup {org}",
        why=newest.why or "",
    )


def replaced(org: OrgFacts) -> Iterator[RaisedAlert]:
    """Another org answers at the address: a sandbox was refreshed, or the credentials are wrong."""
    night = _newest(org)
    if night is not None and code_of(night.error) == REPLACED and not _finished_since(org, night):
        yield _raised(
            AlertRule.ORG_REPLACED,
            org,
            "",
            Urgency.NOW,
            "Another org answers at the address of {org}: {why}",
            "If the sandbox was refreshed, let the name follow the new org. The backups of the old "
            "org are kept under another name. Otherwise check the login address and the credentials.",
            "unlost org follow {org}",
            why=night.error or "",
        )


def missed(org: OrgFacts) -> Iterator[RaisedAlert]:
    """A backup did not start in time, or backups were due while Unlost did not run."""
    night = _newest(org)
    if night is None or _finished_since(org, night):
        return
    waits = night.state is NightState.WAITING and not night.tries
    if waits and org.now - night.begun_at > OVERDUE:
        yield _missed(org, "The backup of {org} of {days} has not started.", days=_day(night))
    elif night.missed:
        days = ", ".join(name.partition("T")[0] for name in night.missed)
        yield _missed(org, "Unlost was not running: {org} has no backup of {days}.", days=days)


def _missed(org: OrgFacts, template: str, *, days: str) -> RaisedAlert:
    return _raised(
        AlertRule.NIGHT_MISSED,
        org,
        "",
        Urgency.NOW,
        template,
        "Check that the service is always running, and that other backups do not take too long.",
        "unlost schedule show {org}",
        days=days,
    )


def parked(org: OrgFacts) -> Iterator[RaisedAlert]:
    """The newest backup has long been waiting for an allowance."""
    night = _newest(org)
    if night is None or night.state not in GOING_ON or night.error is None:
        return
    paused = code_of(night.error) == PAUSED
    if (night.failures and not paused) or org.now - night.due_at < PARKED:
        return
    yield _raised(
        AlertRule.NIGHT_PARKED,
        org,
        "",
        Urgency.SOON,
        "The backup of {org} of {day} is waiting: {why}",
        "It does not resume automatically. Resume it with --resume and the name of the run."
        if paused
        else "It resumes automatically. Nothing was lost.",
        "unlost runs",
        day=_day(night),
        why=night.error,
    )


def late(org: OrgFacts) -> Iterator[RaisedAlert]:
    """A run takes much longer than usual."""
    for run in org.running:
        lasted = org.now - run.since
        if lasted > _too_long(run):
            yield _raised(
                AlertRule.NIGHT_LATE,
                org,
                "",
                Urgency.SOON,
                "The backup of {org} has been running for {age}.",
                "The cause may be a large change in the org. Check the progress of the run.",
                "unlost runs",
                age=_hours(lasted),
            )


def stuck(org: OrgFacts) -> Iterator[RaisedAlert]:
    """A run makes no progress."""
    for run in org.running:
        stood = org.now - run.moved
        if stood > STUCK:
            yield _raised(
                AlertRule.RUN_STUCK,
                org,
                run.run,
                Urgency.NOW,
                "The run {run} of {org} has made no progress for {age}.",
                "Restart the service: the run resumes where it stopped.",
                "unlost runs",
                run=run.run,
                age=_hours(stood),
            )


def no_recent_backup(org: OrgFacts) -> Iterator[RaisedAlert]:
    """The newest backup is too old, for any reason."""
    if org.schedule.nightly is None:
        return
    since = org.proof.as_of if org.proof is not None else org.added
    if org.now - since > OLDEST_BACKUP:
        yield _raised(
            AlertRule.NO_RECENT_BACKUP,
            org,
            "",
            Urgency.NOW,
            "The newest backup of {org} is {age} old."
            if org.proof is not None
            else "{org} was added {age} ago and has no backup.",
            "Start a backup and watch it.",
            "unlost backup {org}",
            age=_hours(org.now - since),
        )


# --- what a backup proved -------------------------------------------------------------------------


def incomplete(org: OrgFacts) -> Iterator[RaisedAlert]:
    """The newest backup has open gaps."""
    gaps = org.gaps
    if not gaps or org.proof is None:
        return
    accepted = len(gaps_of(org.proof)) - len(gaps)
    yield _raised(
        AlertRule.INCOMPLETE,
        org,
        "",
        Urgency.SOON,
        "The backup of {org} is incomplete, with {gaps}. {why}",
        "The certificate lists each gap and its fix. Accept those that cannot be closed.",
        "unlost certificate {org}",
        gaps=gap_counts(len(gaps), accepted=accepted),
        why=gaps[0].message,
    )


def lost_tables(org: OrgFacts) -> Iterator[RaisedAlert]:
    """A table that was backed up before could not be read, or no longer exists."""
    gaps = frozenset(org.gaps)
    for line in org.proof.tables if org.proof is not None else ():
        causes = [f for f in line.findings if f.kind in LOST_TABLE and f in gaps]
        if causes and line.stored:
            yield _raised(
                AlertRule.TABLE_LOST,
                org,
                line.table,
                Urgency.NOW,
                "{table} of {org} can no longer be read: {why} The vault keeps its {count:,} records.",
                "{step}" if causes[0].next_step else "Check the permissions of the backup user.",
                "unlost certificate {org}",
                table=line.table,
                count=line.stored,
                why=causes[0].message,
                step=causes[0].message.step,
            )


def drifted(org: OrgFacts) -> Iterator[RaisedAlert]:
    """Columns have vanished since the backup before, or have another type."""
    if org.drift:
        more = len(org.drift) - NAMED
        yield _raised(
            AlertRule.SCHEMA_DRIFT,
            org,
            str(org.before),
            Urgency.SOON,
            "The schema of {org} changed: {changes} and {more} more."
            if more > 0
            else "The schema of {org} changed: {changes}.",
            "If this is unexpected, find out who changed the setup. The vault keeps the old values.",
            "unlost certificate {org}",
            changes=", ".join(org.drift[:NAMED]),
            more=more,
        )


# --- allowances -----------------------------------------------------------------------------------


def storage(org: OrgFacts) -> Iterator[RaisedAlert]:
    """An org's storage is nearly full, or more than full."""
    for quota in _storages(org.proof):
        steps = {*STORAGE_SHARES, org.storage_stop}
        passed = [share for share in sorted(steps) if quota.share >= share]
        if passed:
            yield _raised(
                AlertRule.STORAGE,
                org,
                quota.name,
                Urgency.NOW if passed[-1] >= STORAGE_NOW else Urgency.SOON,
                "The {storage} of {org} is {share} full.",
                "Free storage before the org stops accepting records. See its growth:",
                "unlost storage {org}",
                level=len(passed),
                storage=quota.name,
                share=f"{quota.share:.1%}",
            )


def storage_forecast(org: OrgFacts) -> Iterator[RaisedAlert]:
    """At its present growth a storage will be full before long."""
    for name, seen in sorted(org.forecasts.items()):
        if seen.reached is None or seen.now >= seen.limit * seen.stop:
            continue  # never, or already: the storage rule covers that
        until_full = seen.reached - org.now
        if until_full <= FORECAST_SOON:
            yield _raised(
                AlertRule.STORAGE_FORECAST,
                org,
                name,
                Urgency.NOW if until_full <= FORECAST_NOW else Urgency.SOON,
                "At its present growth, the {storage} of {org} will be {share} full on {day}, in "
                "{count} days.",
                "Free storage before the org stops accepting records. See its growth:",
                "unlost storage {org}",
                storage=name,
                share=f"{seen.stop:.0%}",
                day=f"{seen.reached:%Y-%m-%d}",
                count=max(until_full.days, 0),
            )


def calls(org: OrgFacts) -> Iterator[RaisedAlert]:
    """The org's API calls of the day are nearly used up, by any program."""
    if not org.calls_limit or org.calls_used is None:
        return
    share = org.calls_used / org.calls_limit
    if share >= CALLS_SHARE:
        yield _raised(
            AlertRule.API_BUDGET,
            org,
            "",
            Urgency.SOON,
            "{share} of the daily API calls of {org} are used.",
            "Backups wait for their share. Find out which other program makes so many calls.",
            "unlost runs",
            share=f"{share:.0%}",
        )


def expiring(org: OrgFacts) -> Iterator[RaisedAlert]:
    """A credential expires soon; after that Unlost cannot sign in."""
    for expiry in org.expiries:
        until_expiry = expiry.at - org.now
        if until_expiry <= EXPIRES_SOON:
            over = until_expiry <= timedelta(0)
            yield _raised(
                AlertRule.CREDENTIAL_EXPIRES,
                org,
                expiry.name,
                Urgency.NOW if until_expiry <= EXPIRES_NOW else Urgency.SOON,
                "The credential “{credential}” of {org} expired on {day}."
                if over
                else "The credential “{credential}” of {org} expires on {day}.",
                "Renew it in the org, then enter it with `unlost org add` under the same name.",
                "unlost org list",
                level=int(over),
                credential=expiry.name,
                day=f"{expiry.at:%Y-%m-%d}",
            )


def damaged(watched: AlertFacts) -> Iterator[RaisedAlert]:
    """The last verification of the vault found damage."""
    if watched.unreadable:
        yield RaisedAlert(
            AlertRule.VAULT_DAMAGED,
            "",
            "unreadable",
            Urgency.NOW,
            message(
                AlertRule.VAULT_DAMAGED.value,
                "The vault cannot be read: {why}",
                next_step="Check that its disk is connected and undamaged. Until then, no backups "
                "are made.",
                why=watched.unreadable,
            ),
            "unlost verify --level quick",
        )
    check = watched.check
    if check is not None and check.damages:
        more = len(check.damages) - 1
        yield RaisedAlert(
            AlertRule.VAULT_DAMAGED,
            "",
            "",
            Urgency.NOW,
            message(
                AlertRule.VAULT_DAMAGED.value,
                "The vault is damaged: {damage} and {more} more"
                if more
                else "The vault is damaged: {damage}",
                next_step="Verify the whole vault, then restore the damaged objects from its mirror.",
                damage=check.damages[0],
                more=more,
            ),
            "unlost verify --level full",
        )


def grows(org: OrgFacts) -> Iterator[RaisedAlert]:
    """Compaction of the org's part of the vault failed after its newest backup."""
    if (
        org.maintenance is not None
        and org.maintenance.held_by
        and _overdue(org.maintenance, org.now)
    ):
        yield _raised(
            AlertRule.VAULT_GROWS,
            org,
            "held",
            Urgency.SOON,
            "Unneeded objects of {org} cannot be removed from the vault: the run {run} has not ended.",
            "Resume the run, or cancel it.",
            "unlost runs {run}",
            run=org.maintenance.held_by,
        )
    if org.maintenance is not None and org.maintenance.failed:
        yield _raised(
            AlertRule.VAULT_GROWS,
            org,
            "",
            Urgency.SOON,
            "Compaction of {org} failed: {why}",
            "Backups continue and nothing is lost. Fix the cause, then compact the vault.",
            "unlost compact {org}",
            why=org.maintenance.error or "",
        )


def unforgotten(org: OrgFacts) -> Iterator[RaisedAlert]:
    """Forgetting by the org's retention rules failed."""
    if org.forgotten is not None and org.forgotten.failed:
        yield _raised(
            AlertRule.VAULT_GROWS,
            org,
            "forget",
            Urgency.SOON,
            "Forgetting old backups of {org} failed: {why}",
            "Backups continue and nothing is lost. Fix the cause; Unlost retries after the next "
            "nightly backup.",
            "unlost forget {org}",
            why=org.forgotten.error or "",
        )


def foreign_removals(org: OrgFacts) -> Iterator[RaisedAlert]:
    """A commit that this home did not make waits for a decision, or blocks the org."""
    if org.blocked is not None:
        yield _raised(
            AlertRule.REMOVAL_WAITS,
            org,
            "blocked",
            Urgency.NOW,
            "Commit {number} of {org} does not fit, and this home did not make it. The org "
            "can be neither read nor backed up.",
            "If no other home of yours made it, remove it. Then find out who can write to "
            "the vault.",
            "unlost vault pending reject {org} {number}",
            number=org.blocked,
        )
    for removal in org.removals:
        yield _raised(
            AlertRule.REMOVAL_WAITS,
            org,
            str(removal.number),
            Urgency.NOW,
            "This home did not make commit {number} ({kind}) of {org}. It takes {objects} "
            "away. Nothing is removed before {day}, and until then nothing is merged or forgotten.",
            "If another home of yours made it, confirm it. Otherwise someone else has the "
            "service key of the vault: reject the commit, then renew the keys.",
            "unlost vault pending",
            level=int(removal.due - org.now <= LAST_CALL),
            number=removal.number,
            kind=removal.kind.value,
            objects=counted(removal.objects, Noun.OBJECT),
            day=f"{removal.due:%Y-%m-%d}",
        )


def _overdue(maintenance: MaintenanceRecord, now: datetime) -> bool:
    """True if unneeded objects should have been deleted long ago."""
    return maintenance.next_at is not None and now - maintenance.next_at >= HELD_LONG


# --- inside ---------------------------------------------------------------------------------------


def halted_restores(org: OrgFacts) -> Iterator[RaisedAlert]:
    """A restore that the service runs has stopped, and needs a person to resume it."""
    for restore in org.halted:
        yield _raised(
            AlertRule.RESTORE_HALTED,
            org,
            restore.run,
            Urgency.NOW,
            "The restore {run} to {org} stopped: {why}",
            "Fix the cause, then resume the restore: it continues where it stopped.",
            "unlost runs {run} --resume",
            run=restore.run,
            why=restore.why or "",
        )


ORG_RULES: tuple[OrgRule, ...] = (
    failed,
    hourly_failed,
    replaced,
    missed,
    parked,
    late,
    halted_restores,
    grows,
    unforgotten,
    foreign_removals,
    stuck,
    no_recent_backup,
    incomplete,
    lost_tables,
    drifted,
    mass_alerts,
    watch_alerts,
    archive_alerts,
    storage,
    storage_forecast,
    calls,
    expiring,
)


def _raised(
    rule: AlertRule,
    org: OrgFacts,
    subject: str,
    urgency: Urgency,
    template: str,
    next_step: str,
    command: str,
    *,
    level: int = 0,
    **args: object,
) -> RaisedAlert:
    """Make an alert of an org. All three texts may name ``{org}`` and the arguments."""
    text = message(rule.value, template, next_step=next_step, org=org.name, **args)
    return RaisedAlert(rule, org.name, subject, urgency, text, render(command, text.args), level)


def _newest(org: OrgFacts) -> NightRecord | None:
    return org.nights[0] if org.nights else None


def _finished_since(org: OrgFacts, night: NightRecord) -> bool:
    """True if any backup finished since: the failed one no longer matters."""
    since = night.ended_at if night.state is NightState.GIVEN_UP else night.begun_at
    return org.proof is not None and since is not None and org.proof.finished > since


def _day(night: NightRecord) -> str:
    return night.name.partition("T")[0]


def _too_long(run: RunFacts) -> timedelta:
    if run.usual_seconds is None:
        return LATE_UNKNOWN
    return max(LATE_LEAST, timedelta(seconds=LATE_FACTOR * run.usual_seconds))


def _hours(time: timedelta) -> Message:
    minutes = round(time.total_seconds() / 60)
    if minutes < 120:
        return counted(minutes, Noun.MINUTE)
    return (
        counted(round(minutes / 60), Noun.HOUR)
        if minutes < 72 * 60
        else counted(time.days, Noun.DAY)
    )


def _storages(proof: Certificate | None) -> Sequence[Quota]:
    """The org's storage limits, without its daily limits on reading."""
    quotas = proof.quotas if proof is not None else ()
    return [quota for quota in quotas if quota.is_storage]
