"""Leases: keep two runs of one kind off one org.

A lock decides, because it is released whenever its process ends, also by kill -9. The row in the
database only shows people the holder.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import LeaseRow
from unlost.model.errors import Conflict
from unlost.model.ports.system import Clock
from unlost.model.runs.locks import Locks
from unlost.model.vault.snapshot import CommitKind


class SqlLease:
    """A lease by lock and row (port ``Lease``)."""

    def __init__(self, locks: Locks, *, clock: Clock) -> None:
        self._locks = locks
        self._clock = clock

    @contextmanager
    def hold(self, org: str, *, kind: CommitKind, run: str) -> Iterator[None]:
        """Hold the lease of this oid in the context; raises Conflict if another run holds it."""
        lock = self._locks.take(f"{org}.{kind.value}")
        if lock is None:
            raise self._conflict(org, kind)
        try:
            self._write(org, kind, run)
            yield
        finally:
            lock.release()

    def _write(self, org: str, kind: CommitKind, run: str) -> None:
        holder = {"run": run, "process": os.getpid(), "since": self._clock.now()}
        with returned_connection():
            LeaseRow.objects.update_or_create(oid=org, kind=kind.value, defaults=holder)

    def _conflict(self, org: str, kind: CommitKind) -> Conflict:
        with returned_connection():
            row = LeaseRow.objects.filter(oid=org, kind=kind.value).first()
        return Conflict(
            "run-in-progress",
            "Another {kind} run of this org is active: {run}, since {since} UTC (process {process})."
            if row
            else "Another {kind} run of this org is active.",
            next_step="Wait until it ends, then try again. Nothing was lost.",
            kind=kind.value,
            run=row.run if row else "",
            since=f"{row.since:%Y-%m-%d %H:%M}" if row else "",
            process=row.process if row else "",
        )
