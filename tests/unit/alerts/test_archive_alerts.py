"""An archive schedule that does not run, or waits, has one alert for each cause."""

from unit.alerts.test_rules import sales
from unlost.alerts.rules import raised_alerts
from unlost.alerts.watched import AlertFacts, PolicyFacts
from unlost.model.alert import RaisedAlert, Urgency
from unlost.model.message import message

WHY = message("archive-column", "{table} has no column X.", next_step="Look.", table="Case")


def alerts(*archives: PolicyFacts) -> list[RaisedAlert]:
    return list(raised_alerts(AlertFacts((sales(archives=archives),))))


def test_a_schedule_that_archived_nothing_is_tried_again() -> None:
    (alert,) = alerts(PolicyFacts("old cases", True, WHY, False))
    assert (alert.key, alert.urgency) == ("archive-schedule/sales/old cases", Urgency.SOON)
    assert alert.sentence == (
        "The schedule of the archive policy old cases of sales archived nothing: Case has no column X."
        " Unlost tries again after the next backup of the schedule."
    )
    assert alert.next_step == "Look."
    assert alert.command == "unlost archive policy show sales 'old cases'"


def test_a_schedule_that_was_switched_off_is_urgent() -> None:
    (alert,) = alerts(PolicyFacts("old", False, WHY, False))
    assert alert.urgency is Urgency.NOW
    assert "is switched off: Case has no column X." in alert.sentence


def test_a_plan_that_waits_has_an_alert_of_its_own() -> None:
    broken, waits = alerts(PolicyFacts("old", True, WHY, True))
    assert [broken.key, waits.key] == [
        "archive-schedule/sales/old", "archive-schedule/sales/old/waits",
    ]  # fmt: skip
    assert "waits for a second person" in waits.sentence
    assert alerts(PolicyFacts("old", True, None, False)) == []
