"""The draft of a step of an undo."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from unlost.engine.restore.journal.effects import (
    Effect,
    EffectKind,
)
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.plan import (
    LEAVES_OUT,
    Action,
    RecordKey,
)


@dataclass(slots=True)
class UndoStep:
    """The draft of a step. ``expect``: hash of what the run refuses to overwrite. ``checked``: of a
    deleted record, the values of which it is.

    ``master``: the deleted record with which the org deletes this one. Of two records that are
    deleted, the one that refers to the other has the higher ``level``. ``late`` columns go back to
    their initial value before a delete, or to their former one after an undelete. ``alone``: its
    master cannot be deleted with it. ``bound``: the org deletes it with its master only.
    ``circular``: references to records that are deleted first, with which the org empties them.
    ``emptied``: references that the record in the bin has lost in this way. ``binned``: of a record
    that is left out, it could leave the bin.
    """

    effect: Effect
    action: Action
    columns: tuple[str, ...] = ()
    expect: str | None = None
    checked: Mapping[str, str | None] = field(default_factory=dict)
    master: RecordKey | None = None
    late: tuple[str, ...] = ()
    alone: bool = False
    bound: bool = False
    circular: frozenset[str] = frozenset()
    emptied: tuple[str, ...] = ()
    binned: bool = False
    level: int = 0
    remarks: tuple[NoteCode, ...] = ()

    @property
    def key(self) -> RecordKey:
        """The live record."""
        return RecordKey(self.effect.table, self.effect.live)

    @property
    def is_left_out(self) -> bool:
        """True if a person left it out."""
        return not LEAVES_OUT.isdisjoint(self.remarks)

    @property
    def removed(self) -> bool:
        """True if the run deleted the record."""
        return self.effect.kind is EffectKind.REMOVED

    def leave_out(self) -> None:
        """Write nothing of it, as a person wants it."""
        self.binned = self.action is Action.UNDELETE
        self.remarks = ()
        self.skip(NoteCode.LEFT_OUT)

    def skip(self, remark: NoteCode) -> None:
        """Write nothing of it, with a note."""
        self.action, self.columns, self.expect, self.master = Action.SKIP, (), None, None
        self.late = ()
        self.remarks += (remark,)


def place_of(step: UndoStep) -> tuple[int, str, str]:
    """The place of a step in the order of the plan."""
    return step.level, step.effect.table, step.effect.live
