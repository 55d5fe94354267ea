"""Runs and their items: what the home remembers of how a run got on."""

from datetime import timedelta

import pytest

from unlost.catalog.orgs.orgs import ProtectedOrg, save_org
from unlost.catalog.runs.observer import RunRows, SqlObserver, rows_of_runs, run_items
from unlost.catalog.runs.runs import RunEnd, RunState, begin_run, end_run, find_run, list_runs
from unlost.model.message import Message
from unlost.model.org import OrgIdentity
from unlost.model.runs.progress import Phase, Progress
from unlost.model.vault.snapshot import CommitKind
from unlost.testing.clock import START, VirtualClock

BACKUP = CommitKind.BACKUP


@pytest.fixture(autouse=True)
def _org() -> None:
    save_org(ProtectedOrg("sales", "0" * 32, OrgIdentity("memory", "T1"), START))


def test_a_run_is_written_down_from_begin_to_end() -> None:
    began = begin_run("r1", org="sales", kind=BACKUP, full=True, at=START)
    assert (began.state, began.full, began.ended_at) == (RunState.RUNNING, True, None)
    end = START + timedelta(minutes=5)
    end_run("r1", RunEnd(RunState.DONE, end, snapshot=12))
    found = find_run("r1")
    assert found is not None
    assert (found.state, found.ended_at, found.snapshot) == (RunState.DONE, end, 12)
    assert (found.org, found.started_at) == ("sales", START)


def test_a_run_that_goes_on_forgets_its_error_but_not_its_beginning() -> None:
    begin_run("r1", org="sales", kind=BACKUP, full=False, at=START)
    later = START + timedelta(hours=1)
    end_run(
        "r1", RunEnd(RunState.PARKED, later, None, later, Message("api-budget-spent", "Spent."))
    )
    parked = find_run("r1")
    assert parked is not None
    assert (parked.state, parked.resume_at) == (RunState.PARKED, later)
    again = begin_run("r1", org="sales", kind=BACKUP, full=True, at=later)
    assert (again.state, again.started_at, again.full) == (RunState.RUNNING, START, False)
    assert (again.error, again.resume_at, again.ended_at) == (None, None, None)


def test_runs_are_listed_newest_first() -> None:
    for day in range(3):
        at = START + timedelta(days=day)
        begin_run(f"r{day}", org="sales", kind=BACKUP, full=False, at=at)
    assert [run.id for run in list_runs("sales")] == ["r2", "r1", "r0"]
    assert list_runs("other") == []
    assert find_run("r9") is None


def test_events_are_added_up_table_by_table_and_written_about_once_a_second(
    clock: VirtualClock,
) -> None:
    begin_run("r1", org="sales", kind=BACKUP, full=False, at=START)
    observer = SqlObserver("r1", clock=clock)
    observer.progress(Progress(Phase.READ, "Account", rows=10, bytes=100, calls=1))
    assert run_items("r1") == []
    clock.advance(seconds=1)
    observer.progress(Progress(Phase.READ, "Account", rows=5, bytes=50, files=2, done=True))
    observer.progress(Progress(Phase.CENSUS, "Case", calls=3))
    (account,) = run_items("r1")
    assert (account.rows, account.bytes, account.files, account.calls) == (15, 150, 2, 1)
    assert account.done
    observer.flush()
    assert [(item.table, item.phase) for item in run_items("r1")] == [
        ("Account", Phase.READ),
        ("Case", Phase.CENSUS),
    ]


def test_planned_tables_are_counted_and_a_resumed_run_announces_them_again(
    clock: VirtualClock,
) -> None:
    begin_run("r1", org="sales", kind=BACKUP, full=False, at=START)
    for _ in range(2):
        observer = SqlObserver("r1", clock=clock)
        for table in ("Account", "Case"):
            observer.progress(Progress(Phase.DISCOVER, table))
        observer.progress(Progress(Phase.READ, "Account", rows=2, done=True))
        observer.flush()
    items = run_items("r1")
    assert [(item.table, item.phase, item.done) for item in items] == [
        ("Account", Phase.READ, True), ("Case", Phase.DISCOVER, False),
    ]  # fmt: skip
    SqlObserver("r1", clock=clock).progress(Progress(Phase.DISCOVER, "Account"))
    assert run_items("r1")[0].phase is Phase.READ
    assert rows_of_runs(["r1"]) == {"r1": RunRows({"Account": 4, "Case": 0}, done=1)}
    assert rows_of_runs(["r2"]) == {}


def test_a_run_that_goes_on_counts_on(clock: VirtualClock) -> None:
    begin_run("r1", org="sales", kind=BACKUP, full=False, at=START)
    for _ in range(2):
        observer = SqlObserver("r1", clock=clock)
        observer.progress(Progress(Phase.READ, "Account", rows=10))
        observer.flush()
    assert run_items("r1")[0].rows == 20
