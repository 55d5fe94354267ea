"""The store of step results: in a file, and in a database."""

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postgres import Postgres, postgres
from unlost.jobs.databases import SqliteSteps
from unlost.jobs.postgres import PostgresSteps
from unlost.jobs.store import StepStore
from unlost.model.errors import StoreError

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "steps.sqlite"
    server: Postgres = request.getfixturevalue("server")
    return server.database()


@pytest.fixture
def store(place: Path | str) -> Iterator[StepStore]:
    made = StepStore(place)
    yield made
    made.close()


def test_a_step_is_not_done_before_its_result_is_kept(store: StepStore) -> None:
    assert store.result("one", "read", "a") is None
    store.keep("one", "read", "a", b"[1]", at=NOW)
    assert store.result("one", "read", "a") == b"[1]"
    assert store.result("one", "read", "b") is None
    assert store.result("two", "read", "a") is None


def test_the_last_step_tells_how_old_a_run_is(store: StepStore) -> None:
    assert store.last_at("one") is None
    store.keep("one", "read", "a", b"1", at=NOW + timedelta(seconds=0.5))
    store.keep("one", "read", "b", b"2", at=NOW)
    assert store.last_at("one") == NOW + timedelta(seconds=0.5)
    assert store.last_at("two") is None


def test_dropping_a_run_leaves_the_others(store: StepStore) -> None:
    for run in ("one", "two"):
        store.keep(run, "read", "a", b"1", at=NOW)
        store.keep(run, "read", "b", b"2", at=NOW)
    assert sorted(store.runs()) == ["one", "two"]
    store.drop("one")
    assert store.runs() == ["two"]
    assert store.result("one", "read", "a") is None
    assert store.result("two", "read", "a") == b"1"


def test_nothing_of_what_was_dropped_stays_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "steps.sqlite"
    made = StepStore(path)
    made.keep("one", "read", "a", b"A40017 erased", at=NOW)
    made.drop("one")
    made.tidy()
    made.close()
    files = list(tmp_path.iterdir())
    assert path in files
    assert all(b"A40017" not in file.read_bytes() for file in files)


def test_results_outlive_the_process(place: Path | str) -> None:
    first = StepStore(place)
    first.keep("one", "read", "a", b"[1]", at=NOW)
    first.keep("one", "read", "a", b"[2]", at=NOW)
    second = StepStore(place)
    first.close()
    assert second.result("one", "read", "a") == b"[2]"
    assert second.result("one", "read", "b") is None
    second.close()


def test_a_file_that_is_not_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "steps.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        StepStore(path)
    with pytest.raises(StoreError, match="cannot be used"):
        StepStore(tmp_path / "no folder" / "steps.sqlite")


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "steps.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match="newer version"):
        StepStore(path)


def test_a_step_that_is_kept_survives_a_power_cut(tmp_path: Path) -> None:
    made = StepStore(tmp_path / "steps.sqlite")
    db = made._db
    assert isinstance(db, SqliteSteps)
    assert db._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    made.close()


def test_a_server_of_a_newer_version_is_refused(server: Postgres) -> None:
    url = server.database()
    made = StepStore(url)
    made._db.prepare(99)
    made.close()
    with pytest.raises(StoreError, match="newer version"):
        StepStore(url)


def test_a_server_that_starts_again_is_waited_for() -> None:
    with postgres() as server:
        store = StepStore(server.database())
        store.keep("one", "read", "b", b"[0]", at=NOW)
        server.stop("immediate")
        starting = threading.Timer(1.0, server.start)
        starting.start()
        store.keep("one", "read", "a", b"[1]", at=NOW)
        assert store.result("one", "read", "a") == b"[1]"
        starting.join()
        store.close()


def test_a_server_that_stays_away_is_told(tmp_path: Path) -> None:
    waited: list[float] = []
    jobs = PostgresSteps(f"postgresql:///none?host={tmp_path}", pause=waited.append)
    with pytest.raises(StoreError) as caught:
        jobs.format()
    assert caught.value.code == "database-away"
    assert sum(waited) > 20
    jobs.close()


def test_two_workers_make_the_tables_at_once(server: Postgres) -> None:
    url = server.database()
    with ThreadPoolExecutor(8) as pool:
        for store in pool.map(StepStore, [url] * 8):
            store.keep("one", "read", "a", b"1", at=NOW)
            store.close()
