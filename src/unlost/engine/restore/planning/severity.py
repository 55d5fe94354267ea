"""The order in which people read the notes of a plan: the worst consequence first. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from unlost.engine.restore.values.note_code import TABLE_GONE, NoteCode
from unlost.model.plan import NO_WRITER, NoteWeight, PlanNote

FIRST = 3  # notes that are shown unfolded


class Severity(IntEnum):
    """The consequence of a note for people, the worst first."""

    LOST = 0  # records do not come back
    EMPTY_REFERENCE = 1  # a record no longer leads to another one
    CONFLICT = 2  # live values are newer, or are overwritten
    SIDE_EFFECT = 3  # the org does more than Unlost writes: flows, mails, new records
    LIMIT = 4  # storage or calls do not suffice, so the run waits
    VALUE = 5  # a value does not come back, or differs
    INFORMATION = 6  # good to know


BY_CODE = {
    TABLE_GONE: Severity.LOST,
    "permission-missing": Severity.LOST,
    NoteCode.PARENT_MISSING: Severity.EMPTY_REFERENCE,
    "table-never": Severity.EMPTY_REFERENCE,
    "table-configuration": Severity.EMPTY_REFERENCE,
    NoteCode.CHANGED_SINCE: Severity.CONFLICT,
    NoteCode.ADOPTS_TWIN: Severity.CONFLICT,
    NoteCode.MOVES_BACK: Severity.CONFLICT,
    NoteCode.WAS_MERGED: Severity.CONFLICT,
    "side-effect": Severity.SIDE_EFFECT,
    NoteCode.REOPENED: Severity.SIDE_EFFECT,
    NoteCode.CLOSED: Severity.SIDE_EFFECT,
    "quota-short": Severity.LIMIT,
}


@dataclass(frozen=True, slots=True)
class SortedNotes:
    """The notes of a plan, most severe first: those to show, and those to fold away."""

    first: tuple[PlanNote, ...]
    rest: tuple[PlanNote, ...]


def severity(note: PlanNote) -> Severity:
    """The severity of a note. A note that blocks records is one about records that stay lost."""
    if note.weight is NoteWeight.BLOCK:
        return Severity.LOST
    if note.weight is NoteWeight.NOTE:
        return Severity.INFORMATION
    return BY_CODE.get(note.code, Severity.VALUE)


def sorted_notes(notes: Iterable[PlanNote]) -> SortedNotes:
    """The notes by severity, then by the number of records; the first ones are no mere information.

    Without the note that the plan is a preview, which stands apart.
    """
    ranked = [note for note in notes if note.code != NO_WRITER]
    ranked.sort(key=lambda note: (severity(note), -note.count, note.code, note.table or ""))
    first = [note for note in ranked if severity(note) < Severity.INFORMATION][:FIRST]
    return SortedNotes(tuple(first), tuple(ranked[len(first) :]))
