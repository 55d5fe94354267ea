"""Tables whose records are the versions of a file, and the records that name the current version."""

from dataclasses import dataclass

from unlost.model.source.schema import Column, Schema, Table


@dataclass(frozen=True, slots=True)
class VersionLink:
    """The path from a version by ``column`` to its ``keeper``, and by ``newest`` to the current."""

    column: str
    keeper: str
    newest: str


def version_link(schema: Schema, table: Table) -> VersionLink | None:
    """Return the path from the records of a table to their current version; None without one."""
    for column in table.columns:
        for keeper in column.reference.tables if column.reference else ():
            newest = column_to_files(schema, keeper, table.name)
            if newest is not None and keeper != table.name:
                return VersionLink(column.name, keeper, newest.name)
    return None


def column_to_files(schema: Schema, name: str, files: str) -> Column | None:
    """Return the column by which a table refers to its current record with bytes."""
    table = schema.table(name)
    columns = table.columns if table else ()
    return next(
        (column for column in columns if column.reference and files in column.reference.tables),
        None,
    )
