"""Queue jobs from a process that is no worker, such as a command."""

from pathlib import Path

from unlost.model.runs.jobs import Job


def enqueue_from_outside(place: Path | str, job: Job) -> None:
    """Queue a job for the workers of this home, now or later; raises StoreError."""
    if isinstance(place, Path) and not place.exists():
        return  # no worker has run here yet; the first one queues all waiting jobs
    # To import DBOS takes half a second, which most commands need not wait.
    from unlost.jobs.durable import enqueue_as_client

    enqueue_as_client(place, job)
