"""An upgrade in the middle: a home of an earlier schema, with a parked backup and half a restore."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from homes import WRITE_SECRET, World
from unit.app.test_hours import Hours
from unit.app.test_nights import Nights
from unlost.app.actions.backup import backup
from unlost.app.actions.restore_plan import PlanRequest, make_plan
from unlost.app.actions.restore_run import resume_run, run_plan
from unlost.app.actions.schedule import Wish, change, show
from unlost.app.actions.writer import NewWriter, set_writer
from unlost.app.database import SCHEMA, connect
from unlost.catalog.moving import schema_applied
from unlost.catalog.nights import nights_of
from unlost.catalog.runs import RunState, list_runs
from unlost.model.errors import LimitReached
from unlost.model.night import NightState
from unlost.model.reading import Page, ReadTask
from unlost.testing.memory_writer import MemoryWriter

FIRST_SERVICE = 3  # the schema of the first home that could wait for its turn


def migrations() -> list[str]:
    """The names of all migrations, in order."""
    loader = MigrationLoader(None)
    return sorted(name for app, name in loader.disk_migrations if app == "catalog")


def downgraded(world: World, schema: int) -> None:
    """The home as the release of that schema left it."""
    call_command("migrate", "catalog", migrations()[schema - 1], verbosity=0, interactive=False)
    if isinstance(world.home.catalog, Path):
        with closing(sqlite3.connect(world.home.catalog)) as raw:
            raw.execute(f"PRAGMA user_version={schema}")


def upgraded(world: World) -> None:
    """The new release opens the home."""
    world.app.__exit__(None, None, None)
    connect(world.home.catalog)
    assert schema_applied("default") == SCHEMA
    if isinstance(world.home.catalog, Path):
        with closing(sqlite3.connect(world.home.catalog)) as raw:
            assert raw.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
    world.app = world.opened()


@pytest.fixture
def older(sales: World) -> World:
    change(sales.app, "sales", Wish(at="03:00", window=0))
    return sales


def test_the_number_of_the_schema_is_that_of_the_newest_migration() -> None:
    assert len(migrations()) == SCHEMA
    assert migrations()[-1].startswith(f"{SCHEMA:04}_")


@pytest.mark.parametrize("schema", range(FIRST_SERVICE, SCHEMA))
def test_a_parked_backup_goes_on_after_an_upgrade(
    older: World, schema: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = Nights(older)
    source = older.connector.source("one")
    read, tables = source.read, []

    def spent(task: ReadTask) -> Iterator[Page]:
        tables.append(task.table)
        if len(tables) > 1:
            raise LimitReached("quota", "The calls are used up.")
        return read(task)

    monkeypatch.setattr(source, "read", spent)
    nights.pass_time(minutes=18 * 60)
    (night,) = nights_of(nights.oid, most=5)
    assert night.state is NightState.WAITING
    downgraded(older, schema)
    assert schema_applied("default") == schema
    upgraded(older)
    monkeypatch.setattr(source, "read", read)
    again = Nights(older)
    again.pass_time(minutes=120)
    (done,) = [one for one in nights_of(nights.oid, most=5) if one.name == night.name]
    assert (done.state, done.run) == (NightState.DONE, night.run)
    (run,) = list_runs("sales")
    assert (run.id, run.state, run.snapshot) == (night.run, RunState.DONE, 1)
    (schedule,) = show(older.app).schedules
    assert schedule.schedule.calls == 50, "what the old release did not know has its usual value"
    assert schedule.schedule.hourly == ()


def test_hours_begin_after_an_upgrade_from_a_release_that_had_none(older: World) -> None:
    nights = Nights(older)
    nights.pass_time(minutes=4 * 60)
    downgraded(older, 4)
    upgraded(older)
    again = Hours(older)
    again.pass_time(minutes=60)
    assert len(again.done) == 1
    assert [run.hourly for run in list_runs("sales")] == [True, False]


@pytest.mark.parametrize("schema", range(FIRST_SERVICE, SCHEMA))
def test_half_a_restore_goes_on_after_an_upgrade(
    older: World, schema: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(older.app, "sales", Wish(at="off"))
    set_writer(older.app, NewWriter("sales", {}, {"password": WRITE_SECRET}))
    backup(older.app, "sales")
    lost = sorted(older.org.tables["Account"].records)
    for record in lost:
        older.org.delete("Account", record)
        older.org.purge("Account", record)
    older.clock.advance(days=1)
    backup(older.app, "sales")
    file = tmp_path / "plan.json"
    chosen = tuple(f"Account/{record}" for record in lost)
    make_plan(older.app, PlanRequest("sales", records=chosen), file)
    writer = older.connector.writer("one")
    writer.full_after = 1
    with pytest.raises(LimitReached):
        run_plan(older.app, file)
    (run,) = [one for one in list_runs("sales") if one.state is RunState.PARKED]
    downgraded(older, schema)
    upgraded(older)
    writer.full_after = None
    assert isinstance(writer, MemoryWriter)
    assert resume_run(older.app, run.id).whole
    names = [held.cells["Name"] for held in older.org.tables["Account"].records.values()
             if not held.deleted]  # fmt: skip
    assert sorted(names) == ["Cacao Lyon", "Praline Gent", "Schoko Zürich"]
