"""An upgrade in the middle: a later release opens a home with a parked backup and half a restore.

The later release is this one with one more migration.
"""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from django.db import connection
from django.test import override_settings

from homes import WRITE_SECRET, World
from unit.app.test_nights import Nights
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.schedule import ScheduleChange, change
from unlost.app.actions.orgs.write_access import NewWriter, set_writer
from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
from unlost.app.actions.restores.restore_run import resume_run, run_plan
from unlost.app.home.database import connect
from unlost.catalog import migrations
from unlost.catalog.runs.nights import nights_of
from unlost.catalog.runs.runs import RunState, list_runs
from unlost.catalog.schema import SCHEMA, schema_applied
from unlost.model.errors import LimitReached, StoreError
from unlost.model.runs.night import NightState
from unlost.model.source.reading import Page, ReadTask
from unlost.testing.memory_writer import MemoryWriter

PACKAGE = "later_migrations"
PRESENT = sorted(module.name for module in iter_modules(migrations.__path__))
NEWEST = PRESENT[-1]
LATER = f"{int(NEWEST[:4]) + 1:04}_later"
AS_IT_IS = """
from importlib import import_module

Migration = import_module("unlost.catalog.migrations.{name}").Migration
"""
MODULES = {
    "__init__": "",
    **{name: AS_IT_IS.format(name=name) for name in PRESENT},
    LATER: f"""
from django.db import migrations, models

KILLED = False


def fill(apps, editor):
    apps.get_model("catalog", "Run").objects.update(later=8)
    if KILLED:
        raise KeyboardInterrupt


class Migration(migrations.Migration):
    dependencies = [("catalog", "{NEWEST}")]
    operations = [
        migrations.AddField("run", "later", models.IntegerField(db_default=7)),
        migrations.RunPython(fill),
    ]
""",
}


class Later:
    """The later release, while it is installed."""

    def open(self, world: World) -> None:
        """It opens the home."""
        world.app.__exit__(None, None, None)
        connect(world.home.catalog)
        world.app = world.opened()

    def kill(self, *, killed: bool) -> None:
        """From now on its migration is killed in the middle, or not any more."""
        import_module(f"{PACKAGE}.{LATER}").KILLED = killed  # type: ignore[attr-defined]


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Later]:
    folder = tmp_path / "later" / PACKAGE
    folder.mkdir(parents=True)
    for name, text in MODULES.items():
        (folder / f"{name}.py").write_text(text)
    for module in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.syspath_prepend(folder.parent)
    with override_settings(MIGRATION_MODULES={"catalog": PACKAGE}):
        for place in ("unlost.app.home.database", "unlost.catalog.schema"):
            monkeypatch.setattr(f"{place}.SCHEMA", SCHEMA + 1)
        yield Later()


@pytest.fixture
def older(sales: World) -> World:
    change(sales.app, "sales", ScheduleChange(at="03:00", window=0))
    return sales


def number_in(home: World) -> int:
    if isinstance(home.home.catalog, str):
        return schema_applied("default")
    with closing(sqlite3.connect(home.home.catalog)) as raw:
        return int(raw.execute("PRAGMA user_version").fetchone()[0])


def values_of_later() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT later FROM catalog_run")
        return {value for (value,) in cursor.fetchall()}


def columns_of_runs() -> set[str]:
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, "catalog_run")
    return {column.name for column in described}


def test_a_parked_backup_goes_on_after_an_upgrade(
    older: World, later: Later, monkeypatch: pytest.MonkeyPatch
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
    later.open(older)
    assert number_in(older) == schema_applied("default") == SCHEMA + 1
    assert values_of_later() == {8}
    monkeypatch.setattr(source, "read", read)
    again = Nights(older)
    again.pass_time(minutes=120)
    (done,) = [one for one in nights_of(nights.oid, most=5) if one.name == night.name]
    assert (done.state, done.run) == (NightState.DONE, night.run)
    (run,) = list_runs("sales")
    assert (run.id, run.state, run.snapshot) == (night.run, RunState.DONE, 1)


def test_half_a_restore_goes_on_after_an_upgrade(
    older: World, later: Later, tmp_path: Path
) -> None:
    change(older.app, "sales", ScheduleChange(at="off"))
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
    later.open(older)
    writer.full_after = None
    assert isinstance(writer, MemoryWriter)
    assert resume_run(older.app, run.id).whole
    names = [held.cells["Name"] for held in older.org.tables["Account"].records.values()
             if not held.deleted]  # fmt: skip
    assert sorted(names) == ["Cacao Lyon", "Praline Gent", "Schoko Zürich"]


def test_an_upgrade_that_is_killed_changes_nothing_and_is_done_again(
    older: World, later: Later
) -> None:
    backup(older.app, "sales")
    later.kill(killed=True)
    with pytest.raises(KeyboardInterrupt):
        later.open(older)
    assert number_in(older) == SCHEMA
    assert "later" not in columns_of_runs()
    later.kill(killed=False)
    later.open(older)
    assert number_in(older) == SCHEMA + 1
    assert values_of_later() == {8}
    assert [run.state for run in list_runs("sales")] == [RunState.DONE]


def test_after_an_upgrade_the_earlier_release_is_refused_and_changes_nothing(
    older: World, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(older.app, "sales")
    later.open(older)
    with monkeypatch.context() as patch:
        for place in ("unlost.app.home.database", "unlost.catalog.schema"):
            patch.setattr(f"{place}.SCHEMA", SCHEMA)
        with pytest.raises(StoreError) as caught:
            connect(older.home.catalog)
    assert caught.value.code == "catalog-newer"
    later.open(older)
    assert [run.state for run in list_runs("sales")] == [RunState.DONE]
