"""Slots for work outside of a request: a lock for each shows that its process is alive."""

from collections.abc import Iterator
from contextlib import contextmanager

from unlost.app.compose import Application
from unlost.model.runs.locks import HeldLock


@contextmanager
def take_slot(app: Application, kind: str, *, slots: int) -> Iterator[str | None]:
    """Take a free slot of a kind and yield its name; None if all are taken."""
    taken = _take(app, kind, slots)
    if taken is None:
        yield None
        return
    name, lock = taken
    try:
        yield name
    finally:
        lock.release()


def is_taken(app: Application, slot: str) -> bool:
    """Return True while a process holds the slot; a process that dies releases it."""
    lock = app.locks.take(slot)
    if lock is None:
        return True
    lock.release()
    return False


def _take(app: Application, kind: str, slots: int) -> tuple[str, HeldLock] | None:
    for number in range(1, slots + 1):
        name = f"{kind}-{number}"
        lock = app.locks.take(name)
        if lock is not None:
            return name, lock
    return None
