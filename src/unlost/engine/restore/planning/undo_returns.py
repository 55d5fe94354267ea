"""Bring back the records that an undo deleted: out of the bin, or created again."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from unlost.engine.restore.journal.effects import (
    Effect,
    EffectKind,
    RunEffects,
)
from unlost.engine.restore.planning.choose import created
from unlost.engine.restore.planning.survey import LiveRow, RestoreSurvey
from unlost.engine.restore.planning.undo_step import UndoStep, place_of
from unlost.engine.restore.values.cells import digest
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.named_records import possible_keys
from unlost.model.plan import (
    Action,
    RecordKey,
)
from unlost.model.source.schema import DeleteRule, Table
from unlost.model.source.writing import WriteCapability, WriteOp


def brought_back(effect: Effect, row: LiveRow | None, capability: WriteCapability) -> UndoStep:
    """Bring back what an undo deleted: out of the bin, or created again."""
    if row is not None and not row.deleted:
        return UndoStep(effect, Action.UNCHANGED)
    if row is None:
        marks = capability.by_product_when
        by_org = any(effect.before.get(column) == text for column, text in marks)
        return UndoStep(effect, Action.BY_PRODUCT if by_org else created(capability))
    late = [column.column for column in capability.late if column.column in effect.before]
    moved = tuple(name for name in late if effect.before[name] != row.cells.get(name))
    emptied = tuple(name for name in effect.before if row.cells.get(name, "") is None)
    return UndoStep(effect, Action.UNDELETE, late=moved, emptied=emptied)


def _say_how(
    step: UndoStep,
    survey: RestoreSurvey,
    masters: Collection[RecordKey],
    stays: Collection[RecordKey],
) -> None:
    """Details leave the bin with their masters; others need the right for it.

    ``stays``: records that cannot leave the bin with their masters.
    """
    capability = survey.capability(step.effect.table)
    with_master = step.action is Action.UNDELETE and bool(masters)
    if with_master and not {step.key, *masters} & {*stays}:
        step.remarks += (NoteCode.BY_CASCADE,)
        return
    if with_master:
        step.action, step.late = created(capability), ()
        step.remarks += (NoteCode.LEFT_IN_BIN,)
    if (step.action is Action.UNDELETE and not capability.allows(WriteOp.UNDELETE)) or (
        step.action.creates and not capability.allows(WriteOp.CREATE)
    ):
        step.skip(NoteCode.CREATE_NOT_ALLOWED)


def say_how_all(survey: RestoreSurvey, known: RunEffects, steps: Iterable[UndoStep]) -> None:
    """Decide how the records come back that an undo removed, masters first.

    A detail that was deleted before one of its masters cannot leave the bin (SOAP guide, undelete),
    and neither can its own details. A record stays deleted if a person left out its master. The org
    takes a detail out of the bin with its master, also if a person left the detail out.
    """
    removed = [step for step in steps if step.effect.kind is EffectKind.REMOVED]
    calls = delete_calls(known)
    stays: set[RecordKey] = set()
    absent: set[RecordKey] = set()
    for step in sorted(removed, key=place_of):
        masters = set(_masters(step.effect, survey.table(step.effect.table), known))
        call = calls.get(step.key, step.key)
        if any(calls.get(master, master) != call for master in masters):
            stays.add(step.key)
        if step.is_left_out or (masters & absent and step.action is not Action.UNCHANGED):
            _stay_away(step, comes=bool(masters) and not {step.key, *masters} & {*stays, *absent})
            if NoteCode.LEFT_OUT_COMES not in step.remarks:
                absent.add(step.key)
            continue
        _say_how(step, survey, masters, stays)
        if step.action.creates:
            stays.add(step.key)


def _stay_away(step: UndoStep, *, comes: bool) -> None:
    """Do not bring a record back: a person left out it or its master.

    ``comes``: it leaves the bin with its master all the same.
    """
    if not step.is_left_out:
        step.skip(NoteCode.LEFT_OUT_MASTER)
    elif step.binned and comes:
        step.remarks = (NoteCode.LEFT_OUT_COMES,)


def leave_targets(survey: RestoreSurvey, steps: Iterable[UndoStep]) -> None:
    """Do not let records refer to those that stay deleted because a person left some out.

    A created record that needs such a reference stays deleted too.
    """
    ordered = sorted(steps, key=place_of)
    absent = {step.key for step in ordered if _is_absent(step)}
    for step in ordered if absent else ():
        table = survey.table(step.effect.table)
        lost = {name for name in step.effect.before if _leads_to(step, table, name, absent)}
        if step.action is Action.UPDATE and lost & {*step.columns}:
            _set_fewer(step, table, lost)
        elif step.action.creates and lost & survey.capability(table.name).needs_value:
            step.skip(NoteCode.LEFT_OUT_MASTER)
            absent.add(step.key)
        elif step.action.creates and lost & survey.capability(table.name).settable:
            step.late = tuple(name for name in step.late if name not in lost)
            step.remarks += (NoteCode.LEFT_OUT_TARGET,)


def _is_absent(step: UndoStep) -> bool:
    reasons = {NoteCode.LEFT_OUT, NoteCode.LEFT_OUT_MASTER}
    return step.removed and not reasons.isdisjoint(step.remarks)


def _leads_to(step: UndoStep, table: Table, name: str, targets: Collection[RecordKey]) -> bool:
    column = table.column(name)
    keys = possible_keys(column, step.effect.before) if column is not None else ()
    return any(key in targets for key in keys)


def _set_fewer(step: UndoStep, table: Table, lost: Collection[str]) -> None:
    """Set the other columns only."""
    step.columns = tuple(name for name in step.columns if name not in lost)
    step.expect = digest(table, {name: step.checked[name] for name in step.columns})
    step.remarks += (NoteCode.LEFT_OUT_TARGET,)
    if not step.columns:
        step.action, step.expect = Action.UNCHANGED, None


def set_emptied(survey: RestoreSurvey, steps: Iterable[UndoStep]) -> None:
    """Set references of records of the bin whose targets come back too.

    The org emptied them when it deleted the target, and not each org sets them again.
    """
    back = {s.key for s in steps if s.action.creates or s.action is Action.UNDELETE}
    for step in steps:
        table = survey.table(step.effect.table)
        changeable = survey.capability(table.name).changeable
        names = [
            column.name
            for column in table.columns
            if column.name in changeable
            if column.name in step.emptied
            if not back.isdisjoint(possible_keys(column, step.effect.before))
        ]
        if step.action is Action.UNDELETE:
            step.columns = tuple(sorted(names))


def set_circular_late(survey: RestoreSurvey, steps: Iterable[UndoStep]) -> None:
    """Set references to records that are created later once these exist."""
    new = {step.key: step for step in steps if step.action.creates}
    for step in new.values():
        table = survey.table(step.effect.table)
        capability = survey.capability(table.name)
        optional = capability.changeable - capability.needs_value
        targets = (
            (column.name, new.get(key))
            for column in table.columns
            if column.name in optional
            for key in possible_keys(column, step.effect.before)
        )
        later = {name for name, target in targets if target and target.level >= step.level}
        step.late = tuple(sorted({*step.late, *later}))


def delete_calls(known: RunEffects) -> Mapping[RecordKey, RecordKey]:
    """For each record that a run deleted the one with which the org deleted it, or itself."""
    steps = {str(step.key): step for step in known.plan.steps if step.action is Action.DELETE}
    calls = {}
    for step in steps.values():
        root = step
        while root.because is not None and root.because in steps:
            root = steps[root.because]
        calls[step.key] = root.key
    return calls


def _masters(effect: Effect, table: Table, known: RunEffects) -> Iterator[RecordKey]:
    """The records with which the org deleted this one, and which come back too."""
    for column in table.columns:
        reference = column.reference
        if reference is not None and reference.rule is DeleteRule.CASCADE:
            for key in possible_keys(column, effect.before):
                master = known.effects.get(key)
                if master is not None and master.kind is EffectKind.REMOVED:
                    yield key
