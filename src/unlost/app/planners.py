"""Who makes plans now: each sits on one of a few seats, whose lock tells that they are still at it."""

from collections.abc import Iterator
from contextlib import contextmanager

from unlost.app.compose import Application
from unlost.model.errors import Conflict
from unlost.model.locks import Held

SEATS = 4  # plans that are made at a time in a home


@contextmanager
def seated(app: Application) -> Iterator[str]:
    """The name of a free seat, ours inside; raises Conflict (``planners-busy``)."""
    name, held = _take(app)
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


def _take(app: Application) -> tuple[str, Held]:
    for number in range(1, SEATS + 1):
        name = f"planner-{number}"
        held = app.locks.take(name)
        if held is not None:
            return name, held
    raise Conflict(
        "planners-busy",
        f"{SEATS} restores are being planned now.",
        next_step="Wait a minute, then plan again.",
    )
