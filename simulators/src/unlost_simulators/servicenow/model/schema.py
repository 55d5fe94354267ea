"""The tables of an instance with their inheritance: a row of ``incident`` is a row of ``task``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from unlost_simulators.servicenow.model.columns import Column, TableDef, system_columns


@dataclass(slots=True)
class Schema:
    """All tables by name. Ancestors come before their descendants."""

    _tables: dict[str, TableDef] = field(default_factory=dict)
    _columns: dict[str, Mapping[str, Column]] = field(default_factory=dict)

    @classmethod
    def of(cls, tables: Iterable[TableDef]) -> Schema:
        """Make a schema; an ancestor must stand before its descendants."""
        schema = cls()
        for table in tables:
            schema.add(table)
        return schema

    def add(self, table: TableDef) -> None:
        """Add a table."""
        if table.extends and table.extends not in self._tables:
            raise ValueError(f"{table.name} extends {table.extends}, which does not exist")
        self._tables[table.name] = table
        self._columns.clear()

    def tables(self) -> list[TableDef]:
        """Give all tables, ancestors first."""
        return list(self._tables.values())

    def get(self, name: str) -> TableDef | None:
        """Give a table by its name, or None."""
        return self._tables.get(name)

    def __getitem__(self, name: str) -> TableDef:
        """Give a table that exists."""
        return self._tables[name]

    def lineage(self, name: str) -> list[str]:
        """Give a table and its ancestors, the root last."""
        names = [name]
        while parent := self._tables[names[-1]].extends:
            names.append(parent)
        return names

    def root(self, name: str) -> str:
        """Give the ancestor of all."""
        return self.lineage(name)[-1]

    def classes(self, name: str) -> list[str]:
        """Give a table and all its descendants."""
        return [each for each in self._tables if name in self.lineage(each)]

    def columns(self, name: str) -> Mapping[str, Column]:
        """Give the columns of a table, inherited ones first."""
        known = self._columns.get(name)
        if known is None:
            table = self._tables[name]
            inherited = (
                self.columns(table.extends)
                if table.extends
                else {column.name: column for column in system_columns(table)}
            )
            known = {**inherited, **{column.name: column for column in table.columns}}
            self._columns[name] = known
        return known

    def require_columns(self, name: str, columns: Iterable[str]) -> None:
        """Raise ValueError for a name that is no column of the table."""
        unknown = set(columns) - self.columns(name).keys()
        if unknown:
            raise ValueError(f"{name} has no column {', '.join(sorted(unknown))}")

    def display_column(self, name: str) -> str | None:
        """Give the column whose value stands for a row."""
        columns = self.columns(name)
        chosen = [column.name for column in columns.values() if column.display]
        if chosen:
            return chosen[-1]
        return next((each for each in ("name", "number") if each in columns), None)

    def put_column(self, name: str, column: Column) -> None:
        """Add a column to a table, or replace it."""
        table = self._tables[name]
        others = tuple(each for each in table.columns if each.name != column.name)
        self.replace(replace(table, columns=(*others, column)))

    def drop_column(self, name: str, column: str) -> None:
        """Take a column away from the table that defines it."""
        table = self._tables[name]
        columns = tuple(each for each in table.columns if each.name != column)
        self.replace(replace(table, columns=columns))

    def replace(self, table: TableDef) -> None:
        """Change a table in place."""
        self._tables[table.name] = table
        self._columns.clear()
