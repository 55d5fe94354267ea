"""The state machine of query jobs on the virtual clock."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.salesforce.bulk.jobs import BulkTiming, JobOrder, JobState, QueryJobStore
from unlost_simulators.salesforce.bulk.render import CsvForm, render
from unlost_simulators.salesforce.faults import (
    SalesforceFault,
    SalesforceRule,
)
from unlost_simulators.salesforce.model.errors import SalesforceError

JOB = "750Dn0000000001IAA"
ORDER = JobOrder("query", "SELECT Id FROM Account", "Account", "005", "66.0", CsvForm())


class Bench:
    def __init__(self, tmp_path) -> None:
        self.clock = VirtualClock(datetime(2026, 3, 1, tzinfo=UTC))
        self.executor = ThreadPoolExecutor(1)
        self.store = QueryJobStore(self.clock.now, self.executor)
        self.folder = tmp_path
        self.runs = 0

    def work(self):
        self.runs += 1
        return render(
            duckdb.connect(),
            "SELECT 'a' FROM range(3)",
            headers=["Id"],
            form=CsvForm(),
            folder=self.folder / f"r{self.runs}",
        )

    def create(self, job_id: str = JOB, doom: SalesforceRule | None = None, work=None):
        return self.store.create(job_id, ORDER, render=work or self.work, doom=doom)

    def polls(self, count: int) -> list[JobState]:
        return [self.store.poll(JOB).state for _ in range(count)]


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.executor.shutdown()


def refusal(action, *rest) -> SalesforceError:
    with pytest.raises(SalesforceError) as caught:
        action(*rest)
    return caught.value


def test_by_default_the_first_poll_sees_a_complete_job(bench) -> None:
    bench.create()
    job = bench.store.poll(JOB)
    assert job.state is JobState.COMPLETE
    assert job.records == 3
    assert bench.runs == 1


def test_states_last_as_many_polls_as_asked(bench) -> None:
    bench.store.timing = BulkTiming(queue_polls=2, run_polls=3)
    assert bench.create().state is JobState.UPLOAD_COMPLETE
    assert bench.polls(6) == [
        JobState.UPLOAD_COMPLETE,
        JobState.UPLOAD_COMPLETE,
        JobState.IN_PROGRESS,
        JobState.IN_PROGRESS,
        JobState.IN_PROGRESS,
        JobState.COMPLETE,
    ]


def test_states_last_as_long_as_asked_on_the_virtual_clock(bench) -> None:
    bench.store.timing = BulkTiming(queue_seconds=60, run_seconds=600)
    bench.create()
    assert bench.polls(2) == [JobState.UPLOAD_COMPLETE] * 2
    assert bench.runs == 0
    bench.clock.advance(timedelta(seconds=61))
    assert bench.polls(2) == [JobState.IN_PROGRESS] * 2
    bench.clock.advance(timedelta(seconds=600))
    assert bench.polls(1) == [JobState.COMPLETE]


def test_moving_the_clock_moves_jobs_that_nobody_polls(bench) -> None:
    bench.store.timing = BulkTiming(queue_seconds=60)
    bench.create()
    bench.clock.advance(timedelta(seconds=61))
    bench.store.tick()
    assert bench.store.get(JOB).started == bench.clock.now()


def test_real_seconds_can_be_asked_for(bench) -> None:
    real = [100.0]
    bench.store.real_clock = lambda: real[0]
    bench.store.timing = BulkTiming(run_real_seconds=5)
    bench.create()
    assert bench.polls(1) == [JobState.IN_PROGRESS]
    real[0] += 6
    assert bench.polls(1) == [JobState.COMPLETE]


def test_jobs_wait_in_the_queue_for_different_real_times(bench) -> None:
    real = [100.0]
    bench.store.real_clock = lambda: real[0]
    bench.store.timing = BulkTiming(queue_real_least=20, queue_real_most=300)
    bench.create()
    wait = bench.store.timing.queued_for(JOB)
    assert 20 <= wait <= 300
    assert wait != bench.store.timing.queued_for(JOB[:14] + "Z")
    real[0] += wait - 0.1
    assert bench.polls(1) == [JobState.UPLOAD_COMPLETE]
    real[0] += 0.2
    assert bench.polls(1) == [JobState.COMPLETE]


def test_result_calls_do_not_count_as_polls(bench) -> None:
    bench.store.timing = BulkTiming(run_polls=1)
    bench.create()
    for _ in range(3):
        assert bench.store.peek(JOB).state is JobState.IN_PROGRESS
    assert bench.polls(2) == [JobState.IN_PROGRESS, JobState.COMPLETE]


def test_a_doomed_job_fails_after_its_polls(bench) -> None:
    doom = SalesforceRule(
        SalesforceFault.JOB_FAILED, polls=2, message="Retried more than fifteen times"
    )
    bench.create(doom=doom)
    assert bench.polls(3) == [JobState.IN_PROGRESS, JobState.IN_PROGRESS, JobState.FAILED]
    assert bench.store.get(JOB).error == "Retried more than fifteen times"


def test_a_doomed_job_may_keep_silent(bench) -> None:
    bench.create(doom=SalesforceRule(SalesforceFault.JOB_FAILED, tell=False))
    assert bench.store.poll(JOB).state is JobState.FAILED
    assert bench.store.get(JOB).error is None


def test_a_query_that_breaks_fails_its_job(bench) -> None:
    def broken():
        raise SalesforceError(400, "API_ERROR", "Implementation restriction: no")

    bench.create(work=broken)
    job = bench.store.poll(JOB)
    assert (job.state, job.error) == (JobState.FAILED, "Implementation restriction: no")


def test_abort_and_delete_in_right_and_wrong_states(bench) -> None:
    bench.store.timing = BulkTiming(run_polls=9)
    bench.create()
    wrong = refusal(bench.store.delete, JOB)
    assert (wrong.status, wrong.code) == (400, "API_ERROR")
    assert "the job is not terminated" in wrong.message
    assert bench.store.abort(JOB).state is JobState.ABORTED
    again = refusal(bench.store.abort, JOB)
    assert (again.code, again.message) == (
        "INVALIDJOBSTATE",
        "Aborting already Completed Job not allowed",
    )
    bench.store.delete(JOB)
    assert refusal(bench.store.get, JOB).status == 404


def test_jobs_are_known_by_15_characters_and_gone_after_a_week(bench) -> None:
    bench.create()
    bench.store.poll(JOB)
    assert bench.store.get(JOB[:15]).id == JOB
    bench.clock.advance(timedelta(days=6, hours=23))
    assert bench.store.all()
    bench.clock.advance(timedelta(hours=2))
    assert bench.store.all() == []
