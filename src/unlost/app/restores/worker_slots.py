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
    name, held = taken
    try:
        yield name
    finally:
        held.release()


def is_taken(app: Application, seat: str) -> bool:
    """True while somebody sits there; a process that ends, however it ends, leaves its seat."""
    held = app.locks.take(seat)
    if held is None:
        return True
    held.release()
    return False


def _take(app: Application, kind: str, seats: int) -> tuple[str, HeldLock] | None:
    for number in range(1, seats + 1):
        name = f"{kind}-{number}"
        held = app.locks.take(name)
        if held is not None:
            return name, held
    return None
