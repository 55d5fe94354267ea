"""Jobs on DBOS: queued in a database, run by workers, resumed after a crash.

DBOS stores only which jobs exist and which are running. Each job is a workflow of one function and
no DBOS steps; the progress of its work is stored elsewhere, so a repeated job continues there:

  enqueue(Job) -> queue "org" | "restore" | "upkeep"    one partition for each org
               -> worker: _do(kind, org, subject) -> handlers[kind](job)
                    night, hourly: step results in ``unlost.jobs.store``
                    restore:       journal in the vault

The queue "org" has the jobs of all kinds but restores and maintenance: nightly and hourly backups,
verification, and the mirror. Partitions run one job at a time, so two jobs of one queue never work
on the same org. A worker that dies loses the lock on its slot; other workers notice and queue its
jobs again.

Jobs are pinned to ``VERSION``, which is changed by hand when queued jobs could not continue under
new code. See docs/adr/0005, 0012 and 0014.
"""

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions, Serializer
from sqlalchemy.exc import DBAPIError, ProgrammingError

from unlost.jobs.postgres import unreachable
from unlost.jobs.slots import SLOTS, ServiceSlot, orphaned, take_slot
from unlost.model.errors import StoreError, database_away
from unlost.model.runs.jobs import Job, JobKind
from unlost.model.runs.locks import Locks

APPLICATION = "unlost"
VERSION = "1"
WORKFLOW = "job"
# Separate queues: restores never wait behind backups, nor backups behind vault maintenance.
GENERAL, RESTORES, MAINTENANCE = "org", "restore", "upkeep"
QUEUES = {JobKind.RESTORE: RESTORES, JobKind.MAINTENANCE: MAINTENANCE}
RESTORE_WORKERS = 2
MAINTENANCE_WORKERS = 1
POLL_SECONDS = 0.5
POOL = 8  # sessions of the engine in one process
WATCH_SECONDS = 5.0  # interval at which workers look for jobs of dead workers
SAME_CRASHES = 20  # a job that crashed its worker this often is not started again
BROKEN = ("ERROR", "CANCELLED")  # may be requested again, unlike jobs that crashed their worker
LIFETIME = timedelta(days=14)  # for finished jobs; the table of runs keeps their results

type Handler = Callable[[Job], None]
type LogLine = Callable[[str], None]


class JsonValues(Serializer):
    """Serializes the values of jobs as JSON; DBOS's default, pickle, would run stored code."""

    def serialize(self, data: Any) -> str:
        """Serialize a value as text."""
        return json.dumps(data, default=str)

    def deserialize(self, serialized_data: str) -> Any:
        """Parse a value from text."""
        return json.loads(serialized_data)

    def name(self) -> str:
        """The serializer's name in the database."""
        return "json"


@dataclass(frozen=True, slots=True)
class ActiveJob:
    """A job in the queue: waiting, or running."""

    id: str
    waiting: bool


class DurableJobs:
    """Jobs of one home (port ``Jobs``).

    A queue in a file has one worker at a time. A queue in PostgreSQL has many: each takes a slot,
    and each looks for free slots whose owner left jobs behind.
    """

    def __init__(
        self,
        place: Path | str,
        handlers: Mapping[JobKind, Handler],
        *,
        locks: Locks,
        workers: int = 4,
        log: LogLine = lambda _text: None,
    ) -> None:
        """``place`` is a file, or the URL of a PostgreSQL database; ``locks`` are the home's.

        ``workers`` is the number of jobs that each worker runs at a time, besides restores; the
        value of the worker that starts last applies to all. Nothing happens before ``start``.
        ``log`` receives the warnings and errors that DBOS would print.
        """
        self._place = place
        self._locks = locks
        self._workers = workers
        self._log = log
        self._slot: ServiceSlot | None = None
        self._over = threading.Event()
        _registry.clear()
        _registry.update(handlers)

    def start(self) -> None:
        """Start running jobs, first the jobs that a crash interrupted.

        Raises Conflict (``worker-running``, ``workers-full``), StoreError.
        """
        self._slot = take_slot(self._locks, alone=isinstance(self._place, Path))
        try:
            _prepare(self._place)
            _listen(self._log)
            DBOS(config=_config(self._place, self._workers, self._slot.executor))
            DBOS.launch()
            _queue(GENERAL, self._workers)
            _queue(RESTORES, RESTORE_WORKERS)
            _queue(MAINTENANCE, MAINTENANCE_WORKERS)
        except BaseException:
            self.stop()
            raise
        if isinstance(self._place, str):
            threading.Thread(
                target=self._watch_dead_workers, name="dead-workers", daemon=True
            ).start()

    def stop(self, *, patience: int = 0) -> None:
        """Stop; running jobs have ``patience`` seconds to end, and otherwise resume later."""
        self._over.set()
        if self._slot is not None:
            DBOS.destroy(workflow_completion_timeout_sec=patience)
            self._slot.lock.release()
            self._slot = None

    def enqueue(self, job: Job) -> None:
        """Queue a job."""
        DBOS.enqueue_workflow_with_options(_options(job), job.kind.value, job.org, job.subject)

    def requeue_orphaned(self) -> list[str]:
        """Queue the jobs of dead workers again; returns their ids."""
        assert self._slot is not None
        status = DBOS.list_workflows(status=["PENDING"], load_input=False, load_output=False)
        orphaned_jobs: list[str] = []
        for executor in {str(workflow.executor_id) for workflow in status} - {self._slot.executor}:
            with orphaned(self._locks, executor, slot=self._slot) as dead:
                orphaned_jobs += _queue_again(executor) if dead else []
        return orphaned_jobs

    def _watch_dead_workers(self) -> None:
        while not self._over.wait(WATCH_SECONDS):
            try:
                self.requeue_orphaned()
            except Exception as error:  # noqa: BLE001 (a database that is away is looked at again)
                self._log(f"Looking for dead workers failed: {type(error).__name__}")

    def delete_failed(self, ids: Iterable[str]) -> None:
        """Delete failed and cancelled jobs among ``ids``, so that they can be requested again."""
        job_ids = list(ids)
        broken = DBOS.list_workflows(
            workflow_ids=job_ids, status=list(BROKEN), load_input=False, load_output=False
        )
        if job_ids and broken:
            DBOS.delete_workflows([status.workflow_id for status in broken])

    def active_jobs(self) -> list[ActiveJob]:
        """Waiting and running jobs."""
        status = DBOS.list_workflows(
            status=["ENQUEUED", "PENDING"], load_input=False, load_output=False
        )
        return [
            ActiveJob(workflow.workflow_id, workflow.status == "ENQUEUED") for workflow in status
        ]

    def forget(self, *, before: str) -> int:
        """Delete jobs that ended before an instant (RFC 3339); returns their number."""
        over = DBOS.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"],
            completed_before=before,
            load_input=False,
            load_output=False,
        )
        if over:
            DBOS.delete_workflows([status.workflow_id for status in over])
        return len(over)


class _Listener(logging.Handler):
    """Passes on what DBOS logs. DBOS adds a handler for the terminal only if it finds none."""

    def __init__(self, log: LogLine) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log(record.getMessage())


def _listen(log: LogLine) -> None:
    logging.getLogger("dbos").handlers[:] = [_Listener(log)]


_registry: dict[JobKind, Handler] = {}


@DBOS.workflow(name=WORKFLOW, max_recovery_attempts=SAME_CRASHES)
def _do(kind: str, org: str, subject: str) -> None:
    """Run one job. Handlers must allow a job to run again after a crash."""
    job_kind = JobKind(kind)
    _registry[job_kind](Job(str(DBOS.workflow_id), job_kind, org, subject))


def _queue_again(executor: str) -> list[str]:
    """Queue the jobs of a dead worker, while its locked slot keeps other workers off."""
    status = DBOS.list_workflows(
        status=["PENDING"], executor_id=executor, load_input=False, load_output=False
    )
    for workflow in status:
        DBOS.resume_workflows([workflow.workflow_id], queue_name=_queue_of(workflow.workflow_id))
    return [workflow_status.workflow_id for workflow_status in status]


def enqueue_as_client(place: Path | str, job: Job) -> None:
    """Queue a job for the workers of this home, now or later; raises StoreError."""
    _prepare(place)
    try:
        client = DBOSClient(system_database_url=_url(place), serializer=JsonValues())
        try:
            client.enqueue(_options(job), job.kind.value, job.org, job.subject)
        finally:
            client.destroy()
    except ProgrammingError:
        return  # its tables do not exist yet: a worker creates them, and queues all waiting jobs
    except DBAPIError as error:
        raise database_away(str(error.orig)) from error


def _options(job: Job) -> EnqueueOptions:
    return {
        "workflow_name": WORKFLOW,
        "queue_name": QUEUES.get(job.kind, GENERAL),
        "workflow_id": job.id,
        "queue_partition_key": job.org or "vault",
        "app_version": VERSION,
        "application_name": APPLICATION,
    }


def _queue_of(job: str) -> str:
    """The queue of a job by its id, which begins with its kind."""
    kind = job.partition(":")[0]
    return QUEUES.get(JobKind(kind), GENERAL) if kind in set(JobKind) else GENERAL


def _queue(name: str, workers: int) -> None:
    DBOS.register_queue(
        name,
        partition_concurrency=1,
        worker_concurrency=workers,
        polling_interval_sec=POLL_SECONDS,
        on_conflict="always_update",
    )


def _config(place: Path | str, workers: int, executor: str) -> DBOSConfig:
    return {
        "name": APPLICATION,
        "system_database_url": _url(place),
        "application_version": VERSION,
        "executor_id": executor,
        "serializer": JsonValues(),
        "log_level": "WARNING",
        # Threads are created on demand, so a high limit costs nothing. A queue's limit belongs to
        # the home: a worker that started later may have raised it.
        "max_executor_threads": max(workers, SLOTS) + RESTORE_WORKERS + 2,
        "sys_db_pool_size": POOL,
        "scheduler_polling_interval_sec": 3600.0,
    }


def _url(place: Path | str) -> str:
    return f"sqlite:///{place}" if isinstance(place, Path) else place


def _prepare(place: Path | str) -> None:
    if isinstance(place, Path):
        _write_ahead(place)
    else:
        with unreachable():
            psycopg.connect(place).close()


def _write_ahead(file: Path) -> None:
    """Set WAL mode, so that readers and the writer do not wait; the file keeps it."""
    try:
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA journal_mode=WAL")
        file.chmod(0o600)
    except (sqlite3.DatabaseError, OSError) as error:
        raise StoreError(
            "queue-unreadable",
            "The file of queued jobs {file} cannot be used: {error}.",
            next_step="Move the file away. Its jobs are queued again, and nothing is lost.",
            file=file,
            error=error,
        ) from error
