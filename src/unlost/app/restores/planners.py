"""Slots for restores that are being planned, a few at a time in a home."""

from collections.abc import Iterator
from contextlib import contextmanager

from unlost.app.compose import Application
from unlost.app.restores.worker_slots import take_slot
from unlost.model.errors import Conflict

SLOTS = 4  # restores planned at the same time in a home


@contextmanager
def planner_slot(app: Application) -> Iterator[str]:
    """Take a free slot and yield its name; raises Conflict (``planners-busy``)."""
    with take_slot(app, "planner", slots=SLOTS) as name:
        if name is None:
            raise Conflict(
                "planners-busy",
                "{limit} restore plans are being created. This is the limit.",
                next_step="Wait a minute, then try again.",
                limit=SLOTS,
            )
        yield name
