"""Mass changes are reported in their backup, from the second one on; ordinary days are not."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit.alerts.test_rules import gap, line, proof, sales
from unlost.alerts.mass_alerts import NAMED, mass_alerts, repair_command, sentence_of
from unlost.alerts.mass_rules import LEAST_BACKUPS, findings_of, usual_limit
from unlost.alerts.rules import raised_alerts
from unlost.alerts.watched import AlertFacts, MassFacts, NightCounts
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.finding import FindingKind
from unlost.model.mass_changes import (
    BackupChanges,
    ChangeWords,
    MassChange,
    MassFinding,
    MassKind,
    MassLimits,
    Silence,
    SilenceKind,
    UserShare,
)

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
EVA = UserShare("U7", 0, NOW - DAY, NOW - DAY + timedelta(minutes=5), "Eva Muster")


def change(
    kind: MassKind, count: int, *, total: int = 1_196, table: str = "Contact", **more: Any
) -> MassChange:
    column = "Phone" if kind.of_column else ""
    users = more.pop("users", (replace(EVA, count=count),))
    return MassChange(table, kind, count, total, more.pop("column", column), users, **more)


def backups(*days: tuple[MassChange, ...]) -> tuple[BackupChanges, ...]:
    """The newest day first; the oldest is the second backup of its org."""
    last = len(days) + 1
    return tuple(
        BackupChanges(last - n, last - n - 1, NOW - n * DAY, NOW - (n + 1) * DAY, changes)
        for n, changes in enumerate(days)
    )


def now(*days: tuple[MassChange, ...], **facts: Any) -> list[MassFinding]:
    """What is reported immediately about the newest day."""
    known = MassFacts(backups(*days), **facts)
    return [finding for finding in findings_of(known, known.backups[0].number) if finding.now]


def alerts(*days: tuple[MassChange, ...], **facts: Any) -> list[RaisedAlert]:
    return list(mass_alerts(sales(mass=MassFacts(backups(*days), **facts))))


@pytest.mark.parametrize(
    ("kind", "count", "total", "is_now"),
    [
        (MassKind.DELETED, 20, 100, False),
        (MassKind.DELETED, 21, 100, True),
        (MassKind.DELETED, 100, 10_000, False),
        (MassKind.DELETED, 101, 10_000, True),
        (MassKind.BIN_SKIPPED, 1, 10_000, True),
        (MassKind.EMPTIED, 19, 100, False),
        (MassKind.EMPTIED, 20, 400, True),
        (MassKind.EMPTIED, 20, 401, False),
        (MassKind.OVERWRITTEN, 1_119, 1_196, True),
        (MassKind.OVERWRITTEN, 59, 1_196, False),
        (MassKind.CREATED, 100, 0, False),
        (MassKind.CREATED, 101, 0, True),
        (MassKind.CREATED, 1_000, 5_000, False),
        (MassKind.CREATED, 1_001, 5_000, True),
        (MassKind.FILLED, 1_196, 1_196, False),
        (MassKind.EDITED, 1_196, 1_196, False),
        (MassKind.TRANSFERRED, 598, 1_196, False),
        (MassKind.TRANSFERRED, 599, 1_196, True),
        (MassKind.TRANSFERRED, 100, 100, False),
    ],
)
def test_thresholds_hold_from_the_second_backup_on(
    kind: MassKind, count: int, total: int, is_now: bool
) -> None:
    assert bool(now((change(kind, count, total=total),))) is is_now


def test_1119_of_1196_overwritten_phones_raised_nothing() -> None:
    (alert,) = alerts((change(MassKind.OVERWRITTEN, 1_119),))
    assert (alert.key, alert.urgency) == ("mass-change/sales/2", Urgency.NOW)
    assert alert.sentence == (
        "Phone was overwritten with one value in 1,119 of 1,196 records of Contact in sales by "
        "Eva Muster, between 2026-05-03 09:00 UTC and 2026-05-03 09:05 UTC."
    )
    assert alert.command == (
        "unlost restore plan sales --changed-between 1 2 --table Contact --column Phone "
        "--change overwritten"
    )


def test_a_shifted_import_is_counted_whole() -> None:
    """56 cities got those of other records; 14 of them the same one by chance."""
    shift = (
        change(MassKind.EDITED, 42, users=(replace(EVA, count=32), UserShare("U8", 10))),
        change(MassKind.OVERWRITTEN, 14, users=(replace(EVA, count=14),)),
    )
    (finding,) = findings_of(MassFacts(backups(shift)), 2)
    assert (finding.change.kind, finding.change.count) == (MassKind.EDITED, 56)
    assert [(share.by, share.count) for share in finding.change.users] == [("U7", 46), ("U8", 10)]
    assert finding.change.users[0].last == EVA.last


def test_one_value_in_most_records_is_no_chance() -> None:
    some = (change(MassKind.EDITED, 20), change(MassKind.OVERWRITTEN, 30))
    assert [f.change.count for f in findings_of(MassFacts(backups(some)), 2)] == [20, 30]
    more = (change(MassKind.EDITED, 100), change(MassKind.OVERWRITTEN, 60))
    (first, _) = findings_of(MassFacts(backups(more)), 2)
    assert (first.now, first.change.count) == (True, 60)


def test_people_read_labels_and_their_own_time() -> None:
    words = ChangeWords(
        {"Contact": "Kontakt"}, {("Contact", "Phone"): "Telefon"}, "Europe/Brussels"
    )
    at = UserShare("U7", 30, NOW, NOW + timedelta(seconds=20), "Eva Muster")
    facts = MassFacts(backups((change(MassKind.EDITED, 30, users=(at,)),)), words=words)
    (finding,) = findings_of(facts, 2)
    assert sentence_of(finding, "sales").sentence == (
        "Telefon was edited in 30 of 1,196 records of Kontakt in sales by Eva Muster, at "
        "2026-05-04 11:00 Europe/Brussels."
    )
    later = replace(finding, change=change(MassKind.EDITED, 30))
    assert sentence_of(later, "sales").sentence.endswith(
        "between 2026-05-03 11:00 and 2026-05-03 11:05 Europe/Brussels."
    )


def test_an_import_is_judged_by_its_user() -> None:
    many = tuple(UserShare(f"U{n}", 30) for n in range(5))
    assert not now((change(MassKind.CREATED, 150, total=100, users=many),))
    assert now((change(MassKind.CREATED, 150, total=100, users=(UserShare("U1", 120),)),))
    assert now((change(MassKind.CREATED, 150, total=100, users=()),))


def test_a_transfer_is_judged_by_its_user() -> None:
    teams = tuple(UserShare(f"U{n}", 300) for n in range(4))
    assert not now((change(MassKind.TRANSFERRED, 1_196, users=teams),))
    assert now((change(MassKind.TRANSFERRED, 1_196, users=(UserShare("U1", 1_000),)),))


def test_one_message_for_each_backup() -> None:
    lost = [change(MassKind.DELETED, 30, table=f"T{n}", total=100) for n in range(NAMED + 2)]
    few = change(MassKind.DELETED, 3)
    newest, before = alerts((*lost, few), (change(MassKind.EMPTIED, 100),))
    assert newest.key == "mass-change/sales/3"
    assert newest.level == NAMED + 2
    assert newest.sentence.count("were deleted") == NAMED
    assert newest.sentence.endswith("And 2 more.")
    assert newest.command == "unlost compare sales 2 3"
    assert before.key == "mass-change/sales/2"
    assert before.next_step


def test_an_alert_stays_until_a_backup_a_week_later() -> None:
    org = sales(mass=MassFacts(backups((change(MassKind.EMPTIED, 100),))))
    assert list(mass_alerts(replace(org, newest_as_of=NOW + 6 * DAY)))
    assert not list(mass_alerts(replace(org, newest_as_of=NOW + 7 * DAY)))


def test_mass_changes_raised_no_alert_if_the_clock_of_the_org_was_a_week_behind() -> None:
    days = ((change(MassKind.EMPTIED, 100),), *[()] * 6, (change(MassKind.EMPTIED, 99),))
    facts = MassFacts(backups(*days))
    behind = sales(mass=facts, now=NOW + 30 * DAY, newest_as_of=NOW)
    (alert,) = mass_alerts(behind)
    assert alert.key == "mass-change/sales/9", "an older backup is not reported again"


def test_a_loss_that_is_not_believed_is_in_the_same_message() -> None:
    vanished = line("Case", 500, gap(FindingKind.UNUSUAL_LOSS))
    facts = MassFacts(backups((change(MassKind.EMPTIED, 100),), (change(MassKind.EMPTIED, 99),)))
    org = sales(proof=proof(vanished), mass=facts)
    raised = raised_alerts(AlertFacts((org,)))
    newest, before = [a for a in raised if a.org and a.rule is not AlertRule.INCOMPLETE]
    assert "does not treat them as deleted yet. Phone was emptied in 100" in newest.sentence
    assert "yet" not in before.sentence
    quiet = sales(proof=proof(vanished), part=proof(line()), mass=MassFacts(backups(())))
    (alone,) = mass_alerts(quiet)
    assert (alone.rule, alone.command) == (AlertRule.MASS_CHANGE, "unlost compare sales 1 2")


def test_users_and_times_are_named_as_far_as_they_are_known() -> None:
    unknown = UserShare("", 21)
    (text,) = [
        a.sentence for a in alerts((change(MassKind.DELETED, 21, total=9, users=(unknown,)),))
    ]
    assert text == "21 records of Contact were deleted in sales by an unknown user."
    two = (unknown, UserShare("U8", 4))
    (text,) = [a.sentence for a in alerts((change(MassKind.DELETED, 25, total=9, users=two),))]
    assert text.endswith("in sales (4 of them by U8).")


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        (MassKind.DELETED, "unlost restore plan sales --lost-between 1 2 --table Contact"),
        (MassKind.CREATED, "unlost compare sales 1 2 --table Contact"),
    ],
)
def test_each_kind_has_its_command(kind: MassKind, command: str) -> None:
    finding = MassFinding(change(kind, 500), 2, 1, NOW)
    assert repair_command(finding, "sales") == command


def test_each_kind_has_its_sentence() -> None:
    texts = [
        str(sentence_of(MassFinding(change(kind, 1), 2, 1, NOW), "sales")) for kind in MassKind
    ]
    assert len(set(texts)) == len(MassKind)
    assert any("1 record of Contact was deleted in sales by Eva Muster" in text for text in texts)
    assert "In sales, 1 record of Contact skipped the recycle bin." in texts


# --- usual counts ---------------------------------------------------------------------------------


def test_counts_that_are_usual_in_a_table_raise_its_threshold() -> None:
    usual = [(change(MassKind.DELETED, count, total=100),) for count in (40, 55, 35, 60, 45)]
    assert not now((change(MassKind.DELETED, 70, total=100),), *usual)
    assert now((change(MassKind.DELETED, 800, total=1_000),), *usual)
    assert now((change(MassKind.DELETED, 70, total=100),), *usual[:3]), "too few backups"


def test_one_disaster_does_not_make_the_next_one_usual() -> None:
    quiet: list[tuple[MassChange, ...]] = [()] * 9
    disaster = (change(MassKind.EMPTIED, 600),)
    assert now(disaster, *quiet, disaster)


def test_a_table_that_is_rebuilt_each_week_becomes_usual() -> None:
    week = [(change(MassKind.CREATED, 5_000, total=5_000),), *[()] * 6]
    assert now(*week)
    assert not now(*week, *week, *week, *week)


def test_certificates_that_go_back_further_know_what_is_usual() -> None:
    nights = tuple(
        NightCounts(NOW - n * DAY, {"Contact": 900}, {"Contact": 300}, {}, {"Contact": 60})
        for n in range(9)
    )
    lost, new = change(MassKind.DELETED, 70), change(MassKind.CREATED, 310)
    assert len(now((lost, new))) == 2
    assert now((lost, new), nights=nights) == []
    assert now((change(MassKind.DELETED, 700),), nights=nights)


@given(before=st.lists(st.integers(0, 5_000), max_size=40))
def test_usual_counts_never_lower_a_threshold(before: list[int]) -> None:
    limit = usual_limit(before)
    assert limit >= 0
    assert limit == 0 or len(before) >= LEAST_BACKUPS
    assert limit <= 60 * max(before, default=0)


# --- slow damage ----------------------------------------------------------------------------------


def test_damage_of_several_days_is_reported_on_the_day_it_passes_the_threshold() -> None:
    slow = change(MassKind.OVERWRITTEN, 25, total=1_000)
    assert not now((slow,), ())
    (finding,) = now((slow,), (slow,), ())
    assert (finding.change.count, finding.days, finding.before) == (50, 7, 2)
    assert not now((slow,), (slow,), (slow,)), "it was reported the day before"
    (alert,) = alerts((slow,), (slow,), ())
    assert "in 50 of 1,000 records of Contact in sales within 7 days" in alert.sentence
    assert "--changed-between 2 4" in alert.command


def test_records_deleted_bit_by_bit_are_reported_like_those_deleted_at_once() -> None:
    some, week = change(MassKind.DELETED, 12, total=1_000), [()] * 12
    assert not now((some,), (), *week)
    (finding,) = now((some,), (some,), *week)
    assert (finding.change.count, finding.days, finding.before) == (24, 7, 13)
    (alert,) = alerts((some,), (some,), *week)
    assert "24 records of Contact were deleted in sales within 7 days." in alert.sentence
    assert "--lost-between 13 15" in alert.command
    assert not now((some,), (some,)), "no week shows what is usual"


def test_damage_that_goes_on_is_reported_again() -> None:
    """It was reported once, and never again while it went on."""
    slow = (change(MassKind.OVERWRITTEN, 25, total=1_000),)
    assert [bool(now(*[slow] * days)) for days in (1, 2, 3, 4)] == [False, True, False, True]


def test_older_reported_and_silenced_damage_does_not_count_as_slow() -> None:
    slow, whole = (change(MassKind.EMPTIED, count, total=1_000) for count in (30, 600))
    assert not now((slow,), *[()] * 6, (slow,))
    assert not now((slow,), (whole,))
    expected = Silence(SilenceKind.ANSWERED, "sales", "Contact", snapshot=2)
    assert now((slow,), (slow,))
    assert not now((slow,), (slow,), silences=(expected,))


def test_values_that_many_records_share_anyway_are_no_slow_damage() -> None:
    closed = change(MassKind.OVERWRITTEN, 30, total=1_000, few=True)
    assert not now((closed,), (closed,))


def test_what_came_up_in_each_week_is_no_slow_damage() -> None:
    daily = [(change(MassKind.EMPTIED, 15, total=1_000),)] * 4 + [()] * 3
    assert now(*daily)
    assert not now(*daily, *daily)


# --- repair ---------------------------------------------------------------------------------------


def shared(*counts: int, kind: MassKind = MassKind.OVERWRITTEN) -> MassChange:
    """A change of several users, U1 and so on."""
    shares = tuple(UserShare(f"U{n}", count) for n, count in enumerate(counts, 1))
    return replace(change(kind, sum(counts)), users=shares)


@pytest.mark.parametrize("kind", [MassKind.OVERWRITTEN, MassKind.DELETED])
def test_the_repair_of_a_mass_change_took_back_what_other_users_did(kind: MassKind) -> None:
    (finding,) = now((shared(700, 30, kind=kind),))
    assert finding.main_user == "U1"
    assert repair_command(finding, "sales").endswith(" --by U1")


@pytest.mark.parametrize("counts", [(700,), (400, 400)])
def test_one_user_of_all_and_many_equal_ones_need_no_choice(counts: tuple[int, ...]) -> None:
    (finding,) = now((shared(*counts),))
    assert finding.main_user == ""
    assert "--by" not in repair_command(finding, "sales")


def test_damage_of_several_days_is_repaired_for_all_users() -> None:
    slow = shared(20, 5)
    slow = replace(slow, total=1_000)
    (finding,) = now((slow,), (slow,))
    assert (finding.days, finding.main_user, finding.change.users) == (7, "", ())


def test_the_repair_of_a_deletion_left_out_records_that_skipped_the_bin() -> None:
    """Nobody can tell who deleted them."""
    shares = (UserShare("U1", 700), UserShare("", 30))
    (finding,) = now((replace(change(MassKind.DELETED, 730), users=shares),))
    assert finding.main_user == ""


# --- silences and limits --------------------------------------------------------------------------

DAMAGE = change(MassKind.OVERWRITTEN, 1_119)
IMPORT = change(MassKind.CREATED, 900, total=100)


@pytest.mark.parametrize(
    ("silence", "silent"),
    [
        ({"kind": SilenceKind.EXPECTED, "table": "Contact", "column": "Phone"}, True),
        ({"kind": SilenceKind.EXPECTED, "table": "Contact"}, False),
        ({"kind": SilenceKind.EXPECTED, "table": "Account", "column": "Phone"}, False),
        ({"kind": SilenceKind.EXPECTED, "column": "Phone", "until": NOW - 2 * DAY}, False),
        ({"kind": SilenceKind.EXPECTED, "column": "Phone", "until": NOW}, True),
        ({"kind": SilenceKind.EXPECTED, "column": "Phone", "since": NOW + DAY}, False),
        ({"kind": SilenceKind.ANSWERED, "table": "Contact", "snapshot": 2}, True),
        ({"kind": SilenceKind.ANSWERED, "table": "Contact", "snapshot": 3}, False),
        ({"kind": SilenceKind.MUTED, "user": "U7"}, True),
        ({"kind": SilenceKind.MUTED, "user": "U8"}, False),
        ({"kind": SilenceKind.MUTED, "most": 1_119}, True),
        ({"kind": SilenceKind.MUTED, "most": 1_118}, False),
        ({"kind": SilenceKind.MUTED, "change": MassKind.OVERWRITTEN}, True),
        ({"kind": SilenceKind.MUTED, "change": MassKind.EMPTIED}, False),
    ],
)
def test_what_is_expected_answered_or_muted_is_left_to_the_digest(
    silence: dict[str, Any], silent: bool
) -> None:
    facts = MassFacts(backups((DAMAGE,)), silences=(Silence(org="sales", **silence),))
    (finding,) = findings_of(facts, 2)
    assert finding.now is not silent
    assert (finding.silence is not None) is silent


def test_an_expected_table_concerns_its_records() -> None:
    expected = Silence(SilenceKind.EXPECTED, "sales", "Contact")
    assert not now((IMPORT,), silences=(expected,))
    assert now((IMPORT, DAMAGE), silences=(expected,)) == now((DAMAGE,))


def test_limits_of_a_table_and_of_its_org() -> None:
    strict, lax = MassLimits(column_rows=2_000), MassLimits(watched=False)
    assert not now((DAMAGE,), limits={"": strict})
    assert now((DAMAGE,), limits={"": strict, "Contact": MassLimits()})
    facts = MassFacts(backups((DAMAGE,)), limits={"Contact": lax})
    assert findings_of(facts, 2) == ()
    assert findings_of(facts, 9) == ()


def test_records_that_left_the_bin_in_a_long_pause_did_not_skip_it() -> None:
    (backup,) = backups((change(MassKind.BIN_SKIPPED, 9),))
    late = replace(backup, since=NOW - 20 * DAY)
    (finding,) = findings_of(MassFacts((late,)), 2)
    assert not finding.now


# --- sixty days -----------------------------------------------------------------------------------


def ordinary_day(dice: random.Random, day: int) -> tuple[MassChange, ...]:
    """Single records are lost, a fifth of a column is edited, some owners change, some cases close."""
    few = change(MassKind.OVERWRITTEN, dice.randint(0, 30), table="Case", column="Status", few=True)
    return (
        change(MassKind.DELETED, dice.randint(0, 3)),
        change(MassKind.CREATED, dice.randint(0, 40)),
        change(MassKind.EDITED, 240, column="City"),
        change(MassKind.TRANSFERRED, 400 if day % 20 == 7 else 3),
        change(MassKind.EMPTIED, dice.randint(0, 4)),
        change(MassKind.OVERWRITTEN, dice.randint(0, 2)),
        few,
    )


def test_sixty_ordinary_backups_raise_digests_only() -> None:
    dice = random.Random(5)
    days: list[tuple[MassChange, ...]] = []
    announced = Silence(
        SilenceKind.EXPECTED, "sales", "Contact", since=NOW - 2 * DAY, until=NOW + DAY
    )
    for day in range(60):
        days.insert(0, ordinary_day(dice, day))
        assert now(*days[:30]) == [], f"day {day}"
    assert not now((IMPORT, *days[0]), *days[:30], silences=(announced,))
    assert len(now((DAMAGE, *days[0]), *days[:30])) == 1
