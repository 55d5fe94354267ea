"""Keeping and forgetting: rules, plans that are done as they were seen, and holds above both."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from homes import World
from unlost.app.actions.alerts.alerts import show as alerts
from unlost.app.actions.alerts.alerts import watch
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.retention.forget import EVERY, PATIENCE, forget, forget_if_due, plan
from unlost.app.actions.retention.holds import HoldRequest, hold, holds, lift
from unlost.app.actions.retention.keeping import RetentionChange, RuleWarning, change, show
from unlost.app.alerts.alert_facts import Watcher
from unlost.app.vault.home_copy import copy_is_due
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.audit import newest
from unlost.catalog.vault.keeping import LARGEST, last_forgotten, rules_of
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import Conflict, NotAllowed, NotFound, StoreError, UnlostError, UsageError
from unlost.model.runs.exclusion import RunKind
from unlost.model.vault.retention import PRESETS, HoldScope, HoldTarget, KeepPreset, KeepRules
from unlost.model.vault.snapshot import CommitKind

ALL = RetentionChange()


def oid() -> str:
    return get_org("sales").oid


def as_role(world: World, role: Role) -> Any:
    return world.app.acting(Actor(ActorKind.PERSON, role.value, (Grant(role),)))


def numbers(world: World) -> list[int]:
    return [info.number for info in world.app.vault.snapshots(oid())]


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(UnlostError) as caught:
        call()
    return caught.value.code


# --- rules ----------------------------------------------------------------------------------------


def test_everything_is_kept_until_somebody_says_otherwise(year: World) -> None:
    (kept,) = show(year.app).orgs
    assert (kept.rules, kept.since, kept.remarks) == (KeepRules(), None, ())
    assert plan(year.app, "sales", ALL).nothing
    assert forget_if_due(year.app, oid()) is None


def test_rules_are_set_one_by_one_noted_and_copied_into_the_vault(year: World) -> None:
    change(year.app, "sales", RetentionChange(days=30, monthly=24))
    kept = change(year.app, "sales", RetentionChange(monthly=12, deleted_days=90))
    assert kept.rules == KeepRules(days=30, monthly=12, deleted_days=90)
    assert show(year.app, "sales").orgs == (kept,)
    assert not copy_is_due(year.app)
    noted = next(one for one in reversed(newest(most=999)) if one.deed.act == "keep.set")
    assert noted.deed.detail["monthly"] == 24
    assert change(year.app, "sales", RetentionChange(everything=True)).rules == KeepRules()


BAD_RULES = (
    (RetentionChange(days=-1), "keep-invalid"),
    (RetentionChange(yearly=LARGEST + 1), "keep-invalid"),
    (RetentionChange(everything=True, days=3), "keep-contradictory"),
    (RetentionChange(everything=True, preset=KeepPreset.STANDARD), "keep-contradictory"),
)


def test_rules_that_make_no_sense_are_refused(year: World) -> None:
    for wish, code in BAD_RULES:
        assert code_of(partial(change, year.app, "sales", wish)) == code
        assert code_of(partial(plan, year.app, "sales", wish)) == code
    assert rules_of(oid()).since is None


def test_rules_that_keep_little_or_do_nothing_say_so(year: World) -> None:
    assert change(year.app, "sales", RetentionChange(daily=6)).remarks == (RuleWarning.FEW_NIGHTS,)
    assert change(year.app, "sales", RetentionChange(weekly=1)).remarks == ()
    only = RetentionChange(daily=0, weekly=0, deleted_days=5)
    assert change(year.app, "sales", only).remarks == (RuleWarning.NO_EFFECT,)


def test_a_preset_sets_the_rules_for_backups_and_leaves_the_limit_for_deleted_records(
    year: World,
) -> None:
    change(year.app, "sales", RetentionChange(days=5, weekly=3, deleted_days=90))
    kept = change(year.app, "sales", RetentionChange(preset=KeepPreset.STANDARD))
    assert kept.rules == KeepRules(daily=30, monthly=12, yearly=7, deleted_days=90)
    wish = RetentionChange(preset=KeepPreset.DECADE, yearly=30, deleted_days=0)
    assert change(year.app, "sales", wish).rules == KeepRules(daily=366, yearly=30)
    noted = newest(most=1)[0].deed
    assert (noted.act, noted.detail["yearly"]) == ("keep.set", 30)


@pytest.mark.parametrize("preset", KeepPreset)
def test_every_preset_keeps_enough_to_find_a_loss(year: World, preset: KeepPreset) -> None:
    assert change(year.app, "sales", RetentionChange(preset=preset)).remarks == ()


# --- plan and forget ------------------------------------------------------------------------------


def test_what_the_plan_says_is_done_and_the_bytes_go_days_later(year: World) -> None:
    change(year.app, "sales", RetentionChange(daily=2))
    seen = plan(year.app, "sales", ALL)
    assert [night.number for night in seen.staying] == [9, 10]
    assert [night.number for night in seen.going] == list(range(1, 9))
    assert {one.table: one.records for one in seen.tables} == {"Account": 0, "User": 0}
    assert numbers(year) == list(range(1, 11))
    done = forget(year.app, "sales", plan=seen.digest)
    assert (done.nights, done.staying, done.versions) == (8, 2, seen.versions)
    assert numbers(year) == [9, 10]
    last = last_forgotten(oid())
    assert last is not None
    assert (last.nights, last.snapshot, last.failed) == (8, 11, False)
    noted = newest(most=1)[0].deed
    assert (noted.act, noted.detail["nights"], noted.org) == ("forget.run", 8, "sales")
    if done.waiting:
        assert done.next_at is not None
        assert done.next_at >= year.clock.now() + timedelta(days=7)


def test_a_preview_of_other_rules_changes_nothing(year: World) -> None:
    seen = plan(year.app, "sales", RetentionChange(daily=1))
    assert len(seen.going) == 9
    assert rules_of(oid()).rules == KeepRules()
    assert code_of(lambda: forget(year.app, "sales", plan=seen.digest)) == "forget-changed"
    assert len(numbers(year)) == 10


def test_a_preset_is_previewed_before_it_is_set(year: World) -> None:
    year.clock.advance(days=40)
    backup(year.app, "sales")
    seen = plan(year.app, "sales", RetentionChange(preset=KeepPreset.GRADUAL))
    assert 0 < len(seen.going) < 10
    assert seen.rules == PRESETS[KeepPreset.GRADUAL]
    assert plan(year.app, "sales", RetentionChange(preset=KeepPreset.QUARTER)).nothing
    assert rules_of(oid()).since is None


def test_nothing_is_done_that_was_not_seen(year: World) -> None:
    change(year.app, "sales", RetentionChange(daily=2))
    seen = plan(year.app, "sales", ALL)
    year.clock.advance(days=1)
    backup(year.app, "sales")
    assert code_of(lambda: forget(year.app, "sales", plan=seen.digest)) == "forget-changed"
    hold(year.app, "sales", HoldRequest(night=3))
    held = plan(year.app, "sales", ALL)
    lift(year.app, "sales", HoldRequest(night=3))
    assert code_of(lambda: forget(year.app, "sales", plan=held.digest)) == "forget-changed"
    assert len(numbers(year)) == 11
    assert last_forgotten(oid()) is None


def test_what_is_seen_by_one_is_the_same_a_day_later(year: World) -> None:
    change(year.app, "sales", RetentionChange(daily=2))
    seen = plan(year.app, "sales", ALL)
    year.clock.advance(hours=20)
    assert plan(year.app, "sales", ALL) == seen


def test_deleted_records_go_after_their_time(year: World) -> None:
    change(year.app, "sales", RetentionChange(daily=2, deleted_days=5))
    seen = plan(year.app, "sales", ALL)
    gone = {one.table: one.records for one in seen.tables}
    assert gone == {"Account": 0, "User": 1}  # SHORT went six nights ago, A40018 five
    forget(year.app, "sales", plan=seen.digest)
    assert year.app.vault.history(oid(), "User", "SHORT") == []
    assert year.app.vault.history(oid(), "Account", "A40018") != []


def test_who_may_not_is_refused(year: World) -> None:
    operator, viewer = as_role(year, Role.RESTORER), as_role(year, Role.VIEWER)
    assert plan(operator, "sales", RetentionChange(daily=2)).going
    show(viewer, "sales")
    for refused in (
        lambda: change(operator, "sales", RetentionChange(daily=2)),
        lambda: forget(operator, "sales", plan=""),
        lambda: plan(viewer, "sales", ALL),
        lambda: hold(viewer, "sales", HoldRequest(everything=True)),
        lambda: lift(operator, "sales", HoldRequest(everything=True)),
        lambda: holds(as_role(year, Role.AUDITOR), "sales"),
    ):
        assert code_of(refused) == "not-permitted"


def test_upkeep_and_forgetting_exclude_each_other(year: World) -> None:
    change(year.app, "sales", RetentionChange(daily=2))
    digest = plan(year.app, "sales", ALL).digest
    with year.app.lease.hold(oid(), kind=RunKind.COMPACT, run="other"):
        with pytest.raises(Conflict) as caught:
            forget(year.app, "sales", plan=digest)
        assert caught.value.code == "run-in-progress"
        assert forget_if_due(year.app, oid()) is None
    assert len(numbers(year)) == 10


# --- by itself ------------------------------------------------------------------------------------


def test_it_is_done_once_in_seven_days(year: World) -> None:
    change(year.app, "sales", RetentionChange(daily=2))
    first = forget_if_due(year.app, oid())
    assert first is not None
    assert first.nights == 8
    for _ in range(2):
        year.clock.advance(days=1)
        backup(year.app, "sales")
    assert forget_if_due(year.app, oid()) is None
    year.clock.advance(seconds=EVERY.total_seconds())
    again = forget_if_due(year.app, oid())
    assert again is not None
    assert again.nights == 2
    assert forget_if_due(year.app, "gone") is None


def test_it_waits_for_open_runs_and_says_so_when_that_takes_long(year: World) -> None:
    change(year.app, "sales", RetentionChange(daily=2))
    identity = year.app.whole_vault.orgs()[oid()]
    commit = year.app.whole_vault.begin(
        oid(), run="restore-1", kind=CommitKind.RESTORE, identity=identity
    )
    digest = plan(year.app, "sales", ALL).digest
    assert code_of(lambda: forget(year.app, "sales", plan=digest)) == "runs-open"
    assert forget_if_due(year.app, oid()) is None
    assert last_forgotten(oid()) is None
    year.clock.advance(seconds=PATIENCE.total_seconds())
    told = forget_if_due(year.app, oid())
    assert told is not None
    assert told.error is not None
    assert told.error.code == "runs-open"
    commit.abandon()
    done = forget_if_due(year.app, oid())
    assert done is not None
    assert (done.failed, done.nights) == (False, 8)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (StoreError("store-full", "The vault's disk is full."), "The vault's disk is full."),
        (ZeroDivisionError(), "ZeroDivisionError"),
    ],
)
def test_a_failure_is_an_alert_until_it_works_again(
    year: World, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    change(year.app, "sales", RetentionChange(daily=2))
    with monkeypatch.context() as patch:
        patch.setattr(type(year.vault), "apply", fail)
        told = forget_if_due(year.app, oid())
    assert told is not None
    assert told.failed
    watch(year.app, Watcher())
    (alert,) = _forgetting(year)
    assert sentence in alert
    again = forget_if_due(year.app, oid())  # a failure does not wait for seven days
    assert again is not None
    assert not again.failed
    watch(year.app, Watcher())
    assert _forgetting(year) == []


def _forgetting(world: World) -> list[str]:
    told = [one.raised for one in alerts(world.app).alerts if one.raised.subject == "forget"]
    return [one.sentence for one in told]


def test_a_sweep_that_fails_undoes_nothing(year: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreError("store-away", "The disk is away.")

    change(year.app, "sales", RetentionChange(daily=2))
    digest = plan(year.app, "sales", ALL).digest
    monkeypatch.setattr(type(year.vault), "sweep", fail)
    done = forget(year.app, "sales", plan=digest)
    assert (done.nights, done.next_at) == (8, None)
    assert numbers(year) == [9, 10]


# --- holds ----------------------------------------------------------------------------------------


def test_what_is_held_is_not_forgotten(year: World) -> None:
    change(year.app, "sales", RetentionChange(daily=2, deleted_days=1))
    hold(year.app, "sales", HoldRequest(record="user/short", reason=" audit "))
    hold(year.app, "sales", HoldRequest(night=2))
    found = hold(year.app, "sales", HoldRequest(table="account", until="2026-12-31"))
    things = [line.hold.thing for line in found.holds]
    assert things == [
        HoldTarget(HoldScope.RECORD, "User", "SHORT"),
        HoldTarget(HoldScope.NIGHT, backup=2),
        HoldTarget(HoldScope.TABLE, "Account"),
    ]
    assert found.holds[0].hold.reason == "audit"
    assert found.holds[0].hold.by
    seen = plan(year.app, "sales", ALL)
    assert [night.number for night in seen.staying] == [2, 9, 10]
    assert len(seen.holds) == 3
    forget(year.app, "sales", plan=seen.digest)
    assert len(year.app.vault.history(oid(), "Account", "A40017")) == 10
    assert year.app.vault.history(oid(), "User", "SHORT") != []
    assert holds(year.app, "sales") == found


def test_a_hold_on_the_org_keeps_all_of_it_until_it_is_lifted_or_runs_out(year: World) -> None:
    change(year.app, "sales", RetentionChange(daily=2))
    day = f"{year.clock.now() + timedelta(days=2):%Y-%m-%d}"
    hold(year.app, "sales", HoldRequest(everything=True, until=day))
    assert plan(year.app, "sales", ALL).nothing
    year.clock.advance(days=3)
    assert [line.lasts for line in holds(year.app, "sales").holds] == [False]
    assert not plan(year.app, "sales", ALL).nothing
    hold(year.app, "sales", HoldRequest(everything=True))
    assert plan(year.app, "sales", ALL).nothing
    assert lift(year.app, "sales", HoldRequest(everything=True)).holds == ()
    assert not plan(year.app, "sales", ALL).nothing
    changes = ("hold.set", "hold.lift")
    acts = [
        (one.deed.act, one.deed.subject)
        for one in reversed(newest(most=999))
        if one.deed.act in changes
    ]
    assert acts == [("hold.set", "the org"), ("hold.set", "the org"), ("hold.lift", "the org")]


BAD_HOLDS = (
    (HoldRequest(), "hold-unclear"),
    (HoldRequest(table="User", night=1), "hold-unclear"),
    (HoldRequest(table="Nobody"), "table-unknown"),
    (HoldRequest(record="User"), "record-unreadable"),
    (HoldRequest(record="User/NOBODY"), "record-unknown"),
    (HoldRequest(record="User/what?"), "id-wrong"),
    (HoldRequest(night=0), "snapshot-unknown"),
    (HoldRequest(night=77), "snapshot-unknown"),
    (HoldRequest(everything=True, until="2020-01-01"), "hold-until-unreadable"),
    (HoldRequest(everything=True, until="soon"), "hold-until-unreadable"),
)


def test_holds_on_what_is_not_there_are_refused(year: World) -> None:
    for wish, code in BAD_HOLDS:
        assert code_of(partial(hold, year.app, "sales", wish)) == code
    assert holds(year.app, "sales").holds == ()


def test_what_is_not_held_cannot_be_lifted(year: World) -> None:
    with pytest.raises(NotFound) as caught:
        lift(year.app, "sales", HoldRequest(record="User/U1"))
    assert caught.value.code == "hold-unknown"
    hold(year.app, "sales", HoldRequest(record="User/U1"))
    assert lift(year.app, "sales", HoldRequest(record="User/u1")).holds == ()


def test_who_may_not_lift_a_hold_may_not_shorten_it_either(year: World) -> None:
    restorer = as_role(year, Role.RESTORER)
    thing = HoldRequest(record="User/U1")
    hold(restorer, "sales", replace(thing, until="2026-12-31"))
    hold(restorer, "sales", replace(thing, until="2027-12-31"))
    hold(restorer, "sales", thing)
    with pytest.raises(NotAllowed) as caught:
        hold(restorer, "sales", replace(thing, until="2027-12-31"))
    assert caught.value.code == "hold-shortened"
    hold(year.app, "sales", replace(thing, until="2027-12-31"))


def test_a_backup_that_was_forgotten_cannot_be_held(year: World) -> None:
    change(year.app, "sales", RetentionChange(daily=2))
    forget_if_due(year.app, oid())
    assert code_of(lambda: hold(year.app, "sales", HoldRequest(night=3))) == "snapshot-forgotten"


def test_without_a_backup_there_is_nothing_to_hold_or_forget(sales: World) -> None:
    assert code_of(lambda: hold(sales.app, "sales", HoldRequest(table="User"))) == "no-backup-yet"
    with pytest.raises((NotFound, UsageError)):
        hold(sales.app, "sales", HoldRequest(night=1))
    assert plan(sales.app, "sales", RetentionChange(daily=1)).nothing
