"""Labels of tables and columns, for texts that people read."""

from collections.abc import Mapping

from unlost.model.source.schema import Schema, Table

MANY = 2  # a number of records, for lists of tables


class TableWords:
    """The labels of a schema's tables and columns; API names where there are none."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of all tables."""
        return {table.name: table.label or table.name for table in self._schema.tables}

    @property
    def plurals(self) -> Mapping[str, str]:
        """The labels of all tables for many records."""
        return {table.name: self.label(table.name, count=MANY) for table in self._schema.tables}

    def table(self, name: str) -> Table | None:
        """Return the table of this name, or None."""
        return self._schema.table(name)

    def label(self, name: str, *, count: int = 1) -> str:
        """Return the label of a table for so many records."""
        table = self._schema.table(name)
        if table is None:
            return name
        return (table.plural if count != 1 else "") or table.label or name

    def column(self, table: str, name: str) -> str:
        """Return the label of a column."""
        described = self._schema.table(table)
        column = described.column(name) if described is not None else None
        return (column.label if column is not None else "") or name

    def any_column(self, name: str) -> str:
        """Return the label of a column that many tables have."""
        columns = (table.column(name) for table in self._schema.tables)
        return next((column.label for column in columns if column and column.label), name)
