"""Bulk API 2.0 ingest jobs: their data and their states.

Open → UploadComplete → InProgress → JobComplete, Failed or Aborted. From UploadComplete on, states
move as they do for query jobs: when a client looks, or when the virtual clock is moved. Knows no
HTTP.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from unlost_simulators.salesforce.bulk.ingest_csv import BatchRefused
from unlost_simulators.salesforce.bulk.ingest_habits import IngestHabits, IngestTiming
from unlost_simulators.salesforce.bulk.ingest_run import IngestOrder, Load
from unlost_simulators.salesforce.bulk.jobs import KEPT_FOR
from unlost_simulators.salesforce.faults import (
    SalesforceRule,
)
from unlost_simulators.salesforce.model.errors import SalesforceError, not_found
from unlost_simulators.salesforce.org import Org

ABORT_SECONDS = 60.0


class IngestState(StrEnum):
    """States of an ingest job."""

    OPEN = "Open"
    UPLOAD_COMPLETE = "UploadComplete"
    IN_PROGRESS = "InProgress"
    COMPLETE = "JobComplete"
    FAILED = "Failed"
    ABORTED = "Aborted"

    @property
    def terminal(self) -> bool:
        """True if the job will never change again."""
        return self in (IngestState.COMPLETE, IngestState.FAILED, IngestState.ABORTED)


@dataclass(slots=True)
class IngestJob:
    """One job; changed only under the lock of its store."""

    id: str
    order: IngestOrder
    folder: Path
    load: Load
    created: datetime
    modified: datetime
    state: IngestState = IngestState.OPEN
    doom: SalesforceRule | None = None
    error: str | None = None
    uploaded: bool = False
    closed: datetime | None = None
    closed_real: float = 0.0
    queue_polls: int = 0
    run_polls: int = 0
    started: datetime | None = None
    started_real: float = 0.0
    work: Future[None] | None = None
    milliseconds: int = 0


@dataclass(slots=True)
class IngestJobStore:
    """The ingest jobs of one org. ``root`` is the folder under which uploads are kept."""

    org: Org
    executor: Executor
    root: Path
    timing: IngestTiming = field(default_factory=IngestTiming)
    habits: IngestHabits = field(default_factory=IngestHabits)
    real_clock: Callable[[], float] = time.monotonic
    _jobs: dict[str, IngestJob] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def create(
        self, job_id: str, order: IngestOrder, *, doom: SalesforceRule | None = None
    ) -> IngestJob:
        """Open a job."""
        now = self.org.clock.now()
        folder = self.root / job_id
        folder.mkdir(parents=True)
        upload = folder / "upload.csv"
        upload.touch()
        load = Load(self.org, order, upload, self.habits, job_id)
        job = IngestJob(job_id, order, folder, load, now, now, doom=doom)
        with self._lock:
            self._jobs[job.id[:15]] = job
        return job

    def get(self, job_id: str) -> IngestJob:
        """Give a job, known by 15 or 18 characters; 404 when there is none or it was removed."""
        with self._lock:
            self._remove_old()
            job = self._jobs.get(job_id[:15])
        if job is None:
            raise not_found()
        return job

    def put(self, job_id: str, data: bytes) -> IngestJob:
        """Take the data of a job in, once."""
        job = self.get(job_id)
        with self._lock:
            if job.state is not IngestState.OPEN:
                raise wrong_state(f"Job is in state {job.state}; data needs an open job")
            if job.uploaded:
                raise SalesforceError(400, "BULK_API_ERROR", _TWICE.format(job.id[:15]))
            job.uploaded = True
            job.load.path.write_bytes(data)
            job.modified = self.org.clock.now()
        return job

    def close(self, job_id: str) -> IngestJob:
        """Queue a job whose data is complete."""
        job = self.get(job_id)
        with self._lock:
            if job.state is not IngestState.OPEN:
                raise wrong_state(f"Closing a job in state {job.state} not allowed")
            job.state = IngestState.UPLOAD_COMPLETE
            job.closed = job.modified = self.org.clock.now()
            job.closed_real = self.real_clock()
        return job

    def poll(self, job_id: str) -> IngestJob:
        """Look at a job as the info call does: it counts as a poll, and may wait a moment."""
        job = self.get(job_id)
        with self._lock:
            self._start_if_due(job)
            if job.state is IngestState.UPLOAD_COMPLETE:
                job.queue_polls += 1
            self._process_next(job)
        self._settle(job)
        with self._lock:
            if job.state is IngestState.IN_PROGRESS:
                job.run_polls += 1
        return job

    def peek(self, job_id: str) -> IngestJob:
        """Look at a job without counting a poll, as the result calls do."""
        job = self.get(job_id)
        with self._lock:
            self._start_if_due(job)
        self._settle(job)
        return job

    def all(self) -> list[IngestJob]:
        """Give all jobs that are still kept."""
        self.tick()
        with self._lock:
            return list(self._jobs.values())

    def tick(self) -> None:
        """Move every job on as far as the virtual clock lets it; called when the clock is moved."""
        with self._lock:
            self._remove_old()
            for job in self._jobs.values():
                self._start_if_due(job)
                self._finish_if_due(job)

    def abort(self, job_id: str) -> IngestJob:
        """Abort a job that has not ended; what was processed before stays."""
        job = self.peek(job_id)
        with self._lock:
            if job.state.terminal:
                raise wrong_state("Aborting already Completed Job not allowed")
            self._set_final_state(job, IngestState.ABORTED)
        if job.work is not None:
            wait([job.work], ABORT_SECONDS)
        return job

    def delete(self, job_id: str) -> IngestJob:
        """Remove a job that is neither open nor at work."""
        job = self.peek(job_id)
        with self._lock:
            if job.state in (IngestState.OPEN, IngestState.IN_PROGRESS):
                raise SalesforceError(
                    400, "API_ERROR",
                    "Error encountered when deleting the job because the job is not terminated",
                )  # fmt: skip
            self._remove(job)
        return job

    def stop(self) -> None:
        """Let no job get on: the org is about to close."""
        with self._lock:
            for job in self._jobs.values():
                if job.state is IngestState.IN_PROGRESS:
                    self._set_final_state(job, IngestState.ABORTED)

    def _start_if_due(self, job: IngestJob) -> None:
        if job.state is not IngestState.UPLOAD_COMPLETE or job.closed is None:
            return
        waited = self.org.clock.now() - job.closed
        queued = self.real_clock() - job.closed_real
        due = job.queue_polls >= self.timing.queue_polls and queued >= self.timing.queued_for(
            job.id
        )
        if due and waited >= timedelta(seconds=self.timing.queue_seconds):
            job.state = IngestState.IN_PROGRESS
            job.started = job.modified = self.org.clock.now()
            job.started_real = self.real_clock()
            if not self.timing.rows_per_poll:
                job.work = self.executor.submit(self._run, job, _last_row(job, None))

    def _process_next(self, job: IngestJob) -> None:
        """Let a job that moves by polls do its next rows."""
        step = self.timing.rows_per_poll
        idle = job.work is None or job.work.done()
        if step and idle and job.state is IngestState.IN_PROGRESS:
            until = _last_row(job, job.load.processed + step)
            job.work = self.executor.submit(self._run, job, until)

    @staticmethod
    def _run(job: IngestJob, until: int | None) -> None:
        job.load.run(until, go_on=lambda: job.state is IngestState.IN_PROGRESS)

    def _settle(self, job: IngestJob) -> None:
        """Wait outside the lock for the work at hand, then finish the job when it is due."""
        work = job.work
        if job.state is IngestState.IN_PROGRESS and work is not None and self._timing_allows(job):
            wait([work], self.timing.wait_seconds)
        with self._lock:
            self._finish_if_due(job)

    def _timing_allows(self, job: IngestJob) -> bool:
        if job.started is None:
            return False
        polls = max(self.timing.run_polls, job.doom.polls if job.doom is not None else 0)
        return (
            job.run_polls >= polls
            and self.org.clock.now() - job.started >= timedelta(seconds=self.timing.run_seconds)
            and self.real_clock() - job.started_real >= self.timing.run_real_seconds
        )

    def _finish_if_due(self, job: IngestJob) -> None:
        work = job.work
        if job.state is not IngestState.IN_PROGRESS or not self._timing_allows(job):
            return
        if work is None or not work.done():
            return
        failure = work.exception()
        if failure is not None:
            job.error = f"InternalServerError : {failure}"
            if isinstance(failure, BatchRefused):
                job.error = failure.message
            self._set_final_state(job, IngestState.FAILED)
        elif job.doom is not None and _doomed(job, job.doom):
            job.error = job.doom.message if job.doom.tell else None
            self._set_final_state(job, IngestState.FAILED)
        elif job.load.done:
            job.error = job.load.error
            self._set_final_state(job, IngestState.FAILED if job.error else IngestState.COMPLETE)

    def _set_final_state(self, job: IngestJob, state: IngestState) -> None:
        job.state = state
        job.modified = self.org.clock.now()
        if job.started is not None:
            job.milliseconds = int((self.real_clock() - job.started_real) * 1000)

    def _remove_old(self) -> None:
        edge = self.org.clock.now() - KEPT_FOR
        ended = [job for job in self._jobs.values() if job.state.terminal]
        for job in [each for each in ended if each.modified < edge]:
            self._remove(job)

    def _remove(self, job: IngestJob) -> None:
        self._jobs.pop(job.id[:15], None)
        shutil.rmtree(job.folder, ignore_errors=True)


# Word for word as people report it, spelling included.
_TWICE = (
    "Found multipe contents for job: <{}>, please 'Close' / 'Abort' / 'Delete' the current Job "
    "then create a new Job and make sure you only do 'PUT' once on a given Job."
)


def wrong_state(text: str) -> SalesforceError:
    """Give the refusal of a call that a job's state does not allow."""
    return SalesforceError(400, "INVALIDJOBSTATE", text)


def _last_row(job: IngestJob, wanted: int | None) -> int | None:
    """Give until which row a job may run: a doomed one ends after its rule's rows."""
    if job.doom is None:
        return wanted
    return job.doom.after_rows if wanted is None else min(wanted, job.doom.after_rows)


def _doomed(job: IngestJob, doom: SalesforceRule) -> bool:
    return job.load.processed >= min(doom.after_rows, job.load.rows)
