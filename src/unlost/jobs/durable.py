"""Jobs on DBOS: queued in a database, done by this process, taken up again after a crash.

The engine keeps which jobs there are and which are under way; what a job has done so far is kept by
what it does. Jobs are pinned to ``VERSION``: it is changed by hand, with what can still go on.
"""

import fcntl
import json
import logging
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig, Serializer

from unlost.model.errors import Conflict, StoreError
from unlost.model.jobs import Job, JobKind

APPLICATION = "unlost"
VERSION = "1"
WORKFLOW = "job"
QUEUE = "org"
EXECUTOR = "local"
POLL_SECONDS = 0.5
SAME_CRASHES = 20  # a job that took its worker down so often is not begun again
BROKEN = ("ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
KEPT = timedelta(days=14)  # of finished jobs; what they did is in the tables of runs

type Handler = Callable[[Job], None]
type Complaint = Callable[[str], None]


class JsonValues(Serializer):
    """Values of jobs as JSON: the engine's own way would run code that lies in the database."""

    def serialize(self, data: Any) -> str:
        """As text."""
        return json.dumps(data, default=str)

    def deserialize(self, serialized_data: str) -> Any:
        """From text."""
        return json.loads(serialized_data)

    def name(self) -> str:
        """What the database calls this."""
        return "json"


@dataclass(frozen=True, slots=True)
class Doing:
    """A job that the engine holds: waiting, or under way."""

    id: str
    waiting: bool


class DurableJobs:
    """Jobs of one home (port ``Jobs``). Only one process at a time does the jobs of a home."""

    def __init__(
        self,
        file: Path,
        handlers: Mapping[JobKind, Handler],
        *,
        lock: Path,
        workers: int = 4,
        complain: Complaint = lambda _text: None,
    ) -> None:
        """``workers`` is how many jobs are done at a time. Nothing happens before ``start``.

        ``complain`` is told what the engine would print: warnings and errors of its own.
        """
        self._file = file
        self._lock_path = lock
        self._workers = workers
        self._complain = complain
        self._lock = -1
        _registry.clear()
        _registry.update(handlers)

    def start(self) -> None:
        """Begin to do jobs, those first that a crash left; raises Conflict (``worker-running``)."""
        self._lock = _only_one(self._lock_path)
        try:
            _write_ahead(self._file)
            _listen(self._complain)
            DBOS(config=_config(self._file, self._workers))
            DBOS.launch()
            DBOS.register_queue(
                QUEUE,
                partition_concurrency=1,
                worker_concurrency=self._workers,
                polling_interval_sec=POLL_SECONDS,
                on_conflict="always_update",
            )
        except BaseException:
            self.stop()
            raise

    def stop(self, *, patience: int = 0) -> None:
        """Let go; what is under way has ``patience`` seconds to end, and goes on later if not."""
        if self._lock >= 0:
            DBOS.destroy(workflow_completion_timeout_sec=patience)
            os.close(self._lock)
            self._lock = -1

    def enqueue(self, job: Job) -> None:
        """Have a job done in its turn."""
        DBOS.enqueue_workflow_with_options(
            {
                "workflow_name": WORKFLOW,
                "queue_name": QUEUE,
                "workflow_id": job.id,
                "queue_partition_key": job.org or "vault",
                "app_version": VERSION,
            },
            job.kind.value,
            job.org,
            job.subject,
        )

    def again(self, ids: Iterable[str]) -> None:
        """Forget those of these jobs that broke off: they can be asked for again."""
        asked = list(ids)
        broken = DBOS.list_workflows(
            workflow_ids=asked, status=list(BROKEN), load_input=False, load_output=False
        )
        if asked and broken:
            DBOS.delete_workflows([one.workflow_id for one in broken])

    def doing(self) -> list[Doing]:
        """Jobs that wait or are under way."""
        found = DBOS.list_workflows(
            status=["ENQUEUED", "PENDING"], load_input=False, load_output=False
        )
        return [Doing(one.workflow_id, one.status == "ENQUEUED") for one in found]

    def forget(self, *, before: str) -> int:
        """Drop jobs that ended before an instant (RFC 3339); how many."""
        over = DBOS.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"],
            completed_before=before,
            load_input=False,
            load_output=False,
        )
        if over:
            DBOS.delete_workflows([one.workflow_id for one in over])
        return len(over)


class _Listener(logging.Handler):
    """Hands on what the engine says; with a handler of ours it makes none for the terminal."""

    def __init__(self, complain: Complaint) -> None:
        super().__init__(logging.WARNING)
        self._tell = complain

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(record.getMessage())


def _listen(complain: Complaint) -> None:
    logging.getLogger("dbos").handlers[:] = [_Listener(complain)]


_registry: dict[JobKind, Handler] = {}


@DBOS.workflow(name=WORKFLOW, max_recovery_attempts=SAME_CRASHES)
def _do(kind: str, org: str, subject: str) -> None:
    """One job. Handlers answer for what they do being the same when it is done again."""
    told = JobKind(kind)
    _registry[told](Job(str(DBOS.workflow_id), told, org, subject))


def _config(file: Path, workers: int) -> DBOSConfig:
    return {
        "name": APPLICATION,
        "system_database_url": f"sqlite:///{file}",
        "application_version": VERSION,
        "executor_id": EXECUTOR,
        "serializer": JsonValues(),
        "log_level": "WARNING",
        "max_executor_threads": workers + 2,
        "scheduler_polling_interval_sec": 3600.0,
    }


def _write_ahead(file: Path) -> None:
    """Readers and the writer do not wait for each other; the setting stays with the file."""
    try:
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA journal_mode=WAL")
        file.chmod(0o600)
    except (sqlite3.DatabaseError, OSError) as error:
        raise StoreError(
            "queue-unreadable",
            f"The file of queued jobs {file} cannot be used: {error}.",
            next_step="Move the file away: what it held is queued again, nothing is lost.",
        ) from error


def worker_runs(lock: Path) -> bool:
    """True if a process does the jobs whose lock this is."""
    try:
        os.close(_only_one(lock))
    except Conflict:
        return True
    return False


def _only_one(path: Path) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Conflict(
            "worker-running",
            "Another process does the jobs of this home already.",
            next_step="Stop that one first, or leave it: it does all that is due.",
        ) from None
    return lock
