"""What leads to each status of an org, and what its page says about it."""

from datetime import UTC, datetime, timedelta

import pytest

from unlost.app.health.status import StatusFacts, alerts_about, status_of
from unlost.catalog.alerts import AlertRecord
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.message import message
from unlost.model.status import OrgStatus, StatusPlace

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ADDED = NOW - timedelta(days=90)
TONIGHT = NOW - timedelta(hours=10)
AWAY = message("signed-out", "The password is wrong.", next_step="Enter it again.")


def raised(rule: AlertRule, urgency: Urgency = Urgency.NOW) -> RaisedAlert:
    return RaisedAlert(rule, "sales", "", urgency, message(rule.value, "It is so."))


def facts(**more: object) -> StatusFacts:
    return StatusFacts(**{"org": "sales", "now": NOW, "added": ADDED, "last": TONIGHT} | more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (facts(), OrgStatus.PROTECTED),
        (facts(accepted=2), OrgStatus.PROTECTED),
        (facts(gaps=1, accepted=2), OrgStatus.INCOMPLETE),
        (facts(last=NOW - timedelta(hours=37), gaps=1), OrgStatus.AT_RISK),
        (facts(last=None), OrgStatus.AT_RISK),
        (facts(alerts=[raised(AlertRule.CREDENTIAL_EXPIRES)]), OrgStatus.AT_RISK),
        (facts(alerts=[raised(AlertRule.VAULT_DAMAGED)], gaps=1), OrgStatus.AT_RISK),
        (facts(alerts=[raised(AlertRule.STORAGE)]), OrgStatus.AT_RISK),
        (facts(alerts=[raised(AlertRule.STORAGE, Urgency.SOON)]), OrgStatus.PROTECTED),
        (facts(alerts=[raised(AlertRule.MASS_CHANGE)]), OrgStatus.PROTECTED),
        (facts(failure=AWAY, gaps=1), OrgStatus.FAILED),
        (facts(alerts=[raised(AlertRule.ORG_REPLACED)]), OrgStatus.FAILED),
        (facts(failure=AWAY, last=NOW - timedelta(days=9)), OrgStatus.FAILED),
        (facts(last=None, added=NOW - timedelta(hours=1)), OrgStatus.NO_BACKUP),
        (facts(last=None, scheduled=False), OrgStatus.NO_BACKUP),
        (facts(last=None, added=NOW, failure=AWAY), OrgStatus.FAILED),
        (facts(retired=True, failure=AWAY), OrgStatus.RETIRED),
    ],
)
def test_each_status_has_its_causes(given: StatusFacts, status: OrgStatus) -> None:
    assert status_of(given).status is status


def test_all_reasons_are_listed_the_gravest_first() -> None:
    judged = status_of(facts(failure=AWAY, last=NOW - timedelta(days=9), gaps=1))
    statuses = [reason.status for reason in judged.reasons]
    assert statuses == [OrgStatus.FAILED, OrgStatus.AT_RISK, OrgStatus.INCOMPLETE]
    first = judged.reasons[0]
    assert first.sentence == "The last backup failed: The password is wrong."
    assert first.next_step == "Enter it again."
    assert first.place is StatusPlace.RUN
    assert judged.reasons[1].sentence == "The newest backup is 9 days old."


def test_each_status_says_what_to_do() -> None:
    (incomplete,) = status_of(facts(gaps=3)).reasons
    assert incomplete.sentence == "The newest backup has 3 open gaps."
    assert "accept it with a reason" in incomplete.next_step
    assert incomplete.place is StatusPlace.CERTIFICATE
    (some,) = status_of(facts(gaps=1, accepted=2)).reasons
    assert some.sentence == "The newest backup has 1 open gap, 2 accepted."
    (new,) = status_of(facts(last=None, scheduled=False)).reasons
    assert new.place is StatusPlace.SCHEDULE
    (fine,) = status_of(facts(accepted=1)).reasons
    assert "accepted gaps: 1" in fine.sentence


def test_an_overdue_backup_without_a_schedule_leads_to_the_schedule() -> None:
    old = NOW - timedelta(hours=40)
    (reason,) = status_of(facts(last=old, scheduled=False)).reasons
    assert reason.place is StatusPlace.SCHEDULE
    (reason,) = status_of(facts(last=old)).reasons
    assert "unlost backup sales" in reason.next_step


def test_a_backup_answers_the_alerts_that_it_disproves() -> None:
    alerts = [
        AlertRecord(1, raised(rule), opened, None, None)
        for rule in (AlertRule.NIGHT_FAILED, AlertRule.VAULT_DAMAGED)
        for opened in (TONIGHT - timedelta(hours=1), TONIGHT + timedelta(hours=1))
    ]
    left = [alert.rule for alert in alerts_about("sales", alerts, last=TONIGHT)]
    assert left == [AlertRule.NIGHT_FAILED, AlertRule.VAULT_DAMAGED, AlertRule.VAULT_DAMAGED]
    assert len(alerts_about("sales", alerts, last=None)) == 4
    assert alerts_about("other", alerts, last=None) == ()


def test_an_old_backup_is_named_once_though_an_alert_says_it_too() -> None:
    alerts = [raised(AlertRule.NO_RECENT_BACKUP), raised(AlertRule.NIGHT_FAILED)]
    judged = status_of(facts(last=NOW - timedelta(hours=40), failure=AWAY, alerts=alerts))
    assert [reason.status for reason in judged.reasons] == [OrgStatus.FAILED, OrgStatus.AT_RISK]
