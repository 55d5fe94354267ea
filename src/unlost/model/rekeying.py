"""Rekeying: what is live of an org is sealed anew under its newest key, and the earlier ones go."""

from dataclasses import dataclass

PIECE_BYTES = 1 << 30  # that are sealed anew by one commit, unless a single object is larger


@dataclass(frozen=True, slots=True)
class UnderEarlier:
    """What is still sealed under earlier org keys than the newest.

    ``objects`` of ``bytes`` are segments and packs that backups are read from. ``complete``: nothing
    is, not even smaller things, and the earlier keys are gone.
    """

    objects: int = 0
    bytes: int = 0
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What was done, and what is left.

    ``snapshot`` is the newest commit that it made, None if none was due. ``objects`` of ``bytes`` were
    sealed anew. ``waiting`` objects that nothing needs any more are still under earlier keys: upkeep
    removes them some days after. ``held_by`` is a run that began before the new key, or "". ``damaged``
    names an object that does not open, or "": it and the earlier keys stay. ``more``: it stopped at its
    bound, and there is more to do.
    """

    snapshot: int | None = None
    objects: int = 0
    bytes: int = 0
    waiting: int = 0
    held_by: str = ""
    damaged: str = ""
    more: bool = False
    complete: bool = True

    def then(self, other: "Rekeyed") -> "Rekeyed":
        """Both, one after the other."""
        return Rekeyed(
            snapshot=self.snapshot if other.snapshot is None else other.snapshot,
            objects=self.objects + other.objects,
            bytes=self.bytes + other.bytes,
            waiting=other.waiting,
            held_by=other.held_by,
            damaged=other.damaged,
            more=other.more,
            complete=other.complete,
        )
