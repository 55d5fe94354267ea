"""The queue: a restore behind ten thousand jobs, four workers beside one, a week through the engine.

    python benchmarks/workers.py [--queued 10000] [--orgs 20] [--keep]

The PostgreSQL server is the one that the tests use.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.postgres import Postgres, postgres

from benchmarks.measure import environment, median
from benchmarks.results import Figure, keep
from benchmarks.service import BEGINS, ZONES, home, judged, made_up
from unlost.app.actions.runs.due_jobs import enqueue_due_jobs
from unlost.app.compose import Application, open_application
from unlost.catalog.home.locks import open_locks
from unlost.catalog.runs.nights import open_nights
from unlost.jobs.durable import DurableJobs
from unlost.jobs.enqueuing import enqueue_from_outside
from unlost.model.runs.jobs import Job, JobKind
from unlost.testing.clock import VirtualClock
from unlost_simulators.process import SimulatorProcess

HERE = Path(__file__).parent
AREA = "service"
DAY = 86_400
JOB_SECONDS = 0.2  # how long a queued job takes in the first measurement
RESTORES = 7
FACTOR = 50.0  # waits are shortened by it
CALL = (0.150, 1.5)  # seconds: the middle call, and one of a hundred
QUEUE = (20.0, 300.0)  # seconds that a Bulk job waits before it runs
CHANGED = 100  # rows of each table a night
TABLES = {
    "Account": "Phone",
    "Contact": "Phone",
    "Lead": "Phone",
    "Case": "Subject",
    "Opportunity": "NextStep",
}
SECRET = "not-a-secret-chocolate"
UNLOST = Path(sys.executable).with_name("unlost")
PATIENCE = 900.0
ROUNDS = 3


# --- a restore behind many jobs -------------------------------------------------------------------


@dataclass
class Bench:
    """Handlers that take a while, once the gate is open; when restores began is noted."""

    gate: threading.Event = field(default_factory=threading.Event)
    began: dict[str, float] = field(default_factory=dict)

    def night(self, _job: Job) -> None:
        self.gate.wait()
        time.sleep(JOB_SECONDS)

    def restore(self, job: Job) -> None:
        self.began[job.subject] = time.monotonic()


def restore_start(place: Path | str, folder: Path, queued: int) -> list[float]:
    """Seconds from asking for a restore to its begin, while so many nights wait."""
    bench = Bench()
    url = place if isinstance(place, str) else ""
    locks = open_locks(url, folder / "locks", lost=lambda: None)
    handlers = {JobKind.NIGHT: bench.night, JobKind.RESTORE: bench.restore}
    jobs = DurableJobs(place, handlers, locks=locks)
    jobs.start()
    try:
        for number in range(queued):
            org = f"org-{number % 500}"
            jobs.enqueue(Job(f"night:{org}:{number}", JobKind.NIGHT, org, str(number)))
        bench.gate.set()
        time.sleep(2.0)
        took = []
        for number in range(RESTORES):
            asked = time.monotonic()
            name = f"restore-{number}"
            enqueue_from_outside(
                place, Job(f"restore:{name}", JobKind.RESTORE, f"org-{number}", name)
            )
            until(partial(bench.began.__contains__, name), 120.0)
            took.append(bench.began[name] - asked)
        waiting = sum(one.waiting for one in jobs.active_jobs())
        print(f"  {waiting:,} of {queued:,} jobs still wait; restores began after {took}")
        return took
    finally:
        bench.gate.set()
        jobs.stop()
        locks.close()


def until(holds: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait until it is so; RuntimeError if it does not come to be."""
    deadline = time.monotonic() + patience
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError("it did not come to be")
        time.sleep(0.02)


def started(queued: int, server: Postgres) -> list[Figure]:
    """The slowest of both databases is the figure."""
    with tempfile.TemporaryDirectory(prefix="unlost-bench-") as folder:
        files = restore_start(Path(folder) / "queue.sqlite", Path(folder), queued)
    with tempfile.TemporaryDirectory(prefix="unlost-bench-") as folder:
        shared = restore_start(server.database(), Path(folder), queued)
    what = f"asked for while {queued:,} nights of 500 orgs wait and are done; slowest of {RESTORES}"
    return [
        Figure(AREA, "restore_start_s", max(*files, *shared), "s",
               f"{what} on SQLite and on PostgreSQL", runs=2 * RESTORES),
        Figure(AREA, "restore_start_postgres_s", max(shared), "s", what, runs=RESTORES),
    ]  # fmt: skip


# --- four workers beside one ----------------------------------------------------------------------


class Asking:
    """Hands jobs to whoever works (port ``Jobs``)."""

    def __init__(self, place: Path | str) -> None:
        self._place = place

    def enqueue(self, job: Job) -> None:
        if job.kind is JobKind.NIGHT:
            enqueue_from_outside(self._place, job)

    def delete_failed(self, _ids: object) -> None:
        """Nothing breaks off here."""


@dataclass
class Site:
    """A home in PostgreSQL with orgs whose answers take their time."""

    root: Path
    simulator: SimulatorProcess
    days: int = 0

    def unlost(self, *words: str) -> None:
        told = {"UNLOST_HOME": str(self.root), "UNLOST_CLIENT_SECRET": SECRET}
        done = subprocess.run(
            [UNLOST, *words], env=environment() | told, capture_output=True, text=True, check=False
        )
        if done.returncode not in (0, 3):
            raise RuntimeError(f"{words}: {done.stdout}{done.stderr}")

    def add(self, name: str, url: str) -> None:
        tables = [word for table in TABLES for word in ("--include", table)]
        self.unlost("org", "add", "salesforce", name, "--login-url", url, "--client-id",
                    "chocolate-backup", "--bulk-above", "0", *tables)  # fmt: skip
        self.unlost("schedule", "set", name, "--at", "00:00", "--window", "0")

    def slow(self) -> None:
        """From now on calls and Bulk jobs take their time."""
        told = {
            "latency": {"median_seconds": CALL[0] / FACTOR, "p99_seconds": CALL[1] / FACTOR},
            "timing": {"queue_real_least": QUEUE[0] / FACTOR, "queue_real_most": QUEUE[1] / FACTOR},
        }
        for org in self.simulator.orgs.values():
            org.admin.post("bulk", **told)

    @contextmanager
    def workers(self, count: int) -> Iterator[None]:
        words = [sys.executable, str(HERE / "fast_worker.py"), str(self.root), str(FACTOR)]
        made = [
            subprocess.Popen([*words, str(self.days * DAY)], env=environment(),
                             stderr=subprocess.DEVNULL)
            for _ in range(count)
        ]  # fmt: skip
        try:
            yield
        finally:
            for one in made:
                one.terminate()
            for one in made:
                one.wait(60)

    def night(self, workers: int) -> float:
        """Seconds from all orgs being due to the last one's end, the workers being there."""
        self.days += 1
        for org in self.simulator.orgs.values():
            org.admin.post("clock/advance", days=1)
            for table, column in TABLES.items():
                org.admin.post("records/update-where", object=table, set={column: f"{self.days}"},
                               limit=CHANGED)  # fmt: skip
        clock = VirtualClock(datetime.now(UTC) + timedelta(days=self.days))
        with self.workers(workers), open_application(self.root, clock=clock) as app:
            until(lambda: slots_taken(app) == workers)
            began = time.monotonic()
            until(lambda: _over(app))
            return time.monotonic() - began


def _over(app: Application) -> bool:
    """A look as the service makes it, here each second; True once no night is open."""
    enqueue_due_jobs(app, Asking(app.home.queue))
    time.sleep(1.0)
    return not open_nights()


def slots_taken(app: Any) -> int:
    """How many workers are there; looked at one by one, for who starts takes the next free one."""
    taken = 0
    for number in range(1, 9):
        held = app.locks.take(f"worker-slot-{number}")
        if held is None:
            taken += 1
        else:
            held.release()
    return taken


def scaled(orgs: int, server: Postgres) -> list[Figure]:
    """Nights with one worker and with four, by turns."""
    names = [f"org{number}" for number in range(orgs)]
    plans = [word for name in names for word in ("--org", f"{name}=chocolate")]
    folder = Path(tempfile.mkdtemp(prefix="unlost-bench-"))
    try:
        with SimulatorProcess(*plans) as simulator:
            site = Site(folder / "home", simulator)
            site.unlost("init", str(site.root), "--recovery-out", str(folder / "sheet"),
                        "--database", server.database())  # fmt: skip
            for name in names:
                site.add(name, simulator.orgs[name].url)
            site.night(4)  # the first one reads everything
            site.slow()
            one, four = [], []
            for turn in range(ROUNDS):
                # tables that say they did not change are read again by turns, in all orgs at once, so
                # that some nights have more to do: neither side has all of them
                for workers in (1, 4) if turn % 2 == 0 else (4, 1):
                    (one if workers == 1 else four).append(site.night(workers))
                print(f"  {orgs} orgs: {one[-1]:.1f} s with one worker, {four[-1]:.1f} with four")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    what = (
        f"nights of {orgs} orgs of {len(TABLES)} tables by Bulk jobs, one org a worker at a time; "
        f"{CALL[0]} s a call, 1 of 100 {CALL[1]} s, jobs queued {QUEUE[0]:.0f} to {QUEUE[1]:.0f} s, "
        f"waits shortened {FACTOR:.0f} times; PostgreSQL"
    )
    return [
        Figure(AREA, "workers_4_vs_1", median(one) / median(four), "ratio", what, runs=len(one))
    ]


# --- a week through the engine --------------------------------------------------------------------


def week(orgs: int) -> list[Figure]:
    """Seven days of many orgs; jobs go through the engine, tries are made up."""
    clock = VirtualClock(BEGINS)
    days = 7
    with (
        tempfile.TemporaryDirectory(prefix="unlost-bench-") as folder,
        home(Path(folder) / "home", orgs, clock) as app,
    ):
        desk = made_up(clock)
        handlers = {JobKind.NIGHT: desk.try_night, JobKind.VERIFY: lambda _job: None}
        jobs = DurableJobs(app.home.queue, handlers, locks=app.locks, workers=8)
        jobs.start()
        began, cpu = time.monotonic(), time.process_time()
        try:
            while clock.now() < BEGINS + timedelta(days=days):
                enqueue_due_jobs(app, jobs)
                until(lambda: not jobs.active_jobs())
                clock.advance(seconds=3600)
        finally:
            jobs.stop(patience=10)
        took, spent = time.monotonic() - began, time.process_time() - cpu
        size = (app.home.root / "queue.sqlite").stat().st_size
    missed, doubled, nights = judged(desk, orgs=orgs, days=days)
    what = f"{orgs} orgs in {len(ZONES)} zones, 7 days through DBOS on SQLite"
    print(f"  {nights:,} nights in {took:.0f} s, {spent:.0f} CPU-s, queue {size / 1e6:.1f} MB")
    return [
        Figure(AREA, f"week_{orgs}_orgs_missed", missed, "nights", what),
        Figure(AREA, f"week_{orgs}_orgs_doubled", doubled, "nights", what),
        Figure(AREA, "queued_night_cpu_ms", spent / nights * 1e3, "CPU-ms", what),
    ]


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queued", type=int, default=10_000)
    parser.add_argument("--orgs", type=int, default=20)
    parser.add_argument("--week", type=int, default=500)
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    os.environ.pop("UNLOST_HOME", None)
    figures: list[Figure] = []
    parts: Sequence[Callable[[Postgres], list[Figure]]] = (
        lambda server: scaled(asked.orgs, server) if asked.orgs else [],
        lambda server: started(asked.queued, server) if asked.queued else [],
        lambda _server: week(asked.week) if asked.week else [],
    )
    with postgres() as server:
        for part in parts:
            figures += part(server)
    for one in figures:
        print(f"  {one.key}: {one.value:,.2f} {one.unit}")
    if asked.keep:
        keep(figures)


if __name__ == "__main__":
    main()
