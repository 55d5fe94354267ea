"""Slots of workers. A worker is alive exactly as long as it holds the lock of its slot.

Two live processes never share a slot. A slot has many owners one after the other, and an owner that
lost its database session may still run for a moment, so a worker's name combines its slot and its
process. See docs/adr/0014.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from unlost.model.errors import Conflict
from unlost.model.runs.locks import HeldLock, Locks

ALONE, ALONE_LOCK = "local", "worker"
LEAD = "lead"  # the holder of this lock looks for due work: one process of a home
SLOTS = 64  # workers of one home


@dataclass(frozen=True, slots=True)
class ServiceSlot:
    """The slot of this process. ``executor`` is the worker's name in the job engine."""

    name: str
    executor: str
    lock: HeldLock


def take_slot(locks: Locks, *, alone: bool) -> ServiceSlot:
    """Take a free slot; with ``alone`` there is only one.

    Raises Conflict (``worker-running``, ``workers-full``).
    """
    for name in _slots(alone=alone):
        lock = locks.take(_lock(name))
        if lock is not None:
            slot_name = name if alone else f"{name}.{socket.gethostname()}-{os.getpid()}"
            return ServiceSlot(name, slot_name, lock)
    if alone:
        raise Conflict(
            "worker-running",
            "Another process already runs the jobs of this home.",
            next_step="Stop that process first, or let it run: it does all jobs that are due.",
        )
    raise Conflict(
        "workers-full",
        "{slots} workers already run the jobs of this home.",
        next_step="Let each worker run more jobs at a time: `unlost worker --workers NUMBER`",
        slots=SLOTS,
    )


@contextmanager
def orphaned(locks: Locks, executor: str, *, slot: ServiceSlot) -> Iterator[bool]:
    """True if the worker of this name is dead; its slot stays locked meanwhile."""
    name = executor.partition(".")[0]
    if name == slot.name:
        yield executor != slot.executor  # an earlier owner of the slot that this process has now
        return
    with vacant(locks, name) as free:
        yield free


@contextmanager
def vacant(locks: Locks, name: str) -> Iterator[bool]:
    """True if this slot is free; it stays locked meanwhile."""
    lock = locks.take(_lock(name))
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.release()


def worker_runs(locks: Locks, *, alone: bool) -> bool:
    """True if a process runs the jobs of the home that ``locks`` belong to."""
    for name in _slots(alone=alone):
        with vacant(locks, name) as free:
            if not free:
                return True
    return False


def _slots(*, alone: bool) -> list[str]:
    return [ALONE] if alone else [f"slot-{number}" for number in range(1, SLOTS + 1)]


def _lock(name: str) -> str:
    return ALONE_LOCK if name == ALONE else f"worker-{name}"
