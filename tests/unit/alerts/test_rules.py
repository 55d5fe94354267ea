"""Rules speak up when they must, and are silent on ordinary nights."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from unlost.alerts.rules import STORAGE_SHARES, raised_alerts
from unlost.alerts.watched import AlertFacts, HourlyFacts, OrgFacts, RunFacts
from unlost.model.alert import AlertRule, Notification, NotificationKind, RaisedAlert, Urgency
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.forecast import Forecast
from unlost.model.gaps import AcceptedGap
from unlost.model.message import Message
from unlost.model.org import OrgIdentity
from unlost.model.runs.night import CheckRecord, NightRecord, NightState
from unlost.model.runs.schedule import Schedule
from unlost.model.source.quota import Quota
from unlost.model.vault.certificate import Certificate, TableLine, Verdict
from unlost.model.vault.maintenance_results import MaintenanceRecord

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
GIB = 2.0**30


def night(**told: object) -> NightRecord:
    usual = NightRecord(
        "o1", "sales", "2026-05-04T01:00", NOW - timedelta(hours=8), NOW - timedelta(hours=8),
        NightState.DONE, 1, 0, "backup-1", None, NOW - timedelta(hours=7), (), None,
    )  # fmt: skip
    return replace(usual, **told)  # type: ignore[arg-type]


def line(table: str = "Account", held: int = 1_000, *findings: Finding) -> TableLine:
    return TableLine(
        table, table, "bulk", held, held, 0, 0, 0, full=False, window_start=NOW, window_end=NOW,
        findings=findings,
    )  # fmt: skip


def proof(
    *lines: TableLine, quotas: tuple[Quota, ...] = (), verdict: Verdict = Verdict.COMPLETE
) -> Certificate:
    at = NOW - timedelta(hours=8)
    org = OrgIdentity("memory", "one")
    told = "All of it." if verdict is Verdict.COMPLETE else "1 table is missing."
    return Certificate(org, "backup-1", at, at, at, lines or (line(),), (), quotas, verdict, told)


def sales(**told: object) -> OrgFacts:
    usual = OrgFacts(
        name="sales",
        now=NOW,
        added=NOW - timedelta(days=90),
        schedule=Schedule(),
        nights=(night(),),
        proof=proof(),
    )
    return replace(usual, **told)  # type: ignore[arg-type]


def said(org: OrgFacts, check: CheckRecord | None = None) -> dict[AlertRule, RaisedAlert]:
    return {one.rule: one for one in raised_alerts(AlertFacts((org,), check))}


def gap(kind: FindingKind) -> Finding:
    return Finding(kind, Severity.GAP, "The source refused it.", "Give the user this right.")


def test_an_ordinary_night_says_nothing() -> None:
    assert said(sales()) == {}
    assert raised_alerts(AlertFacts()) == ()


@pytest.mark.parametrize(
    ("told", "speaks", "urgency"),
    [
        ({"state": NightState.GIVEN_UP, "failures": 1}, True, Urgency.NOW),
        ({"state": NightState.WAITING, "failures": 2, "tries": 2}, True, Urgency.SOON),
        ({"state": NightState.WAITING, "failures": 1, "tries": 1}, False, None),
        ({"state": NightState.GIVEN_UP, "error": None}, False, None),
    ],
)
def test_a_night_that_failed_is_told(
    told: dict[str, object], speaks: bool, urgency: Urgency | None
) -> None:
    values = {"error": Message("", "The password is wrong."), **told}
    found = said(sales(nights=(night(**values), night()))).get(AlertRule.NIGHT_FAILED)
    assert (found is not None) is speaks
    if found is not None:
        assert found.urgency is urgency
        assert "2026-05-04 failed: The password is wrong." in found.sentence
        assert found.command == "unlost backup sales"


def test_a_failure_is_over_with_the_next_night_that_succeeds() -> None:
    failed = night(state=NightState.GIVEN_UP, error=Message("", "No."), name="2026-05-03T01:00")
    assert said(sales(nights=(night(), failed))) == {}


@pytest.mark.parametrize(("minutes", "speaks"), [(15, False), (16, True)])
def test_a_night_that_did_not_begin_is_told_within_a_quarter_of_an_hour(
    minutes: int, speaks: bool
) -> None:
    due = NOW - timedelta(minutes=minutes)
    waits = night(state=NightState.WAITING, tries=0, due_at=due, begun_at=due)
    assert (AlertRule.NIGHT_MISSED in said(sales(nights=(waits,)))) is speaks


@pytest.mark.parametrize("state", [NightState.WAITING, NightState.RUNNING])
def test_an_alert_does_not_come_and_go_with_each_try(state: NightState) -> None:
    trying = night(state=state, failures=3, tries=4, error=Message("", "It does not answer."))
    assert AlertRule.NIGHT_FAILED in said(sales(nights=(trying,)))
    parked = night(state=state, tries=9, error=Message("", "The calls are used up."))
    assert AlertRule.NIGHT_PARKED in said(sales(nights=(parked,)))


def test_a_backup_by_hand_makes_up_for_a_night() -> None:
    given_up = night(state=NightState.GIVEN_UP, error=Message("", "No."))
    since = replace(proof(), finished=NOW - timedelta(hours=6))
    assert AlertRule.NIGHT_FAILED in said(sales(nights=(given_up,)))
    assert said(sales(nights=(given_up,), proof=since)) == {}


def test_a_vault_that_cannot_be_read_is_told() -> None:
    (alarm,) = raised_alerts(
        AlertFacts((sales(),), None, Message("store-failed", "Its disk is away."))
    )
    assert alarm.key == "vault-damaged/unreadable"
    assert "Its disk is away." in alarm.sentence


def test_what_may_be_read_in_a_day_is_no_storage() -> None:
    quotas = (Quota("Bulk query results a day", 99, 100, "bytes"),)
    assert said(sales(proof=proof(quotas=quotas))) == {}


def test_a_daily_limit_whose_name_does_not_end_in_a_day_is_no_storage() -> None:
    quotas = (Quota("Daily transfer", 99, 100, "bytes", storage=False),)
    assert said(sales(proof=proof(quotas=quotas))) == {}


def test_missed_nights_are_named() -> None:
    found = said(sales(nights=(night(missed=("2026-05-02T01:00", "2026-05-03T01:00")),)))
    assert "has no backup of 2026-05-02, 2026-05-03." in found[AlertRule.NIGHT_MISSED].sentence


def test_a_pause_is_told_when_it_lasts() -> None:
    waits = night(
        state=NightState.WAITING, error=Message("", "The calls are used up."), next_at=NOW
    )
    assert AlertRule.NIGHT_PARKED in said(sales(nights=(waits,)))
    short = replace(waits, due_at=NOW - timedelta(hours=5))
    assert said(sales(nights=(short,))) == {}
    failing = replace(waits, failures=1)
    assert AlertRule.NIGHT_PARKED not in said(sales(nights=(failing,)))


@pytest.mark.parametrize(
    ("hours", "usual", "speaks"),
    [(11, None, False), (13, None, True), (1.9, 60.0, False), (2.1, 60.0, True),
     (5.9, 7_200.0, False), (6.1, 7_200.0, True)],
)  # fmt: skip
def test_a_run_that_takes_much_longer_than_usual_is_late(
    hours: float, usual: float | None, speaks: bool
) -> None:
    run = RunFacts("backup-1", NOW - timedelta(hours=hours), NOW, usual)
    assert (AlertRule.NIGHT_LATE in said(sales(running=(run,)))) is speaks


@pytest.mark.parametrize(("minutes", "speaks"), [(30, False), (31, True)])
def test_a_run_without_a_step_further_is_stuck(minutes: int, speaks: bool) -> None:
    run = RunFacts("backup-1", NOW - timedelta(hours=1), NOW - timedelta(minutes=minutes))
    found = said(sales(running=(run,)))
    assert (AlertRule.RUN_STUCK in found) is speaks
    if speaks:
        assert found[AlertRule.RUN_STUCK].key == "run-stuck/sales/backup-1"


def test_a_backup_that_is_too_old_is_told_whatever_the_reason() -> None:
    old = replace(proof(), as_of=NOW - timedelta(hours=37))
    found = said(sales(proof=old))
    assert "is 37 hours old" in found[AlertRule.NO_RECENT_BACKUP].sentence
    never = said(sales(proof=None, nights=(), added=NOW - timedelta(hours=40)))
    assert "has no backup" in never[AlertRule.NO_RECENT_BACKUP].sentence
    assert said(sales(proof=None, nights=(), added=NOW - timedelta(hours=30))) == {}
    assert said(sales(proof=old, schedule=Schedule(nightly=None))) == {}


def test_gaps_are_told_and_a_lost_table_by_name() -> None:
    refused = line("Case", 500, gap(FindingKind.TABLE_REFUSED))
    found = said(sales(proof=proof(line(), refused, verdict=Verdict.GAPS)))
    assert set(found) == {AlertRule.INCOMPLETE, AlertRule.TABLE_LOST}
    assert found[AlertRule.TABLE_LOST].subject == "Case"
    assert found[AlertRule.TABLE_LOST].next_step == "Give the user this right."


def test_an_alert_counts_open_and_accepted_gaps_apart() -> None:
    differ, refused = gap(FindingKind.PERMISSION_MISSING), gap(FindingKind.TABLE_REFUSED)
    whole = proof(line("Account", 1_000, differ), line("Case", 0, refused), verdict=Verdict.GAPS)
    decided = (AcceptedGap(1, "sales", differ, 1, "Legal.", "Ann", NOW),)
    (alert,) = said(sales(proof=whole, accepted=decided)).values()
    assert alert.sentence == (
        "The backup of sales is incomplete, with 1 open gap, 1 accepted. The source refused it."
    )


def test_a_table_that_was_never_read_is_a_gap_and_no_loss() -> None:
    refused = line("Case", 0, gap(FindingKind.TABLE_REFUSED))
    found = said(sales(proof=proof(refused, verdict=Verdict.GAPS)))
    assert set(found) == {AlertRule.INCOMPLETE}


def test_a_loss_that_the_breaker_did_not_believe_is_told_once() -> None:
    lost = line("Case", 500, gap(FindingKind.UNUSUAL_LOSS))
    found = raised_alerts(AlertFacts((sales(proof=proof(lost)),)))
    assert [one.key for one in found] == ["incomplete/sales", "unusual-loss/sales/Case"]
    assert "does not treat them as deleted yet" in found[1].sentence


@pytest.mark.parametrize("stop", [1.0, 1.05])
@pytest.mark.parametrize("share", [0.79, *STORAGE_SHARES, 1.05, 1.3])
def test_storage_is_told_at_each_step(share: float, stop: float) -> None:
    quotas = (Quota("Data storage", share * GIB, GIB, "bytes"), Quota("Calls", 99, 100, "calls"))
    found = said(sales(proof=proof(quotas=quotas), storage_stop=stop))
    steps = sorted({*STORAGE_SHARES, stop})
    assert (AlertRule.STORAGE in found) is (share >= 0.8)
    if share >= 0.8:
        step = max(one for one in steps if one <= share)
        assert found[AlertRule.STORAGE].subject == "Data storage"
        assert found[AlertRule.STORAGE].level == steps.index(step) + 1
        now = Urgency.NOW if share >= 0.95 else Urgency.SOON
        assert found[AlertRule.STORAGE].urgency is now


@pytest.mark.parametrize(
    ("days", "used", "urgency"),
    [
        (31, 50, None),
        (29, 50, Urgency.SOON),
        (7, 50, Urgency.NOW),
        (0, 105, None),
        (None, 50, None),
    ],
)
def test_a_storage_that_will_be_full_is_told(
    days: float | None, used: float, urgency: Urgency | None
) -> None:
    reached = NOW + timedelta(days=days) if days is not None else None
    seen = Forecast(used, 100, 1.05, 1, 0.5, 2, NOW, 30, reached)
    found = said(sales(forecasts={"data storage": seen})).get(AlertRule.STORAGE_FORECAST)
    assert (found.urgency if found is not None else None) is urgency
    if found is not None and days == 29:
        assert "data storage of sales will be 105% full on 2026-06-02, in 29 days" in found.sentence
        assert found.command == "unlost storage sales"


@pytest.mark.parametrize(("used", "limit", "speaks"), [(89, 100, False), (90, 100, True), (5, 0, False)])  # fmt: skip
def test_calls_that_are_nearly_used_up_are_told(used: int, limit: int, speaks: bool) -> None:
    assert (AlertRule.API_BUDGET in said(sales(calls_used=used, calls_limit=limit))) is speaks
    assert AlertRule.API_BUDGET not in said(sales(calls_used=None, calls_limit=limit))


def test_a_damaged_vault_is_told_and_a_whole_one_is_not() -> None:
    whole = CheckRecord(NOW, "quick", 10, 100, ())
    assert said(sales(), whole) == {}
    broken = replace(whole, damages=("packs/1 is missing.", "packs/2 is missing."))
    assert (
        "packs/1 is missing. and 1 more" in said(sales(), broken)[AlertRule.VAULT_DAMAGED].sentence
    )
    one = replace(whole, damages=("packs/1 is missing.",))
    assert "more" not in said(sales(), one)[AlertRule.VAULT_DAMAGED].sentence


def test_a_vault_that_could_not_be_kept_small_is_told() -> None:
    kept = MaintenanceRecord(NOW, snapshot=3, before=100, after=10)
    assert said(replace(sales(), maintenance=kept)) == {}
    held = MaintenanceRecord(NOW, waiting=9, next_at=NOW - timedelta(days=7), held_by="backup-1")
    alarm = said(replace(sales(), maintenance=held))[AlertRule.VAULT_GROWS]
    assert (alarm.subject, alarm.command) == ("held", "unlost runs backup-1")
    soon = replace(held, next_at=NOW - timedelta(days=6))
    assert said(replace(sales(), maintenance=soon)) == {}
    assert said(replace(sales(), maintenance=replace(held, held_by=""))) == {}
    failed = MaintenanceRecord(NOW, error=Message("store-full", "The disk is full."))
    alarm = said(replace(sales(), maintenance=failed))[AlertRule.VAULT_GROWS]
    assert alarm.urgency is Urgency.SOON
    assert "The disk is full." in alarm.sentence
    assert alarm.command == "unlost compact sales"


def hour(minutes: int, **told: object) -> HourlyFacts:
    usual = HourlyFacts(
        NOW - timedelta(minutes=minutes), failed=True, again=True, why=Message("", "No.")
    )
    return replace(usual, **told)  # type: ignore[arg-type]


HOURLY = Schedule(hourly=("Case",))


@pytest.mark.parametrize(
    ("hours", "speaks"),
    [
        ((), False),
        ((hour(30),), False),
        ((hour(30), hour(90, failed=False)), False),
        ((hour(30, failed=False), hour(90)), False),
        ((hour(30), hour(90)), True),
        ((hour(30, again=False),), True),
        ((hour(60 * 9, again=False),), False),
    ],
)
def test_hours_that_fail_are_told_when_they_last(
    hours: tuple[HourlyFacts, ...], speaks: bool
) -> None:
    found = said(sales(schedule=HOURLY, hours=hours))
    assert set(found) == ({AlertRule.HOURLY_FAILED} if speaks else set())
    assert said(sales(hours=hours)) == {}, "nobody wants them any more"
    assert not speaks or found[AlertRule.HOURLY_FAILED].urgency is Urgency.SOON
    never = said(sales(schedule=HOURLY, hours=hours, proof=None, nights=()))
    assert (AlertRule.HOURLY_FAILED in never) is (
        speaks or hours[:1] == (hour(60 * 9, again=False),)
    )


def test_a_fresh_hour_makes_no_old_night_young() -> None:
    part = replace(proof(), as_of=NOW, finished=NOW, rests_on=7)
    old = replace(proof(), as_of=NOW - timedelta(hours=40))
    found = said(sales(schedule=HOURLY, proof=old, part=part))
    assert (
        "The newest backup of sales is 40 hours old." in found[AlertRule.NO_RECENT_BACKUP].sentence
    )
    given_up = night(state=NightState.GIVEN_UP, error=Message("", "Away."), ended_at=NOW)
    assert AlertRule.NIGHT_FAILED in said(sales(nights=(given_up,), part=part))


def test_gaps_of_an_hour_are_the_nights_matter() -> None:
    part = replace(proof(verdict=Verdict.GAPS), rests_on=7)
    assert said(sales(part=part)) == {}


def test_a_message_says_what_happened_what_to_do_and_what_proves_it() -> None:
    alarm = RaisedAlert(AlertRule.INCOMPLETE, "sales", "", Urgency.SOON, Message("", "It is not complete. One gap.", "Look at it."), "unlost certificate sales")  # fmt: skip
    opened = Notification(NotificationKind.OPENED, alarm, NOW, NOW, (("sales", 7, "abcdef012345"),))
    assert opened.title == "It is not complete (sales)"
    assert opened.lines == (
        "It is not complete. One gap.",
        "Since 2026-05-04 09:00 UTC.",
        "Look at it.",
        "  unlost certificate sales",
        "sales: backup 7, head abcdef012345",
    )
    over = replace(opened, event=NotificationKind.RESOLVED, heads=())
    assert over.title == "Resolved: It is not complete (sales)"
    assert over.lines == (
        "The cause of this alert has ended: It is not complete. One gap.",
        "The alert was open since 2026-05-04 09:00 UTC.",
    )
    bare = replace(alarm, org="", message=replace(alarm.message, next_step=""), command="")
    assert (
        Notification(NotificationKind.TEST, bare, NOW, NOW).lines[-1]
        == "Since 2026-05-04 09:00 UTC."
    )
