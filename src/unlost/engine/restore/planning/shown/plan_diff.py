"""The differences between two restore plans, record by record; no values of records. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from unlost.model.plan import Action, PlanStep, RecordKey, RestorePlan, SelectionKind

LISTED = 1_000  # records of a difference


class StepPart(StrEnum):
    """A part of a plan's step that can differ."""

    ACTION = "action"
    COLUMNS = "columns"  # other columns are set
    STATE = "state"  # the record comes back in another version
    TYPED = "typed"  # other values were typed, or other cells are emptied
    LIVE = "live"  # the live record, or its values, changed between the plans


@dataclass(frozen=True, slots=True)
class DiffSide:
    """A plan of a comparison. ``records``: its records, also those that it does not write.

    ``bypass``: a switch of the org that is on during its run; empty for none. ``archives``: what it
    deletes is archived.
    """

    plan: str
    digest: str
    made_at: datetime
    records: int
    bypass: str = ""
    archives: bool = False


@dataclass(frozen=True, slots=True)
class DiffCount:
    """The records of a table with an action, in the first and in the second plan."""

    table: str
    action: Action
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class StepDifference:
    """A record that is in one plan alone, or whose step differs.

    ``old`` and ``new``: its action in each plan, None if it is not there. ``columns``: those that
    only one plan sets. ``typed``: those for which other values were typed.
    """

    table: str
    record: str
    old: Action | None
    new: Action | None
    parts: tuple[StepPart, ...] = ()
    columns: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanDifference:
    """Two plans compared. ``counts`` that are equal are left out.

    ``records``: the first ``LISTED`` of ``total`` that differ, by table and id.
    """

    old: DiffSide
    new: DiffSide
    counts: tuple[DiffCount, ...]
    records: tuple[StepDifference, ...]
    total: int

    @property
    def is_same(self) -> bool:
        """True if both are one plan, by its hash."""
        return self.old.digest == self.new.digest


def plan_difference(old: RestorePlan, new: RestorePlan) -> PlanDifference:
    """Compare two plans for the same org."""
    records = sorted(_differences(old, new), key=lambda record: (record.table, record.record))
    return PlanDifference(
        _side(old), _side(new), tuple(_counts(old, new)), tuple(records[:LISTED]), len(records)
    )


def _side(plan: RestorePlan) -> DiffSide:
    bypass = str(plan.bypass or "")
    archives = plan.selection.kind is SelectionKind.ARCHIVE
    return DiffSide(plan.id, plan.digest, plan.made_at, len(plan.steps), bypass, archives)


def _counts(old: RestorePlan, new: RestorePlan) -> Iterator[DiffCount]:
    before, after = (
        Counter((step.table, step.action) for step in plan.steps) for plan in (old, new)
    )
    for table, action in sorted(before.keys() | after.keys()):
        pair = before[table, action], after[table, action]
        if pair[0] != pair[1]:
            yield DiffCount(table, action, *pair)


def _differences(old: RestorePlan, new: RestorePlan) -> Iterator[StepDifference]:
    before: dict[RecordKey, PlanStep] = {step.key: step for step in old.steps}
    for step in new.steps:
        earlier = before.pop(step.key, None)
        if earlier is None:
            yield StepDifference(step.table, step.record, None, step.action)
        elif parts := _parts(earlier, step):
            yield _difference(earlier, step, parts)
    for step in before.values():
        yield StepDifference(step.table, step.record, step.action, None)


def _parts(old: PlanStep, new: PlanStep) -> tuple[StepPart, ...]:
    differs = {
        StepPart.ACTION: old.action is not new.action,
        StepPart.COLUMNS: _columns(old) != _columns(new),
        StepPart.STATE: (old.version, old.digest) != (new.version, new.digest),
        StepPart.TYPED: old.edits != new.edits,
        StepPart.LIVE: (old.live, old.expect) != (new.live, new.expect),
    }
    return tuple(part for part, is_other in differs.items() if is_other)


def _difference(old: PlanStep, new: PlanStep, parts: tuple[StepPart, ...]) -> StepDifference:
    typed = {
        column
        for column in old.edits.keys() | new.edits.keys()
        if (column in old.edits, old.edits.get(column))
        != (column in new.edits, new.edits.get(column))
    }
    columns = _columns(old) ^ _columns(new)
    return StepDifference(
        new.table,
        new.record,
        old.action,
        new.action,
        parts,
        tuple(sorted(columns)),
        tuple(sorted(typed)),
    )


def _columns(step: PlanStep) -> frozenset[str]:
    return frozenset((*step.columns, *step.late))
