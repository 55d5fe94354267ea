"""The order in which people read the notes of a plan: the worst consequence first. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from unlost.engine.restore.planning.notes.allowances import CALLS_SHORT, SHORT
from unlost.engine.restore.planning.notes.automation import BYPASS_IMPOSSIBLE, MANAGED, UNLISTED
from unlost.engine.restore.planning.notes.cleared import UNREADABLE
from unlost.engine.restore.planning.notes.undo_limits import UNDO_LIMITS
from unlost.engine.restore.values.note_code import TABLE_GONE, NoteCode
from unlost.model.plan import NO_WRITER, NoteWeight, PlanNote
from unlost.model.source.writing import NeverReason

APART = (NO_WRITER, UNDO_LIMITS)
FIRST = 3  # notes that are shown unfolded


class Consequence(IntEnum):
    """The consequence of a note for people, the worst first."""

    LOST = 0  # records do not come back
    EMPTY_REFERENCE = 1  # a record no longer leads to another one
    CONFLICT = 2  # live values are newer, or are overwritten
    REFUSAL = 3  # the org may refuse records, or the run waits for storage or calls
    VALUE = 4  # a value that people entered does not come back, or differs
    SIDE_EFFECT = 5  # the org does more than Unlost writes: flows, mails, new records
    DERIVED = 6  # values that only the org sets
    INFORMATION = 7  # good to know


BY_CODE = {
    TABLE_GONE: Consequence.LOST,
    "permission-missing": Consequence.LOST,
    NoteCode.PARENT_MISSING: Consequence.EMPTY_REFERENCE,
    NoteCode.NAMES_MISSING: Consequence.EMPTY_REFERENCE,
    "table-never": Consequence.EMPTY_REFERENCE,
    "table-configuration": Consequence.EMPTY_REFERENCE,
    NoteCode.LEFT_OUT_TARGET: Consequence.EMPTY_REFERENCE,
    NoteCode.LEFT_OUT_COMES: Consequence.CONFLICT,
    NoteCode.CHANGED_SINCE: Consequence.CONFLICT,
    NoteCode.ADOPTS_TWIN: Consequence.CONFLICT,
    NoteCode.MOVES_BACK: Consequence.CONFLICT,
    NoteCode.WAS_MERGED: Consequence.CONFLICT,
    NoteCode.VALUES_BACK: Consequence.CONFLICT,
    "side-effect": Consequence.SIDE_EFFECT,
    NoteCode.REOPENED: Consequence.SIDE_EFFECT,
    NoteCode.CLOSED: Consequence.REFUSAL,
    NoteCode.IN_APPROVAL: Consequence.REFUSAL,
    NoteCode.PUBLISHED: Consequence.REFUSAL,
    SHORT: Consequence.REFUSAL,
    CALLS_SHORT: Consequence.REFUSAL,
    UNREADABLE: Consequence.CONFLICT,
    BYPASS_IMPOSSIBLE: Consequence.REFUSAL,
    MANAGED: Consequence.SIDE_EFFECT,
    UNLISTED: Consequence.SIDE_EFFECT,
    f"column-{NeverReason.READ_ONLY}": Consequence.DERIVED,
}


@dataclass(frozen=True, slots=True)
class SortedNotes:
    """The notes of a plan, most severe first: those to show, and those to fold away."""

    first: tuple[PlanNote, ...] = ()
    rest: tuple[PlanNote, ...] = ()


NO_NOTES = SortedNotes()


def consequence(note: PlanNote) -> Consequence:
    """The severity of a note. A note that blocks records is one about records that stay lost."""
    if note.weight is NoteWeight.BLOCK:
        return Consequence.LOST
    if note.weight is NoteWeight.NOTE:
        return Consequence.INFORMATION
    return BY_CODE.get(note.code, Consequence.VALUE)


def ranked_notes(notes: Iterable[PlanNote]) -> tuple[PlanNote, ...]:
    """The notes by severity, then by the number of records."""
    return tuple(sorted(notes, key=_rank))


def sorted_notes(notes: Iterable[PlanNote]) -> SortedNotes:
    """The ranked notes; the first ones are about data that is lost, refused or changed.

    Without the note that the plan is a preview, and those about the limits of an undo: they stand
    apart.
    """
    ranked = ranked_notes(note for note in notes if note.code not in APART)
    first = [note for note in ranked if consequence(note) < Consequence.SIDE_EFFECT][:FIRST]
    return SortedNotes(tuple(first), ranked[len(first) :])


def _rank(note: PlanNote) -> tuple[Consequence, int, str, str]:
    return consequence(note), -note.count, note.code, note.table or ""
