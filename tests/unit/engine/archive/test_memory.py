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
from unlost.engine.restore.journal.entries import Pass
from unlost.engine.restore.journal.log import RestoreLog
from unlost.engine.restore.running import wanted
from unlost.engine.restore.values import plan_file
from unlost.engine.restore.values.plan_file import read_plan, write_plan

RECORDS = 1_200


class Depot(Office):
    """Many old accounts."""

    def __init__(self, work: Path) -> None:
        Atelier.__init__(self, work)
        for number in range(RECORDS):
            self.make("Account", f"A{number}", Number="old")
        self.night()


@pytest.fixture
def depot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Depot]:
    # Records that are read together, and pieces of the file, do not grow with the plan.
    monkeypatch.setattr(wanted, "READ_ROWS", 200)
    monkeypatch.setattr(plan_file, "STEPS", 100)
    made = Depot(tmp_path)
    made.archive_plan()  # the modules that it loads are not its own
    yield made
    made.close()


def measured[T](work: Callable[[], T]) -> tuple[T, float, float]:
    """What was made, and the bytes of a record that it has, and that making it needed at most."""
    tracemalloc.start()
    made = work()
    size, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return made, size / RECORDS, most / RECORDS


def test_planning_a_large_archive_needs_few_bytes_for_each_record(depot: Depot) -> None:
    plan, _, most = measured(depot.archive_plan)
    assert len(plan.steps) == RECORDS
    assert most < 1_000


def test_a_plan_file_needs_little_more_than_its_text_and_its_steps(depot: Depot) -> None:
    plan = depot.archive_plan()
    text, _, most = measured(lambda: write_plan(plan))
    assert most < 550
    read, _, most = measured(lambda: read_plan(text))
    assert read == plan
    assert most < 700


def test_the_run_of_a_large_archive_keeps_few_bytes_of_each_record(depot: Depot) -> None:
    plan = read_plan(write_plan(depot.archive_plan()))
    depot.clock.advance(hours=2)
    done = depot.run(plan)
    assert done.whole
    journal = depot.vault.journal(depot.oid, done.run)
    log, size, _ = measured(lambda: RestoreLog(journal, plan=plan))
    assert log.opened.plan is plan
    assert len(log.state.results[Pass.DELETE]) == RECORDS
    assert size < 650
