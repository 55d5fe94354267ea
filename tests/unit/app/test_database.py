"""The application database: made once, refused when newer, told when damaged."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from unlost.app.home import database
from unlost.app.home.database import connect, disconnect
from unlost.catalog.models import WitnessRow
from unlost.catalog.schema import SCHEMA
from unlost.model.errors import IntegrityError, StoreError


def test_a_new_database_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "catalog.sqlite"
    connect(file)
    assert WitnessRow.objects.count() == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with closing(sqlite3.connect(file)) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
    disconnect()


def test_an_up_to_date_database_is_not_migrated_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "catalog.sqlite"
    connect(file)

    def fail(file: Path) -> None:
        raise AssertionError

    monkeypatch.setattr(database, "migrate", fail)
    connect(file)
    disconnect()


def test_two_homes_do_not_mix(tmp_path: Path) -> None:
    one, two = tmp_path / "one.sqlite", tmp_path / "two.sqlite"
    connect(one)
    WitnessRow.objects.create(oid="a", number=1, head="aa")
    connect(two)
    assert WitnessRow.objects.count() == 0
    connect(one)
    assert WitnessRow.objects.get().oid == "a"
    disconnect()


def test_a_newer_database_is_refused_untouched(tmp_path: Path) -> None:
    file = tmp_path / "catalog.sqlite"
    with closing(sqlite3.connect(file)) as raw:
        raw.execute(f"PRAGMA user_version={SCHEMA + 1}")
        raw.execute("CREATE TABLE t (x)")
        raw.commit()
    before = file.read_bytes()
    with pytest.raises(StoreError) as caught:
        connect(file)
    assert caught.value.code == "catalog-newer"
    assert file.read_bytes() == before


def test_a_database_of_a_development_version_is_refused_untouched(tmp_path: Path) -> None:
    """Its migrations are no more, so it cannot be brought up to date."""
    for number in (1, 11):
        file = tmp_path / f"{number}.sqlite"
        with closing(sqlite3.connect(file)) as raw:
            raw.execute(f"PRAGMA user_version={number}")
            raw.execute("CREATE TABLE t (x)")
            raw.commit()
        before = file.read_bytes()
        with pytest.raises(StoreError) as caught:
            connect(file)
        assert caught.value.code == "catalog-development"
        assert "--from-sheet" in caught.value.next_step
        assert file.read_bytes() == before


def test_a_damaged_database_says_that_no_backup_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "catalog.sqlite"
    file.write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(IntegrityError) as caught:
        connect(file)
    assert caught.value.code == "catalog-damaged"
    assert "The file contains no backups." in caught.value.next_step
