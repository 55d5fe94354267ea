"""The service: a year of many orgs on a virtual clock, and how well growth is foretold.

    python benchmarks/service.py [--orgs 500] [--days 365] [--keep]

Nights go through the real ticks, tables and tries; what a try does is made up: it takes a while, and
now and then it fails. Both clock changes are in the year.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.results import Figure, keep
from unlost.app.actions.backups.night import after_error
from unlost.app.actions.runs.due_jobs import enqueue_due_jobs
from unlost.app.compose import Application
from unlost.app.home.database import connect
from unlost.app.home.home import plan_home, write_home, write_secret_file
from unlost.catalog.orgs.orgs import ProtectedOrg, save_org
from unlost.catalog.runs.nights import NightEnd, end_try, give_up_before, start_try
from unlost.connectors.salesforce.connector import STORAGE_STOP as STOP
from unlost.engine.storage.forecast import forecast
from unlost.model.errors import TransientError
from unlost.model.forecast import Sample
from unlost.model.org import OrgIdentity
from unlost.model.runs.jobs import Job, JobKind
from unlost.model.runs.night import NightState
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.vault import memory_vault

AREA = "service"
BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=15)
ZONES = (
    "Europe/Zurich", "Europe/London", "America/New_York", "America/Santiago", "Asia/Tokyo",
    "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Auckland", "America/Sao_Paulo", "UTC",
)  # fmt: skip
FAILING = 0.02
TENANTS = 6_700


class Desk:
    """Takes jobs, and does each id once: a try of a night."""

    def __init__(self, clock: VirtualClock, dice: random.Random) -> None:
        self.clock, self.dice = clock, dice
        self.known: set[str] = set()
        self.done: Counter[tuple[str, str]] = Counter()

    def delete_failed(self, ids: Iterable[str]) -> None:
        """Nothing breaks off here."""

    def enqueue(self, job: Job) -> None:
        if job.id in self.known or job.kind is not JobKind.NIGHT:
            return
        self.known.add(job.id)
        self.try_night(job)

    def try_night(self, job: Job) -> None:
        """A try that takes no time, and sometimes fails."""
        night = start_try(job.org, job.subject)
        if night is None:
            return
        now = self.clock.now()
        give_up_before(job.org, job.subject, at=now)
        if self.dice.random() < FAILING:
            error = TransientError("source-away", "It does not answer.")
            end_try(job.org, job.subject, after_error(night, error, now=now), number=night.tries)
            return
        end_try(job.org, job.subject, NightEnd(NightState.DONE, now), number=night.tries)
        self.done[job.org, job.subject.partition("T")[0]] += 1


def made_up(clock: VirtualClock) -> Desk:
    """A desk whose luck is always the same."""
    return Desk(clock, random.Random(7))


def judged(desk: Desk, *, orgs: int, days: int) -> tuple[int, int, int]:
    """Days of orgs without a night, days with two, and all nights."""
    wanted = {
        (f"oid{number:05}", f"{BEGINS + timedelta(days=day):%Y-%m-%d}")
        for number in range(orgs)
        for day in range(2, days - 1)  # the first and the last days are cut by the zones
    }
    doubled = sum(1 for count in desk.done.values() if count > 1)
    return len(wanted - set(desk.done)), doubled, sum(desk.done.values())


def home(root: Path, orgs: int, clock: VirtualClock) -> Application:
    """A home with orgs in ten time zones, and a vault that is not used."""
    planned = plan_home(root, vault=None, service_key=None)
    planned.home_key.parent.mkdir(parents=True)
    write_secret_file(planned.home_key, "ab" * 32)
    write_home(planned)
    connect(planned.catalog)
    for number in range(orgs):
        identity = OrgIdentity("memory", f"t{number}", zone=ZONES[number % len(ZONES)])
        save_org(ProtectedOrg(f"org-{number}", f"oid{number:05}", identity, clock.now()))
    vault = memory_vault(clock)
    return Application(planned, clock=clock, entropy=SeededEntropy(), vault=lambda *_told: vault)


def year(orgs: int, days: int) -> list[Figure]:
    """Live through it, and count."""
    from django.db import transaction

    clock = VirtualClock(BEGINS)
    with (
        tempfile.TemporaryDirectory(prefix="unlost-bench-") as folder,
        home(Path(folder) / "home", orgs, clock) as app,
    ):
        desk = made_up(clock)
        began = time.process_time()
        while clock.now() < BEGINS + timedelta(days=days):
            with transaction.atomic():  # what a disk's flush costs is not what is asked here
                enqueue_due_jobs(app, desk)
            clock.advance(seconds=STEP.total_seconds())
        took = time.process_time() - began
        size = sum(file.stat().st_size for file in app.home.files if file.exists())
    missed, doubled, nights = judged(desk, orgs=orgs, days=days)
    share = TENANTS / orgs
    print(f"  {nights:,} nights in {took:.0f} CPU-s, database {size / 1e6:.0f} MB")
    print(f"  {TENANTS:,} orgs would need {share * took / days:.1f} CPU-s and "
          f"{share * size / days / 1e6:.1f} MB a day")  # fmt: skip
    what = f"{orgs} orgs in {len(ZONES)} zones, {days} days, {FAILING:.0%} of tries fail"
    return [
        Figure(AREA, f"year_{orgs}_orgs_missed", missed, "nights", what),
        Figure(AREA, f"year_{orgs}_orgs_doubled", doubled, "nights", what),
        Figure(AREA, "night_cpu_ms", took / nights * 1e3, "CPU-ms", f"ticks and tables; {what}"),
        Figure(AREA, "night_database_bytes", size / nights, "bytes", what),
    ]


def growth_errors(seeds: Sequence[int], days: int, limit: float) -> list[float]:
    """By which share of the remaining time the day of the stop line is missed."""
    errors = []
    for seed in seeds:
        dice = random.Random(seed)
        weekly = [dice.uniform(0.1, 1.0) for _ in range(7)]
        level = dice.uniform(20, 60)
        changes = days - dice.choice([days, 5, 10, 30])  # a loop may have begun so long ago
        used, samples, day = 3_000.0, [], 0
        while used < limit * STOP and day < 4_000:
            factor = 1.0 if day < changes else 2.5
            used += level * factor * weekly[day % 7] * dice.uniform(0.8, 1.2)
            if day < days:
                samples.append(Sample(BEGINS + timedelta(days=day), used))
            day += 1
        now = samples[-1].at
        remaining = BEGINS + timedelta(days=day - 1) - now
        seen = forecast(samples, limit=limit, now=now, stop=STOP)
        if seen is None or seen.reached is None or remaining <= timedelta(0):
            raise RuntimeError(f"seed {seed}: nothing was foretold")
        errors.append(abs((seen.reached - now) - remaining) / remaining)
    return sorted(errors)


def foretold() -> list[Figure]:
    """The day of the stop line on planted growth."""
    errors = growth_errors(range(100), 90, 15_000.0)
    what = "stop line on 100 planted growths with weekends, noise and loops; 9 of 10 are better"
    return [Figure(AREA, "forecast_error_pct", errors[89] * 100, "%", what, runs=len(errors))]


def lines() -> list[Figure]:
    """The size of the room that knows the job engine."""
    room = Path(__file__).parents[1] / "src" / "unlost" / "jobs"
    count = sum(len(file.read_text("utf-8").splitlines()) for file in room.glob("*.py"))
    return [Figure(AREA, "jobs_module_lines", count, "lines", "unlost.jobs")]


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orgs", type=int, default=500)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    figures = [*lines(), *foretold(), *(year(asked.orgs, asked.days) if asked.orgs else [])]
    for one in figures:
        print(f"  {one.key}: {one.value:,.2f} {one.unit}")
    if asked.keep:
        keep(figures)


if __name__ == "__main__":
    main()
