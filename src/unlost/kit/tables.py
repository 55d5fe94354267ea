"""Cascades and change logs of described tables. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from unlost.model.source.schema import DeleteRule, Table


def cascading(tables: Iterable[Table], parent: str) -> list[str]:
    """The tables whose rows go with a deleted record of ``parent``."""
    return sorted(
        table.name
        for table in tables
        if any(
            column.reference is not None
            and column.reference.rule is DeleteRule.CASCADE
            and parent in column.reference.tables
            for column in table.columns
        )
    )


def with_described_logs(tables: Sequence[Table]) -> tuple[Table, ...]:
    """The tables; a change log in a table that is not among them is left out."""
    names = {table.name for table in tables}
    return tuple(
        replace(table, change_log=None)
        if table.change_log is not None and table.change_log.table not in names
        else table
        for table in tables
    )
