"""The list of jobs, one job while it runs, and how a restore ended."""

from pathlib import Path

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import Shop, lost_shop
from unit.app.test_restore import refused
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.hidden_columns import hide
from unlost.app.actions.restores import queued_restore
from unlost.app.actions.restores.kept_plan import PlanView, choose, make_plan_now, run_stored_plan
from unlost.app.actions.restores.outcome import outcome
from unlost.app.actions.restores.queued_restore import do_restore
from unlost.app.actions.restores.restore_plan import PlanRequest, RestoreRequest
from unlost.app.actions.restores.restore_run import run_plan
from unlost.app.actions.runs.run import VAULT_ONLY, run_status, written_by_table
from unlost.app.actions.runs.runs import ListedKind, RunGroup, list_page
from unlost.catalog.runs.nights import add_night, start_try
from unlost.catalog.runs.runs import RunState, begin_run
from unlost.engine.restore.values.outcome import Ending
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import NotAllowed, NotFound
from unlost.model.vault.snapshot import CommitKind
from unlost.testing.platform import RowRefused

LOST = RestoreRequest(PlanRequest("sales", lost=("1", "2")))


after_loss = scene(lost_shop)


@pytest.fixture(autouse=True)
def _asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queued_restore, "enqueue_from_outside", lambda _place, _job: None)


@pytest.fixture
def shop(world: World, after_loss: Lead) -> Shop:
    return after_loss(world)


def planned(shop: Shop) -> PlanView:
    return make_plan_now(shop.app, "sales", choose(shop.app, "sales", LOST).plan)


def handed(shop: Shop) -> str:
    return run_stored_plan(shop.app, "sales", planned(shop).plan).run


def somebody(shop: Shop, role: Role, oid: str | None = None) -> object:
    return shop.app.acting(Actor(ActorKind.PERSON, role.value, (Grant(role, oid),)))


# --- the list -------------------------------------------------------------------------------------


def test_runs_are_listed_by_kind_and_state(shop: Shop) -> None:
    run = handed(shop)
    listed = list_page(shop.app)
    assert [one.kind.value for one in listed.runs] == ["restore", "backup", "backup"]
    assert listed.going
    assert [one.id for one in list_page(shop.app, kind=ListedKind.RESTORE).runs] == [run]
    assert [one.id for one in list_page(shop.app, group=RunGroup.OPEN).runs] == [run]
    assert len(list_page(shop.app, group=RunGroup.DONE).runs) == 2
    assert list_page(shop.app, group=RunGroup.FAILED).runs == ()
    do_restore(shop.app, run)
    assert not list_page(shop.app).going


def test_older_runs_are_on_the_next_page(shop: Shop) -> None:
    shop.night()
    first = list_page(shop.app, most=2)
    assert (len(first.runs), first.more) == (2, first.runs[1].id)
    rest = list_page(shop.app, most=2, before=first.more)
    assert (len(rest.runs), rest.more) == (1, None)
    assert not {one.id for one in first.runs} & {one.id for one in rest.runs}


def test_runs_that_began_at_one_instant_are_all_listed(shop: Shop) -> None:
    for name in ("backup-a", "backup-b", "backup-c"):
        begin_run(name, org="sales", kind=CommitKind.BACKUP, full=False, at=shop.world.clock.now())
    seen: list[str] = []
    before: str | None = None
    while (page := list_page(shop.app, most=2, before=before)).more is not None:
        seen += [one.id for one in page.runs]
        before = page.more
    seen += [one.id for one in page.runs]
    assert sorted(seen) == sorted(one.id for one in list_page(shop.app).runs)
    assert len(set(seen)) == 5


def test_what_was_asked_for_and_has_not_begun_is_listed(shop: Shop) -> None:
    night = add_night(shop.oid, "2026-03-05T01:00", at=shop.world.clock.now())
    assert list_page(shop.app).requested == (night,)
    assert list_page(shop.app).going
    assert list_page(shop.app, group=RunGroup.DONE).requested == ()
    backup(shop.app, "sales", run=night.run)
    assert list_page(shop.app).requested == ()


def test_a_backup_that_the_service_took_but_did_not_record_yet_is_listed(shop: Shop) -> None:
    """The page of runs said that no run matches, and asked no more."""
    night = add_night(shop.oid, "2026-03-05T01:00", at=shop.world.clock.now())
    assert start_try(shop.oid, night.name)
    page = list_page(shop.app, kind=ListedKind.BACKUP)
    assert [one.run for one in page.requested] == [night.run]
    assert page.going


def test_orgs_that_somebody_may_not_see_are_not_listed(shop: Shop) -> None:
    handed(shop)
    elsewhere = somebody(shop, Role.ADMIN, "oid-of-another")
    assert list_page(elsewhere).runs == ()  # type: ignore[arg-type]
    assert len(list_page(somebody(shop, Role.AUDITOR)).runs) == 3  # type: ignore[arg-type]


def test_restores_that_only_the_vault_knows_are_listed_apart(shop: Shop) -> None:
    run = handed(shop)
    shop.lose_database()
    listed = list_page(shop.app)
    assert listed.vault_only == ((run, "sales"),)
    assert (run_status(shop.app, run).state, run_status(shop.app, run).over) == (VAULT_ONLY, True)
    assert list_page(shop.app, kind=ListedKind.BACKUP).vault_only == ()


# --- one job --------------------------------------------------------------------------------------


def test_a_restore_that_waits_tells_what_it_will_write(shop: Shop) -> None:
    told = run_status(shop.app, handed(shop))
    assert (told.state, told.going, told.served, told.done, told.total) == (
        "waiting",
        True,
        False,
        0,
        4,
    )
    assert [(one.table, one.rows, one.total) for one in told.tables] == [
        ("Account", 0, 1),
        ("Contact", 0, 2),
        ("Paper", 0, 1),
    ]


def test_what_is_read_back_is_not_counted_again(shop: Shop) -> None:
    run = handed(shop)
    do_restore(shop.app, run)
    told = run_status(shop.app, run)
    assert (told.state, told.going, told.done, told.total, told.tenths) == (
        "done",
        False,
        4,
        4,
        100,
    )


def test_one_of_the_command_line_has_no_total(shop: Shop) -> None:
    plan = shop.whole_plan()
    run_plan(shop.app, Path(plan.file))
    told = run_status(shop.app, plan.run)
    assert (told.total, told.plan, told.tenths) == (None, "", 0)
    assert [one.table for one in told.tables] == ["Account", "Contact", "Paper"]


def test_a_backup_tells_its_tables(shop: Shop) -> None:
    run = shop.app.vault.at(shop.oid, 1).info.run
    told = run_status(shop.app, run)
    assert (told.restore, told.snapshot, told.total) == (False, 1, None)
    assert {one.table: one.rows for one in told.tables}["Contact"] == 2


def test_a_run_that_nobody_knows_is_told(shop: Shop) -> None:
    refused(NotFound, "run-unknown", run_status, shop.app, "restore-x")
    refused(NotFound, "run-unknown", outcome, shop.app, "restore-x")


def test_what_is_as_wanted_or_blocked_is_not_to_be_written(shop: Shop) -> None:
    view = make_plan_now(
        shop.app,
        "sales",
        choose(shop.app, "sales", RestoreRequest(PlanRequest("sales", ("Account/A40018",)))).plan,
    )
    assert view.summary is not None
    assert view.summary.records == 1
    assert written_by_table(view.summary) == {}


# --- how it ended ---------------------------------------------------------------------------------


def test_the_end_is_told_with_names_and_new_ids(shop: Shop) -> None:
    run = handed(shop)
    assert outcome(shop.app, run) is None
    do_restore(shop.app, run)
    told = outcome(shop.app, run)
    assert told is not None
    assert [(one.ending, one.count) for one in told.endings] == [(Ending.CREATED, 4)]
    assert (told.failed, told.causes, told.wanted) == (0, (), 1)
    back = {one.table: [(r.name, r.live) for r in one.records] for one in told.returned}
    assert back["Account"] == [("Schoko Zürich", shop.named("Account", "Schoko Zürich"))]
    assert [name for name, _ in back["Contact"]] == ["Ann", "Ben"]


def test_what_failed_is_grouped_by_its_cause(shop: Shop) -> None:
    run = handed(shop)
    for _ in range(2):
        shop.writer.faults.plant("row", RowRefused("RULE", "Not today."), table="Contact")
    do_restore(shop.app, run)
    told = outcome(shop.app, run)
    assert told is not None
    (cause,) = told.causes
    assert (cause.table, cause.ending, cause.count, cause.sentence) == (
        "Contact",
        Ending.FAILED,
        2,
        "Not today.",
    )
    assert [one.name for one in cause.records] == ["Ann", "Ben"]
    assert told.failed == 2


def test_fields_that_came_back_otherwise_are_counted(shop: Shop) -> None:
    run = handed(shop)
    do_restore(shop.app, run)
    told = outcome(shop.app, run)
    assert told is not None
    assert ("Account", "ModifiedBy", 1) in [
        (one.table, one.column, one.count) for one in told.differing
    ]


def test_who_does_not_see_all_columns_is_not_told_what_the_org_said(shop: Shop) -> None:
    run = handed(shop)
    shop.writer.faults.plant("row", RowRefused("RULE", "The phone +41 40017 is taken."))
    do_restore(shop.app, run)
    hide(shop.app, "sales", "Account.Phone")
    told = outcome(somebody(shop, Role.VIEWER), run)  # type: ignore[arg-type]
    assert told is not None
    assert [one.sentence for one in told.causes] == [""] * len(told.causes)
    assert told.causes
    whole = outcome(shop.app, run)
    assert whole is not None
    assert "The phone +41 40017 is taken." in [one.sentence for one in whole.causes]


def test_who_may_not_read_records_is_not_told_of_any(shop: Shop) -> None:
    run = handed(shop)
    auditor = somebody(shop, Role.AUDITOR)
    assert run_status(auditor, run).state == RunState.WAITING.value  # type: ignore[arg-type]
    refused(NotAllowed, "not-permitted", outcome, auditor, run)
    elsewhere = somebody(shop, Role.ADMIN, "oid-of-another")
    refused(NotFound, "run-unknown", run_status, elsewhere, run)
