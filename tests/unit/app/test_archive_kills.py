"""An archive is killed before and after each of its calls; a backup runs, and then it goes on."""

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import WRITER, Shop, open_shop
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.losses import losses
from unlost.app.actions.records.lost import lost
from unlost.app.actions.restores.restore_run import resume_run
from unlost.catalog.mass_changes import backup_changes
from unlost.engine.restore.running.passes import archiving
from unlost.model.archive import ArchivePolicy, Comparison, Condition
from unlost.model.mass_changes import MassKind
from unlost.testing.faults import Crash

EVERY = ArchivePolicy("all", "Account", (Condition("Name", Comparison.IS_NOT, ("",)),))
TABLES = ("Account", "Contact", "Paper")
CALLS = range(5)  # more than an archive of these records makes

opened = scene(open_shop)


@pytest.fixture
def shop(world: World, opened: Lead, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(archiving, "FIRST_TURN", 1)
    monkeypatch.setattr(archiving, "TURN", 1)
    made: Shop = opened(world)
    set_writer(made.app, WRITER)
    return made


def contents(shop: Shop) -> dict[str, list[str | None]]:
    """The names of live records by table."""
    return {
        table: sorted(str(cells["Name"]) for cells in shop.live(table).values()) for table in TABLES
    }


def check_no_loss(shop: Shop, known: dict[str, list[str | None]]) -> None:
    """No record is reported as lost, and each is in the org or in the vault."""
    assert losses(shop.app, "sales").losses == ()
    assert lost(shop.app, "sales", "1", "latest").total == 0
    changes = [change for backup in backup_changes(shop.oid) for change in backup.changes]
    harm = (MassKind.DELETED, MassKind.EMPTIED)
    assert [change for change in changes if change.kind in harm] == []
    newest = shop.app.whole_vault.newest_backup(shop.oid)
    for table, names in known.items():
        stored = [*newest.scan(table).read_all()["Name"].to_pylist()]
        dead = newest.scan_deleted(table).read_all()["Name"].to_pylist()
        assert sorted([*stored, *dead]) == names


@pytest.mark.parametrize("moment", ["write", "written"])
@pytest.mark.parametrize("call", CALLS)
def test_a_kill_makes_a_loss_or_brings_records_back(shop: Shop, call: int, moment: str) -> None:
    before = contents(shop)
    plan = shop.plan(archive=EVERY)
    shop.writer.faults.plant(moment, Crash(), after=call)
    try:
        shop.run(plan)
    except Crash:
        pass
    else:
        assert call > 2, "the archive has a call for each account"
    shop.writer.faults.clear()
    gone = {table: len(shop.live(table)) for table in TABLES}
    shop.night()
    check_no_loss(shop, before)
    assert resume_run(shop.app, plan.run).whole
    assert {table: len(shop.live(table)) for table in ("Account", "Contact")} == {
        "Account": 0,
        "Contact": 0,
    }
    assert all(len(shop.live(table)) <= count for table, count in gone.items())
    shop.night()
    check_no_loss(shop, before)
    versions = shop.app.whole_vault.history(shop.oid, "Account", "A40017")
    assert str(versions[-1].op) == "A"
    assert shop.run(shop.plan(undo=plan.run)).whole
    shop.night()
    assert contents(shop) == before
    assert losses(shop.app, "sales").losses == ()
