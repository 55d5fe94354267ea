"""Columns that people may set, as far as the source describes that. Pure."""

from unlost.model.source.schema import Column, ColumnTrait, Table, WireKind
from unlost.model.source.writing import NeverReason


def why_never_set(column: Column, table: Table) -> NeverReason | None:
    """Return the reason why no value can be put back into the column; None if it may be set.

    The rights of the write user are not known here: only a plan checks them.
    """
    if column.has(ColumnTrait.CALCULATED):
        return NeverReason.FORMULA
    if column.has(ColumnTrait.AUTO_NUMBER) and not column.has(ColumnTrait.UPDATABLE):
        return NeverReason.AUTO_NUMBER
    if column.kind is WireKind.ID or column.has(ColumnTrait.VOLATILE):
        return NeverReason.SYSTEM
    if is_set_by_itself(column.name, table):
        return NeverReason.SYSTEM
    if column.kind is WireKind.BINARY:
        return NeverReason.BY_PLATFORM
    described = any(other.has(ColumnTrait.UPDATABLE) for other in table.columns)
    is_fixed = described and not column.has(ColumnTrait.UPDATABLE)
    return NeverReason.READ_ONLY if is_fixed else None


def is_set_by_itself(name: str, table: Table) -> bool:
    """Return true for a column that the org sets automatically with every change."""
    column = table.column(name)
    if column is None:
        return False
    if name in {table.modified_column, table.modified_by_column}:
        return True
    written = column.has(ColumnTrait.CREATABLE) or column.has(ColumnTrait.UPDATABLE)
    return column.kind in {WireKind.INSTANT, WireKind.REFERENCE} and not written
