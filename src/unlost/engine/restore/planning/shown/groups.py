"""The records of a plan in groups that people know: a record, and all that comes with it. Pure.

    Account Sonnenschein ◀─ 7 contacts, 5 cases     one group, named after the account
    Account Lyon                                    a single record
    Account Gent                                    a single record: both are one group of the table

A record hangs on the record because of which it is in the plan. Records that are already correct,
or that a person left out, do not count.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from unlost.model.plan import Action, PlanStep, RecordKey, RestorePlan

SHARE = 0.5  # of the updated records
FEW = 3  # columns


@dataclass(frozen=True, slots=True)
class GroupTable:
    """The number of records of a table in a group."""

    table: str
    count: int


@dataclass(frozen=True, slots=True)
class PlanGroup:
    """Records of a plan that belong together: ``record`` of ``table``, and all that comes with it.

    Without ``record``, all single records of the table. ``tables`` counts the records, that of the
    group first. ``skipped`` of them cannot be written.
    """

    table: str
    record: str
    count: int
    tables: tuple[GroupTable, ...]
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class SharedColumn:
    """A column that a plan sets in ``count`` live records of a table."""

    table: str
    column: str
    count: int


def shared_columns(steps: Sequence[PlanStep]) -> tuple[SharedColumn, ...]:
    """The columns that a plan sets in most of the records that it updates, if they are few."""
    updated = [step for step in steps if step.action is Action.UPDATE]
    counts = Counter((step.table, column) for step in updated for column in step.columns)
    shared = [
        SharedColumn(table, column, count)
        for (table, column), count in counts.most_common()
        if count >= SHARE * len(updated)
    ]
    return tuple(shared) if len(shared) <= FEW else ()


def plan_groups(
    plan: RestorePlan, *, counted: Collection[RecordKey] | None = None
) -> tuple[PlanGroup, ...]:
    """The groups of a plan: named records by the size of their groups, then single records.

    ``counted``: only these records; None for all that are not already correct.
    """
    grouped = steps_by_group(plan, counted=counted)
    return tuple(sorted((_group(key, steps) for key, steps in grouped.items()), key=_rank))


def group_steps(plan: RestorePlan, table: str, record: str) -> Sequence[PlanStep]:
    """The steps of a group, its first record first; empty if the plan has no such group."""
    steps = steps_by_group(plan).get((table, record), [])
    return sorted(steps, key=lambda step: (step.record != record, step.table != table, step.table))


def steps_by_group(
    plan: RestorePlan, *, counted: Collection[RecordKey] | None = None
) -> Mapping[tuple[str, str], list[PlanStep]]:
    """The steps that count, by table and record of their group; see ``plan_groups``."""
    by_root: dict[str, list[PlanStep]] = defaultdict(list)
    roots = _roots({str(step.key): step for step in plan.steps})
    for step in plan.steps:
        if step.key in counted if counted is not None else _counts(step):
            by_root[roots[str(step.key)]].append(step)
    groups: dict[tuple[str, str], list[PlanStep]] = defaultdict(list)
    for root, steps in by_root.items():
        table, _, record = root.partition("/")
        single = len(steps) == 1 and str(steps[0].key) == root
        groups[table, "" if single else record] += steps
    return groups


def _counts(step: PlanStep) -> bool:
    """False for a record that is already correct, or that a person left out."""
    return step.action is not Action.UNCHANGED and not step.is_left_out


def _roots(steps: Mapping[str, PlanStep]) -> Mapping[str, str]:
    """The record at the end of each chain of reasons; of a circle, the record that is met first."""
    roots: dict[str, str] = {}
    for key in steps:
        chain: dict[str, None] = {}
        at = key
        while at not in roots and at not in chain:
            chain[at] = None
            because = steps[at].because
            at = because if because is not None and because in steps else at
        root = roots.get(at, at)
        roots |= dict.fromkeys(chain, root)
    return roots


def _group(key: tuple[str, str], steps: Sequence[PlanStep]) -> PlanGroup:
    table, record = key
    counts = Counter(step.table for step in steps)
    ranked = sorted(counts.items(), key=lambda item: (item[0] != table, -item[1], item[0]))
    skipped = sum(step.action is Action.SKIP for step in steps)
    return PlanGroup(
        table, record, len(steps), tuple(GroupTable(name, n) for name, n in ranked), skipped
    )


def _rank(group: PlanGroup) -> tuple[bool, int, str, str]:
    return not group.record, -group.count, group.table, group.record
