"""Rekey: reseal the live objects of an org under its newest key, and remove the earlier keys."""

from dataclasses import dataclass

PIECE_BYTES = 1 << 30  # that are sealed anew by one commit, unless a single object is larger


@dataclass(frozen=True, slots=True)
class UnderEarlier:
    """Objects that are still sealed under an org key earlier than the newest.

    ``objects`` of ``bytes``: segments and packs that backups use. ``complete``: no object of any
    kind is, and the earlier keys are gone.
    """

    objects: int = 0
    bytes: int = 0
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """The result of a rekey, with the work that remains.

    ``snapshot``: its newest commit; None if none was necessary. ``objects`` of ``bytes`` were
    resealed. ``waiting``: unneeded objects still under earlier keys, which maintenance removes some
    days later. ``held_by``: a run that began before the new key, or "". ``damaged``: an object that
    does not open, or ""; it and the earlier keys stay. ``more``: it stopped at its limit, and there
    is more to do.
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
        """Combine with the result of the next step."""
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
