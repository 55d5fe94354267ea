"""Conditions of a policy as expressions on the rows of a table. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from unlost.engine.archive.versions import SIZES, check_alone, of_columns, of_sizes
from unlost.engine.storage.mails import instants
from unlost.model.archive import (
    LONGEST_NAME,
    ArchivePolicy,
    BranchRule,
    Comparison,
    Condition,
    wrong_name,
)
from unlost.model.archive_facts import ArchiveFacts
from unlost.model.archive_retention import LONGEST_DAYS, check_keep_days
from unlost.model.errors import UsageError
from unlost.model.source.schema import Column, DeleteRule, Schema, Table, WireKind
from unlost.model.source.shared_files import SharedFile

_TIMES = (WireKind.DATE, WireKind.INSTANT)
_NUMBERS = (WireKind.INTEGER, WireKind.DECIMAL)
_DAY = "%Y-%m-%d"
INSTANT = timedelta(microseconds=1)
SAME_TIME = timedelta(minutes=1)  # rules of the org may change a new record in the same transaction


def meets(table: Table, conditions: Sequence[Condition], *, now: datetime) -> pl.Expr:
    """True for rows that meet all conditions; true for each row without one. Never null.

    Raises UsageError (``archive-column``, ``archive-comparison``, ``archive-values``,
    ``archive-days-many``).
    """
    tests = [_meets(_column(table, test), test, now) for test in conditions]
    return pl.all_horizontal(pl.lit(value=True), *(test.fill_null(value=False) for test in tests))


def fitting_comparisons(column: Column) -> tuple[Comparison, ...]:
    """The comparisons that fit a column, in their order."""
    kinds = {
        Comparison.OLDER: _TIMES,
        Comparison.BETWEEN: _TIMES,
        Comparison.SAME: _TIMES,
        Comparison.LARGER: _NUMBERS,
        Comparison.STARTS: (WireKind.TEXT,),
    }
    every = tuple(kind for kind in WireKind if kind is not WireKind.BINARY)
    return tuple(each for each in Comparison if column.kind in kinds.get(each, every))


def columns_of(conditions: Sequence[Condition]) -> list[str]:
    """The columns that conditions need, each once."""
    return list(dict.fromkeys(name for test in conditions for name in test.columns))


def moments(column: str) -> pl.Expr:
    """The instants of a column's texts, which are times or days; null for other texts."""
    days = pl.col(column).str.to_datetime(_DAY, time_unit="us", strict=False)
    return pl.coalesce(instants(column), days.dt.replace_time_zone("UTC"))


def check_policy(policy: ArchivePolicy, schema: Schema, *, now: datetime) -> None:
    """Refuse a policy that names a missing table or column, or leaves records that the org deletes.

    Raises UsageError (``archive-table``, ``archive-column``, ``archive-comparison``,
    ``archive-values``, ``archive-reference``, ``archive-leaves``, ``archive-everything``,
    ``archive-keep-days``, ``archive-unchanged-days``, ``archive-days-many``, ``archive-old-versions``,
    ``archive-policy-unnamed``).
    """
    check_keep_days(policy.keep_days)
    _check_unchanged_days(policy)
    if len(policy.name) > LONGEST_NAME:
        raise wrong_name()
    if not policy.conditions and not policy.ids:
        raise UsageError(
            "archive-everything",
            "The policy {name} has no condition, so that it matches every record of {table}.",
            next_step="Add a condition, such as an age, or a list of ids.",
            name=policy.name,
            table=policy.table,
        )
    check_alone(policy)
    meets(_table(schema, policy.table), of_columns(policy), now=now)
    meets(SIZES, of_sizes(policy), now=now)
    for branch in policy.branches:
        table = _table(schema, branch.table)
        meets(table, branch.conditions, now=now)
        reference = _named(table, branch.column).reference
        if reference is None or reference.key_column is not None:
            raise UsageError(
                "archive-reference",
                "{table}.{column} does not refer to other records.",
                next_step="Choose a column that refers to records that go.",
                table=branch.table,
                column=branch.column,
            )
        if branch.rule is BranchRule.LEAVE and reference.rule is DeleteRule.CASCADE:
            raise UsageError(
                "archive-leaves",
                "The org deletes records of {table} together with the record in {column}.",
                next_step="Use `take` or `stop` for this branch.",
                table=branch.table,
                column=branch.column,
            )


def _check_unchanged_days(policy: ArchivePolicy) -> None:
    if not 0 <= policy.unchanged_days <= LONGEST_DAYS:
        raise UsageError(
            "archive-unchanged-days",
            "The days without a change (`unchanged_days`) must be from 0 to {longest:,}, not {days:,}.",
            next_step="Choose another number. With 0, it does not matter when a record was changed.",
            longest=LONGEST_DAYS,
            days=policy.unchanged_days,
        )


def check_protections(
    policy: ArchivePolicy, facts: ArchiveFacts, shared: Sequence[SharedFile] = ()
) -> None:
    """Refuse a policy that includes an unknown protection, or files although it selects others.

    Raises UsageError (``archive-include``).
    """
    known = {kind.name for kind in facts.protected}
    known |= {
        release.name for kind in shared if kind.table == policy.table for release in kind.releases
    }
    unknown = [name for name in policy.include if name not in known]
    if unknown:
        raise UsageError(
            "archive-include",
            "The org has no protected records of the kind {name}.",
            next_step="Remove it from `include`, or use one of: {known}.",
            name=unknown[0],
            known=", ".join(sorted(known)) or "none",
        )


def _table(schema: Schema, name: str) -> Table:
    table = schema.table(name)
    if table is None:
        raise UsageError(
            "archive-table",
            "The newest backup has no table {table}.",
            next_step="Check the name of the table in the policy.",
            table=name,
        )
    return table


def _column(table: Table, test: Condition) -> Column:
    column = _named(table, test.column)
    fits = test.comparison in fitting_comparisons(column)
    if test.comparison is Comparison.SAME:
        fits = all(_named(table, name).kind in _TIMES for name in test.columns)
    if not fits:
        raise UsageError(
            "archive-comparison",
            "{table}.{column} cannot be compared with {comparison}.",
            next_step="Use `older`, `between` and `same` for dates and times, `larger` for numbers, "
            "`starts` for texts, and "
            "`is`, `is-not`, `empty` and `filled` for all columns with a value.",
            table=table.name,
            column=test.column,
            comparison=test.comparison.value,
        )
    return column


def _named(table: Table, name: str) -> Column:
    column = table.column(name)
    if column is None:
        raise UsageError(
            "archive-column",
            "{table} has no column {column}.",
            next_step="Check the policy: perhaps the column was removed from the org.",
            table=table.name,
            column=name,
        )
    return column


def _meets(column: Column, test: Condition, now: datetime) -> pl.Expr:
    cell = pl.col(column.name)
    match test.comparison:
        case Comparison.OLDER:
            return moments(column.name) < now - timedelta(days=_at_least(test.days, test))
        case Comparison.BETWEEN:
            first, last = _days(test)
            # Times have microseconds. A day after the last one may be after the last of the calendar.
            return moments(column.name).is_between(first, last + (timedelta(days=1) - INSTANT))
        case Comparison.SAME:
            apart = moments(column.name) - moments(_values(test)[0])
            return apart.abs() <= SAME_TIME
        case Comparison.LARGER:
            return cell.cast(pl.Float64, strict=False) > _above_zero(test)
        case _:
            return _meets_text(cell, test)


def _meets_text(cell: pl.Expr, test: Condition) -> pl.Expr:
    match test.comparison:
        case Comparison.IS:
            return cell.is_in(_values(test))
        case Comparison.IS_NOT:
            return cell.is_in(_values(test)).not_().fill_null(value=True)
        case Comparison.EMPTY:
            return cell.is_null() | (cell == "")
        case Comparison.STARTS:
            return pl.any_horizontal(*(cell.str.starts_with(text) for text in _values(test)))
        case _:
            return cell.is_not_null() & (cell != "")


def _values(test: Condition) -> list[str]:
    if not test.values:
        raise _no_values(test)
    return list(test.values)


def _at_least(days: int, test: Condition) -> int:
    if days < 1:
        raise _no_values(test)
    if days > LONGEST_DAYS:
        raise UsageError(
            "archive-days-many",
            "The condition {comparison} on {column} has {days:,} days. At most {longest:,} are possible.",
            next_step="Choose a smaller number of days.",
            comparison=test.comparison.value,
            column=test.column,
            days=days,
            longest=LONGEST_DAYS,
        )
    return days


def _above_zero(test: Condition) -> float:
    """The number of a condition: 0 is one that a person left empty."""
    if not 0 < test.number < float("inf"):
        raise _no_values(test)
    return test.number


def _days(test: Condition) -> tuple[datetime, datetime]:
    """The first and the last day of a condition."""
    try:
        first, last = (datetime.strptime(text, _DAY).replace(tzinfo=UTC) for text in test.values)
    except ValueError:
        raise _no_values(test) from None
    return first, last


def _no_values(test: Condition) -> UsageError:
    return UsageError(
        "archive-values",
        "The condition {comparison} on {column} has nothing to compare with.",
        next_step="Name at least one value, at least one day, a number above 0, or two days such as "
        "2026-01-31.",
        comparison=test.comparison.value,
        column=test.column,
    )
