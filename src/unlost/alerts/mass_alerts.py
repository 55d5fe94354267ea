"""The alert about the mass changes of a backup: one message for all of them. Pure.

An alert stays open until it is answered, or a backup is made a week later: the next backup changes
nothing about its cause.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from unlost.alerts.loss_alerts import large_losses, loss_alerts, loss_sentence
from unlost.alerts.mass_rules import findings_of
from unlost.alerts.watched import OrgFacts
from unlost.alerts.who import who
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.finding import FindingKind
from unlost.model.gaps import acceptance_of
from unlost.model.mass_changes import MassFinding, MassKind
from unlost.model.message import Message, Noun, counted, joined, message, render
from unlost.model.vault.certificate import Certificate

NAMED = 5  # findings that a message lists
CODE = AlertRule.MASS_CHANGE.value

UNPROVED = (
    "So many records of {table} vanished from {org} that Unlost does not treat them as deleted yet."
)
DELETED = "{count:,} records of {table} were deleted in {org} {who}."
SLOWLY_DELETED = "{count:,} records of {table} were deleted in {org} within {days} days."
ONE_DELETED = "{count:,} record of {table} was deleted in {org} {who}."
BIN_SKIPPED = "In {org}, {records} of {table} skipped the recycle bin."
CREATED = "{count:,} records of {table} were created in {org} {who}."
EMPTIED = "{column} was emptied in {count:,} of {total:,} records of {table} in {org} {who}."
OVERWRITTEN = (
    "{column} was overwritten with one value in {count:,} of {total:,} records of {table} in "
    "{org} {who}."
)
SLOWLY_EMPTIED = (
    "{column} was emptied in {count:,} of {total:,} records of {table} in {org} within {days} days."
)
SLOWLY_OVERWRITTEN = (
    "{column} was overwritten with one value in {count:,} of {total:,} records of {table} in "
    "{org} within {days} days."
)
FILLED = "{column} was filled in {count:,} of {total:,} records of {table} in {org} {who}."
EDITED = "{column} was edited in {count:,} of {total:,} records of {table} in {org} {who}."
TRANSFERRED = "{count:,} of {total:,} records of {table} in {org} were transferred {who}."


def mass_alerts(org: OrgFacts) -> Iterator[RaisedAlert]:
    """One alert for each backup of the last days with mass changes or large losses.

    Those that were answered do not count.
    """
    vanished = [message(CODE, UNPROVED, table=table, org=org.name) for table in _vanished(org)]
    recent = [b for b in org.mass.backups if org.is_recent(b.as_of)]
    losses, reported = large_losses(org.losses, org.mass), set[int]()
    for backup in recent:
        unproved = vanished if backup is recent[0] else []
        findings = [f for f in findings_of(org.mass, backup.number) if f.now]
        texts = [*unproved, *(sentence_of(f, org.name) for f in findings)]
        if texts:
            reported.add(backup.number)
            # A loss comes first: what changed with it is often its consequence.
            of_losses = [loss for loss in losses if loss.backup == backup.number]
            zone = org.mass.words.zone
            texts = [*(loss_sentence(loss, org.name, zone=zone) for loss in of_losses), *texts]
            command = _command(org, findings, number=backup.number, before=backup.before)
            yield _raised(org, texts, subject=str(backup.number), command=command)
    yield from loss_alerts(losses, org, reported=reported)
    if vanished and not recent:
        command, first = f"unlost certificate {org.name}", _vanished(org)[0]
        alert = _raised(org, vanished, subject=first, command=command)
        yield replace(alert, rule=AlertRule.UNUSUAL_LOSS)


def sentence_of(finding: MassFinding, org: str) -> Message:
    """Describe a mass change, with the user who changed most of the records."""
    match finding.change.kind:
        case MassKind.DELETED:
            return _deleted(finding, org)
        case MassKind.BIN_SKIPPED:
            return _sentence(finding, org, BIN_SKIPPED)
        case MassKind.CREATED:
            return _sentence(finding, org, CREATED)
        case MassKind.EMPTIED:
            return _sentence(finding, org, SLOWLY_EMPTIED if finding.days else EMPTIED)
        case MassKind.OVERWRITTEN:
            return _sentence(finding, org, SLOWLY_OVERWRITTEN if finding.days else OVERWRITTEN)
        case MassKind.FILLED:
            return _sentence(finding, org, FILLED)
        case MassKind.EDITED:
            return _sentence(finding, org, EDITED)
        case MassKind.TRANSFERRED:
            return _sentence(finding, org, TRANSFERRED)


def _deleted(finding: MassFinding, org: str) -> Message:
    if finding.days:
        return _sentence(finding, org, SLOWLY_DELETED)
    return _sentence(finding, org, ONE_DELETED if finding.change.count == 1 else DELETED)


def _sentence(finding: MassFinding, org: str, template: str) -> Message:
    change = finding.change
    return message(
        CODE,
        template,
        org=org,
        table=finding.words.table(change),
        column=finding.words.column(change),
        count=change.count,
        total=change.total,
        days=finding.days,
        records=counted(change.count, Noun.RECORD),
        who=who(change, zone=finding.words.zone),
    )


def repair_command(finding: MassFinding, org: str) -> str:
    """The command that plans the repair of a mass change, or shows it if nothing can be restored.

    The repair is limited to the user who changed most of the records.
    """
    change = finding.change
    args = {
        "org": org, "a": finding.before, "b": finding.number, "table": change.table,
        "column": change.column, "kind": change.kind.value,
    }  # fmt: skip
    by = render(" --by {user}", {"user": finding.main_user}) if finding.main_user else ""
    if change.kind.of_column:
        return render(
            "unlost restore plan {org} --changed-between {a} {b} --table {table} "
            f"--column {{column}} --change {{kind}}{by}",
            args,
        )
    if change.kind is MassKind.CREATED:
        return compare_command(finding, org)
    return render(
        f"unlost restore plan {{org}} --lost-between {{a}} {{b}} --table {{table}}{by}", args
    )


def compare_command(finding: MassFinding, org: str) -> str:
    """The command that shows the records of a mass change."""
    args = {"org": org, "a": finding.before, "b": finding.number, "table": finding.change.table}
    return render("unlost compare {org} {a} {b} --table {table}", args)


def _command(org: OrgFacts, findings: Sequence[MassFinding], *, number: int, before: int) -> str:
    if len(findings) == 1:
        return repair_command(findings[0], org.name)
    return f"unlost compare {org.name} {before} {number}"


def _raised(org: OrgFacts, texts: Sequence[Message], *, subject: str, command: str) -> RaisedAlert:
    more = len(texts) - NAMED
    rest = [message(CODE, "And {count:,} more.", count=more)] if more > 0 else []
    text = message(
        CODE,
        "{changes}",
        next_step="If this was not intended, repair it: the records get back what they had before. "
        "If it was, mark it as expected.",
        changes=joined(CODE, [*texts[:NAMED], *rest]),
    )
    return RaisedAlert(
        AlertRule.MASS_CHANGE, org.name, subject, Urgency.NOW, text, command, level=len(texts)
    )


def _vanished(org: OrgFacts) -> list[str]:
    """Tables whose losses the newest backup did not believe."""
    proofs: list[Certificate] = [proof for proof in (org.proof, org.part) if proof is not None]
    return sorted(
        {
            line.table
            for proof in proofs
            for line in proof.tables
            if any(
                finding.kind is FindingKind.UNUSUAL_LOSS
                and acceptance_of(finding, org.accepted) is None
                for finding in line.findings
            )
        }
    )
