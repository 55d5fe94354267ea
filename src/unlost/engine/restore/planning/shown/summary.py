"""A plan for people: a tree of tables with actions on their records, and notes. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from unlost.engine.restore.values.edits import typed_columns
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.plan import (
    Action,
    ActionReason,
    EmptyReference,
    Estimate,
    Holder,
    LiveTwin,
    NoteWeight,
    PlanNote,
    PlanStep,
    RestorePlan,
    is_preview,
)

SHOWN = 50  # records of each list
NOT_WRITTEN = (Action.UNCHANGED, Action.SKIP)


@dataclass(frozen=True, slots=True)
class ActionCount:
    """The number of records with an action."""

    action: Action
    count: int


@dataclass(frozen=True, slots=True)
class Branch:
    """Records of one table that came into the plan through records of the branch above.

    Records of the same table that came through one another (a hierarchy) stand in one branch.
    """

    table: str
    why: ActionReason
    count: int
    actions: tuple[ActionCount, ...]
    below: tuple["Branch", ...] = ()


@dataclass(frozen=True, slots=True)
class TypedRecord:
    """A record that comes back with changed values in these columns."""

    table: str
    record: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """The effects of a plan. ``notes`` are sorted by weight. Records that a person left out do not count.

    ``changes`` records are written, ``blocked`` ones cannot be. ``minutes``: estimated time.
    ``typed`` records come back with values that people requested; ``edited`` are the first of them.
    ``holders`` are people named by its records that can be replaced. ``empty_count`` references
    stay empty, ``empty`` are the first of them. ``twins`` are the first records that are skipped
    because a live record took their unique value. ``bypass``: a switch of the org that is on during the
    run; empty for none.
    """

    plan: str
    org: str
    snapshot: int
    made_at: datetime
    records: int
    changes: int
    blocked: int
    actions: tuple[ActionCount, ...]
    tree: tuple[Branch, ...]
    notes: tuple[PlanNote, ...]
    estimate: Estimate
    minutes: float
    typed: int = 0
    edited: tuple[TypedRecord, ...] = ()
    holders: tuple[Holder, ...] = ()
    empty_count: int = 0
    empty: tuple[EmptyReference, ...] = ()
    twins: tuple[LiveTwin, ...] = ()
    bypass: str = ""

    @property
    def is_preview(self) -> bool:
        """True if the plan was made without a write user, and cannot run."""
        return is_preview(self.notes)

    @property
    def keeps_newer(self) -> bool:
        """True if records keep values from a later change."""
        return any(note.code == NoteCode.CHANGED_SINCE for note in self.notes)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of these records, as TABLE.COLUMN."""
        named = {
            f"{typed_record.table}.{column}"
            for typed_record in self.edited
            for column in typed_record.columns
        }
        return tuple(sorted(named))


def summary(plan: RestorePlan) -> PlanSummary:
    """The summary of a plan."""
    edited = list(typed_records(plan))
    steps = [step for step in plan.steps if not step.is_left_out]
    counts = Counter(step.action for step in steps)
    weights = list(reversed(NoteWeight))
    return PlanSummary(
        plan.id,
        plan.org,
        plan.snapshot,
        plan.made_at,
        len(steps),
        len(steps) - counts[Action.UNCHANGED] - counts[Action.SKIP],
        counts[Action.SKIP],
        _counted(counts),
        _tree(steps),
        tuple(sorted(plan.notes, key=lambda note: weights.index(note.weight))),
        plan.estimate,
        round(plan.estimate.seconds / 60, 1),
        len(edited),
        tuple(edited[:SHOWN]),
        plan.choices.holders,
        len(plan.empty),
        plan.empty[:SHOWN],
        plan.twins[:SHOWN],
        str(plan.bypass or ""),
    )


def typed_records(plan: RestorePlan) -> Iterator[TypedRecord]:
    """The records that come back with values that people requested."""
    if not plan.typed:
        return
    emptied = plan.typed.emptied
    for step in plan.steps:
        columns = typed_columns(step, emptied) if step.action is not Action.UNCHANGED else ()
        if columns:
            yield TypedRecord(step.table, step.record, columns)


@dataclass(slots=True)
class _Growing:
    """A branch in the making."""

    table: str
    why: ActionReason
    actions: Counter[Action] = field(default_factory=Counter)
    below: dict[tuple[str, ActionReason], "_Growing"] = field(default_factory=dict)
    path: tuple["_Growing", ...] = ()

    def branch(self, step: PlanStep) -> "_Growing":
        """The branch for a record that this one brought: here or above if its table is there."""
        for grown in (*self.path, self):
            if grown.table == step.table:
                return grown
        key = (step.table, step.why)
        if key not in self.below:
            self.below[key] = _Growing(step.table, step.why, path=(*self.path, self))
        return self.below[key]


def _tree(planned: Sequence[PlanStep]) -> tuple[Branch, ...]:
    roots: dict[str, _Growing] = {}
    steps = {str(step.key): step for step in planned}
    place: dict[str, _Growing] = {}
    for key in steps:
        for grown in _chain(key, steps, place):
            step = steps[grown]
            chosen = step.why is ActionReason.SELECTED
            above = place.get(step.because or "") if not chosen else None
            if above is None:
                place[grown] = roots.setdefault(step.table, _Growing(step.table, step.why))
            else:
                place[grown] = above.branch(step)
            place[grown].actions[step.action] += 1
    return tuple(_to_branch(roots[table]) for table in sorted(roots))


def _chain(key: str, steps: Mapping[str, PlanStep], placed: Mapping[str, _Growing]) -> list[str]:
    """A record and the records that brought it, up to a placed one; the first one first."""
    chain: dict[str, None] = {}
    at: str | None = key
    while at is not None and at in steps and at not in placed and at not in chain:
        chain[at] = None
        at = steps[at].because if steps[at].why is not ActionReason.SELECTED else None
    return list(reversed(chain))


def _to_branch(growing: _Growing) -> Branch:
    below = sorted(growing.below.items())
    return Branch(
        growing.table,
        growing.why,
        growing.actions.total(),
        _counted(growing.actions),
        tuple(_to_branch(grown) for _, grown in below),
    )


def _counted(counts: Counter[Action]) -> tuple[ActionCount, ...]:
    return tuple(ActionCount(action, counts[action]) for action in Action if counts[action])


def written_by_table(summary: PlanSummary) -> Mapping[str, int]:
    """Return how many records of each table a plan writes."""
    counts: Counter[str] = Counter()
    for branch in _branches(summary.tree):
        written = (
            action_count.count
            for action_count in branch.actions
            if action_count.action not in NOT_WRITTEN
        )
        counts[branch.table] += sum(written)
    return {table: count for table, count in sorted(counts.items()) if count}


def _branches(tree: Iterable[Branch]) -> Iterable[Branch]:
    for branch in tree:
        yield branch
        yield from _branches(branch.below)
