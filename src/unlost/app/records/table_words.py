"""Labels of tables and columns, for texts that people read."""

from collections.abc import Mapping

from unlost.model.source.schema import Schema, Table

MANY = 2  # a number of records, for lists of tables


class TableWords:
    """The labels of a schema's tables and columns; API names where there are none."""

    def __init__(self, schema: Schema) -> None:
        self._tables = {table.name: table for table in schema.tables}

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of all tables."""
        return {name: table.label or name for name, table in self._tables.items()}

    @property
    def plurals(self) -> Mapping[str, str]:
        """The labels of all tables for many records."""
        return {name: self.label(name, count=MANY) for name in self._tables}

    def table(self, name: str) -> Table | None:
        """Return the table of this name, or None."""
        return self._tables.get(name)

    def label(self, name: str, *, count: int = 1) -> str:
        """Return the label of a table for so many records."""
        table = self._tables.get(name)
        if table is None:
            return name
        return (table.plural if count != 1 else "") or table.label or name

    def column(self, table: str, name: str) -> str:
        """Return the label of a column."""
        described = self._tables.get(table)
        column = described.column(name) if described is not None else None
        return (column.label if column is not None else "") or name

    def any_column(self, name: str) -> str:
        """Return the label of a column that many tables have."""
        columns = (table.column(name) for table in self._tables.values())
        return next((column.label for column in columns if column and column.label), name)
