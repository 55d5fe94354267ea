"""The service: once a minute it enqueues what is due, and workers execute it. `unlost up` runs it.

    process ─┬─ main thread     tick, alerts; only in the process that holds the lock ``lead``
             ├─ worker threads  jobs of the queue: nights, hours, restores, archives, maintenance, …
             ├─ "post" thread   e-mails, heartbeats, digests
             └─ "bypass" thread bypasses that killed restores left on in the orgs

Each job opens the home anew, as another process would, so that jobs share no state in memory. A
failed tick is logged and repeated a minute later. With a PostgreSQL database several processes
share the queue; one of them leads, and another takes over when it ends. See docs/adr/0005 and
docs/adr/0014.
"""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from unlost.alerts.senders import sender
from unlost.app.actions.alerts.alerts import Senders, beat, deliver, send_digest, watch
from unlost.app.actions.archive.archive_night import do_archive
from unlost.app.actions.backups.hour import do_hour
from unlost.app.actions.backups.night import do_night
from unlost.app.actions.restores.queued_restore import do_restore
from unlost.app.actions.retention.forget import forget_if_due
from unlost.app.actions.runs.due_jobs import enqueue_due_jobs
from unlost.app.actions.vault.compact import compact_after_backup
from unlost.app.actions.vault.mirror import update_mirror_job
from unlost.app.actions.vault.repair import heal_vault, verify_mirror_part
from unlost.app.actions.vault.verify import verify
from unlost.app.alerts.alert_facts import Watcher
from unlost.app.alerts.watch_hits import update_watches
from unlost.app.archive.due_archives import enqueue_archives
from unlost.app.backups.summaries import lacks_summaries, update_summaries
from unlost.app.compose import Application
from unlost.app.home.cancellation import CancellationFlag
from unlost.app.records.changes.loss_inbox import is_behind, update_losses
from unlost.app.restores.open_bypasses import close_bypasses
from unlost.app.service.log import ServiceLog
from unlost.app.service.metrics import MetricsBoard, ServiceSample
from unlost.app.vault.home_copy import copy_if_due
from unlost.catalog.alerts import list_alerts
from unlost.catalog.orgs.orgs import serving_orgs
from unlost.catalog.runs.nights import find_night
from unlost.catalog.runs.open_bypasses import open_bypasses
from unlost.jobs.durable import LIFETIME, DurableJobs, Handler
from unlost.jobs.enqueuing import enqueue_from_outside
from unlost.jobs.slots import LEAD
from unlost.model.alert import Urgency
from unlost.model.errors import UnlostError, UsageError, database_away
from unlost.model.message import code_of
from unlost.model.runs.jobs import Job, JobKind
from unlost.model.runs.locks import HeldLock
from unlost.model.runs.night import NightState
from unlost.model.vault.snapshot import VerifyLevel, read_part

EVERY_SECONDS = 60.0
BEAT_SECONDS = 300.0
DIGEST_SECONDS = 300.0
LOSS_SECONDS = 600.0
BYPASS_SECONDS = 300.0
DRAIN_SECONDS = 0.5
STAND_BY_SECONDS = 3600.0  # how often a standby process logs that another one leads
PATIENCE = 30  # seconds for active runs to stop with the service


class ServicePart(StrEnum):
    """The role of a process in the service."""

    SERVICE = "service"  # enqueues due work and executes it
    WORKER = "worker"  # only executes work


type Opener = Callable[[CancellationFlag], Application]


@dataclass(slots=True)
class StepResult:
    """The result of one step of a tick. ``ok``: it raised no error."""

    ok: bool = False


@contextmanager
def _logging_errors(log: ServiceLog, event: str) -> Iterator[StepResult]:
    """Log errors of the body and continue: one failed tick must not end the service."""
    result = StepResult()
    try:
        yield result
    except UnlostError as error:
        log.event(event, code=error.code)
    except Exception as error:  # noqa: BLE001 (whatever it is, the next tick may succeed)
        log.event(event, code=type(error).__name__)
    else:
        result.ok = True


@dataclass(slots=True)
class Service:
    """A process that executes scheduled work of a home.

    ``opened`` opens the home: each job gets its own application, as in another process. ``board``
    receives a sample for metrics after each tick. ``part`` is the process's role; of several with
    the role of a service one leads, and another takes over when it ends.
    """

    opened: Opener
    cancel_flag: CancellationFlag
    every: float = EVERY_SECONDS
    workers: int = 4
    senders: Senders = sender
    board: MetricsBoard | None = None
    part: ServicePart = ServicePart.SERVICE
    _lead: HeldLock | None = None
    _watcher: Watcher = field(default_factory=Watcher)
    _done: dict[str, float] = field(default_factory=dict)  # the last time of each recurring task
    _posting: Future[None] | None = None
    _sender_thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "post")
    )
    _closing: Future[None] | None = None
    _bypass_thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "bypass")
    )

    def run(self, *, once: bool = False) -> None:
        """Serve until the cancel flag is set; ``once``: do the work that is due now, and end.

        Raises Conflict (``worker-running``, ``workers-full``), UsageError (``one-worker``),
        StoreError (``database-away``) if the database was lost meanwhile.
        """
        with self.opened(self.cancel_flag) as app:
            jobs = DurableJobs(
                app.home.queue,
                self.handlers(),
                locks=app.locks,
                workers=self.workers,
                log=lambda text: ServiceLog(sys.stderr, clock=app.clock).event("engine", says=text),
            )
            # A home in files has one worker: the service itself.
            if self.part is ServicePart.WORKER and not app.home.database:
                raise _alone()
            jobs.start()
            try:
                self._serve(app, jobs, once=once)
            finally:
                # Also after an error: threads of running jobs must not outlive the service.
                self.cancel_flag.set()
                jobs.stop(patience=PATIENCE)
                self._sender_thread.shutdown(wait=True)
                self._bypass_thread.shutdown(wait=True)
        if self.cancel_flag.lost:
            raise database_away("the session that held its locks has ended")

    def handlers(self) -> dict[JobKind, Handler]:
        """Return the handler for each kind of job."""
        return {
            JobKind.NIGHT: self._night,
            JobKind.RESTORE: self._restore,
            JobKind.ARCHIVE: self._archive,
            JobKind.HOURLY: self._hour,
            JobKind.MAINTENANCE: self._maintain,
            JobKind.VERIFY: self._verify,
            JobKind.MIRROR: self._mirror,
        }

    def _serve(self, app: Application, jobs: DurableJobs, *, once: bool) -> None:
        log = ServiceLog(sys.stderr, clock=app.clock)
        log.event(f"{self.part.value}-started", workers=self.workers)
        while not self.cancel_flag.is_set:
            if self._leads(app, log):
                succeeded = self._enqueue_due(app, jobs, log)
                self._enqueue_archives(app, jobs, log)
                self._close_bypasses(app, log, wait=once)
                self._evaluate_backups(app, log)
                if self._update_alerts(app, log) and succeeded:
                    self._publish_metrics(app, jobs, log)
            if once:
                self._drain(jobs)
                self._update_alerts(app, log, wait=True)
            if once:
                break
            self.cancel_flag.wait(self.every)
        log.event(f"{self.part.value}-stopped")

    def _leads(self, app: Application, log: ServiceLog) -> bool:
        """Return True if this process leads, which one process of a home does at a time."""
        if self.part is ServicePart.SERVICE and self._lead is None:
            with _logging_errors(log, "lead-failed"):
                self._lead = app.locks.take(LEAD)
                if self._lead is None and self._is_due("stand-by", STAND_BY_SECONDS, app):
                    log.event("stands-by")
        return self._lead is not None

    def _drain(self, jobs: DurableJobs) -> None:
        """Wait until no job is waiting or active."""
        while jobs.active_jobs() and not self.cancel_flag.wait(DRAIN_SECONDS):
            pass

    def _enqueue_due(self, app: Application, jobs: DurableJobs, log: ServiceLog) -> bool:
        """Run a tick; returns True if it succeeded. A failure is retried a minute later."""
        with _logging_errors(log, "tick-failed") as result:
            enqueued = enqueue_due_jobs(app, jobs)
            for oid, night in enqueued.begun:
                log.event("night-begun", org=oid, night=night)
            for oid in enqueued.failed:
                log.event("schedule-unreadable", org=oid)
            jobs.forget(before=(app.clock.now() - LIFETIME).isoformat())
            if copy_if_due(app):
                log.event("home-copied")
        return result.ok

    def _enqueue_archives(self, app: Application, jobs: DurableJobs, log: ServiceLog) -> None:
        """Enqueue the archives of saved policies; if this fails, backups go on all the same."""
        with _logging_errors(log, "archives-failed"):
            enqueue_archives(app, jobs)

    def _update_alerts(self, app: Application, log: ServiceLog, *, wait: bool = False) -> bool:
        """Update alerts and send messages; this must work even if the tick fails."""
        with _logging_errors(log, "watch-failed") as result:
            moves = watch(app, self._watcher)
            for key in moves.opened:
                log.event("alert-opened", rule=key.partition("/")[0])
            for key in moves.resolved:
                log.event("alert-resolved", rule=key.partition("/")[0])
            self._post(app, log, wait=wait)
        return result.ok

    def _evaluate_backups(self, app: Application, log: ServiceLog) -> None:
        """Evaluate backups that the catalog does not know: the home is new, or was cut off."""
        with _logging_errors(log, "losses-failed"):
            if self._is_due("losses", LOSS_SECONDS, app):
                for org in serving_orgs():
                    if is_behind(app, org):
                        update_losses(app, org)
                    if lacks_summaries(app, org):
                        update_summaries(app, org)
                    update_watches(app, org)

    def _close_bypasses(self, app: Application, log: ServiceLog, *, wait: bool) -> None:
        """Close open bypasses in a separate thread, so that a slow org delays no backup."""
        idle = self._closing is None or self._closing.done()
        if idle and self._is_due("bypasses", BYPASS_SECONDS, app):
            self._closing = self._bypass_thread.submit(self._switch_off, log)
        if wait and self._closing is not None:
            self._closing.result()

    def _switch_off(self, log: ServiceLog) -> None:
        """Switch off the bypasses that killed restores left on in the orgs."""
        with _logging_errors(log, "bypasses-failed"):
            orgs = [org for org in serving_orgs() if open_bypasses(org.oid)]
            for org in orgs:
                with self.opened(self.cancel_flag) as app:
                    close_bypasses(app, org)

    def _publish_metrics(self, app: Application, jobs: DurableJobs, log: ServiceLog) -> None:
        """Publish a sample for metrics after a successful tick."""
        with _logging_errors(log, "metrics-failed"):
            if self.board is not None:
                self.board.show(self._sample(app, jobs))

    def _sample(self, app: Application, jobs: DurableJobs) -> ServiceSample:
        active_jobs = jobs.active_jobs()
        waiting = sum(job.waiting for job in active_jobs)
        lasting = [
            alert.raised.urgency.value for alert in list_alerts() if alert.resolved_at is None
        ]
        return ServiceSample(
            app.clock.now(),
            self._watcher.seen,
            {urgency.value: lasting.count(urgency.value) for urgency in Urgency},
            waiting,
            len(active_jobs) - waiting,
        )

    def _post(self, app: Application, log: ServiceLog, *, wait: bool) -> None:
        """Send messages in a separate thread, so that a slow mail server delays no backup."""
        if wait or self._posting is None or self._posting.done():
            self._posting = self._sender_thread.submit(self._send, app, log)
        if wait:
            self._posting.result()

    def _send(self, app: Application, log: ServiceLog) -> None:
        with _logging_errors(log, "messages-failed"):
            deliver(app, senders=self.senders)
            self._beat(app, log)
            self._digest(app, log)

    def _beat(self, app: Application, log: ServiceLog) -> None:
        """Send heartbeats every few minutes."""
        if self._is_due("beat", BEAT_SECONDS, app):
            for _channel in beat(app, senders=self.senders):
                log.event("heartbeat-missed")

    def _digest(self, app: Application, log: ServiceLog) -> None:
        """Send digests that are due; a failed one is retried later."""
        if self._is_due("digest", DIGEST_SECONDS, app):
            for _channel in send_digest(app, self._watcher.seen, senders=self.senders):
                log.event("digest-missed")

    def _is_due(self, task: str, seconds: float, app: Application) -> bool:
        """Return True if a recurring task is due, and note the time."""
        now, last = app.clock.monotonic(), self._done.get(task)
        if last is not None and now - last < seconds:
            return False
        self._done[task] = now
        return True

    def _night(self, job: Job) -> None:
        with self.opened(self.cancel_flag) as app:
            log = ServiceLog(sys.stderr, clock=app.clock)
            night = do_night(app, job.org, job.subject)
            ended = find_night(job.org, job.subject) if night is not None else None
            if ended is not None:
                event = {"org": job.org, "night": ended.name, "run": ended.run}
                log.event(
                    "night-tried", **event, state=ended.state.value, code=code_of(ended.error)
                )
            if ended is not None and ended.state is NightState.DONE:
                name = f"{JobKind.MAINTENANCE.value}:{job.org}:{ended.name}"
                with _logging_errors(log, "upkeep-unasked"):  # the next night enqueues it again
                    enqueue_from_outside(
                        app.home.queue, Job(name, JobKind.MAINTENANCE, job.org, ended.name)
                    )

    def _maintain(self, job: Job) -> None:
        with self.opened(self.cancel_flag) as app:
            log = ServiceLog(sys.stderr, clock=app.clock)
            # Before compaction, which merges what forgetting rewrote.
            forgot = forget_if_due(app, job.org)
            if forgot is not None:
                event = {"nights": forgot.nights, "versions": forgot.versions}
                log.event("forgot", org=job.org, code=code_of(forgot.error), **event)
            maintenance_record = compact_after_backup(app, job.org)
            if maintenance_record is not None:
                sizes = {
                    "merged": maintenance_record.before,
                    "into": maintenance_record.after,
                    "removed": maintenance_record.removed,
                }
                log.event(
                    "kept-small", org=job.org, code=code_of(maintenance_record.error), **sizes
                )

    def _restore(self, job: Job) -> None:
        with self.opened(self.cancel_flag) as app:
            log = ServiceLog(sys.stderr, clock=app.clock)
            log.event("restore-begun", org=job.org, run=job.subject)
            state = do_restore(app, job.subject)
            if state is not None:
                log.event("restore-tried", org=job.org, run=job.subject, state=state.value)

    def _archive(self, job: Job) -> None:
        with self.opened(self.cancel_flag) as app:
            night = do_archive(app, int(job.subject))
            if night is not None:
                event = {"org": night.oid, "night": night.night, "run": night.run}
                ServiceLog(sys.stderr, clock=app.clock).event(
                    "archive-tried", **event, state=night.state.value, code=code_of(night.error)
                )

    def _hour(self, job: Job) -> None:
        with self.opened(self.cancel_flag) as app:
            hour = do_hour(app, job.org, job.subject)
            event = {"org": job.org, "hour": job.subject, "run": hour.run}
            log = ServiceLog(sys.stderr, clock=app.clock)
            log.event("hour-tried", **event, state=hour.ending.value, code=hour.code)

    def _verify(self, job: Job) -> None:
        with self.opened(self.cancel_flag) as app:
            level, _, part = job.subject.partition(" ")
            some = read_part(part) if part else None
            verify_result = verify(app, level=VerifyLevel(level), part=some)
            log = ServiceLog(sys.stderr, clock=app.clock)
            log.event("vault-verified", damages=len(verify_result.damages), part=part)
            healed = heal_vault(app, verify_result.damages) if verify_result.damages else None
            if healed is not None:
                log.event(
                    "vault-repaired", objects=len(healed.objects), left=len(healed.still_damaged)
                )
            mirror = verify_mirror_part(app, part=some) if some is not None else None
            if mirror is not None:
                event = {"damages": len(mirror.damages), "repaired": len(mirror.repaired)}
                log.event("mirror-verified", part=part, **event)

    def _mirror(self, job: Job) -> None:  # noqa: ARG002 (there is one)
        with self.opened(self.cancel_flag) as app:
            done = update_mirror_job(app)
            if done is not None:
                event = {"objects": done.objects, "bytes": done.bytes, "removed": done.removed}
                ServiceLog(sys.stderr, clock=app.clock).event(
                    "mirrored", code=code_of(done.error), **event
                )


def _alone() -> UsageError:
    return UsageError(
        "one-worker",
        "This home stores its data in files, which only one worker can use: the service.",
        next_step="Start the service with `unlost up`. To use several workers, move the home "
        "to a PostgreSQL database: `unlost init --database`, or `unlost vault rebuild "
        "--database`.",
    )
