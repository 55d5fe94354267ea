"""The alert about large losses of a backup: a customer with many records, or with open work. Pure.

A backup sends one message: if it also has mass changes, their alert names its losses. An alert
stays until its losses are restored, dismissed or expected, or a backup is made a week later.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

from unlost.alerts.mass_rules import findings_of, silence_of
from unlost.alerts.watched import LossFacts, MassFacts, OrgFacts
from unlost.alerts.who import who
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.mass_changes import BackupChanges, MassChange, MassKind
from unlost.model.message import Message, Noun, counted, joined, message, render

NAMED = 5  # losses that a message lists
CODE = AlertRule.LOSS.value

LOST_ONE = "{count:,} {table} and {records} with it were deleted in {org} {who}."
LOST = "{count:,} {table} and {records} with them were deleted in {org} {who}."
LOST_WITH_OPEN = "{lost} Open among them: {tables}."


def large_losses(losses: Sequence[LossFacts], facts: MassFacts) -> tuple[LossFacts, ...]:
    """The losses to report: over the threshold of their table, and neither expected nor muted.

    A loss that its mass deletion reports already is left out.
    """
    deleted = {
        (number, finding.change.table)
        for number in {loss.backup for loss in losses}
        for finding in findings_of(facts, number)
        if finding.now and not finding.days and finding.change.kind is MassKind.DELETED
    }
    return tuple(
        loss
        for loss in losses
        if _is_large(loss, facts) and (loss.backup, loss.table) not in deleted
        if silence_of(facts.silences, _backup(loss), _deletion(loss)) is None
    )


def loss_alerts(
    losses: Sequence[LossFacts], org: OrgFacts, *, reported: Collection[int]
) -> Iterator[RaisedAlert]:
    """One alert for each backup with large losses; ``reported`` are those of mass changes."""
    recent = sorted(
        (loss for loss in losses if org.is_recent(loss.as_of)),
        key=lambda loss: (loss.backup, loss.loss),
    )
    for backup, some in groupby(recent, key=lambda loss: loss.backup):
        if backup not in reported:
            yield _raised(org, backup, list(some))


def loss_sentence(loss: LossFacts, org: str, *, zone: str = "") -> Message:
    """Describe a loss, with the user, the time in a zone, and the records with unfinished work."""
    lost = message(
        CODE,
        LOST_ONE if loss.roots == 1 else LOST,
        count=loss.roots,
        table=loss.label,
        records=counted(loss.more, Noun.RECORD),
        org=org,
        who=who(_deletion(loss), zone=zone),
    )
    if not loss.open_counts:
        return lost
    tables = ", ".join(f"{count:,} {label}" for label, count in loss.open_counts.items())
    return message(CODE, LOST_WITH_OPEN, lost=lost, tables=tables)


def _sentences(losses: Sequence[LossFacts], org: OrgFacts) -> Iterator[Message]:
    for loss in losses:
        yield loss_sentence(loss, org.name, zone=org.mass.words.zone)


def _is_large(loss: LossFacts, facts: MassFacts) -> bool:
    limits = facts.limits_of(loss.table)
    large = loss.below > limits.below_rows or any(loss.open_counts.values())
    return large and limits.watched is not False


def _backup(loss: LossFacts) -> BackupChanges:
    return BackupChanges(loss.backup, 0, loss.as_of, loss.since)


def _deletion(loss: LossFacts) -> MassChange:
    return MassChange(loss.table, MassKind.DELETED, loss.roots, 0, users=(loss.user,))


def _raised(org: OrgFacts, backup: int, losses: Sequence[LossFacts]) -> RaisedAlert:
    more = len(losses) - NAMED
    rest = [message(CODE, "And {count:,} more.", count=more)] if more > 0 else []
    text = message(
        CODE,
        "{losses}",
        next_step="If this was not intended, restore the records: they come back with all that was "
        "lost with them. If it was intended, dismiss the loss.",
        losses=joined(CODE, [*_sentences(losses[:NAMED], org), *rest]),
    )
    args = {"org": org.name, "loss": losses[0].loss, "backup": backup}
    command = (
        render("unlost restore plan {org} --loss {loss}", args)
        if len(losses) == 1
        else render("unlost losses list {org} --backup {backup}", args)
    )
    return RaisedAlert(
        AlertRule.LOSS, org.name, str(backup), Urgency.NOW, text, command, level=len(losses)
    )
