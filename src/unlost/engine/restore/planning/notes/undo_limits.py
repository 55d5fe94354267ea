"""Notes about the effects of a run that its undo does not take back. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from unlost.engine.restore.journal.effects import Effect, EffectKind
from unlost.model.plan import NoteWeight, PlanNote

UNDO_LIMITS = "undo-limits"
UNDO_LIMITS_PAGE = "docs/explanation/restore.md#what-an-undo-cannot-take-back"


def undo_limits(effects: Iterable[Effect]) -> Iterator[PlanNote]:
    """Yield a note for each effect that stays."""
    yield PlanNote.of(
        UNDO_LIMITS,
        NoteWeight.NOTE,
        "E-mails and messages that the org sent cannot be taken back. Other systems may see the undo as "
        "another change.",
    )
    yield PlanNote.of(
        UNDO_LIMITS,
        NoteWeight.NOTE,
        "Integrations and people may have copied values of the run. These copies stay.",
    )
    yield PlanNote.of(
        UNDO_LIMITS,
        NoteWeight.NOTE,
        "The history of the records, auto-numbers and dates of changes are not reset. The undo adds "
        "new entries and dates.",
    )
    yield PlanNote.of(
        UNDO_LIMITS,
        NoteWeight.NOTE,
        "Changes that automation of the org made to other records stay.",
    )
    yield PlanNote.of(
        UNDO_LIMITS,
        NoteWeight.NOTE,
        "Decisions of approvals, and articles that were published, stay as they are. Change them by hand.",
    )
    if any(effect.kind is EffectKind.BROUGHT for effect in effects):
        yield PlanNote.of(
            UNDO_LIMITS,
            NoteWeight.NOTE,
            "Child records that others added after the run stay, and so do their parent records.",
        )


def limits_of(notes: Iterable[PlanNote]) -> Sequence[PlanNote]:
    """Return the notes of a plan about effects that stay."""
    return tuple(note for note in notes if note.code == UNDO_LIMITS)
