"""The figures of an org after an archive: a new level, a later date, or none that moves."""

from datetime import timedelta

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import WRITER, Shop, open_shop
from unlost.app.actions.archive.archives import list_archives
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.restores.outcome import outcome
from unlost.app.actions.restores.restore_run import RestoreResult
from unlost.app.actions.storage.storage import StorageLine, trend
from unlost.engine.restore.running import execute
from unlost.model.archive import ArchivePolicy, Comparison, Condition
from unlost.model.forecast import Forecast
from unlost.model.freed import FigureState, FreedFigure
from unlost.model.source.quota import Quota
from unlost.model.storage import StorageRule, StorageWeight

EVERY = ArchivePolicy("all", "Account", (Condition("Name", Comparison.IS_NOT, ("",)),))
MIB = 1024 * 1024
LIMIT = 100 * MIB
DAY = timedelta(days=1)
NAME = "data storage"

opened = scene(open_shop)


@pytest.fixture
def shop(world: World, opened: Lead, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Records of four megabytes each; eight nights, each with a megabyte more."""
    made: Shop = opened(world)
    set_writer(made.app, WRITER)
    weight = StorageRule((StorageWeight(NAME, 4 * MIB),))
    monkeypatch.setattr(
        type(made.world.connector),
        "storage_rules",
        lambda _self, schema: {table.name: weight for table in schema.tables},
    )
    for day in range(8):
        shows(made, 80 + day)
        made.night()
    made.world.clock.advance(hours=8)
    return made


def shows(shop: Shop, megabytes: float) -> None:
    """Let the org show another figure."""
    quota = Quota(NAME, megabytes * MIB, LIMIT, "bytes")
    shop.world.connector.source("one").quota = (quota,)


def archived(shop: Shop) -> RestoreResult:
    return shop.run(shop.plan(archive=EVERY))


def figure(shop: Shop) -> FreedFigure:
    (run,) = list_archives(shop.app, "sales").runs
    (freed,) = run.freed
    return freed


def line(shop: Shop) -> StorageLine:
    (storage,) = trend(shop.app, "sales").storages
    return storage


def seen(shop: Shop) -> Forecast:
    forecast = line(shop).forecast
    assert forecast is not None
    return forecast


def test_after_a_run_the_forecast_moves_at_once(shop: Shop) -> None:
    before = seen(shop)
    shows(shop, 47)
    result = archived(shop)
    after = seen(shop)
    assert line(shop).used == 47 * MIB, "without a backup"
    assert after.daily == pytest.approx(before.daily)
    assert before.reached is not None
    assert after.reached is not None
    assert after.reached - before.reached > 30 * DAY
    freed = figure(shop)
    assert freed.bytes > 0
    assert freed.bytes % (4 * MIB) == 0
    assert freed.state is FigureState.MOVED
    shown = outcome(shop.app, result.run)
    assert shown is not None
    assert shown.freed == (freed,)


def test_figures_that_follow_with_a_delay_are_waited_for(shop: Shop) -> None:
    archived(shop)
    assert figure(shop).state is FigureState.WAITING
    shows(shop, 88 - figure(shop).bytes / MIB)
    shop.night()
    assert figure(shop).state is FigureState.MOVED


def test_figures_that_do_not_move_are_named_after_a_day(shop: Shop) -> None:
    archived(shop)
    shows(shop, 88)
    shop.night()
    stuck = figure(shop)
    assert stuck.state is FigureState.STUCK
    assert stuck.expected == stuck.bytes


def test_a_growth_that_came_later_counts_in_the_figures_of_an_old_run(shop: Shop) -> None:
    archived(shop)
    for day in range(20):
        shows(shop, 87 + day)
        shop.night()
        if day == 1:
            before = figure(shop)
    for day in range(20):
        shows(shop, 110 + 40 * day)
        shop.night()
    after = figure(shop)
    assert before.state is FigureState.STUCK
    assert after.state is FigureState.STUCK
    assert after.fallen == pytest.approx(1 * MIB, abs=MIB), "a megabyte a day, as when it ran"


def test_an_undo_ends_the_comparison(shop: Shop) -> None:
    result = archived(shop)
    undo = shop.plan(undo=result.run)
    shop.run(undo)
    shop.night()
    (run,) = [each for each in list_archives(shop.app, "sales").runs if each.run == result.run]
    (freed,) = run.freed
    assert freed.state is FigureState.UNKNOWN


def test_an_org_that_refuses_its_figures_does_not_fail_the_run(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_self: object) -> None:
        raise ConnectionError("no figures")

    plan = shop.plan(archive=EVERY)
    monkeypatch.setattr(type(shop.world.connector.source("one")), "quotas", refused)
    shop.run(plan)
    (run,) = list_archives(shop.app, "sales").runs
    assert run.archived == run.planned
    assert run.freed == ()


def test_a_run_that_is_repeated_notes_nothing_twice(shop: Shop) -> None:
    plan = shop.plan(archive=EVERY)
    shop.run(plan)
    samples = len(line(shop).samples)
    shop.world.clock.advance(hours=1)
    shop.run(plan)
    assert len(line(shop).samples) == samples


def test_a_run_whose_commit_comes_a_day_late_seems_to_free_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = shop.plan(archive=EVERY)
    with monkeypatch.context() as patch:
        patch.setattr(execute, "commit_archived", killed)
        with pytest.raises(ConnectionError):
            shop.run(plan)
    shows(shop, 47)
    shop.world.clock.advance(hours=24)
    shop.night()
    shop.world.clock.advance(hours=1)
    shop.run(plan)
    assert figure(shop).state is FigureState.MOVED


def killed(*_args: object, **_more: object) -> None:
    raise ConnectionError("killed before the commit")
