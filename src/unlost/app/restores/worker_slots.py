"""Who works beside a page now: each sits on one of a few seats, whose lock tells that they are still at it."""

from collections.abc import Iterator
from contextlib import contextmanager

from unlost.app.compose import Application
from unlost.model.locks import HeldLock


@contextmanager
def seat_of(app: Application, kind: str, *, seats: int) -> Iterator[str | None]:
    """The name of a free seat of a kind, ours inside; None where all of them are taken."""
    taken = _take(app, kind, seats)
    if taken is None:
        yield None
        return
    name, lock = taken
    try:
        yield name
    finally:
        lock.release()


def is_taken(app: Application, seat: str) -> bool:
    """True while somebody sits there; a process that ends, however it ends, leaves its seat."""
    lock = app.locks.take(seat)
    if lock is None:
        return True
    lock.release()
    return False


def _take(app: Application, kind: str, seats: int) -> tuple[str, HeldLock] | None:
    for number in range(1, seats + 1):
        name = f"{kind}-{number}"
        lock = app.locks.take(name)
        if lock is not None:
            return name, lock
    return None
