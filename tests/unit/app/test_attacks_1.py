"""Attacks on a home's own commands: renewal, doctor and rebuild destroy nothing."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from unit.app.machines import Machine
from unit.app.test_keys import app, checks, failing, machine, owner, with_org  # noqa: F401
from unit.app.test_renewal import Printer
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.vault.renewal import LostKeys, renew
from unlost.app.compose import Application
from unlost.app.health.health import HealthState
from unlost.app.home.home_keys import open_keys
from unlost.catalog.home.copying import dump, settle_copy, write_database
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.vault.removals import SqlRemovals
from unlost.vault.keys.derivation import epoch_folder, identity_folder

# ruff: noqa: F811 (fixtures)


def test_a_renewal_made_a_lost_key_useless_that_the_mirror_still_had(
    app: Application, machine: Machine
) -> None:
    backup(app, "sales")
    store = open_keys(app.home, clock=app.clock, entropy=app.entropy).store
    folder = epoch_folder(get_org("sales").oid, 1)
    kept = {f"{folder}/{copy}": store.get(f"{folder}/{copy}") for copy in (1, 2, 3)}
    for name in kept:
        store.delete(name)
    printer, by = Printer(), owner(machine)
    failing(lambda: renew(app, printer, by), "org-key-lost")
    assert printer.sheet is None
    for name, data in kept.items():
        store.put_new(name, data)
    renew(app, printer, by)
    app.open_anew()
    backup(app, "sales")


def test_doctor_called_the_keys_of_a_later_master_key_foreign(
    app: Application, machine: Machine
) -> None:
    """Only the later master key opens the org: nothing may be removed with this one."""
    backup(app, "sales")
    opened = open_keys(app.home, clock=app.clock, entropy=app.entropy)
    folder = identity_folder(get_org("sales").oid)
    for copy in (1, 2, 3):
        opened.store.delete(f"{folder}/{copy}")
        opened.store.put_new(f"{folder}.00000002/{copy}", b"by a later master key")
    found = checks(app)
    assert found["master key"].health is HealthState.BAD
    assert not {"register", "unknown keys"} & found.keys()


def test_a_copy_of_a_home_called_commits_of_others_its_own(
    app: Application, machine: Machine, tmp_path: Path
) -> None:
    """A thief of the service key can make one; a rebuilt home would obey their removals at once."""
    oid, ledger = get_org("sales").oid, SqlRemovals()
    ledger.note_own(oid, seq=7, head="ab")
    ledger.note_examined(oid, [], until=7)
    file = tmp_path / "copied.sqlite"
    write_database(dump(), file)
    settle_copy(file, keep_secrets=False, at=app.clock.now())
    with closing(sqlite3.connect(file)) as database:
        for table in ("catalog_owncommitrow", "catalog_examinedrow"):
            assert database.execute(f"SELECT * FROM {table}").fetchall() == []


@pytest.mark.parametrize("decision", ["waiting", "confirmed", "rejected"])
def test_a_copy_of_a_home_confirmed_removals(
    app: Application, machine: Machine, tmp_path: Path, decision: str
) -> None:
    file = tmp_path / "copied.sqlite"
    write_database(dump(), file)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(
            "INSERT INTO catalog_foreigncommitrow (oid, number, head, kind, run, objects_taken, hidden,"
            " first_seen, decision) VALUES ('ab', 7, 'ab', 'erase', 'r', x'', '', '2026-01-01', ?)",
            (decision,),
        )
    settle_copy(file, keep_secrets=False, at=app.clock.now())
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute("SELECT decision FROM catalog_foreigncommitrow").fetchall()
    assert rows == ([(decision,)] if decision == "rejected" else [])


def test_a_lost_key_kept_the_thief_of_another_one_in(app: Application, machine: Machine) -> None:
    """There is no mirror: the owner gives the lost key up, and renews."""
    backup(app, "sales")
    opened = open_keys(app.home, clock=app.clock, entropy=app.entropy)
    for copy in (1, 2, 3):
        opened.store.delete(f"{epoch_folder(get_org('sales').oid, 1)}/{copy}")
    printer, by = Printer(), owner(machine)
    failing(lambda: renew(app, printer, by), "org-key-lost")
    renew(app, printer, by, on_lost_keys=LostKeys.GIVE_UP)
    assert printer.sheet is not None
    failing(
        lambda: open_keys(app.home, clock=app.clock, entropy=app.entropy, given_key=by),
        "key-outdated",
    )
