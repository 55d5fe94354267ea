"""The rules: pure functions from known facts to alerts."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from unlost.alerts.copies import copies
from unlost.alerts.watched import AlertFacts, NightCounts, OrgFacts, RunFacts
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.certificate import Certificate, TableLine, Verdict
from unlost.model.finding import FindingKind
from unlost.model.jobs import CANCELLED, PAUSED
from unlost.model.night import NightRecord, NightState
from unlost.model.quota import Quota
from unlost.model.upkeep import UpkeepRecord

OVERDUE = timedelta(minutes=15)  # a backup not started by then was missed
PATIENCE = 2  # failures of one backup before an alert
LATE_FACTOR = 3.0  # a run that takes so many times its usual time is late
LATE_LEAST = timedelta(hours=2)
LATE_UNKNOWN = timedelta(hours=12)  # used while there is no usual time
STUCK = timedelta(minutes=30)  # without progress
PARKED = timedelta(hours=6)  # a shorter pause is no news
OLDEST_BACKUP = timedelta(hours=36)
STORAGE_SHARES = (0.80, 0.90, 0.95, 1.00, 1.05)
STORAGE_NOW = 0.95
FORECAST_SOON = timedelta(days=30)
FORECAST_NOW = timedelta(days=7)
CALLS_SHARE = 0.90
NAMED = 3  # listed changes of a schema
EXPIRES_SOON = timedelta(days=30)
EXPIRES_NOW = timedelta(days=7)
HELD_LONG = timedelta(days=7)  # after the day on which unneeded objects may be deleted
LEAST_NIGHTS = 5  # backups before a table has a usual count
USUAL_TIMES = 8.0  # robust deviations above the usual count
UNUSUAL_LEAST = 100  # rows; fewer may be one person's day
UNUSUAL_SHARE = 0.05  # of the table's records, if it has no usual count
DAY_TO_DAY = 1.4826  # from the median deviation to a standard deviation, for a normal distribution

REPLACED = "another-org"
GOING_ON = frozenset({NightState.WAITING, NightState.RUNNING})
LOST_TABLE = frozenset(
    {FindingKind.TABLE_GONE, FindingKind.TABLE_REFUSED, FindingKind.TABLE_UNREADABLE}
)

type OrgRule = Callable[[OrgFacts], Iterator[RaisedAlert]]


def alarms(watched: AlertFacts) -> Sequence[RaisedAlert]:
    """All alerts that apply now, each once."""
    alerts = [alert for org in watched.orgs for rule in ORG_RULES for alert in rule(org)]
    alerts += list(damaged(watched))
    alerts += list(copies(watched.copies)) if watched.copies is not None else []
    return tuple({alert.key: alert for alert in alerts}.values())


# --- nights ---------------------------------------------------------------------------------------


def failed(org: OrgFacts) -> Iterator[RaisedAlert]:
    """The newest backup was given up, or failed more than once."""
    night = _newest(org)
    if night is None or _finished_since(org, night):
        return
    if night.error_code in (REPLACED, CANCELLED, PAUSED):
        return  # another rule covers it, or a person wanted it
    given_up = night.state is NightState.GIVEN_UP and night.error_sentence
    again = night.state in GOING_ON and night.failures >= PATIENCE
    if not (given_up or again):
        return
    goes_on = "It is tried again by itself." if again else "It is not tried again by itself."
    yield _alarm(
        AlertRule.NIGHT_FAILED,
        org,
        "",
        Urgency.NOW if given_up else Urgency.SOON,
        f"The backup of {org.name} of {_day(night)} failed: {night.error_sentence} {goes_on}",
        "See to the cause, then start it yourself: it goes on where it stopped.",
        f"unlost backup {org.name}",
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
    again = "It is tried again every hour." if newest.again else "It is left to the next night."
    yield _alarm(
        AlertRule.HOURLY_FAILED,
        org,
        "",
        Urgency.SOON,
        f"The hourly backup of {org.name} failed: {newest.sentence} {again}",
        "See to the cause, then back up by hand: after a good backup the hours go on.",
        f"unlost backup {org.name}",
    )


def replaced(org: OrgFacts) -> Iterator[RaisedAlert]:
    """Another org answers at the address: a sandbox was refreshed, or the credentials are wrong."""
    night = _newest(org)
    if night is not None and night.error_code == REPLACED and not _finished_since(org, night):
        yield _alarm(
            AlertRule.ORG_REPLACED,
            org,
            "",
            Urgency.NOW,
            f"Another org answers where {org.name} was: {night.error_sentence}",
            "If the sandbox was refreshed, let the name follow it; the old org's backups are kept "
            "under another name. Else look at the login address and the credentials.",
            f"unlost org follow {org.name}",
        )


def missed(org: OrgFacts) -> Iterator[RaisedAlert]:
    """A backup did not start in time, or backups were due while Unlost did not run."""
    night = _newest(org)
    if night is None or _finished_since(org, night):
        return
    waits = night.state is NightState.WAITING and not night.tries
    if waits and org.now - night.begun_at > OVERDUE:
        yield _missed(org, f"The backup of {org.name} of {_day(night)} has not begun.")
    elif night.missed:
        days = ", ".join(name.partition("T")[0] for name in night.missed)
        yield _missed(org, f"Unlost did not run, and no backup of {org.name} was made for {days}.")


def _missed(org: OrgFacts, sentence: str) -> RaisedAlert:
    return _alarm(
        AlertRule.NIGHT_MISSED,
        org,
        "",
        Urgency.NOW,
        sentence,
        "Look whether the service runs all the time, and whether other backups take too long.",
        f"unlost schedule show {org.name}",
    )


def parked(org: OrgFacts) -> Iterator[RaisedAlert]:
    """The newest backup has long been waiting for an allowance."""
    night = _newest(org)
    if night is None or night.state not in GOING_ON or not night.error_sentence:
        return
    paused = night.error_code == PAUSED
    if (night.failures and not paused) or org.now - night.due_at < PARKED:
        return
    yield _alarm(
        AlertRule.NIGHT_PARKED,
        org,
        "",
        Urgency.SOON,
        f"The backup of {org.name} of {_day(night)} waits: {night.error_sentence}",
        "It does not go on by itself: let it, with --go-on and the run's name."
        if paused
        else "It goes on by itself; nothing was lost.",
        "unlost runs",
    )


def late(org: OrgFacts) -> Iterator[RaisedAlert]:
    """A run takes much longer than usual."""
    for run in org.running:
        lasted = org.now - run.since
        if lasted > _too_long(run):
            yield _alarm(
                AlertRule.NIGHT_LATE,
                org,
                "",
                Urgency.SOON,
                f"The backup of {org.name} has been running for {_hours(lasted)}.",
                "It may be a large change in the org; look how far it came.",
                "unlost runs",
            )


def stuck(org: OrgFacts) -> Iterator[RaisedAlert]:
    """A run makes no progress."""
    for run in org.running:
        stood = org.now - run.moved
        if stood > STUCK:
            yield _alarm(
                AlertRule.RUN_STUCK,
                org,
                run.run,
                Urgency.NOW,
                f"The run {run.run} of {org.name} has not come a step further for {_hours(stood)}.",
                "Stop the service and start it again: the run goes on where it stopped.",
                "unlost runs",
            )


def no_recent_backup(org: OrgFacts) -> Iterator[RaisedAlert]:
    """The newest backup is too old, for any reason."""
    if org.schedule.nightly is None:
        return
    since = org.proof.as_of if org.proof is not None else org.added
    if org.now - since > OLDEST_BACKUP:
        age = _hours(org.now - since)
        never = f"{org.name} was added {age} ago and was never backed up."
        yield _alarm(
            AlertRule.NO_RECENT_BACKUP,
            org,
            "",
            Urgency.NOW,
            f"The newest backup of {org.name} is {age} old." if org.proof is not None else never,
            "Start one by hand and see how it ends.",
            f"unlost backup {org.name}",
        )


# --- what a backup proved -------------------------------------------------------------------------


def incomplete(org: OrgFacts) -> Iterator[RaisedAlert]:
    """The newest backup does not protect everything in the org."""
    proof = org.proof
    if proof is not None and proof.verdict is not Verdict.COMPLETE:
        yield _alarm(
            AlertRule.INCOMPLETE,
            org,
            "",
            Urgency.SOON,
            f"The backup of {org.name} is not complete: {proof.sentence}",
            "The certificate names each gap and what closes it.",
            f"unlost certificate {org.name}",
        )


def lost_tables(org: OrgFacts) -> Iterator[RaisedAlert]:
    """A table that was backed up before could not be read, or no longer exists."""
    for line in org.proof.tables if org.proof is not None else ():
        causes = [finding for finding in line.findings if finding.kind in LOST_TABLE]
        if causes and line.stored:
            yield _alarm(
                AlertRule.TABLE_LOST,
                org,
                line.table,
                Urgency.NOW,
                f"{line.table} of {org.name}, of which {line.stored:,} records are kept, could not "
                f"be read any more: {causes[0].sentence}",
                causes[0].next_step or "Look at the rights of the user that backs up.",
                f"unlost certificate {org.name}",
            )


def drifted(org: OrgFacts) -> Iterator[RaisedAlert]:
    """Columns have vanished since the backup before, or have another type."""
    if org.drift:
        more = f" and {len(org.drift) - NAMED} more" if len(org.drift) > NAMED else ""
        yield _alarm(
            AlertRule.SCHEMA_DRIFT,
            org,
            str(org.before),
            Urgency.SOON,
            f"The shape of {org.name} changed: {', '.join(org.drift[:NAMED])}{more}.",
            "If nobody meant to, ask who changed the set-up. What the columns held is kept.",
            f"unlost certificate {org.name}",
        )


def lost_rows(org: OrgFacts) -> Iterator[RaisedAlert]:
    """Far more records of a table were deleted than in a usual night."""
    if org.proof is None or not org.counts:
        return
    believed = {line.table for line in org.proof.tables if _vanished(line)}
    if org.part is not None:
        believed |= {line.table for line in org.part.tables if _vanished(line)}
    for table in sorted(believed):
        yield _unusual(AlertRule.UNUSUAL_LOSS, org, table, f"So many records of {table} vanished from "
                       f"{org.name} that it is not believed yet.")  # fmt: skip
    for table, count in _unusual_counts(org, lambda night: night.deleted):
        if table not in believed:
            yield _unusual(AlertRule.UNUSUAL_LOSS, org, table,
                           f"{count:,} records of {table} were deleted in {org.name} since the "
                           f"backup before: far more than usual.")  # fmt: skip


def changed_rows(org: OrgFacts) -> Iterator[RaisedAlert]:
    """Far more records of a table were changed than in a usual night."""
    if len(org.counts) < LEAST_NIGHTS:
        return
    for table, count in _unusual_counts(org, lambda night: night.changed):
        yield _unusual(AlertRule.UNUSUAL_CHANGE, org, table,
                       f"{count:,} records of {table} were changed in {org.name} since the backup "
                       f"before: far more than usual.")  # fmt: skip


def _unusual(rule: AlertRule, org: OrgFacts, table: str, sentence: str) -> RaisedAlert:
    return _alarm(
        rule,
        org,
        table,
        Urgency.NOW if rule is AlertRule.UNUSUAL_LOSS else Urgency.SOON,
        sentence,
        "Look at what changed; what was lost can be brought back.",
        f"unlost compare {org.name} {org.before or 1} latest --table {table}",
    )


def _vanished(line: TableLine) -> bool:
    return any(finding.kind is FindingKind.UNUSUAL_LOSS for finding in line.findings)


def _unusual_counts(
    org: OrgFacts, of: Callable[[NightCounts], Mapping[str, int]]
) -> Iterator[tuple[str, int]]:
    """Tables of the newest backup, and of the hours since, with counts beyond the usual."""
    nights = org.counts if org.today is None else (org.today, *org.counts)
    beyond = dict(_beyond(nights, of))
    return iter((dict(_beyond(org.counts, of)) | beyond).items())


def _beyond(
    nights: Sequence[NightCounts], of: Callable[[NightCounts], Mapping[str, int]]
) -> Iterator[tuple[str, int]]:
    newest, before = nights[0], nights[1:]
    for table, count in sorted(of(newest).items()):
        known = [of(night).get(table, 0) for night in before if table in night.records]
        expected = newest.records.get(table, 0) + newest.deleted.get(table, 0)
        if count > limit_of(known, stored_count=expected):
            yield table, count


def limit_of(before: Sequence[int], *, stored_count: int) -> float:
    """The number of rows above which a table's backup is unusual.

    Median and median deviation of earlier backups do not move with the outliers that the rule looks
    for; a table with too few backups is judged by its size.
    """
    if len(before) < LEAST_NIGHTS:
        return max(UNUSUAL_LEAST, UNUSUAL_SHARE * stored_count)
    middle = statistics.median(before)
    deviation = DAY_TO_DAY * statistics.median([abs(count - middle) for count in before])
    return max(UNUSUAL_LEAST, middle + USUAL_TIMES * max(deviation, middle * 0.25), *before)


# --- allowances -----------------------------------------------------------------------------------


def storage(org: OrgFacts) -> Iterator[RaisedAlert]:
    """An org's storage is nearly full, or more than full."""
    for quota in _storages(org.proof):
        passed = [share for share in STORAGE_SHARES if quota.share >= share]
        if passed:
            yield _alarm(
                AlertRule.STORAGE,
                org,
                quota.name,
                Urgency.NOW if passed[-1] >= STORAGE_NOW else Urgency.SOON,
                f"{quota.name} of {org.name} is {quota.share:.1%} full.",
                "Make room before it stops the org: see how it grew.",
                f"unlost storage {org.name}",
                level=len(passed),
            )


def storage_forecast(org: OrgFacts) -> Iterator[RaisedAlert]:
    """At its present growth a storage will be full before long."""
    for name, seen in sorted(org.forecasts.items()):
        if seen.reached is None or seen.now >= seen.limit * seen.stop:
            continue  # never, or already: the storage rule covers that
        until_full = seen.reached - org.now
        if until_full <= FORECAST_SOON:
            yield _alarm(
                AlertRule.STORAGE_FORECAST,
                org,
                name,
                Urgency.NOW if until_full <= FORECAST_NOW else Urgency.SOON,
                f"As it grows now, {name} of {org.name} is {seen.stop:.0%} full on "
                f"{seen.reached:%Y-%m-%d}, in {max(until_full.days, 0)} days.",
                "Make room before it stops the org: see how it grew.",
                f"unlost storage {org.name}",
            )


def calls(org: OrgFacts) -> Iterator[RaisedAlert]:
    """The org's API calls of the day are nearly used up, by any program."""
    if not org.calls_limit or org.calls_used is None:
        return
    share = org.calls_used / org.calls_limit
    if share >= CALLS_SHARE:
        yield _alarm(
            AlertRule.API_BUDGET,
            org,
            "",
            Urgency.SOON,
            f"{share:.0%} of the API calls that {org.name} allows in a day are used.",
            "Backups wait for their share; look which other program makes so many calls.",
            "unlost runs",
        )


def expiring(org: OrgFacts) -> Iterator[RaisedAlert]:
    """A credential expires soon; after that Unlost cannot sign in."""
    for expiry in org.expiries:
        until_expiry = expiry.at - org.now
        if until_expiry <= EXPIRES_SOON:
            over = until_expiry <= timedelta(0)
            yield _alarm(
                AlertRule.CREDENTIAL_EXPIRES,
                org,
                expiry.name,
                Urgency.NOW if until_expiry <= EXPIRES_NOW else Urgency.SOON,
                f"{expiry.name[:1].upper()}{expiry.name[1:]} by which {org.name} is read "
                f"{'ended' if over else 'ends'} on {expiry.at:%Y-%m-%d}.",
                "Renew it in the org, then give it with `unlost org add` under the same name.",
                "unlost org list",
                level=int(over),
            )


def damaged(watched: AlertFacts) -> Iterator[RaisedAlert]:
    """The last verification of the vault found damage."""
    if watched.unreadable:
        yield RaisedAlert(
            AlertRule.VAULT_DAMAGED,
            "",
            "unreadable",
            Urgency.NOW,
            f"The vault cannot be read: {watched.unreadable}",
            "Look whether its disk is there and whole; until then nothing is backed up.",
            "unlost verify --level quick",
        )
    check = watched.check
    if check is not None and check.damages:
        more = f" and {len(check.damages) - 1} more" if len(check.damages) > 1 else ""
        yield RaisedAlert(
            AlertRule.VAULT_DAMAGED,
            "",
            "",
            Urgency.NOW,
            f"The vault is damaged: {check.damages[0]}{more}",
            "Look at all of it, and put the damaged objects back from a copy of the vault.",
            "unlost verify --level full",
        )


def grows(org: OrgFacts) -> Iterator[RaisedAlert]:
    """Compaction of the org's part of the vault failed after its newest backup."""
    if org.upkeep is not None and org.upkeep.held_by and _overdue(org.upkeep, org.now):
        yield _alarm(
            AlertRule.VAULT_GROWS,
            org,
            "held",
            Urgency.SOON,
            f"What the vault needs no more of {org.name} cannot be removed, "
            f"for the run {org.upkeep.held_by} has not ended.",
            "Let the run go on, or cancel it.",
            f"unlost runs {org.upkeep.held_by}",
        )
    if org.upkeep is not None and org.upkeep.failed:
        yield _alarm(
            AlertRule.VAULT_GROWS,
            org,
            "",
            Urgency.SOON,
            f"What the vault holds of {org.name} could not be kept small: "
            f"{org.upkeep.error_sentence}",
            "Backups go on and nothing is lost. See to the cause, then do it by hand.",
            f"unlost compact {org.name}",
        )


def unforgotten(org: OrgFacts) -> Iterator[RaisedAlert]:
    """Forgetting by the org's retention rules failed."""
    if org.forgotten is not None and org.forgotten.failed:
        yield _alarm(
            AlertRule.VAULT_GROWS,
            org,
            "forget",
            Urgency.SOON,
            f"What the rules do not keep of {org.name} could not be forgotten: "
            f"{org.forgotten.error_sentence}",
            "Backups go on and nothing is lost. See to the cause; the next night tries again.",
            f"unlost forget {org.name}",
        )


def _overdue(upkeep: UpkeepRecord, now: datetime) -> bool:
    """True if unneeded objects should have been deleted long ago."""
    return upkeep.next_at is not None and now - upkeep.next_at >= HELD_LONG


# --- inside ---------------------------------------------------------------------------------------


def halted_restores(org: OrgFacts) -> Iterator[RaisedAlert]:
    """A restore that the service runs has stopped, and needs a person to resume it."""
    for restore in org.halted:
        yield _alarm(
            AlertRule.RESTORE_HALTED,
            org,
            restore.run,
            Urgency.NOW,
            f"The restore {restore.run} to {org.name} stopped: {restore.sentence}",
            "See to the cause, then let it go on: it goes on where it stopped.",
            f"unlost runs {restore.run} --go-on",
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
    stuck,
    no_recent_backup,
    incomplete,
    lost_tables,
    drifted,
    lost_rows,
    changed_rows,
    storage,
    storage_forecast,
    calls,
    expiring,
)


def _alarm(
    rule: AlertRule,
    org: OrgFacts,
    subject: str,
    urgency: Urgency,
    sentence: str,
    next_step: str,
    command: str,
    *,
    level: int = 0,
) -> RaisedAlert:
    return RaisedAlert(rule, org.name, subject, urgency, sentence, next_step, command, level)


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


def _hours(time: timedelta) -> str:
    minutes = round(time.total_seconds() / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"


def _storages(proof: Certificate | None) -> Sequence[Quota]:
    """The org's storage limits, without its daily limits on reading."""
    quotas = proof.quotas if proof is not None else ()
    return [quota for quota in quotas if quota.unit == "bytes" and not quota.name.endswith("a day")]
