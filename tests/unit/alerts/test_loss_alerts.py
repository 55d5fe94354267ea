"""A customer lost with many records, or with open work, is reported by its backup."""

from dataclasses import replace
from typing import Any

import pytest

from unit.alerts.test_mass_rules import DAY, EVA, NOW, backups, change
from unit.alerts.test_rules import sales
from unlost.alerts.loss_alerts import NAMED
from unlost.alerts.mass_alerts import mass_alerts
from unlost.alerts.rules import raised_alerts
from unlost.alerts.watched import AlertFacts, LossFacts, MassFacts
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.mass_changes import MassKind, MassLimits, Silence, SilenceKind

LOSS = LossFacts(
    7, 2, NOW, NOW - DAY, "Account", "Account", 1, 131, 131, replace(EVA, count=1), {"Cases": 2}
)


def alerts(*losses: LossFacts, **facts: Any) -> list[RaisedAlert]:
    org = sales(losses=losses, mass=MassFacts(**facts))
    return list(raised_alerts(AlertFacts((org,))))


def test_a_lost_customer_is_reported_with_its_repair() -> None:
    (alert,) = alerts(LOSS)
    assert (alert.key, alert.urgency) == ("loss/sales/2", Urgency.NOW)
    assert alert.sentence == (
        "1 Account and 131 records with it were deleted in sales by Eva Muster, between "
        "2026-05-03 09:00 UTC and 2026-05-03 09:05 UTC. Open among them: 2 Cases."
    )
    assert alert.command == "unlost restore plan sales --loss 7"
    assert not alert.rule.is_lasting


@pytest.mark.parametrize(
    ("below", "open_counts", "is_large"),
    [(10, {}, False), (11, {}, True), (1, {"Cases": 1}, True), (1, {"Cases": 0}, False)],
)
def test_more_than_ten_records_or_open_work_make_a_loss_large(
    below: int, open_counts: dict[str, int], is_large: bool
) -> None:
    loss = replace(LOSS, below=below, more=below, open_counts=open_counts)
    assert bool(alerts(loss)) is is_large


def test_the_threshold_of_a_table() -> None:
    loss = replace(LOSS, below=5, open_counts={})
    assert alerts(loss, limits={"Account": MassLimits(below_rows=4)})
    assert not alerts(loss, limits={"": MassLimits(below_rows=5)})
    assert not alerts(LOSS, limits={"Account": MassLimits(watched=False)})


def test_one_message_for_all_losses_of_a_backup() -> None:
    many = [replace(LOSS, loss=number, roots=3, label="Accounts") for number in range(NAMED + 2)]
    newest, before = alerts(*many, replace(LOSS, backup=1, as_of=NOW - DAY))[::-1]
    assert (newest.key, newest.level) == ("loss/sales/2", NAMED + 2)
    assert newest.sentence.startswith("3 Accounts and 131 records with them were deleted in sales ")
    assert newest.sentence.endswith("And 2 more.")
    assert newest.command == "unlost losses list sales --backup 2"
    assert before.key == "loss/sales/1"


def test_losses_and_mass_changes_of_a_backup_are_one_message() -> None:
    emptied = change(MassKind.EMPTIED, 100)
    (alert,) = alerts(LOSS, backups=backups((emptied,)))
    assert alert.rule is AlertRule.MASS_CHANGE
    assert "Phone was emptied" in alert.sentence
    assert "1 Account and 131 records with it were deleted" in alert.sentence
    assert alert.level == 2


def test_a_mass_deletion_says_it_for_its_table() -> None:
    deleted = change(MassKind.DELETED, 300, table="Account")
    (alert,) = alerts(LOSS, backups=backups((deleted,)))
    assert alert.level == 1
    assert "131 records" not in alert.sentence


@pytest.mark.parametrize(
    "silence",
    [
        Silence(SilenceKind.EXPECTED, "sales", "Account", until=NOW + DAY),
        Silence(SilenceKind.MUTED, "sales", user="U7", until=NOW + DAY),
        Silence(SilenceKind.ANSWERED, "sales", "Account", change=MassKind.DELETED, snapshot=2),
    ],
)
def test_an_expected_or_muted_deletion_is_not_reported(silence: Silence) -> None:
    assert not alerts(LOSS, silences=(silence,))
    other = replace(silence, table="Contact", user="")
    assert alerts(LOSS, silences=(other,))


def test_the_alert_ends_with_a_backup_a_week_later() -> None:
    org = sales(losses=(LOSS,))
    assert list(mass_alerts(replace(org, newest_as_of=NOW + 6 * DAY)))
    assert not list(mass_alerts(replace(org, newest_as_of=NOW + 7 * DAY)))


def test_a_loss_raised_no_alert_if_the_clock_of_the_org_was_a_week_behind() -> None:
    behind = sales(losses=(LOSS,), now=NOW + 30 * DAY, newest_as_of=NOW)
    (alert,) = mass_alerts(behind)
    assert alert.key == "loss/sales/2"
