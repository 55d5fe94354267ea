"""Leases: two runs of one kind are kept off one org.

A lock file decides, because the operating system gives it back whenever the process ends, also by
kill -9. The row in the database says to people who holds it. Good for one machine, which is what a
home on SQLite is.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unlost.catalog.connection import own_connection
from unlost.catalog.models import LeaseRow
from unlost.model.errors import Conflict
from unlost.model.ports import Clock
from unlost.model.snapshot import CommitKind


class SqlLease:
    """A lease by lock file and row (port ``Lease``); lock files lie in ``folder``."""

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    @contextmanager
    def hold(self, org: str, *, kind: CommitKind, run: str) -> Iterator[None]:
        """Hold the lease of this oid while the context is open; raises Conflict if it is held."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self._folder / f"{org}.{kind.value}", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._conflict(org, kind) from None
            self._write(org, kind, run)
            yield
        finally:
            os.close(file)

    def _write(self, org: str, kind: CommitKind, run: str) -> None:
        holder = {"run": run, "process": os.getpid(), "since": self._clock.now()}
        with own_connection():
            LeaseRow.objects.update_or_create(oid=org, kind=kind.value, defaults=holder)

    def _conflict(self, org: str, kind: CommitKind) -> Conflict:
        with own_connection():
            row = LeaseRow.objects.filter(oid=org, kind=kind.value).first()
        holder = (
            f" Run {row.run} has been at it since {row.since:%Y-%m-%d %H:%M} UTC"
            f" (process {row.process})."
            if row
            else ""
        )
        return Conflict(
            "run-in-progress",
            f"Another {kind.value} of this org is under way.{holder}",
            next_step="Wait until it has ended, then start again; nothing was lost.",
        )
