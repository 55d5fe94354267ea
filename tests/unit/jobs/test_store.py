"""The file of runs and steps."""

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postgres import Postgres, postgres
from unlost.jobs.databases import SqliteJobs
from unlost.jobs.postgres import PostgresJobs
from unlost.jobs.store import JobStore, RunState
from unlost.model.errors import Conflict, NotFound, StoreError
from unlost.testing.clock import START

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "jobs.sqlite"
    server: Postgres = request.getfixturevalue("server")
    return server.database()


@pytest.fixture
def store(place: Path | str) -> Iterator[JobStore]:
    made = JobStore(place)
    yield made
    made.close()


def test_a_run_is_found_until_it_is_done(store: JobStore) -> None:
    store.start("one", kind="backup", org="o1", at=NOW)
    store.start("two", kind="backup", org="o1", at=NOW + timedelta(hours=1))
    store.start("other", kind="backup", org="o2", at=NOW)
    store.start("kind", kind="restore", org="o1", at=NOW)
    assert [r.run for r in store.unfinished(kind="backup", org="o1")] == ["two", "one"]
    store.end("two", state=RunState.DONE, at=NOW)
    store.end("one", state=RunState.FAILED, at=NOW, sentence="It broke.")
    (left,) = store.unfinished(kind="backup", org="o1")
    assert (left.run, left.state, left.sentence) == ("one", RunState.FAILED, "It broke.")


def test_a_parked_run_says_when_it_goes_on_and_forgets_it_when_it_does(store: JobStore) -> None:
    store.start("one", kind="backup", org="o1", at=NOW)
    later = NOW + timedelta(hours=2)
    store.end("one", state=RunState.PARKED, at=NOW, resume_at=later)
    assert store.run("one").resume_at == later
    again = store.start("one", kind="backup", org="o1", at=later)
    assert (again.state, again.resume_at, again.started) == (RunState.OPEN, None, NOW)


def test_a_run_that_ended_cannot_go_on(store: JobStore) -> None:
    store.start("one", kind="backup", org="o1", at=NOW)
    store.keep("one", "step", "", b"1", at=START)
    store.end("one", state=RunState.GIVEN_UP, at=NOW)
    assert store.result("one", "step", "") is None
    with pytest.raises(Conflict, match="has ended"):
        store.start("one", kind="backup", org="o1", at=NOW)


def test_a_run_belongs_to_one_kind_and_org(store: JobStore) -> None:
    store.start("one", kind="backup", org="o1", at=NOW)
    with pytest.raises(Conflict, match="other work"):
        store.start("one", kind="backup", org="o2", at=NOW)
    assert store.run("one").org == "o1"


def test_what_nobody_started_is_not_found(store: JobStore) -> None:
    with pytest.raises(NotFound):
        store.run("none")
    with pytest.raises(NotFound):
        store.end("none", state=RunState.DONE, at=NOW)


def test_results_outlive_the_process(place: Path | str) -> None:
    first = JobStore(place)
    first.start("one", kind="backup", org="o1", at=NOW)
    first.keep("one", "read", "a", b"[1]", at=START)
    first.keep("one", "read", "a", b"[2]", at=START)
    second = JobStore(place)
    first.close()
    assert second.result("one", "read", "a") == b"[2]"
    assert second.result("one", "read", "b") is None
    second.close()


def test_a_file_that_is_not_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        JobStore(path)
    with pytest.raises(StoreError, match="cannot be used"):
        JobStore(tmp_path / "no folder" / "jobs.sqlite")


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match="newer version"):
        JobStore(path)


def test_a_step_that_is_kept_survives_a_power_cut(tmp_path: Path) -> None:
    made = JobStore(tmp_path / "jobs.sqlite")
    db = made._db
    assert isinstance(db, SqliteJobs)
    assert db._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    made.close()


def test_a_server_of_a_newer_version_is_refused(server: Postgres) -> None:
    url = server.database()
    made = JobStore(url)
    made._db.prepare(99)
    made.close()
    with pytest.raises(StoreError, match="newer version"):
        JobStore(url)


def test_a_server_that_starts_again_is_waited_for() -> None:
    with postgres() as server:
        store = JobStore(server.database())
        store.start("one", kind="backup", org="o1", at=NOW)
        server.stop("immediate")
        starting = threading.Timer(1.0, server.start)
        starting.start()
        store.keep("one", "read", "a", b"[1]", at=START)
        assert store.result("one", "read", "a") == b"[1]"
        starting.join()
        store.close()


def test_a_server_that_stays_away_is_told(tmp_path: Path) -> None:
    waited: list[float] = []
    jobs = PostgresJobs(f"postgresql:///none?host={tmp_path}", pause=waited.append)
    with pytest.raises(StoreError) as caught:
        jobs.format()
    assert caught.value.code == "database-away"
    assert sum(waited) > 20
    jobs.close()


def test_two_workers_make_the_tables_at_once(server: Postgres) -> None:
    url = server.database()
    with ThreadPoolExecutor(8) as pool:
        for store in pool.map(JobStore, [url] * 8):
            store.start("one", kind="backup", org="o1", at=NOW)
            store.close()
