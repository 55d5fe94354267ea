"""The rows of an instance. A hierarchy of classes is one SQL table with the columns of all of them.

A row is read and written through any class of its lineage; it has the columns of that class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from unlost_simulators.kit.sqlite import Cells, Database, Row, Where, quoted
from unlost_simulators.servicenow.model.columns import CLASS, ID, NO_UPDATE, Column, TableDef
from unlost_simulators.servicenow.model.schema import Schema
from unlost_simulators.servicenow.store.cells import cell_texts

CONTENTS = "_contents"
"""Bytes of attachments: a recipe, or the bytes of an upload."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of rows: its order in SQL, its limit (-1 for none) and its offset."""

    order: str = "sys_id"
    limit: int = -1
    offset: int = 0


class Store:
    """The rows of all tables of a schema."""

    def __init__(self, schema: Schema, path: Path | None = None) -> None:
        self.schema = schema
        self.database = Database(path)
        for table in schema.tables():
            self.fit(table)
        self.database.run(
            f"CREATE TABLE IF NOT EXISTS {CONTENTS} (sys_id TEXT PRIMARY KEY, recipe TEXT, bytes BLOB)"
        )

    def fit(self, table: TableDef) -> None:
        """Make room for the columns of a table that are new."""
        root = self.schema.root(table.name)
        columns = self.schema.columns(table.name)
        present = self.database.names(root)
        if not present:
            cells = ", ".join(_definition(column) for column in columns.values())
            self.database.run(f"CREATE TABLE {quoted(root)} ({cells})")
            stamp = "sys_created_on" if table.has(NO_UPDATE) else "sys_updated_on"
            self._index(root, stamp)
        for column in columns.values():
            self.add_column(root, column)

    def add_column(self, table: str, column: Column) -> None:
        """Make room for a column, if it is new."""
        root = self.schema.root(table)
        if column.name not in self.database.names(root):
            self.database.run(f"ALTER TABLE {quoted(root)} ADD COLUMN {_definition(column)}")
        if column.indexed:
            self._index(root, column.name)

    def _index(self, root: str, column: str) -> None:
        name = quoted(f"{root}.{column}")
        self.database.run(f"CREATE INDEX IF NOT EXISTS {name} ON {quoted(root)} ({quoted(column)})")

    def is_empty(self) -> bool:
        """Return true if no table has a row."""
        roots = {self.schema.root(table.name) for table in self.schema.tables()}
        return all(
            self.database.value(f"SELECT 1 FROM {quoted(root)} LIMIT 1") is None for root in roots
        )

    def of_class(self, table: str) -> Where:
        """Give the condition that rows of a hierarchy belong to a table."""
        if not self.schema[table].extends:
            return Where()
        classes = self.schema.classes(table)
        marks = ", ".join("?" * len(classes))
        return Where(f"{CLASS} IN ({marks})", tuple(classes))

    def select(self, table: str, where: Where, part: Slice | None = None) -> list[Row]:
        """Give rows with all columns of the table."""
        part = part or Slice()
        wanted = where.also(self.of_class(table))
        names = ", ".join(map(quoted, self.schema.columns(table)))
        return self.database.rows(
            f"SELECT {names} FROM {quoted(self.schema.root(table))} WHERE {wanted.sql} "
            f"ORDER BY {part.order} LIMIT {part.limit} OFFSET {part.offset}",
            wanted.parameters,
        )

    def count(self, table: str, where: Where | None = None) -> int:
        """Give the number of rows."""
        wanted = (where or Where()).also(self.of_class(table))
        number = self.database.value(
            f"SELECT count(*) FROM {quoted(self.schema.root(table))} WHERE {wanted.sql}",
            wanted.parameters,
        )
        return int(str(number))

    def aggregate(
        self, table: str, where: Where, *, values: Sequence[str], groups: Sequence[str]
    ) -> list[Row]:
        """Give SQL values of a table, for each group of equal cells."""
        wanted = where.also(self.of_class(table))
        names = [quoted(group) for group in groups]
        tail = f" GROUP BY {', '.join(names)} ORDER BY {', '.join(names)}" if names else ""
        return self.database.rows(
            f"SELECT {', '.join([*names, *values])} FROM {quoted(self.schema.root(table))} "
            f"WHERE {wanted.sql}{tail}",
            wanted.parameters,
        )

    def get(self, table: str, sys_id: str) -> Row | None:
        """Give a row with the columns of the table, or None."""
        rows = self.select(table, equals(ID, sys_id))
        return rows[0] if rows else None

    def whole(self, table: str, sys_id: str) -> tuple[str, Row] | None:
        """Give the class of a row and the row with all its columns, or None."""
        row = self.get(table, sys_id)
        if row is None:
            return None
        concrete = row.get(CLASS, "") or table
        if self.schema.get(concrete) is None or concrete == table:
            return table, row
        return concrete, self.get(concrete, sys_id) or row

    def insert(self, table: str, cells: Cells) -> None:
        """Add a row of a class."""
        names = ", ".join(map(quoted, cells))
        marks = ", ".join("?" * len(cells))
        self.database.run(
            f"INSERT INTO {quoted(self.schema.root(table))} ({names}) VALUES ({marks})",
            tuple(cells.values()),
        )

    def update(self, table: str, sys_id: str, cells: Cells) -> None:
        """Change cells of a row of the table's hierarchy."""
        pairs = ", ".join(f"{quoted(name)} = ?" for name in cells)
        self.database.run(
            f"UPDATE {quoted(self.schema.root(table))} SET {pairs} WHERE sys_id = ?",
            (*cells.values(), sys_id),
        )

    def delete(self, table: str, where: Where) -> int:
        """Remove rows, and give how many there were."""
        wanted = where.also(self.of_class(table))
        return self.database.run(
            f"DELETE FROM {quoted(self.schema.root(table))} WHERE {wanted.sql}", wanted.parameters
        )

    def load(self, table: str, rows: pa.Table) -> None:
        """Append rows of a class; dates, instants, flags and numbers become text."""
        names = ", ".join(map(quoted, rows.column_names))
        marks = ", ".join("?" * rows.num_columns)
        columns = [cell_texts(column) for column in rows.columns]
        self.database.run_many(
            f"INSERT INTO {quoted(self.schema.root(table))} ({names}) VALUES ({marks})",
            zip(*columns, strict=True),
        )

    def keep_bytes(self, sys_id: str, *, recipe: str = "", content: bytes = b"") -> None:
        """Store the bytes of an attachment, or the recipe that makes them."""
        self.database.run(
            f"INSERT OR REPLACE INTO {CONTENTS} VALUES (?, ?, ?)", (sys_id, recipe, content)
        )

    def load_recipes(self, recipes: Mapping[str, str]) -> None:
        """Store the recipes of many attachments by their sys_ids."""
        self.database.run_many(
            f"INSERT OR REPLACE INTO {CONTENTS} VALUES (?, ?, x'')", recipes.items()
        )

    def content(self, sys_id: str) -> tuple[str, bytes]:
        """Give the recipe and the bytes of an attachment; both empty where none are stored."""
        blob = self.database.value(f"SELECT bytes FROM {CONTENTS} WHERE sys_id = ?", (sys_id,))
        recipe = self.database.value(f"SELECT recipe FROM {CONTENTS} WHERE sys_id = ?", (sys_id,))
        return str(recipe or ""), blob if isinstance(blob, bytes) else b""

    def close(self) -> None:
        """Close the database."""
        self.database.close()


def equals(column: str, value: str) -> Where:
    """Give the condition that a cell has a value."""
    return Where(f"{quoted(column)} = ?", (value,))


def _definition(column: Column) -> str:
    unique = " PRIMARY KEY" if column.name == ID else ""
    return f"{quoted(column.name)} TEXT NOT NULL DEFAULT '' COLLATE NOCASE{unique}"
