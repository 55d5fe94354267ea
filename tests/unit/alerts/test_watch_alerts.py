"""A watched set sends one message for each backup that noticed something about it."""

from datetime import timedelta

from unit.alerts.test_mass_rules import NOW
from unit.alerts.test_rules import sales
from unlost.alerts.rules import raised_alerts
from unlost.alerts.watch_alerts import watch_alerts
from unlost.alerts.watched import AlertFacts, WatchFacts
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.message import message
from unlost.model.watched import WatchHit


def alerts(*hits: WatchHit) -> list[RaisedAlert]:
    org = sales(watches=(WatchFacts("My customers", hits),))
    return list(raised_alerts(AlertFacts((org,))))


def test_deletions_and_changes_are_one_message() -> None:
    (alert,) = alerts(WatchHit(7, NOW, 2, {"Contact.Email": 1, "Account.Phone": 1200}))
    assert (alert.key, alert.urgency) == ("watched/sales/My customers/7", Urgency.NOW)
    assert alert.sentence == (
        "In the watched set “My customers” of sales: 2 records deleted. Account.Phone changed in "
        "1,200 records. Contact.Email changed in 1 record."
    )
    assert alert.command == "unlost watch show sales 'My customers'"
    assert not alert.rule.is_lasting


def test_each_backup_has_its_own_message() -> None:
    keys = [alert.key for alert in alerts(WatchHit(7, NOW, 1), WatchHit(8, NOW, 1))]
    assert keys == ["watched/sales/My customers/7", "watched/sales/My customers/8"]


def test_a_message_is_over_with_a_backup_a_week_later() -> None:
    assert not alerts(WatchHit(7, NOW - timedelta(days=7), 1))
    assert AlertRule.WATCHED not in {alert.rule for alert in alerts()}


def test_a_set_raised_no_alert_if_the_clock_of_the_org_was_a_week_behind() -> None:
    hits = (WatchHit(7, NOW - timedelta(days=30), 1),)
    behind = sales(watches=(WatchFacts("Mine", hits),), newest_as_of=hits[0].as_of)
    assert [alert.key for alert in watch_alerts(behind)] == ["watched/sales/Mine/7"]


def test_too_many_changes_and_a_set_that_is_gone_are_said() -> None:
    (alert,) = alerts(WatchHit(7, NOW, unsearched=("Contact", "Case")))
    assert (
        "Too much changed to look at what belongs to the set, in Contact, Case." in alert.sentence
    )
    error = message("watch-too-large", "A watched set can have at most 10,000 records.")
    (alert,) = alerts(WatchHit(7, NOW, error=error))
    assert alert.sentence.endswith(
        "It could not be looked at: A watched set can have at most 10,000 records."
    )
    assert not WatchHit(7, NOW).is_reported
