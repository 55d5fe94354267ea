"""Notes of a plan that deletes, on its effects beyond the records that leave."""

from collections.abc import Iterator

from unlost.engine.restore.values.bin_notes import PUSHES, ROOM
from unlost.model.archive_effects import ArchiveEffects, BinRoom, SummaryChange
from unlost.model.message import Noun, counted
from unlost.model.plan import NoteWeight, PlanNote

LOSES_FILES, SUMMARY, NUMBER = "archive-loses-files", "archive-summary", "archive-number"
UNRETURNING = "archive-unreturning"


def effect_notes(effects: ArchiveEffects) -> Iterator[PlanNote]:
    """Notes on totals, numbers, files, the recycle bin, and records without a way back."""
    if effects.bin is not None:
        yield from _bin(effects.bin)
    for line in effects.unreturning:
        yield PlanNote.of(
            UNRETURNING,
            NoteWeight.WARNING,
            "{records} of {table} cannot be brought back, because the org does not let anyone write them. "
            "They stay in the vault.",
            table=line.table,
            count=line.records,
        )
    yield from map(_summary, effects.summaries)
    for losing in effects.files:
        yield PlanNote.of(
            LOSES_FILES,
            NoteWeight.NOTE,
            "{records} of {table} stay and lose {files}. You can still open the files on the pages of "
            "these records in Unlost.",
            table=losing.table,
            count=losing.records,
            files=counted(losing.files, Noun.FILE),
        )
    for number in effects.numbers:
        yield PlanNote.of(
            NUMBER,
            NoteWeight.NOTE,
            "If a record of {table} is created again, the org gives it a new {column}. You can still "
            "find it by the old one.",
            table=number.table,
            column=number.column,
        )


def _bin(room: BinRoom) -> Iterator[PlanNote]:
    if room.pushed_of_others:
        yield PlanNote.of(
            PUSHES,
            NoteWeight.WARNING,
            "This plan moves {entering:,} records into the recycle bin, which has room for {room:,}. "
            "The org then purges {pushed:,} records that people deleted, before their time in the "
            "recycle bin ends.",
            "To avoid this, plan fewer records at a time.",
            count=room.pushed_of_others,
            entering=room.entering,
            room=room.free,
            pushed=room.pushed_of_others,
        )
    elif room.entering:
        yield PlanNote.of(
            ROOM,
            NoteWeight.NOTE,
            "The recycle bin has room for {room:,} records, and this plan moves {entering:,} into it. "
            "If people delete other records first, the records that no longer fit stay in the org.",
            entering=room.entering,
            room=room.free,
        )


def _summary(change: SummaryChange) -> PlanNote:
    before = _amount(change.before)
    if change.after is None:
        return PlanNote.of(
            SUMMARY,
            NoteWeight.NOTE,
            "{table}.{column} may change on {records} outside this plan, if it is a roll-up of {leaving}. "
            "Its total is now {before}.",
            table=change.table,
            column=change.column,
            count=change.records,
            leaving=change.leaving,
            before=before,
        )
    return PlanNote.of(
        SUMMARY,
        NoteWeight.NOTE,
        "The total of {table}.{column} changes from {before} to {after}, on {records} outside this plan.",
        table=change.table,
        column=change.column,
        count=change.records,
        before=before,
        after=_amount(change.after),
    )


def _amount(number: float) -> str:
    return f"{number:,.2f}".removesuffix(".00")
