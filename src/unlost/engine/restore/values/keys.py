"""Find live records by their unique or natural keys, even if several share one."""

from collections.abc import Mapping, Sequence

from unlost.model.errors import Conflict
from unlost.model.ports.writer import PlanningAccess
from unlost.model.source.schema import Table
from unlost.model.source.writing import MatchKey

type Values = tuple[str, ...]


def find_apart(
    writer: PlanningAccess, table: Table, key: MatchKey, values: Sequence[Values]
) -> tuple[Mapping[Values, str], Sequence[Values]]:
    """The records that have these values, and the values that several records have."""
    try:
        return writer.find(table, key.columns, values), ()
    except Conflict:
        if len(values) == 1:
            return {}, values
    # The writer does not name the ambiguous value: halve the list until it is alone.
    half = len(values) // 2
    first, many = find_apart(writer, table, key, values[:half])
    second, more = find_apart(writer, table, key, values[half:])
    return {**first, **second}, (*many, *more)
