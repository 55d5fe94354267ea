"""A number that was forgotten leads nowhere wrong: histories, restores, proofs, alerts, nights."""

from collections.abc import Callable
from pathlib import Path

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.conftest import live
from unit.app.shop import CUSTOMER, Shop, lost_shop
from unlost.app.actions.alerts.alerts import show as alerts
from unlost.app.actions.alerts.alerts import watch
from unlost.app.actions.alerts.overview import overview
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.certificate import certificate
from unlost.app.actions.backups.snapshots import snapshots
from unlost.app.actions.orgs.org_page import org_page
from unlost.app.actions.records.compare import compare
from unlost.app.actions.records.history import history
from unlost.app.actions.records.lost import lost
from unlost.app.actions.records.show import show
from unlost.app.actions.restores.kept_plan import choose, make_plan_now, show_stored_plan
from unlost.app.actions.restores.outcome import outcome
from unlost.app.actions.restores.plan_records import plan_records
from unlost.app.actions.restores.restore_plan import PlanRequest, RestoreRequest
from unlost.app.actions.retention.forget import forget, plan
from unlost.app.actions.retention.keeping import RetentionChange, change
from unlost.app.actions.storage.storage import storage
from unlost.app.actions.vault.vault_state import vault_state
from unlost.app.actions.vault.verify import verify
from unlost.app.alerts.alert_facts import Watcher, drifted
from unlost.catalog.orgs.orgs import get_org
from unlost.engine.backup.known import known_state
from unlost.engine.records.history import EventKind
from unlost.model.errors import UnlostError
from unlost.model.vault.snapshot import CommitKind, VerifyLevel


def thin(world: World, **rules: int) -> None:
    """Set rules, and forget by them."""
    change(world.app, "sales", RetentionChange(**rules))
    forget(world.app, "sales", plan=plan(world.app, "sales", RetentionChange()).digest)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(UnlostError) as caught:
        call()
    return caught.value.code


after_loss = scene(lost_shop)


def live_and_thin(world: World) -> None:
    """Of ten nights the last two are left."""
    live(world)
    thin(world, daily=2)


after_thinning = scene(live_and_thin)


@pytest.fixture
def thinned(world: World, after_thinning: Lead) -> World:
    """Of ten nights the last two are left."""
    after_thinning(world)
    return world


# --- records --------------------------------------------------------------------------------------


def test_each_version_leads_to_a_backup_that_is_kept_and_shows_it(thinned: World) -> None:
    told = history(thinned.app, "sales", "User", "U1").entries
    assert [entry.snapshot for entry in told] == [9, 10]
    for entry in told:
        shown = show(thinned.app, "sales", "User", "U1", at=str(entry.snapshot))
        assert shown.values["Name"] == f"Ada {entry.snapshot}"
    old = history(thinned.app, "sales", "Account", "A40019").entries
    assert [(entry.kind, entry.snapshot) for entry in old] == [(EventKind.CREATED, 9)]


def test_the_last_state_of_a_deleted_record_is_shown_though_no_backup_has_it(
    thinned: World,
) -> None:
    *_, deleted = history(thinned.app, "sales", "User", "SHORT").entries
    assert (deleted.kind, deleted.snapshot) == (EventKind.DELETED, 9)
    for table, record, name in (("User", "SHORT", "Short"), ("Account", "A40018", "Cacao Lyon")):
        shown = show(thinned.app, "sales", table, record, at="latest")
        assert (shown.alive, shown.values["Name"]) == (False, name)
        assert shown.gone is not None
        assert shown.gone.after is None
        assert shown.related is None or shown.related.snapshot == 10


def test_a_number_that_was_forgotten_is_named_as_such(thinned: World) -> None:
    for ask in (
        lambda: show(thinned.app, "sales", "Account", "A40017", at="3"),
        lambda: certificate(thinned.app, "sales", at="3"),
        lambda: compare(thinned.app, "sales", "3", "latest"),
        lambda: lost(thinned.app, "sales", "3", "10"),
    ):
        assert code_of(ask) == "snapshot-forgotten"
    assert code_of(lambda: certificate(thinned.app, "sales", at="77")) == "snapshot-unknown"


# --- the home around them -------------------------------------------------------------------------


def test_whatever_looks_over_nights_goes_on(thinned: World) -> None:
    app = thinned.app
    assert [info.number for info in snapshots(app, "sales").snapshots] == [9, 10]
    assert org_page(app, "sales").snapshot_count == 2
    assert overview(app).orgs[0].last is not None
    assert vault_state(app).orgs[0].backups == 2
    assert code_of(lambda: storage(app, "sales")) == "storage-unknown"  # as before
    assert verify(app, level=VerifyLevel.DEEP).whole
    assert certificate(app, "sales", at="9").complete
    watch(app, Watcher())
    assert not any("cannot be read" in one.raised.sentence for one in alerts(app).alerts)


def test_what_a_night_finds_is_not_told_again_over_forgotten_nights(year: World) -> None:
    oid = get_org("sales").oid
    thin(year, weekly=2)
    before, newest = (info.number for info in year.app.vault.snapshots(oid))
    assert newest - before > 1
    assert drifted(year.app, oid, before, newest) == ()


def test_nights_go_on_and_know_the_rights_of_forgotten_ones(thinned: World) -> None:
    vault, oid = thinned.app.vault, get_org("sales").oid
    head = vault.newest_backup(oid)
    known = known_state(vault, oid, head, latest=thinned.clock.now())
    assert known.nights == 10
    assert all(rights.ever and rights.ever == rights.always for rights in known.rights.values())
    thinned.clock.advance(days=1)
    thinned.org.delete("Account", "A40019")
    assert backup(thinned.app, "sales").snapshot == 12
    events = history(thinned.app, "sales", "Account", "A40019").entries
    assert events[-1].kind is EventKind.DELETED


# --- restores -------------------------------------------------------------------------------------


@pytest.fixture
def shop(world: World, after_loss: Lead) -> Shop:
    """A customer that was lost three nights ago."""
    made: Shop = after_loss(world)
    made.night()
    made.night()
    return made


def chosen(shop: Shop, request: PlanRequest) -> str:
    view = choose(shop.app, "sales", RestoreRequest(request))
    return make_plan_now(shop.app, "sales", view.plan).plan


def test_what_no_kept_backup_shows_alive_comes_back_in_its_last_state(shop: Shop) -> None:
    thin(shop.world, daily=2)
    assert [info.number for info in shop.app.vault.snapshots(shop.oid)] == [3, 4]
    made = shop.plan(f"Account/{CUSTOMER}")
    result = shop.run(made)
    assert result.whole
    assert shop.named("Account", "Schoko Zürich")


def test_a_plan_of_a_backup_that_was_forgotten_since_brings_back_what_is_left(shop: Shop) -> None:
    request = PlanRequest("sales", (f"Account/{CUSTOMER}",))
    ident = chosen(shop, request)
    before = plan_records(shop.app, "sales", ident, "Account")
    thin(shop.world, daily=1)
    assert show_stored_plan(shop.app, "sales", ident).plan == ident
    assert plan_records(shop.app, "sales", ident, "Account") == before
    assert before.total == 1
    assert shop.run(shop.plan(f"Account/{CUSTOMER}")).whole
    assert shop.named("Account", "Schoko Zürich")


def test_how_a_restore_ended_is_told_after_its_backup_was_forgotten(shop: Shop) -> None:
    result = shop.run(shop.plan(f"Account/{CUSTOMER}"))
    before = outcome(shop.app, result.run)
    shop.night()
    thin(shop.world, daily=1)
    after = outcome(shop.app, result.run)
    assert before is not None
    assert after is not None
    assert after.returned == before.returned


def test_nothing_is_forgotten_under_a_restore_that_may_go_on(shop: Shop) -> None:
    from unlost.catalog.runs.runs import RunEnd, RunState, begin_run, end_run
    from unlost.engine.restore.journal.entries import RunOpened
    from unlost.engine.restore.journal.log import RestoreLog
    from unlost.engine.restore.values.plan_file import read_plan

    made = shop.plan(f"Account/{CUSTOMER}")
    opened = read_plan(Path(made.file).read_bytes())
    log = RestoreLog(shop.app.vault.journal(shop.oid, made.run))
    log.write(RunOpened(made.run, opened, shop.app.clock.now()))
    now = shop.app.clock.now()
    begin_run(made.run, org="sales", kind=CommitKind.RESTORE, full=False, at=now)
    assert code_of(lambda: thin(shop.world, daily=1)) == "runs-open"
    end_run(made.run, RunEnd(RunState.ABANDONED, now))
    thin(shop.world, daily=1)
    assert len(shop.app.vault.snapshots(shop.oid)) == 1
