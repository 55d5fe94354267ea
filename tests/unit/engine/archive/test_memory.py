"""The memory of an archive: each planned record has few bytes, while it is planned, read and run.

A plan has up to 200,000 records, and its run should stay below 600 MB. A new field of a step or of an
outcome, a second copy of the keys, or a text of the whole plan can double what each record needs.
"""

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from unit.engine.archive.test_run import Office
from unit.engine.restore.atelier import Atelier
from unlost.engine.restore.running import wanted
from unlost.engine.restore.running.passes import archiving
from unlost.engine.restore.values.plan_file import read_plan, write_plan
from unlost.model.plan import RestorePlan

RECORDS = 3_000


class Depot(Office):
    """Many old accounts."""

    def __init__(self, work: Path) -> None:
        Atelier.__init__(self, work)
        for number in range(RECORDS):
            self.make("Account", f"A{number}", Number="old")
        self.night()


@pytest.fixture
def depot(tmp_path: Path) -> Iterator[Depot]:
    made = Depot(tmp_path)
    tracemalloc.start()
    yield made
    tracemalloc.stop()
    made.close()


def peak_of[T](work: Callable[[], T]) -> tuple[T, float]:
    """What was made, and the bytes of a record that making it needed at most."""
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    made = work()
    return made, (tracemalloc.get_traced_memory()[1] - before) / RECORDS


def test_planning_a_large_archive_needs_few_bytes_for_each_record(depot: Depot) -> None:
    plan, planned = peak_of(depot.archive_plan)
    assert len(plan.steps) == RECORDS
    print("planned", planned)
    assert planned < 1_400


def test_a_plan_file_needs_little_more_than_its_text_and_its_steps(depot: Depot) -> None:
    plan = depot.archive_plan()
    text, written = peak_of(lambda: write_plan(plan))
    print("written", written)
    assert written < 1.5 * len(text) / RECORDS + 700
    _, read = peak_of(lambda: read_plan(text))
    print("read", read)
    assert read < 1_100


def test_the_run_of_a_large_archive_needs_few_bytes_for_each_record(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a turn needs does not grow with the plan.
    monkeypatch.setattr(archiving, "TURN", 200)
    monkeypatch.setattr(wanted, "READ_ROWS", 200)
    monkeypatch.setattr(wanted, "KEPT_BYTES", 0)
    plan: RestorePlan = read_plan(write_plan(depot.archive_plan()))
    depot.clock.advance(hours=2)
    done, ran = peak_of(lambda: depot.run(plan))
    assert len(done.records) == RECORDS
    assert done.whole
    print("ran", ran)
    assert ran < 1_800
