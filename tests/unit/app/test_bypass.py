"""The bypass of an org: how it is chosen, and that a stopped or killed restore leaves it off."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import Shop, lost_shop
from unit.app.test_follow import refresh
from unlost.alerts.rules import raised_alerts
from unlost.app.actions.alerts.doctor import doctor
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.bypass import change, show
from unlost.app.actions.orgs.follow import follow
from unlost.app.actions.restores.queued_restore import do_restore, hand_over
from unlost.app.actions.restores.restore_plan import PlanRequest, load_plan, make_plan
from unlost.app.actions.restores.restore_run import resume_run, retry_run
from unlost.app.actions.runs.control import cancel
from unlost.app.alerts.alert_facts import Watcher
from unlost.app.health.health import HealthState
from unlost.app.restores import open_bypasses as module
from unlost.app.restores.open_bypasses import (
    close_bypass,
    close_bypasses,
    guarded_run,
    runs_with_bypass,
)
from unlost.catalog.home.copying import settings_digest
from unlost.catalog.models import WriterRow
from unlost.catalog.orgs.bypass import LONGEST, bypass_of
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.audit import newest
from unlost.catalog.runs.open_bypasses import OpenBypass, open_bypasses
from unlost.catalog.runs.runs import RunState, find_run
from unlost.engine.restore.journal.log import RestoreLog
from unlost.engine.restore.running.passes.bypass import switch_off
from unlost.model.alert import AlertRule
from unlost.model.bypass import Bypass, BypassState
from unlost.model.errors import (
    Conflict,
    IntegrityError,
    LimitReached,
    NotAllowed,
    TransientError,
    UsageError,
)
from unlost.model.runs.exclusion import RunKind
from unlost.testing.faults import Crash

after_loss = scene(lost_shop)
FLAG = Bypass("flag", "Quiet")
OFF, ON = BypassState(on=False), BypassState(on=True, stored=True)


@pytest.fixture
def plain(world: World, after_loss: Lead) -> Shop:
    shop: Shop = after_loss(world)
    shop.writer.bypasses[FLAG] = OFF
    return shop


@pytest.fixture
def shop(plain: Shop) -> Shop:
    """The org has a bypass."""
    change(plain.app, "sales", kind="flag", name="Quiet")
    plain.writer.calls.clear()
    return plain


def state(shop: Shop) -> BypassState:
    return shop.writer.bypasses[FLAG]


def switches(shop: Shop) -> list[int]:
    return [call[2] for call in shop.writer.calls if call[0] == "set_bypass"]


def halted(shop: Shop) -> list[Any]:
    alerts = raised_alerts(Watcher().gather(shop.app))
    return [alert for alert in alerts if alert.rule is AlertRule.RESTORE_HALTED]


# --- the setting ----------------------------------------------------------------------------------


def test_an_org_has_no_bypass_at_first(plain: Shop) -> None:
    shown = show(plain.app, "sales")
    assert (shown.org, shown.bypass) == ("sales", None)
    assert [kind.kind for kind in shown.kinds] == ["flag"]


def test_it_is_set_shown_audited_and_removed(plain: Shop) -> None:
    before = settings_digest()
    assert change(plain.app, "sales", kind=" flag ", name=" Quiet ").bypass == FLAG
    assert show(plain.app, "sales").bypass == FLAG
    assert settings_digest() != before, "copies of the home have it"
    (event,) = [entry.deed for entry in newest(most=5) if entry.deed.act == "bypass.set"]
    assert event.detail["bypass"] == "flag Quiet"
    assert change(plain.app, "sales").bypass is None
    assert bypass_of(plain.oid) is None
    assert switches(plain) == []


@pytest.mark.parametrize(
    ("kind", "name", "code"),
    [
        ("switch", "Quiet", "bypass-kind"),
        ("", "Quiet", "bypass-kind"),
        ("flag", "", "bypass-name"),
        ("flag", "x" * (LONGEST + 1), "bypass-name"),
        ("flag", "Nothing", "bypass-unknown"),
    ],
)
def test_what_cannot_be_a_bypass_changes_nothing(
    shop: Shop, kind: str, name: str, code: str
) -> None:
    with pytest.raises(UsageError) as caught:
        change(shop.app, "sales", kind=kind, name=name)
    assert caught.value.code == code
    assert bypass_of(shop.oid) == FLAG


def test_a_user_who_may_not_switch_it_is_named_when_it_is_set(plain: Shop) -> None:
    plain.writer.faults.plant("check_bypass", NotAllowed("bypass-refused", "The user may not."))
    with pytest.raises(NotAllowed):
        change(plain.app, "sales", kind="flag", name="Quiet")
    assert bypass_of(plain.oid) is None
    plain.writer.bypasses[FLAG] = ON
    assert change(plain.app, "sales", kind="flag", name="Quiet").bypass == FLAG


def test_without_a_write_user_the_org_is_asked_with_the_backup_user(plain: Shop) -> None:
    WriterRow.objects.all().delete()
    assert change(plain.app, "sales", kind="flag", name="Quiet").bypass == FLAG


def test_a_refreshed_sandbox_keeps_it(shop: Shop) -> None:
    refresh(shop.world)
    follow(shop.app, "sales")
    assert bypass_of(get_org("sales").oid) == FLAG


# --- runs -----------------------------------------------------------------------------------------


def test_a_restore_switches_it_on_and_off(shop: Shop) -> None:
    plan = shop.whole_plan()
    assert plan.summary.bypass == "flag Quiet"
    assert shop.run(plan).whole
    assert (state(shop), switches(shop)) == (OFF, [1, 0])
    assert open_bypasses(shop.oid) == []


def test_without_a_bypass_nothing_is_switched(plain: Shop) -> None:
    assert plain.run(plain.whole_plan()).whole
    assert switches(plain) == []


def test_undos_and_retries_use_it(shop: Shop) -> None:
    plan = shop.whole_plan()
    run = shop.run(plan).run
    shop.night()
    undo = make_plan(shop.app, PlanRequest("sales", undo=run), shop.out())
    assert undo.summary.bypass == "flag Quiet"
    assert shop.run(undo).whole
    assert (state(shop), switches(shop)) == (OFF, [1, 0, 1, 0])


def test_a_retry_plans_with_the_bypass_of_today(plain: Shop) -> None:
    plan = plain.whole_plan()
    plain.platform.unique.append(("Contact", ("Name",)))
    taken = plain.org.create("Contact", {"Name": "Ann"})
    first = plain.run(plan)
    assert not first.whole
    plain.platform.delete("Contact", taken, by="U1")
    plain.platform.purge_bin()
    change(plain.app, "sales", kind="flag", name="Quiet")
    assert retry_run(plain.app, first.run).whole
    assert (state(plain), switches(plain)) == (OFF, [1, 0])


def test_the_plan_says_which_bypass_it_uses_even_if_the_setting_changed(shop: Shop) -> None:
    plan = shop.whole_plan()
    change(shop.app, "sales")
    assert shop.run(plan).whole
    assert switches(shop) == [1, 0], "it is part of what was reviewed and approved"


def test_a_restore_that_may_not_switch_it_does_not_begin(shop: Shop) -> None:
    plan = shop.whole_plan()
    shop.writer.faults.plant("set_bypass", NotAllowed("bypass-refused", "The user may not."))
    with pytest.raises(NotAllowed):
        shop.run(plan)
    run = find_run(plan.run)
    assert run is not None
    assert run.state is RunState.FAILED
    assert shop.live("Contact") == {}
    assert open_bypasses(shop.oid) == []


STOPS: list[BaseException] = [
    LimitReached("spent", "Spent."),
    TransientError("gone", "No answer."),
    IntegrityError("odd", "It does not agree."),
    KeyboardInterrupt(),
]


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: type(stop).__name__)
def test_a_restore_that_stops_leaves_it_off(shop: Shop, stop: BaseException) -> None:
    plan = shop.whole_plan()
    shop.writer.faults.plant("write", stop, table="Contact")
    with pytest.raises(type(stop)):
        shop.run(plan)
    assert (state(shop), switches(shop)) == (OFF, [1, 0])
    assert open_bypasses(shop.oid) == []
    assert resume_run(shop.app, plan.run).whole
    assert (state(shop), switches(shop)) == (OFF, [1, 0, 1, 0])


def test_a_cancelled_restore_leaves_it_off(shop: Shop) -> None:
    plan = shop.whole_plan()
    writer, write = shop.writer, shop.writer.write

    def cancelled(*args: Any, **options: Any) -> Any:
        if args[1].name == "Contact":
            cancel(shop.app, plan.run)
            shop.app.budget(shop.oid, restore=True, run=plan.run).take()
        return write(*args, **options)

    writer.write = cancelled  # type: ignore[method-assign]
    with pytest.raises(LimitReached):
        shop.run(plan)
    assert (state(shop), switches(shop)) == (OFF, [1, 0])


def killed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> str:
    """A restore whose process is killed in the middle; the run."""
    plan = shop.whole_plan()
    shop.writer.faults.plant("write", Crash("killed"), table="Contact")
    with monkeypatch.context() as patch:
        patch.setattr(
            module, "close_bypass", lambda *_, **__: None
        )  # a killed process does no more
        with pytest.raises(Crash):
            shop.run(plan)
    assert state(shop) == ON
    return plan.run


def by_backup(shop: Shop, _run: str) -> None:
    backup(shop.app, "sales")


def by_resume(shop: Shop, run: str) -> None:
    assert resume_run(shop.app, run).whole


def by_service(shop: Shop, _run: str) -> None:
    close_bypasses(shop.app, get_org("sales"))


def by_doctor(shop: Shop, run: str) -> None:
    (check,) = automation_checks(shop, repair=False)
    assert (check.health, check.repairable) == (HealthState.BAD, True)
    assert run in check.sentence
    (repaired,) = automation_checks(shop, repair=True)
    assert repaired.repaired
    assert automation_checks(shop, repair=False) == []


def automation_checks(shop: Shop, *, repair: bool) -> list[Any]:
    checks = doctor(shop.app, ask=False, repair=repair).checks
    return [check for check in checks if check.name == "sales: automation"]


@pytest.mark.parametrize("by", [by_backup, by_resume, by_service, by_doctor])
def test_after_a_kill_others_switch_it_off(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, by: Callable[[Shop, str], None]
) -> None:
    run = killed(shop, monkeypatch)
    assert open_bypasses(shop.oid) == [OpenBypass(run, "flag Quiet", None)]
    assert list(runs_with_bypass(shop.app, get_org("sales"))) == [run]
    by(shop, run)
    assert state(shop) == OFF
    assert open_bypasses(shop.oid) == []
    assert list(runs_with_bypass(shop.app, get_org("sales"))) == []


def test_a_home_that_lost_its_runs_finds_it_in_the_vault(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = killed(shop, monkeypatch)
    shop.lose_database()
    assert open_bypasses(shop.oid) == []
    by_doctor(shop, run)
    assert state(shop) == OFF


def lose_journal(shop: Shop, run: str) -> None:
    store = shop.app.whole_vault.sealed.store
    names = [item.name for item in store.list(f"orgs/{shop.oid}/journal/") if run in item.name]
    assert names
    for name in names:
        store.delete(name)


@pytest.mark.parametrize("by", [by_backup, by_service])
def test_a_bypass_whose_journal_is_gone_does_not_look_closed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, by: Callable[[Shop, str], None]
) -> None:
    run = killed(shop, monkeypatch)
    lose_journal(shop, run)
    by(shop, run)
    (left_on,) = open_bypasses(shop.oid)
    assert left_on.error is not None
    assert left_on.error.code == "bypass-journal-gone"
    (alert,) = halted(shop)
    assert "The bypass flag Quiet may still be on" in alert.sentence
    cancel(shop.app, run)  # by a person, who saw to it in the org
    by_service(shop, run)
    assert (open_bypasses(shop.oid), halted(shop)) == ([], [])


def test_a_note_does_not_vanish_under_a_starting_run(shop: Shop) -> None:
    plan, org = shop.whole_plan(), get_org("sales")
    hand_over(shop.app, Path(plan.file))
    with guarded_run(shop.app, org, load_plan(shop.app, Path(plan.file))[0]):
        close_bypasses(shop.app, org)
        (left_on,) = open_bypasses(shop.oid)
        assert (left_on.run, left_on.error) == (plan.run, None)
    assert open_bypasses(shop.oid) == [], "it has switched nothing"


def test_a_note_does_not_vanish_under_a_resumed_run_that_is_killed_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = killed(shop, monkeypatch)
    opened = shop.app.open_writer
    shop.writer.faults.plant("write", Crash("killed"), table="Contact")

    def open_late(*args: Any, **options: Any) -> Any:
        if options.get("run"):  # the run is noted, and has not taken its lease
            with opened(*args) as writer:
                closing = RestoreLog(shop.app.whole_vault.journal(shop.oid, run))
                switch_off(closing, writer)
            close(shop.app, get_org("sales"), run)
            assert open_bypasses(shop.oid) == []
        return opened(*args, **options)

    close = module.close_bypass
    with monkeypatch.context() as patch:
        patch.setattr(
            type(shop.app), "open_writer", lambda _, *args, **more: open_late(*args, **more)
        )
        patch.setattr(module, "close_bypass", lambda *_, **__: None)
        with pytest.raises(Crash):
            resume_run(shop.app, run)
    assert state(shop) == ON
    assert [note.run for note in open_bypasses(shop.oid)] == [run]
    by_service(shop, run)
    assert (state(shop), open_bypasses(shop.oid)) == (OFF, [])


def test_a_run_in_progress_has_no_error_of_an_earlier_look(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = killed(shop, monkeypatch)
    lose_journal(shop, run)
    by_service(shop, run)
    with shop.app.lease.hold(shop.oid, kind=RunKind.RESTORE, run=run):
        by_service(shop, run)
    (left_on,) = open_bypasses(shop.oid)
    assert left_on.error is None


def test_if_it_cannot_be_switched_off_people_learn_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = killed(shop, monkeypatch)
    assert halted(shop) == []
    shop.writer.faults.plant("set_bypass", NotAllowed("bypass-refused", "The user may not."))
    backup(shop.app, "sales")
    (alert,) = halted(shop)
    assert alert.subject == run
    assert "could not be switched off: The user may not." in alert.sentence
    by_service(shop, run)
    assert (state(shop), halted(shop)) == (OFF, [])


def test_a_restore_that_ends_with_it_on_fails_and_is_resumed(shop: Shop) -> None:
    plan = shop.whole_plan()
    refusal = NotAllowed("bypass-refused", "The user may not.")
    shop.writer.faults.plant("set_bypass", refusal, after=1, times=2)
    with pytest.raises(Conflict) as caught:
        shop.run(plan)
    assert caught.value.code == "bypass-still-on"
    run = find_run(plan.run)
    assert run is not None
    assert run.state is RunState.FAILED
    (alert,) = halted(shop)
    assert alert.subject == plan.run
    assert resume_run(shop.app, plan.run).whole
    assert (state(shop), halted(shop)) == (OFF, [])


def test_a_restore_that_goes_on_is_left_alone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    run = killed(shop, monkeypatch)
    org = get_org("sales")
    with shop.app.lease.hold(shop.oid, kind=RunKind.RESTORE, run=run):
        with pytest.raises(Conflict):
            close_bypass(shop.app, org, run)
        close_bypasses(shop.app, org)
        assert list(runs_with_bypass(shop.app, org)) == []
    assert state(shop) == ON
    (left_on,) = open_bypasses(shop.oid)
    assert left_on.error is None


def test_a_killed_restore_of_the_service_goes_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "unlost.app.actions.restores.queued_restore.enqueue_from_outside", lambda *_: None
    )
    run = hand_over(shop.app, Path(shop.whole_plan().file)).run
    shop.writer.faults.plant("write", Crash("killed"), table="Contact")
    with monkeypatch.context() as patch:
        patch.setattr(module, "close_bypass", lambda *_, **__: None)
        with pytest.raises(Crash):
            do_restore(shop.app, run)
    by_service(shop, run)
    assert state(shop) == OFF
    assert do_restore(shop.app, run) is RunState.DONE
    assert state(shop) == OFF
    log = RestoreLog(shop.app.whole_vault.journal(shop.oid, run))
    assert log.state.bypass is None
