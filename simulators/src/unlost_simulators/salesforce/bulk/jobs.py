"""Bulk API 2.0 query jobs: their data and their states.

States move when a client looks (a poll, a list, a result call) or when the virtual clock is moved,
after as many polls, virtual seconds and real seconds as the timing requires. The rows of a job are
a snapshot of the moment when it started to run. Knows no HTTP.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from unlost_simulators.salesforce.bulk.render import CsvForm, Rendered
from unlost_simulators.salesforce.faults import (
    SalesforceRule,
)
from unlost_simulators.salesforce.model.errors import SalesforceError, not_found

# Jobs and results are removed seven days after a terminal state.
KEPT_FOR = timedelta(days=7)


class JobState(StrEnum):
    """States of a query job."""

    UPLOAD_COMPLETE = "UploadComplete"
    IN_PROGRESS = "InProgress"
    COMPLETE = "JobComplete"
    FAILED = "Failed"
    ABORTED = "Aborted"

    @property
    def terminal(self) -> bool:
        """True if the job will never change again."""
        return self in (JobState.COMPLETE, JobState.FAILED, JobState.ABORTED)


@dataclass(frozen=True, slots=True)
class BulkTiming:
    """Timing of jobs.

    ``queue_*`` until a job starts to run, ``run_*`` until it is complete; ``*_polls`` counts the
    polls that still show the earlier state, ``*_seconds`` is virtual time. ``wait_seconds`` is how
    long, in real time, a poll waits for the rendering behind it before it shows InProgress: with
    the default a small job is complete at the first poll. A job waits in the queue for a real time
    between ``queue_real_least`` and ``queue_real_most``.
    """

    queue_polls: int = 0
    queue_seconds: float = 0.0
    run_polls: int = 0
    run_seconds: float = 0.0
    run_real_seconds: float = 0.0
    wait_seconds: float = 2.0
    queue_real_least: float = 0.0
    queue_real_most: float = 0.0

    def queued_for(self, job_id: str) -> float:
        """Return the real seconds a job waits in the queue, derived from its id."""
        share = zlib.crc32(job_id[:15].encode("ascii")) / 2**32
        return self.queue_real_least + share * (self.queue_real_most - self.queue_real_least)


@dataclass(frozen=True, slots=True)
class JobOrder:
    """The request of a client."""

    operation: str
    query: str
    object: str
    user_id: str
    version: str
    form: CsvForm

    @property
    def all_rows(self) -> bool:
        """True if deleted and archived rows are requested."""
        return self.operation == "queryAll"


@dataclass(slots=True)
class QueryJob:
    """One job; changed only under the lock of its store."""

    id: str
    order: JobOrder
    render: Callable[[], Rendered]
    created: datetime
    modified: datetime
    state: JobState = JobState.UPLOAD_COMPLETE
    doom: SalesforceRule | None = None
    error: str | None = None
    queue_polls: int = 0
    run_polls: int = 0
    created_real: float = 0.0
    started: datetime | None = None
    started_real: float = 0.0
    work: Future[Rendered] | None = None
    result: Rendered | None = None
    milliseconds: int = 0

    @property
    def records(self) -> int:
        """Give the number of rows of a complete job, else 0."""
        return 0 if self.result is None else self.result.rows


@dataclass(slots=True)
class QueryJobStore:
    """The query jobs of one org."""

    now: Callable[[], datetime]
    executor: Executor
    timing: BulkTiming = field(default_factory=BulkTiming)
    on_complete: Callable[[Rendered], None] = lambda _: None
    real_clock: Callable[[], float] = time.monotonic
    _jobs: dict[str, QueryJob] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def create(
        self, job_id: str, order: JobOrder, *, render: Callable[[], Rendered],
        doom: SalesforceRule | None = None,
    ) -> QueryJob:  # fmt: skip
        """Take a job in; ``render`` is called once, in a thread of the executor."""
        now = self.now()
        job = QueryJob(job_id, order, render, now, now, doom=doom, created_real=self.real_clock())
        with self._lock:
            # Clients use ids of 15 or 18 characters; the first 15 are the same in both.
            self._jobs[job.id[:15]] = job
            self._start_if_due(job)
        return job

    def get(self, job_id: str) -> QueryJob:
        """Give a job, known by 15 or 18 characters; 404 when there is none or it was removed."""
        with self._lock:
            self._remove_old()
            job = self._jobs.get(job_id[:15])
        if job is None:
            raise not_found()
        return job

    def poll(self, job_id: str) -> QueryJob:
        """Look at a job as the info call does: it counts as a poll, and may wait a moment."""
        job = self.get(job_id)
        with self._lock:
            self._start_if_due(job)
            # Counted after the check above, so that N polls show the earlier state N times.
            if job.state is JobState.UPLOAD_COMPLETE:
                job.queue_polls += 1
        self._settle(job)
        with self._lock:
            if job.state is JobState.IN_PROGRESS:
                job.run_polls += 1
        return job

    def peek(self, job_id: str) -> QueryJob:
        """Look at a job without counting a poll, as the result calls do."""
        job = self.get(job_id)
        with self._lock:
            self._start_if_due(job)
        self._settle(job)
        return job

    def all(self) -> list[QueryJob]:
        """Give all jobs that are still kept."""
        self.tick()
        with self._lock:
            return list(self._jobs.values())

    def folders(self) -> frozenset[Path]:
        """Give the folders of the results that jobs still point to."""
        with self._lock:
            results = [job.result for job in self._jobs.values()]
        return frozenset(each.folder for each in results if each is not None)

    def tick(self) -> None:
        """Move every job on as far as the virtual clock lets it; called when the clock is moved."""
        with self._lock:
            self._remove_old()
            for job in self._jobs.values():
                self._start_if_due(job)
                self._finish_if_due(job)

    def abort(self, job_id: str) -> QueryJob:
        """Abort a job that has not ended."""
        job = self.peek(job_id)
        with self._lock:
            if job.state.terminal:
                raise SalesforceError(
                    400, "INVALIDJOBSTATE", "Aborting already Completed Job not allowed"
                )
            self._set_final_state(job, JobState.ABORTED)
        return job

    def delete(self, job_id: str) -> QueryJob:
        """Remove a job that has ended."""
        job = self.peek(job_id)
        with self._lock:
            if not job.state.terminal:
                raise SalesforceError(
                    400, "API_ERROR",
                    "Error encountered when deleting the job because the job is not terminated",
                )  # fmt: skip
            self._jobs.pop(job.id[:15], None)
        return job

    def _start_if_due(self, job: QueryJob) -> None:
        if job.state is not JobState.UPLOAD_COMPLETE:
            return
        waited = self.now() - job.created
        due = (
            job.queue_polls >= self.timing.queue_polls
            and self.real_clock() - job.created_real >= self.timing.queued_for(job.id)
        )
        if due and waited >= timedelta(seconds=self.timing.queue_seconds):
            job.state = JobState.IN_PROGRESS
            job.started = job.modified = self.now()
            job.started_real = self.real_clock()
            job.work = self.executor.submit(job.render)

    def _settle(self, job: QueryJob) -> None:
        """Wait outside the lock for the rendering, then finish the job when it is due."""
        work = job.work
        if job.state is JobState.IN_PROGRESS and work is not None and self._timing_allows(job):
            try:
                # ``exception`` waits like ``result``, but does not raise the error of a failed
                # query here.
                work.exception(timeout=self.timing.wait_seconds)
            except TimeoutError:
                return
        with self._lock:
            self._finish_if_due(job)

    def _timing_allows(self, job: QueryJob) -> bool:
        if job.started is None:
            return False
        polls = job.doom.polls if job.doom is not None else self.timing.run_polls
        return (
            job.run_polls >= polls
            and self.now() - job.started >= timedelta(seconds=self.timing.run_seconds)
            and self.real_clock() - job.started_real >= self.timing.run_real_seconds
        )

    def _finish_if_due(self, job: QueryJob) -> None:
        if job.state is not JobState.IN_PROGRESS or not self._timing_allows(job):
            return
        if job.doom is not None:
            job.error = job.doom.message if job.doom.tell else None
            self._set_final_state(job, JobState.FAILED)
            return
        if job.work is None or not job.work.done():
            return
        failure = job.work.exception()
        if failure is not None:
            job.error = failure.message if isinstance(failure, SalesforceError) else str(failure)
            self._set_final_state(job, JobState.FAILED)
            return
        job.result = job.work.result()
        self.on_complete(job.result)
        self._set_final_state(job, JobState.COMPLETE)

    def _set_final_state(self, job: QueryJob, state: JobState) -> None:
        job.state = state
        job.modified = self.now()
        if job.started is not None:
            job.milliseconds = int((self.real_clock() - job.started_real) * 1000)

    def _remove_old(self) -> None:
        edge = self.now() - KEPT_FOR
        old = [key for key, job in self._jobs.items() if job.state.terminal and job.modified < edge]
        for key in old:
            del self._jobs[key]
