"""Slots of workers: which of them lives is what the locks of a home say.

Two processes that live never share a slot, so that the name of a slot can stand for its worker.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from unlost.model.errors import Conflict
from unlost.model.locks import Held, Locks

ALONE, ALONE_LOCK = "local", "worker"
SLOTS = 64  # workers of one home


@dataclass(frozen=True, slots=True)
class Slot:
    """The slot of this process. ``executor`` is the worker's name in the job engine."""

    executor: str
    held: Held


def take_slot(locks: Locks, *, alone: bool) -> Slot:
    """A free slot; ``alone``: there is only one.

    Raises Conflict (``worker-running``, ``workers-full``).
    """
    for executor in _executors(alone=alone):
        held = locks.take(_lock(executor))
        if held is not None:
            return Slot(executor, held)
    if alone:
        raise Conflict(
            "worker-running",
            "Another process does the jobs of this home already.",
            next_step="Stop that one first, or leave it: it does all that is due.",
        )
    raise Conflict(
        "workers-full",
        f"{SLOTS} workers do the jobs of this home already.",
        next_step="Let each worker do more at a time: `unlost worker --workers`.",
    )


@contextmanager
def vacant(locks: Locks, executor: str) -> Iterator[bool]:
    """True if the worker of this name is no more; nobody takes its slot meanwhile."""
    held = locks.take(_lock(executor))
    try:
        yield held is not None
    finally:
        if held is not None:
            held.release()


def worker_runs(locks: Locks, *, alone: bool) -> bool:
    """True if a process does the jobs of the home whose locks these are."""
    for executor in _executors(alone=alone):
        with vacant(locks, executor) as free:
            if not free:
                return True
    return False


def _executors(*, alone: bool) -> list[str]:
    return [ALONE] if alone else [f"slot-{number}" for number in range(1, SLOTS + 1)]


def _lock(executor: str) -> str:
    return ALONE_LOCK if executor == ALONE else f"worker-{executor}"
