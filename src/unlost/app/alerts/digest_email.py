"""The daily digest of alerts and backups, sent also if there are no problems. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from unlost.alerts.mass_rules import findings_of, is_listed
from unlost.alerts.rules import raised_alerts
from unlost.alerts.watched import AlertFacts, OrgFacts
from unlost.app.health.status import StatusFacts, status_of
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.gaps import gap_counts, gaps_of
from unlost.model.mass_changes import MassFinding, MassKind
from unlost.model.message import Message
from unlost.model.status import JudgedStatus, OrgStatus
from unlost.model.vault.certificate import Certificate

DAY = timedelta(days=1)
LISTED = 10  # changes of a user that are listed
WORDS = {
    MassKind.CREATED: "created",
    MassKind.DELETED: "deleted",
    MassKind.BIN_SKIPPED: "deleted without the recycle bin",
    MassKind.EMPTIED: "emptied",
    MassKind.FILLED: "filled",
    MassKind.OVERWRITTEN: "overwritten with one value",
    MassKind.EDITED: "edited",
    MassKind.TRANSFERRED: "transferred",
}
LATE_HOURS = 6  # a digest that is later than this is skipped until the next day


@dataclass(frozen=True, slots=True)
class DailyAt:
    """The time of day, in a zone, at which a channel receives the digest."""

    at: time
    zone: str


def digest_day(when: DailyAt, now: datetime) -> str | None:
    """Return the day whose digest is due now; None outside the hours after its time."""
    local = now.astimezone(ZoneInfo(when.zone))
    begins = datetime.combine(local.date(), when.at, local.tzinfo)
    late = (local - begins).total_seconds() / 3600
    return f"{local:%Y-%m-%d}" if 0 <= late < LATE_HOURS else None


def digest(watched: AlertFacts, *, lasting: int) -> RaisedAlert:
    """Return the digest: each org's status, newest backup and storages, and open alerts."""
    alerts = raised_alerts(watched)
    judged = {org.name: _status(org, alerts) for org in watched.orgs}
    whole = sum(status.status is OrgStatus.PROTECTED for status in judged.values())
    count = len(watched.orgs)
    first = f"Protected: {whole} of {count} {'org' if count == 1 else 'orgs'}."
    lines = [first, *(line for org in watched.orgs for line in _lines(org, judged[org.name]))]
    if watched.check is not None:
        state = "damaged" if watched.check.damages else "undamaged"
        lines.append(f"The vault was verified on {watched.check.at:%Y-%m-%d} and is {state}.")
    lines.append(f"{lasting} open {'alert' if lasting == 1 else 'alerts'}.")
    command = "unlost alert list" if lasting else ""
    text = Message(AlertRule.DIGEST.value, "\n".join(lines))
    return RaisedAlert(AlertRule.DIGEST, "", "", Urgency.SOON, text, command)


def _status(org: OrgFacts, alerts: Iterable[RaisedAlert]) -> JudgedStatus:
    return status_of(
        StatusFacts(
            org=org.name,
            now=org.now,
            added=org.added,
            scheduled=org.schedule.nightly is not None,
            last=org.proof.finished if org.proof is not None else None,
            gaps=len(org.gaps),
            accepted=_accepted(org),
            alerts=[alert for alert in alerts if alert.org in ("", org.name)],
        )
    )


def _lines(org: OrgFacts, judged: JudgedStatus) -> Iterator[str]:
    why = "" if judged.status is OrgStatus.PROTECTED else f" {judged.reasons[0].sentence}"
    backup = f" {_backup(org, org.proof)}" if org.proof is not None else ""
    yield f"{org.name}: {judged.status.word}.{why}{backup}"
    if org.part is not None:
        read = [line.table for line in org.part.tables if not line.carried]
        yield f"{org.name}: {', '.join(read)} as of {org.part.as_of:%Y-%m-%d %H:%M} UTC."
    yield from mass_lines(org)
    for name, seen in sorted(org.forecasts.items()):
        share = seen.now / seen.limit if seen.limit else 0.0
        full = f", {seen.stop:.0%} on {seen.reached:%Y-%m-%d}" if seen.reached is not None else ""
        yield f"{org.name}: {name} {share:.1%} full{full}."


def mass_lines(org: OrgFacts) -> Iterator[str]:
    """List the losses and mass changes of the last day, by the user who changed most of each."""
    by_user: dict[str, list[str]] = {}
    for backup in org.mass.backups:
        if org.now - backup.as_of >= DAY:
            continue
        for finding in findings_of(org.mass, backup.number):
            if is_listed(finding):
                share = next((share for share in finding.change.users if share.by), None)
                user = (share.name or share.by) if share is not None else "user unknown"
                by_user.setdefault(user, []).append(_change(finding))
    for user, changes in sorted(by_user.items()):
        more = len(changes) - LISTED
        rest = f", and {more:,} more" if more > 0 else ""
        yield f"{org.name}: {user}: {', '.join(changes[:LISTED])}{rest}."


def _change(finding: MassFinding) -> str:
    change = finding.change
    column = f" ({change.column})" if change.column else ""
    expected = f" ({finding.silence.kind.value})" if finding.silence is not None else ""
    return f"{change.count:,} {change.table} {WORDS[change.kind]}{column}{expected}"


def _backup(org: OrgFacts, proof: Certificate) -> str:
    """Describe a nightly backup, with the changes of the hourly ones before it."""
    live_count = sum(line.stored for line in proof.tables)
    day = org.counts[0] if org.counts else None
    created, changed, deleted = (
        sum(getattr(day, name, {}).get(line.table, getattr(line, name)) for line in proof.tables)
        for name in ("created", "changed", "deleted")
    )
    counts = gap_counts(len(org.gaps), accepted=_accepted(org)).sentence
    gaps = f"; {counts}" if gaps_of(proof) else ""
    return (
        f"Backup of {proof.as_of:%Y-%m-%d %H:%M} UTC, {live_count:,} records, {created:,} created, "
        f"{changed:,} changed, {deleted:,} deleted{gaps}."
    )


def _accepted(org: OrgFacts) -> int:
    """Return the number of accepted gaps of the newest nightly backup."""
    return len(gaps_of(org.proof)) - len(org.gaps) if org.proof is not None else 0
