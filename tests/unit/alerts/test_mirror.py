"""What is said of the vault's copies."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from unlost.alerts.rules import raised_alerts
from unlost.alerts.watched import AlertFacts, MirrorFacts
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.message import Message
from unlost.model.runs.night import CheckRecord
from unlost.model.vault.mirror import MirrorRecord

NOW = datetime(2026, 5, 3, 12, tzinfo=UTC)
GOOD = MirrorRecord("/mnt/second", NOW - timedelta(hours=1), NOW)
CHECK = CheckRecord(NOW, "full", 9, 9, (), mirror=True)


def said(copies: MirrorFacts) -> dict[str, RaisedAlert]:
    return {one.subject: one for one in raised_alerts(AlertFacts(mirror=copies))}


def test_without_a_second_copy_no_alarm_lasts_for_ever() -> None:
    assert said(MirrorFacts(NOW)) == {}


def test_a_fresh_one_is_silent() -> None:
    assert said(MirrorFacts(NOW, "/mnt/second", GOOD, CHECK)) == {}
    first = replace(GOOD, done_at=None)
    assert said(MirrorFacts(NOW, "/mnt/second", first)) == {}
    assert said(MirrorFacts(NOW, "/mnt/second", None)) == {}


@pytest.mark.parametrize(
    ("hours", "urgency", "words"),
    [
        (37, Urgency.SOON, "is late: The bucket is away."),
        (49, Urgency.SOON, "is 2 days old: The bucket is away."),
        (24 * 8, Urgency.NOW, "is 8 days old: The bucket is away."),
    ],
)
def test_one_that_lags_behind_is_told(hours: int, urgency: Urgency, words: str) -> None:
    lagging = replace(
        GOOD, done_at=NOW - timedelta(hours=hours), error=Message("", "The bucket is away.")
    )
    alarm = said(MirrorFacts(NOW, "/mnt/second", lagging))[""]
    assert (alarm.rule, alarm.urgency) == (AlertRule.MIRROR, urgency)
    assert words in alarm.sentence
    assert alarm.command == "unlost vault mirror run"


def test_one_that_could_never_be_filled_is_told_with_its_reason() -> None:
    never = replace(GOOD, done_at=None, error=Message("copy-other-vault", "It holds holiday.jpg."))
    assert (
        "is late: It holds holiday.jpg."
        in said(MirrorFacts(NOW, "/mnt/second", never))[""].sentence
    )
    stopped = replace(GOOD, done_at=NOW - timedelta(days=3))
    told = said(MirrorFacts(NOW, "/mnt/second", stopped))[""].sentence
    assert "it was not updated." in told


def test_what_the_vault_lost_is_told_at_once() -> None:
    damaged = replace(GOOD, damaged=("data/1",), strange=("data/2", "data/3"))
    told = said(MirrorFacts(NOW, "/mnt/second", damaged))
    assert told["left-out"].urgency is told["strange"].urgency is Urgency.NOW
    assert "data/1" in told["left-out"].sentence
    assert "data/2" in told["strange"].sentence
    broken = replace(GOOD, broken=("The chain is broken.",), damaged=("data/1",))
    told = said(MirrorFacts(NOW, "/mnt/second", broken))
    assert "The chain is broken." in told["left-out"].sentence


def test_a_damaged_copy_is_told() -> None:
    check = replace(CHECK, damages=("packs/1: It is missing.",))
    told = said(MirrorFacts(NOW, "/mnt/second", GOOD, check))
    assert "packs/1: It is missing." in told["damaged"].sentence


@pytest.mark.parametrize(("days", "speaks"), [(0, True), (7, True), (8, False)])
@pytest.mark.parametrize("place", ["", "/mnt/second"])
def test_a_repair_is_told_for_a_week(days: int, speaks: bool, place: str) -> None:
    mended = CheckRecord(NOW - timedelta(days=days), "full", 9, 9, (), repaired=("a", "b"))
    told = said(MirrorFacts(NOW, place, GOOD if place else None, repair=mended))
    assert bool(told) is speaks
    if speaks:
        (alarm,) = told.values()
        assert alarm.rule is AlertRule.VAULT_REPAIRED
        assert alarm.sentence.endswith("were repaired from the mirror: 2 objects.")
    one = replace(mended, repaired=("a",))
    told = said(MirrorFacts(NOW, place, GOOD if place else None, repair=one))
    assert all(alarm.sentence.endswith(": 1 object.") for alarm in told.values())
