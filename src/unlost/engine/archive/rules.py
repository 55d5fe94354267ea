"""Rules of references: what happens to a record when the record that it refers to goes. Pure."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from unlost.engine.archive.conditions import columns_of, meets
from unlost.model.archive import ArchiveBranch, ArchivePolicy, BranchRule
from unlost.model.named_records import names_ids, read_columns
from unlost.model.source.schema import Column, ColumnTrait, DeleteRule, Schema, Table

TAKE, STOP, RESTRICT, LEAVE = range(4)
DEFAULTS = {DeleteRule.CASCADE: TAKE, DeleteRule.RESTRICT: RESTRICT}


@dataclass(frozen=True, slots=True)
class ReferenceRule:
    """The rule of a column that refers to others.

    ``rule``: an expression on the rows of the table, one of ``TAKE``, ``STOP``, ``RESTRICT`` and
    ``LEAVE``. ``may_take``: false if no row is taken. ``columns``: those that the expression and
    the reference need.
    """

    column: Column
    targets: tuple[str, ...]
    rule: pl.Expr
    may_take: bool
    columns: tuple[str, ...]


def reference_rules(
    policy: ArchivePolicy,
    schema: Schema,
    table: Table,
    *,
    now: datetime,
    by_org: Collection[str] = (),
) -> Iterator[ReferenceRule]:
    """The rules of all references of a table. ``by_org``: tables that only the org writes."""
    names = {table.name for table in schema.tables}
    for column in table.columns:
        volatile = column.has(ColumnTrait.VOLATILE)
        if column.reference is not None and names_ids(column) and not volatile:
            branches = [
                b for b in policy.branches if (b.table, b.column) == (table.name, column.name)
            ]
            targets = tuple(name for name in column.reference.tables if name in names)
            stops = policy.unreferenced and policy.table in targets and table.name not in by_org
            default = STOP if stops else _default(column)
            yield _rule(table, column, targets, branches, default=default, now=now)


def _rule(
    table: Table,
    column: Column,
    targets: tuple[str, ...],
    branches: Sequence[ArchiveBranch],
    *,
    default: int,
    now: datetime,
) -> ReferenceRule:
    rule = pl.lit(default, pl.UInt8)
    for branch in reversed(branches):
        applies = meets(table, branch.conditions, now=now)
        rule = (
            pl.when(applies)
            .then(pl.lit(_number(branch, _default(column)), pl.UInt8))
            .otherwise(rule)
        )
    tests = [test for branch in branches for test in branch.conditions]
    may_take = default == TAKE or any(branch.rule is BranchRule.TAKE for branch in branches)
    columns = (*read_columns(table, [column]), *columns_of(tests))
    return ReferenceRule(column, targets, rule, may_take, columns)


def _default(column: Column) -> int:
    """The rule of the org for a column that refers to others."""
    assert column.reference is not None
    return DEFAULTS.get(column.reference.rule, LEAVE)


def _number(branch: ArchiveBranch, default: int) -> int:
    """A record that is left behind still prevents a deletion that the org restricts."""
    if branch.rule is BranchRule.LEAVE:
        return RESTRICT if default == RESTRICT else LEAVE
    return TAKE if branch.rule is BranchRule.TAKE else STOP
