"""backup: chooses the run, goes on with what did not end, and writes down every ending."""

from dataclasses import replace
from datetime import timedelta
from pkgutil import resolve_name
from typing import Any

import pytest

from diskhome import put_on_disk
from homes import SECRET, World
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.runs.control import cancel
from unlost.app.actions.vault.verify import verify
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.runs.observer import run_items
from unlost.catalog.runs.runs import RunState, find_run, list_runs
from unlost.model.errors import (
    AuthExpired,
    Conflict,
    IntegrityError,
    LimitReached,
    NotAllowed,
    NotFound,
    TransientError,
)
from unlost.model.message import code_of
from unlost.model.runs.exclusion import RunKind
from unlost.model.vault.certificate import Verdict
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.testing.org import MemoryOrg
from unlost.testing.system import ListObserver


def break_at(world: World, call: str, error: BaseException) -> None:
    world.connector.source("one").faults.plant(call, error)


def test_a_backup_ends_in_a_snapshot_and_its_certificate(sales: World) -> None:
    result = backup(sales.app, "sales")
    assert (result.snapshot, result.resumed, result.verdict) == (1, False, Verdict.COMPLETE)
    assert (result.records, result.counts.created, result.findings) == (4, 4, ())
    head = sales.vault.newest_backup(get_org("sales").oid)
    assert head is not None
    assert head.info.head == result.head


def test_the_home_remembers_the_run_and_its_tables(sales: World) -> None:
    result = backup(sales.app, "sales")
    (run,) = list_runs("sales")
    assert (run.id, run.state, run.snapshot) == (result.run, RunState.DONE, 1)
    assert {item.table: item.rows for item in run_items(run.id)}["Account"] == 3


def test_whoever_watches_is_told_as_well(sales: World) -> None:
    watcher = ListObserver()
    backup(sales.app, "sales", observer=watcher)
    assert sum(event.rows for event in watcher.events) == 4


def test_the_second_night_reads_what_changed(sales: World) -> None:
    backup(sales.app, "sales")
    sales.clock.advance(days=1)
    sales.org.update("Account", "A40017", {"Phone": "+49 1"})
    result = backup(sales.app, "sales")
    assert (result.snapshot, result.counts.changed, result.counts.created) == (2, 1, 1)


def test_an_interrupted_run_is_gone_on_with(sales: World) -> None:
    break_at(sales, "quotas", AuthExpired("expired", "The session ended."))
    with pytest.raises(AuthExpired):
        backup(sales.app, "sales")
    (failed,) = list_runs("sales")
    assert (failed.state, code_of(failed.error)) == (RunState.FAILED, "expired")
    assert sales.vault.newest_backup(get_org("sales").oid) is None
    result = backup(sales.app, "sales")
    assert (result.run, result.resumed, result.snapshot) == (failed.id, True, 1)
    (done,) = list_runs("sales")
    assert (done.state, code_of(done.error)) == (RunState.DONE, "")


def test_a_process_that_was_killed_is_gone_on_with_too(sales: World) -> None:
    break_at(sales, "quotas", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        backup(sales.app, "sales")
    assert code_of(list_runs("sales")[0].error) == "KeyboardInterrupt"
    assert backup(sales.app, "sales").resumed


def test_a_run_whose_allowance_is_spent_is_parked(sales: World) -> None:
    later = sales.clock.now() + timedelta(hours=3)
    break_at(sales, "quotas", LimitReached("api-limit", "Spent.", resume_at=later))
    with pytest.raises(LimitReached, match="Spent") as caught:
        backup(sales.app, "sales")
    assert (caught.value.code, caught.value.resume_at) == ("run-parked", later)
    (run,) = list_runs("sales")
    assert (run.state, run.resume_at) == (RunState.PARKED, later)
    assert backup(sales.app, "sales").resumed


def test_a_run_that_is_too_old_is_given_up_for_a_new_one(sales: World) -> None:
    break_at(sales, "quotas", AuthExpired("expired", "The session ended."))
    with pytest.raises(AuthExpired):
        backup(sales.app, "sales")
    sales.clock.advance(days=4)
    result = backup(sales.app, "sales")
    assert not result.resumed
    assert [run.state for run in list_runs("sales")] == [RunState.DONE, RunState.ABANDONED]


def test_a_full_backup_does_not_go_on_with_one_that_is_not(sales: World) -> None:
    backup(sales.app, "sales")
    break_at(sales, "quotas", AuthExpired("expired", "The session ended."))
    with pytest.raises(AuthExpired):
        backup(sales.app, "sales")
    assert not backup(sales.app, "sales", full=True).resumed


def test_a_full_backup_goes_on_with_a_full_one(sales: World) -> None:
    break_at(sales, "quotas", AuthExpired("expired", "The session ended."))
    with pytest.raises(AuthExpired):
        backup(sales.app, "sales", full=True)
    assert backup(sales.app, "sales", full=True).resumed


class Killed(BaseException):
    """The process is no more: nothing after this line happens."""


BACKUP = "unlost.app.actions.backups.backup"
WRITINGS = {
    "its run is begun": f"{BACKUP}.begin_run",
    "it is committed": f"{BACKUP}.run_backup",
    "its run is ended": f"{BACKUP}.end_run",
    "its steps are dropped": "unlost.jobs.store.StepStore.drop",
}


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("writing", WRITINGS.values(), ids=WRITINGS.keys())
def test_a_backup_that_is_killed_between_two_writings_is_one_night(
    sales: World, monkeypatch: pytest.MonkeyPatch, writing: str, moment: str
) -> None:
    """An unfinished run goes on, and one that is done is not done again."""
    call = resolve_name(writing)

    def killed(*told: Any, **more: Any) -> None:
        if moment == "after":
            call(*told, **more)
        for name in WRITINGS.values():  # nothing is written any more
            patch.setattr(name, dead)
        raise Killed

    def dead(*_told: Any, **_more: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(writing, killed)
        with pytest.raises(Killed):
            backup(sales.app, "sales", run="night-1")
    known = find_run("night-1")
    done = known is not None and known.state is RunState.DONE
    again = backup(sales.app, "sales", run="night-1" if not done else None)
    assert (again.resumed, again.snapshot) == (known is not None and not done, 2 if done else 1)
    assert {run.state for run in list_runs("sales")} == {RunState.DONE}
    commits = [info.run for info in sales.vault.commits(get_org("sales").oid)]
    assert commits == ([] if not done else ["night-1"]) + [again.run]
    assert sales.app.steps.runs() == []


def test_a_run_whose_steps_were_lost_begins_again_under_its_name(world: World) -> None:
    """The file of steps may be moved away when it is damaged. What the vault has of the run is older."""
    put_on_disk(world)
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    backup(world.app, "sales")
    world.clock.advance(hours=1)
    world.org.update("Account", "A40017", {"Phone": "+49 1"})
    break_at(world, "quotas", AuthExpired("expired", "The session ended."))
    with pytest.raises(AuthExpired):
        backup(world.app, "sales")
    run = list_runs("sales")[0].id
    assert world.app.steps.runs() == [run]
    world.app.steps.drop(run)
    world.org.update("Account", "A40018", {"Phone": "+49 2"})
    identity = get_org("sales").identity
    other = world.vault.begin(
        get_org("sales").oid, run="other", kind=CommitKind.BACKUP, identity=identity
    )
    other.finish([], as_of=world.clock.now(), partial=True)
    result = backup(world.app, "sales")
    assert (result.run, result.snapshot, result.counts.changed) == (run, 3, 2)
    assert not verify(world.app, level=VerifyLevel.DEEP).damages


def test_a_backup_that_was_given_up_meanwhile_is_not_begun_again(
    sales: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process gave it up between the choice and the beginning."""
    break_at(sales, "quotas", AuthExpired("expired", "The session ended."))
    with pytest.raises(AuthExpired):
        backup(sales.app, "sales")
    (known,) = list_runs("sales")
    cancel(sales.app, known.id)
    monkeypatch.setattr(f"{BACKUP}.unfinished_backups", lambda _oid, *, hourly: [known])
    with pytest.raises(Conflict) as caught:
        backup(sales.app, "sales")
    assert caught.value.code == "run-ended"
    assert list_runs("sales")[0].state is RunState.ABANDONED


def test_two_backups_of_one_org_at_once_are_refused_and_harm_nothing(sales: World) -> None:
    oid = get_org("sales").oid
    with (
        sales.opened() as other,
        other.lease.hold(oid, kind=RunKind.BACKUP, run="another"),
    ):
        with pytest.raises(Conflict) as caught:
            backup(sales.app, "sales")
        assert caught.value.code == "run-in-progress"
        assert sales.vault.newest_backup(oid) is None
        assert list_runs("sales")[0].state is RunState.RUNNING
    assert backup(sales.app, "sales").snapshot == 1


def test_another_org_behind_the_name_is_refused_before_anything_is_read(sales: World) -> None:
    sales.connector.orgs["one"] = MemoryOrg(sales.clock, tenant="T-2", label="Other")
    sales.connector.sources.clear()
    with pytest.raises(Conflict, match="T-2") as caught:
        backup(sales.app, "sales")
    assert caught.value.code == "another-org"
    assert [call for call, _ in sales.connector.source("one").calls] == ["identity"]
    assert sales.vault.snapshots(get_org("sales").oid) == ()


def test_wrong_credentials_are_told_and_the_last_snapshot_stands(sales: World) -> None:
    first = backup(sales.app, "sales")
    sales.app.secrets(get_org("sales").oid).put("password", "changed by the admin")
    with pytest.raises(NotAllowed, match="password is wrong"):
        backup(sales.app, "sales")
    head = sales.vault.newest_backup(get_org("sales").oid)
    assert head is not None
    assert head.info.head == first.head


def test_an_org_that_does_not_answer_is_told_and_the_next_call_goes_on(sales: World) -> None:
    break_at(sales, "identity", TransientError("unreachable", "The org does not answer."))
    with pytest.raises(TransientError, match="does not answer"):
        backup(sales.app, "sales")
    assert backup(sales.app, "sales").snapshot == 1


def test_a_new_label_is_taken_over(sales: World) -> None:
    sales.org.identity = replace(sales.org.identity, label="Renamed", zone="Europe/Paris")
    backup(sales.app, "sales")
    identity = get_org("sales").identity
    assert (identity.label, identity.zone) == ("Renamed", "Europe/Paris")


def test_an_unknown_org_is_told(sales: World) -> None:
    with pytest.raises(NotFound) as caught:
        backup(sales.app, "shop")
    assert caught.value.code == "org-unknown"


def test_settings_that_no_longer_fit_the_connector_are_told(sales: World) -> None:
    from unlost.catalog.models import Org

    Org.objects.update(config={"addres": "one"})
    with pytest.raises(Exception, match="settings of memory"):
        backup(sales.app, "sales")
    add_org(sales.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    assert backup(sales.app, "sales").snapshot == 1


def test_a_run_whose_notes_are_lost_is_given_up_and_the_next_call_begins_anew(sales: World) -> None:
    """As after a power cut, which may take files of the work folder but no step that is done."""
    backup(sales.app, "sales")
    sales.clock.advance(days=1)
    sales.org.update("Account", "A40017", {"Phone": "+49 1"})
    break_at(sales, "quotas", AuthExpired("expired", "The session ended."))
    with pytest.raises(AuthExpired):
        backup(sales.app, "sales")
    notes = [file for file in sales.home.work.rglob("*") if file.is_file()]
    for file in notes:
        file.unlink()
    assert notes
    with pytest.raises(IntegrityError) as told:
        backup(sales.app, "sales")
    assert told.value.code == "work-folder-damaged"
    sales.clock.advance(hours=1)
    result = backup(sales.app, "sales")
    assert (result.resumed, result.snapshot, result.counts.changed) == (False, 2, 1)
    ends = [(run.state, code_of(run.error)) for run in list_runs("sales")]
    assert ends == [
        (RunState.DONE, ""),
        (RunState.ABANDONED, "work-folder-damaged"),
        (RunState.DONE, ""),
    ]


@pytest.mark.parametrize("code", ["run-given-up", "forgotten-meanwhile"])
def test_a_run_that_nobody_can_go_on_with_is_begun_anew_at_once(sales: World, code: str) -> None:
    backup(sales.app, "sales")
    sales.clock.advance(days=1)
    break_at(sales, "quotas", Conflict(code, "It is over."))
    with pytest.raises(Conflict):
        backup(sales.app, "sales")
    result = backup(sales.app, "sales")
    assert (result.resumed, result.snapshot) == (False, 2)


def test_a_run_that_fails_at_the_same_place_for_days_is_begun_anew(sales: World) -> None:
    seen = []
    for _ in range(6):
        break_at(sales, "discover", IntegrityError("odd", "It does not add up."))
        with pytest.raises(IntegrityError):
            backup(sales.app, "sales")
        seen.append(list_runs("sales")[0].id)
        sales.clock.advance(days=1)
    assert 2 <= len(set(seen)) <= 3, seen


def test_a_run_that_comes_a_step_further_now_and_then_is_not_begun_anew(sales: World) -> None:
    for call in ("census", "read", "count", "quotas"):
        break_at(sales, call, LimitReached("quota", "The calls are used up."))
    runs = set()
    for _ in range(12):
        try:
            done = backup(sales.app, "sales")
        except LimitReached:
            runs.add(list_runs("sales")[0].id)
            sales.clock.advance(days=2)
        else:
            assert {done.run} == runs
            return
    raise AssertionError("it does not end")


def test_a_restore_can_be_planned_when_backups_have_used_their_share(sales: World) -> None:
    oid = get_org("sales").oid
    backups = sales.app.budget(oid)
    backups.report(used=0, limit=1000)
    backups.take(400)
    org = get_org("sales")
    with sales.app.open_org(org), pytest.raises(LimitReached):
        sales.connector.contexts[-1].budget.take()
    with sales.app.open_org(org, restore=True):
        sales.connector.contexts[-1].budget.take()


def test_a_backup_is_done_before_it_is_evaluated(
    sales: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies while it evaluates would otherwise do so again with each next backup."""
    seen = []

    def evaluate(*_: object) -> None:
        seen.append(list_runs("sales")[0].state)
        raise KeyboardInterrupt

    monkeypatch.setattr("unlost.app.actions.backups.backup.evaluate_backups", evaluate)
    with pytest.raises(KeyboardInterrupt):
        backup(sales.app, "sales")
    assert seen == [RunState.DONE]
    assert list_runs("sales")[0].state is RunState.DONE


def test_a_fault_in_the_figures_does_not_fail_a_backup(
    sales: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a value that this version does not know")

    monkeypatch.setattr("unlost.app.actions.backups.backup.update_summaries", fail)
    assert backup(sales.app, "sales").snapshot == 1
