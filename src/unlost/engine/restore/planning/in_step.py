"""Rows that the org keeps in step with another record: it replaces them when that record changes.

Salesforce keeps one direct relation of a contact and its account. When the account changes, it
replaces the relation by one with a new id:

  the plan gives the contact ...              its direct relation of the backup
  the account of the relation                 BY_PRODUCT: the run looks for it after the update
  another account, and the relation is live   is not in the plan: the org removes it

Such a row is marked as the org's own, and its key consists of references: to the record that it
follows, and to what that record names. See docs/adr/0050. Pure.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from unlost.engine.restore.planning.choose import DraftStep
from unlost.engine.restore.planning.facts import LiveStanding
from unlost.engine.restore.planning.references import ReferenceSettlement
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.plan import Action, ActionReason, RecordKey


def leave_to_org(settling: ReferenceSettlement) -> None:
    """Leave rows to the org that it replaces in this run; call it once the references are linked."""
    for step in list(settling.drafts.values()):
        for owner, others in _owners(settling, step):
            if others and others <= _targets(settling, owner):
                _follow(settling, step)
            elif step.stays and others & _left_targets(settling, owner):
                settling.drafts.pop(step.key, None)


def _owners(
    settling: ReferenceSettlement, step: DraftStep
) -> Iterator[tuple[DraftStep, AbstractSet[RecordKey]]]:
    """The live records that a row may follow and that change, each with what it must name."""
    skipped = step.action is Action.SKIP and step.twin is None
    if skipped or step.facts.beside or not step.facts.made_by_org:
        return
    for key, values in step.facts.keys:
        targets = [
            target
            for column, value in zip(key.columns, values, strict=True)
            if (target := _target(settling, step, column, value)) is not None
        ]
        for target in targets if len(targets) == len(values) else ():
            owner = settling.drafts.get(target)
            if owner is not None and owner.stays and owner.columns:
                yield owner, {_life(settling, other) for other in targets if other != target}


def _target(
    settling: ReferenceSettlement, step: DraftStep, column: str, value: str
) -> RecordKey | None:
    """The record that a column of a key names; None for a column that is no reference."""
    shape = settling.records.survey.shape(step.facts.snapshot, step.key.table)
    described = shape.column(column) if shape is not None else None
    if described is None or described.reference is None:
        return None
    return settling.records.target_of(step.facts, column, value)


def _targets(settling: ReferenceSettlement, owner: DraftStep) -> AbstractSet[RecordKey]:
    """The records that the changed references of a record will name."""
    records, facts = settling.records, owner.facts
    changed = owner.columns.keys() & facts.references.keys()
    targets = (target for column in changed for target in records.targets(facts, column))
    return {_life(settling, target) for target in targets}


def _left_targets(settling: ReferenceSettlement, owner: DraftStep) -> AbstractSet[RecordKey]:
    """The records that the changed references of a record name now."""
    records, facts = settling.records, owner.facts
    named = {column: facts.seen_references.get(column) for column in owner.columns}
    return {
        _life(settling, records.target_of(facts, column, value))
        for column, value in named.items()
        if value is not None
    }


def _life(settling: ReferenceSettlement, key: RecordKey) -> RecordKey:
    return settling.records.life(key)


def _follow(settling: ReferenceSettlement, step: DraftStep) -> None:
    """Let the run look for the row, and put its other values back.

    A related live row whose values people changed keeps them.
    """
    facts = step.facts
    related = facts.standing is LiveStanding.LIVE and step.why is not ActionReason.SELECTED
    step.action, step.twin, step.late = Action.BY_PRODUCT, None, ()
    step.edits.clear()
    step.lost_links.clear()
    step.remarks = {code: None for code in step.remarks if code is NoteCode.TYPED}
    step.remark(NoteCode.KEPT_IN_STEP)
    if facts.whole and not (related and facts.differs):
        settling.finish_product(step, settling.capabilities(step.key.table))
