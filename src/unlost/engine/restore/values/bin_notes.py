"""The notes of a plan on the room in the recycle bin, which its run goes by."""

from collections.abc import Sequence

from unlost.model.plan import PlanNote

ROOM, PUSHES = "archive-bin-room", "archive-bin-pushes"


def planned_room(notes: Sequence[PlanNote]) -> int | None:
    """Return the records that a plan's run may move into the bin; None if it has no limit."""
    note = next((note for note in notes if note.code == ROOM), None)
    return int(str(note.args["room"])) if note is not None else None


def pushes_others(notes: Sequence[PlanNote]) -> bool:
    """Return True if a plan pushes records that people deleted out of the bin."""
    return any(note.code == PUSHES for note in notes)
