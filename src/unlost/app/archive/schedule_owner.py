"""The actor of an archive schedule: its owner, with the rights that the owner has now."""

from dataclasses import replace
from datetime import datetime

from unlost.catalog.people.tokens import acting_for
from unlost.model.access import Actor, ActorKind, Right, machine
from unlost.model.saved_policy import SavedPolicy


def schedule_actor(saved: SavedPolicy, *, at: datetime) -> Actor | None:
    """Return the actor of a schedule; None if its owner may no longer restore in the org."""
    owner = acting_for(saved.owner, at=at) if saved.account else machine(saved.owner)
    if owner is None or not owner.may(Right.RESTORE, saved.oid):
        return None
    return replace(owner, kind=ActorKind.SCHEDULE)
