"""Jobs are done once each, one at a time for an org, and taken up again after a crash."""

import json
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from patience import HANGING, until
from postgres import Postgres
from unlost.catalog.home.locks import open_locks
from unlost.jobs.durable import DurableJobs
from unlost.jobs.enqueuing import enqueue_from_outside
from unlost.jobs.slots import SLOTS, take_slot, worker_runs
from unlost.model.errors import Conflict, StoreError
from unlost.model.runs.jobs import Job, JobKind

LATER = "2999-01-01T00:00:00Z"


class Work:
    """Handlers that note what they did, and may be held up."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.at_once: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self._lock = threading.Lock()

    def handle(self, job: Job) -> None:
        with self._lock:
            self.at_once[job.org] = self.at_once.get(job.org, 0) + 1
            self.most[job.org] = max(self.most.get(job.org, 0), self.at_once[job.org])
        self.gate.wait(HANGING)
        with self._lock:
            self.at_once[job.org] -= 1
            self.done.append(job.subject)
        if job.subject == "broken":
            raise ValueError("a fault")

    def until(self, count: int) -> list[str]:
        until(lambda: len(self.done) >= count)
        return self.done


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "queue.sqlite"
    server: Postgres = request.getfixturevalue("server")
    return server.database()


@pytest.fixture
def jobs(place: Path | str, tmp_path: Path, work: Work) -> Iterator[DurableJobs]:
    made = engine(place, tmp_path, work)
    made.start()
    yield made
    work.gate.set()
    made.stop(patience=5)


def engine(place: Path | str, folder: Path, work: Work) -> DurableJobs:
    url = place if isinstance(place, str) else ""
    locks = open_locks(url, folder / "locks", lost=lambda: None)
    return DurableJobs(place, dict.fromkeys(JobKind, work.handle), locks=locks)


def job(subject: str, org: str = "o1", kind: JobKind = JobKind.NIGHT) -> Job:
    return Job(f"{kind.value}:{org}:{subject}", kind, org, subject)


def test_a_job_is_done_once_however_often_it_is_asked_for(jobs: DurableJobs, work: Work) -> None:
    for _ in range(3):
        jobs.enqueue(job("a"))
    jobs.enqueue(job("b"))
    assert work.until(2) == ["a", "b"]
    jobs.enqueue(job("a"))
    jobs.enqueue(job("c"))
    assert work.until(3) == ["a", "b", "c"]


def test_jobs_of_one_org_wait_for_each_other_and_those_of_others_do_not(
    jobs: DurableJobs, work: Work
) -> None:
    work.gate.clear()
    for subject in ("a", "b"):
        for org in ("o1", "o2"):
            jobs.enqueue(job(f"{org}{subject}", org))
    until(lambda: sum(work.at_once.values()) >= 2)
    assert work.at_once == {"o1": 1, "o2": 1}
    assert sorted((one.id, one.waiting) for one in jobs.active_jobs()) == [
        ("night:o1:o1a", False),
        ("night:o1:o1b", True),
        ("night:o2:o2a", False),
        ("night:o2:o2b", True),
    ]
    work.gate.set()
    assert sorted(work.until(4)) == ["o1a", "o1b", "o2a", "o2b"]
    assert work.most == {"o1": 1, "o2": 1}


def test_the_whole_vault_has_a_turn_of_its_own(jobs: DurableJobs, work: Work) -> None:
    jobs.enqueue(job("quick", "", JobKind.VERIFY))
    assert work.until(1) == ["quick"]


def test_a_fault_in_one_job_stops_no_other(jobs: DurableJobs, work: Work) -> None:
    jobs.enqueue(job("broken"))
    jobs.enqueue(job("a"))
    assert sorted(work.until(2)) == ["a", "broken"]  # they may begin at once


def test_a_job_that_broke_off_can_be_asked_for_again(jobs: DurableJobs, work: Work) -> None:
    jobs.delete_failed([])
    jobs.enqueue(job("broken"))
    work.until(1)
    until(lambda: not jobs.active_jobs())
    jobs.enqueue(job("broken"))
    jobs.enqueue(job("a"))
    assert work.until(2) == ["broken", "a"], "its id is known"
    jobs.delete_failed([job("broken").id, job("a").id])
    jobs.enqueue(job("broken"))
    jobs.enqueue(job("a"))
    assert work.until(3) == ["broken", "a", "broken"]


def test_ended_jobs_are_forgotten_and_waiting_ones_are_not(jobs: DurableJobs, work: Work) -> None:
    jobs.enqueue(job("a"))
    work.until(1)
    until(lambda: not jobs.active_jobs())
    work.gate.clear()
    jobs.enqueue(job("b"))
    assert jobs.forget(before=datetime(2000, 1, 1, tzinfo=UTC).isoformat()) == 0
    assert jobs.forget(before=LATER) == 1
    assert jobs.forget(before=LATER) == 0
    work.gate.set()
    assert work.until(2) == ["a", "b"]


def test_only_one_process_does_the_jobs_of_a_home_in_files(tmp_path: Path, work: Work) -> None:
    place = tmp_path / "queue.sqlite"
    first, second = engine(place, tmp_path, work), engine(place, tmp_path, work)
    first.start()
    try:
        with pytest.raises(Conflict) as caught:
            second.start()
        assert caught.value.code == "worker-running"
        second.stop()
        first.enqueue(job("a"))
        assert work.until(1) == ["a"], "the first one was not disturbed"
    finally:
        first.stop(patience=5)


def test_what_waited_when_the_worker_stopped_is_done_by_the_next(
    place: Path | str, tmp_path: Path, work: Work
) -> None:
    first = engine(place, tmp_path, work)
    first.start()
    work.gate.clear()
    first.enqueue(job("a"))
    first.enqueue(job("b"))
    work.gate.set()
    first.stop(patience=5)
    second = engine(place, tmp_path, work)
    second.start()
    try:
        assert set(work.until(2)) == {"a", "b"}
    finally:
        second.stop(patience=5)


def test_readers_do_not_wait_for_the_writer(tmp_path: Path, work: Work) -> None:
    made = engine(tmp_path / "queue.sqlite", tmp_path, work)
    made.start()
    made.stop()
    with closing(sqlite3.connect(tmp_path / "queue.sqlite")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert (tmp_path / "queue.sqlite").stat().st_mode & 0o777 == 0o600


def test_values_of_jobs_are_kept_as_json_and_run_no_code(tmp_path: Path, work: Work) -> None:
    made = engine(tmp_path / "queue.sqlite", tmp_path, work)
    made.start()
    made.enqueue(job("a"))
    work.until(1)
    made.stop(patience=5)
    with closing(sqlite3.connect(tmp_path / "queue.sqlite")) as database:
        (inputs,) = database.execute("SELECT inputs FROM workflow_input").fetchone()
        (kind,) = database.execute("SELECT serialization FROM workflow_status").fetchone()
    assert json.loads(inputs)["args"] == ["night", "o1", "a"]
    assert kind == "json"


def test_a_file_that_is_no_database_is_told(tmp_path: Path, work: Work) -> None:
    (tmp_path / "queue.sqlite").write_bytes(b"no database, whatever its name says" * 100)
    jobs = engine(tmp_path / "queue.sqlite", tmp_path, work)
    with pytest.raises(StoreError) as caught:
        jobs.start()
    assert caught.value.code == "queue-unreadable"
    engine(tmp_path / "other", tmp_path, work).stop()


KILLED = """
import sys, time
from pathlib import Path
from unlost.jobs.durable import DurableJobs
from unlost.catalog.home.locks import open_locks
from unlost.catalog.home.locks import open_locks
from unlost.model.runs.jobs import Job, JobKind

folder, url = Path(sys.argv[1]), sys.argv[2]

def handle(job):
    with (folder / "began").open("a") as file:
        file.write(job.subject + "\\n")
    time.sleep(60)

jobs = DurableJobs(
    url or folder / "queue.sqlite",
    dict.fromkeys(JobKind, handle),
    locks=open_locks(url, folder / "locks", lost=lambda: None),
)
jobs.start()
for subject in "ab":
    jobs.enqueue(Job(f"night:{subject}", JobKind.NIGHT, subject, subject))
jobs.enqueue(Job("night:c", JobKind.NIGHT, "a", "c"))
jobs.enqueue(Job("restore:r", JobKind.RESTORE, "a", "r"))
time.sleep(60)
"""


@contextmanager
def other_worker(folder: Path, place: Path | str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own, in the middle of three jobs."""
    url = place if isinstance(place, str) else ""
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(KILLED), str(folder), url])
    began = folder / "began"
    try:
        until(lambda: began.exists() and len(began.read_text().split()) == 3)
        assert sorted(began.read_text().split()) == ["a", "b", "r"]
        yield child
    finally:
        child.kill()
        child.wait()


def test_jobs_under_way_when_the_worker_was_killed_are_begun_again(
    place: Path | str, tmp_path: Path, work: Work
) -> None:
    with other_worker(tmp_path, place):
        pass
    next_one = engine(place, tmp_path, work)
    next_one.start()
    try:
        assert sorted(work.until(4)) == ["a", "b", "c", "r"]
    finally:
        next_one.stop(patience=5)


def test_a_worker_takes_over_what_another_left_that_was_killed(
    server: Postgres, tmp_path: Path, work: Work
) -> None:
    url = server.database()
    with other_worker(tmp_path, url) as child:
        second = engine(url, tmp_path, work)
        second.start()
        try:
            assert second.requeue_orphaned() == [], "the other one lives"
            assert work.done == []
            work.gate.clear()
            child.kill()
            # a restore does not wait for a night of its org
            until(lambda: work.at_once == {"a": 2, "b": 1})
            work.gate.set()
            assert sorted(work.until(4)) == ["a", "b", "c", "r"]
        finally:
            work.gate.set()
            second.stop(patience=5)


def test_only_so_many_workers_help_a_home(server: Postgres) -> None:
    locks = open_locks(server.database(), Path(), lost=lambda: None)
    slots = [take_slot(locks, alone=False) for _ in range(SLOTS)]
    assert len({one.name for one in slots}) == SLOTS
    assert worker_runs(locks, alone=False)
    with pytest.raises(Conflict) as caught:
        take_slot(locks, alone=False)
    assert caught.value.code == "workers-full"
    slots[4].lock.release()
    assert take_slot(locks, alone=False).name == slots[4].name
    locks.close()


def test_a_database_that_is_away_is_told(tmp_path: Path, work: Work) -> None:
    url = f"postgresql:///none?host={tmp_path}"
    with pytest.raises(StoreError) as caught:
        engine(url, tmp_path, work).start()
    assert caught.value.code == "database-away"
    with pytest.raises(StoreError) as caught:
        enqueue_from_outside(url, job("a"))
    assert caught.value.code == "database-away"


def test_who_does_no_jobs_can_ask_for_one(place: Path | str, tmp_path: Path, work: Work) -> None:
    jobs = engine(place, tmp_path, work)
    jobs.start()
    try:
        enqueue_from_outside(place, job("asked", kind=JobKind.RESTORE))
        enqueue_from_outside(place, job("asked", kind=JobKind.RESTORE))
        assert work.until(1) == ["asked"]
    finally:
        jobs.stop(patience=5)


def test_asking_where_no_worker_was_yet_makes_nothing(tmp_path: Path, server: Postgres) -> None:
    enqueue_from_outside(tmp_path / "queue.sqlite", job("a"))
    assert list(tmp_path.iterdir()) == []
    url = server.database()
    enqueue_from_outside(url, job("a"))
    with psycopg.connect(url) as session:
        assert session.execute("SELECT to_regnamespace('dbos')").fetchone() == (None,)


def test_what_an_earlier_owner_of_a_slot_left_is_taken_over_though_the_slot_has_a_new_one(
    server: Postgres, tmp_path: Path, work: Work
) -> None:
    """A worker that lost its session may take a job just before it ends."""
    url = server.database()
    work.gate.clear()
    jobs = engine(url, tmp_path, work)
    jobs.start()
    try:
        jobs.enqueue(job("a"))
        until(lambda: work.at_once == {"o1": 1})
        with psycopg.connect(url) as session:
            session.execute("UPDATE dbos.workflow_status SET executor_id = 'slot-1.gone-7'")
        assert jobs.requeue_orphaned() == [job("a").id]
        assert jobs.requeue_orphaned() == []
    finally:
        work.gate.set()
        jobs.stop(patience=5)
