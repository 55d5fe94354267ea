"""The records that a person leaves out of an undo: checked, and named in notes."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from unlost.engine.restore.journal.effects import RunEffects
from unlost.engine.restore.planning.graph.related import NOTHING, LeftOut
from unlost.engine.restore.planning.notes.predict import WORDS, listed_names
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.errors import NotFound, UsageError
from unlost.model.plan import PlanNote, RecordKey

__all__ = ["NOTHING", "LeftOut", "all_left_out", "check_known", "left_out_notes"]


def check_known(known: RunEffects, left_out: LeftOut) -> None:
    """Raise NotFound (``undo-record-unknown``) for a record that the run did not write.

    A mistyped id would leave nothing out, and the undo would write the record.
    """
    unknown = sorted(str(key) for key in left_out.records - known.effects.keys())
    if unknown:
        raise NotFound(
            "undo-record-unknown",
            "The run {run} did not write {record}, so the undo cannot leave it out.",
            next_step="Use TABLE/ID, with the id that the record has in the org now.",
            run=known.run,
            record=unknown[0],
        )


def all_left_out() -> UsageError:
    """Return the error for an undo that leaves out every record."""
    return UsageError(
        "undo-all-left-out",
        "All records of the run are left out, so there is nothing to undo.",
        next_step="Leave out fewer records.",
    )


def left_out_notes(records: Iterable[RecordKey]) -> Iterator[PlanNote]:
    """Yield a note for each table of these records, with their ids."""
    by_table: dict[str, list[str]] = defaultdict(list)
    for key in records:
        by_table[key.table].append(key.record)
    words = WORDS[NoteCode.LEFT_OUT]
    for table, ids in sorted(by_table.items()):
        yield PlanNote.of(
            NoteCode.LEFT_OUT.value,
            words.weight,
            words.template,
            words.next_step,
            table,
            count=len(ids),
            named=listed_names(sorted(ids)),
        )
