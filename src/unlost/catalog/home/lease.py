"""Leases: keep runs that exclude each other off one org.

The matrix in ``unlost.model.runs.exclusion`` says which locks a run takes. A lock decides, because it is released whenever its process ends, also by kill -9. The row in the
database only shows people the holder.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import LeaseRow
from unlost.model.errors import Conflict
from unlost.model.ports.system import Clock
from unlost.model.runs.exclusion import RunKind, RunLock, org_locks
from unlost.model.runs.locks import Locks


class SqlLease:
    """A lease by locks and rows (port ``Lease``)."""

    def __init__(self, locks: Locks, *, clock: Clock) -> None:
        self._locks = locks
        self._clock = clock

    @contextmanager
    def hold(self, org: str, *, kind: RunKind, run: str) -> Iterator[None]:
        """Hold the locks of this oid in the context; raises Conflict if another run has one."""
        with ExitStack() as taken:
            for lock in org_locks(kind):
                taken.enter_context(self._locked(org, lock, run))
            yield

    @contextmanager
    def _locked(self, org: str, lock: RunLock, run: str) -> Iterator[None]:
        held_lock = self._locks.take(f"{org}.{lock.value}")
        if held_lock is None:
            raise self._conflict(org, lock)
        try:
            self._write(org, lock, run)
            yield
        finally:
            held_lock.release()

    def _write(self, org: str, lock: RunLock, run: str) -> None:
        holder = {"run": run, "process": os.getpid(), "since": self._clock.now()}
        with returned_connection():
            LeaseRow.objects.update_or_create(oid=org, kind=lock.value, defaults=holder)

    def _conflict(self, org: str, lock: RunLock) -> Conflict:
        with returned_connection():
            row = LeaseRow.objects.filter(oid=org, kind=lock.value).first()
        return Conflict(
            "run-in-progress",
            "Another run of this org is active: {run}, since {since} UTC (process {process})."
            if row
            else "Another run of this org is active.",
            next_step="Wait until it ends, then try again. Nothing was lost.",
            kind=lock.value,
            run=row.run if row else "",
            since=f"{row.since:%Y-%m-%d %H:%M}" if row else "",
            process=row.process if row else "",
        )
