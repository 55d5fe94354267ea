"""Columns that an org chose to search, beside those that its connector marks. See docs/adr/0041."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from unlost.model.source.schema import Column, ColumnTrait, Schema, SearchedAs, Table, WireKind

_KINDS = frozenset({WireKind.TEXT, WireKind.INTEGER, WireKind.DECIMAL})
_TRAITS = frozenset(
    {
        ColumnTrait.NAME,
        ColumnTrait.UNIQUE,
        ColumnTrait.EXTERNAL_ID,
        ColumnTrait.AUTO_NUMBER,
        ColumnTrait.EMAIL,
        ColumnTrait.PHONE,
    }
)
_SPECIAL = (ColumnTrait.PHONE, ColumnTrait.EMAIL)


@dataclass(frozen=True, slots=True)
class SearchedColumns:
    """The columns that an org chose, by table. False if it chose none."""

    by_table: Mapping[str, frozenset[str]]

    def __bool__(self) -> bool:
        return any(self.by_table.values())

    @property
    def names(self) -> tuple[str, ...]:
        """All chosen columns as TABLE.COLUMN, sorted."""
        pairs = sorted((table, name) for table, names in self.by_table.items() for name in names)
        return tuple(f"{table}.{name}" for table, name in pairs)

    def schema(self, schema: Schema) -> Schema:
        """Mark the chosen columns of a schema. Columns that it does not have are left out."""
        if not self:
            return schema
        return replace(schema, tables=tuple(self._table(table) for table in schema.tables))

    def _table(self, table: Table) -> Table:
        chosen = self.by_table.get(table.name, frozenset())
        if not chosen:
            return table
        columns = (_mark(each) if each.name in chosen else each for each in table.columns)
        return replace(table, columns=tuple(columns))


NONE_CHOSEN = SearchedColumns({})


def searched_columns(pairs: Iterable[tuple[str, str]]) -> SearchedColumns:
    """Build a value from pairs of table and column."""
    by_table: dict[str, frozenset[str]] = {}
    for table, column in pairs:
        by_table[table] = by_table.get(table, frozenset()) | {column}
    return SearchedColumns(by_table)


def is_searchable(column: Column) -> bool:
    """True if words can be made from the values of a column: texts and numbers."""
    return column.kind in _KINDS


def searched_as(column: Column, table: Table) -> ColumnTrait | SearchedAs | None:
    """The fact that decides how a column is cut into words; None if it has none in the index."""
    named = column.name == table.name_column
    marked = column.search is not None or bool(column.traits & _TRAITS)
    if not (is_searchable(column) and (marked or named)):
        return None
    trait = next((trait for trait in _SPECIAL if column.has(trait)), None)
    return trait or column.search or SearchedAs.WORDS


def has_words_for(newest: Schema, *, indexed: Schema) -> bool:
    """True if an index made with the schema ``indexed`` has the words that the newest one asks for.

    A column that only one of them has does not count: rows of the other have no values in it. Nor
    does one that is no longer searched.
    """
    pairs = ((table, indexed.table(table.name)) for table in newest.tables)
    return all(known is None or _has_words(table, known) for table, known in pairs)


def _has_words(newest: Table, indexed: Table) -> bool:
    ways = {column.name: searched_as(column, indexed) for column in indexed.columns}
    return all(
        searched_as(column, newest) in (None, ways[column.name])
        for column in newest.columns
        if column.name in ways
    )


def _mark(column: Column) -> Column:
    if column.search is not None or not is_searchable(column):
        return column
    return replace(column, search=SearchedAs.WORDS)
