"""The service: looks what is due once a minute, and does it. `unlost up` runs it."""

from collections.abc import Callable
from dataclasses import dataclass

from unlost.app.actions.night import do_night
from unlost.app.actions.tick import tick
from unlost.app.actions.verify import verify
from unlost.app.brake import Brake
from unlost.app.compose import Application
from unlost.catalog.checks import save_check
from unlost.jobs.durable import DurableJobs, Handler
from unlost.model.jobs import Job, JobKind
from unlost.model.night import CheckRecord
from unlost.model.snapshot import VerifyLevel

EVERY_SECONDS = 60.0
PATIENCE = 30  # seconds that runs have to stop when the service does

type Opener = Callable[[Brake], Application]


@dataclass(frozen=True, slots=True)
class Service:
    """One process that does all that is due in a home.

    ``opened`` opens the home anew: each job has an application of its own, as another process would.
    """

    opened: Opener
    brake: Brake
    every: float = EVERY_SECONDS
    workers: int = 4

    def run(self, *, ticks: int | None = None) -> None:
        """Serve until the brake is pulled, or for some ticks; raises Conflict (``worker-running``)."""
        with self.opened(self.brake) as app:
            jobs = DurableJobs(
                app.home.queue,
                self.handlers(),
                lock=app.home.locks / "worker",
                workers=self.workers,
            )
            jobs.start()
            try:
                self._serve(app, jobs, ticks)
            finally:
                self.brake.pull()
                jobs.stop(patience=PATIENCE)

    def handlers(self) -> dict[JobKind, Handler]:
        """What does a job of each kind."""
        return {JobKind.NIGHT: self._night, JobKind.VERIFY: self._verify}

    def _serve(self, app: Application, jobs: DurableJobs, ticks: int | None) -> None:
        done = 0
        while not self.brake.pulled and done != ticks:
            tick(app, jobs)
            done += 1
            self.brake.wait(self.every)

    def _night(self, job: Job) -> None:
        with self.opened(self.brake) as app:
            do_night(app, job.org, job.subject)

    def _verify(self, job: Job) -> None:
        with self.opened(self.brake) as app:
            found = verify(app, level=VerifyLevel(job.subject))
            damages = tuple(one.sentence for one in found.damages)
            save_check(
                CheckRecord(app.clock.now(), job.subject, found.objects, found.bytes, damages)
            )
