"""Choose the action for each record: unchanged, update, undelete, adopt, create and others. Pure.

The first matching line decides:

  a live record with the same key took its place      ADOPT       (see ``twins``), or SKIP
  it is wanted as a new record beside the present one CREATE
  alive in the org                                    UNCHANGED   -> UPDATE if a column is set
  only chosen columns are wanted, and it is lost      SKIP
  in the bin, and the org can undelete it             UNDELETE    keeps its id
  a by-product, created by the org itself             BY_PRODUCT  (see ``by_products``)
  the table keeps ids                                 RECREATE    keeps its id, or SKIP
  otherwise                                           CREATE      new id, or SKIP if not allowed

Only chosen records, undeleted and adopted ones get their old column values back; a live record that
merely belongs to them keeps its values, apart from typed ones. References are settled later (see
``references``), since they depend on the actions of other records. See docs/adr/0010 and
docs/explanation/restore.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from unlost.engine.restore.planning.facts import LiveStanding, RecordFacts
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.plan import Action, ActionReason, RecordKey
from unlost.model.source.writing import Birth, Identity, WriteCapability, WriteOp


@dataclass(slots=True)
class DraftStep:
    """A step in the making. ``columns`` are set on a live record, in the order of their discovery.

    ``lost_links`` are references that stay empty, by column. ``unadopted``: the facts without the
    live twin, if the record has one; ``twin`` is its id if it is left alone. ``unclear``: columns
    that changed at the time of a merge, and are not put back.
    """

    facts: RecordFacts
    why: ActionReason
    because: RecordKey | None
    action: Action
    adopted: bool = False
    columns: dict[str, None] = field(default_factory=dict)
    edits: dict[str, str | None] = field(default_factory=dict)
    late: tuple[str, ...] = ()
    level: int = 0
    remarks: dict[NoteCode, None] = field(default_factory=dict)
    lost_links: dict[str, None] = field(default_factory=dict)
    unadopted: RecordFacts | None = None
    twin: str | None = None
    unclear: tuple[str, ...] = ()

    @property
    def key(self) -> RecordKey:
        """The record."""
        return self.facts.key

    @property
    def stays(self) -> bool:
        """True if it is a live record, or will be one under its known id."""
        if self.action is Action.SKIP:
            return self.facts.standing is LiveStanding.LIVE
        return not self.comes_anew

    @property
    def known_id(self) -> str | None:
        """The id of a record that ``stays``; None if it has the one that refers to it."""
        return self.key.record if self.action is Action.RECREATE else self.facts.live

    @property
    def comes_anew(self) -> bool:
        """True if it gets an id that is not known yet."""
        return self.action in (Action.CREATE, Action.BY_PRODUCT)

    @property
    def is_new(self) -> bool:
        """True if the run or the org creates it, with a new id or the former one."""
        return self.comes_anew or self.action is Action.RECREATE

    def skip(self, remark: NoteCode) -> None:
        """Write nothing of it, with a note."""
        self.action = Action.SKIP
        self.columns.clear()
        self.edits.clear()
        self.remarks[remark] = None

    def leave_twin(self) -> None:
        """Leave the live twin alone, and skip the record: to the plan it is lost."""
        assert self.unadopted is not None
        self.twin, self.facts, self.adopted = self.facts.live, self.unadopted, False
        self.remarks.clear()
        self.skip(NoteCode.NEWER_TWIN)

    def remark(self, remark: NoteCode) -> None:
        """Add a note."""
        self.remarks[remark] = None


def draft(
    facts: RecordFacts,
    capability: WriteCapability,
    *,
    why: ActionReason,
    because: RecordKey | None,
    unadopted: RecordFacts | None = None,
) -> DraftStep:
    """The step for a record. ``unadopted``: its own facts, if ``facts`` are of a live twin."""
    adopted = unadopted is not None
    action = _action(facts, capability, adopted=adopted)
    step = DraftStep(facts, why, because, action, adopted, unadopted=unadopted)
    if step.action.creates:
        create(step, capability)
    elif step.action is Action.SKIP:
        step.remark(NoteCode.LOST_SINCE)
    elif step.action in (Action.UNDELETE, Action.ADOPT) or why is ActionReason.SELECTED:
        set_differing(step, capability, facts.differs)
        if facts.fixed:
            step.remark(NoteCode.COLUMN_FIXED)
    elif step.action is Action.UNCHANGED:
        set_differing(step, capability, [n for n in facts.differs if n in facts.edits])
        if facts.edits.keys() & set(facts.fixed):
            step.remark(NoteCode.COLUMN_FIXED)
    if adopted:
        step.remark(NoteCode.ADOPTS_TWIN)
    return step


def create(step: DraftStep, capability: WriteCapability) -> None:
    """Let the record be created, if possible: with its former id if the table keeps ids."""
    step.action = created(capability, beside=step.facts.beside)
    step.columns.clear()
    if not capability.allows(WriteOp.CREATE):
        step.skip(NoteCode.CREATE_NOT_ALLOWED)
    elif step.facts.lacking:
        step.skip(NoteCode.VALUE_MISSING)
    elif step.facts.beside:
        step.remark(NoteCode.BESIDE)


def created(capability: WriteCapability, *, beside: bool = False) -> Action:
    """The action that creates a record; ``beside``: the present one has its id."""
    return Action.RECREATE if capability.keeps_id and not beside else Action.CREATE


def _action(facts: RecordFacts, capability: WriteCapability, *, adopted: bool) -> Action:
    if adopted:
        return Action.ADOPT
    if facts.beside:
        return Action.CREATE
    if facts.standing is LiveStanding.LIVE:
        return Action.UNCHANGED
    if not facts.whole:
        return Action.SKIP
    undeletable = capability.identity is Identity.UNDELETE and capability.allows(WriteOp.UNDELETE)
    if facts.standing is LiveStanding.BIN and undeletable:
        return Action.UNDELETE
    if facts.made_by_org or capability.birth is Birth.BY_PRODUCT:
        return Action.BY_PRODUCT
    return created(capability)


def set_differing(step: DraftStep, capability: WriteCapability, names: Sequence[str]) -> None:
    """Set columns that differ in the org, as far as possible."""
    facts = step.facts
    for name in names:
        if name in facts.newer:
            step.remark(NoteCode.CHANGED_SINCE)
        elif name in facts.lacking:
            step.remark(NoteCode.VALUE_NEEDED)
        else:
            set_column(step, name, capability)


def set_column(step: DraftStep, name: str, capability: WriteCapability) -> None:
    """Set a column of a live record, or note that it cannot be set."""
    if capability.allows(WriteOp.UPDATE):
        step.columns[name] = None
        if step.action is Action.UNCHANGED:
            step.action = Action.UPDATE
    elif step.action is Action.UNCHANGED:
        step.skip(NoteCode.UPDATE_NOT_ALLOWED)
    else:
        step.remark(NoteCode.UPDATE_NOT_ALLOWED)


type Drafts = Mapping[RecordKey, DraftStep]
