"""The records that cells of references name, and the cells when those records have other ids. Pure.

  reference with      a cell names
  ------------------  ------------------------------------------------------------------
  only ``tables``     the record with this id, in one of the tables
  ``table_column``    the record with this id, in the table that the same row names
  ``key_column``      the record that has this text in its key column
  ``separator``       a record for each part of the text

A reference by key is never rewritten: a record that comes back brings its key. See docs/adr/0067.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

from unlost.model.source.schema import Column, Reference, Table

if TYPE_CHECKING:
    from unlost.model.plan import RecordKey

type Cells = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class NameInCell:
    """A text that names one record in one of ``tables``: its id or its key."""

    tables: tuple[str, ...]
    text: str


def named_records(column: Column, cells: Cells) -> tuple[NameInCell, ...]:
    """Return the records that the cell of a column names; ``cells``: those of its row."""
    reference = column.reference
    if reference is None:
        return ()
    tables = tables_of(reference, cells)
    return tuple(NameInCell(tables, text) for text in texts_of(reference, cells.get(column.name)))


def possible_keys(column: Column, cells: Cells) -> "Iterator[RecordKey]":
    """Yield the records that a cell may name by their ids; none for a reference by key."""
    from unlost.model.plan import RecordKey  # readers of records start without plans

    if column.reference is None or column.reference.key_column is not None:
        return
    for named in named_records(column, cells):
        yield from (RecordKey(table, named.text) for table in named.tables)


def tables_of(reference: Reference, cells: Cells) -> tuple[str, ...]:
    """Return the tables in which the records that a row names may be."""
    name = cells.get(reference.table_column) if reference.table_column is not None else None
    return tables_named(reference, name)


def tables_named(reference: Reference, name: str | None) -> tuple[str, ...]:
    """Return the tables that a name in the table column stands for; without a name, all of them."""
    if reference.table_column is None or not name:
        return reference.tables
    families = (family.tables for family in reference.families if family.name == name)
    return next(families, (name,))


def names_ids(column: Column | None) -> TypeGuard[Column]:
    """True for a column whose cells hold ids, which may be others after a restore."""
    reference = column.reference if column is not None else None
    return reference is not None and reference.key_column is None


def texts_of(reference: Reference, cell: str | None) -> tuple[str, ...]:
    """Return the texts of a cell that each name a record."""
    if not cell:
        return ()
    if reference.separator is None:
        return (cell,)
    return tuple(text for text in cell.split(reference.separator) if text)


def rewritten(reference: Reference, cell: str, current: Callable[[str], str]) -> str:
    """Return a cell in which each id is replaced by the ``current`` one of its record."""
    if reference.key_column is not None:
        return cell
    if reference.separator is None:
        return current(cell)
    parts = cell.split(reference.separator)
    return reference.separator.join(current(part) if part else part for part in parts)


def read_columns(table: Table, columns: Iterable[Column]) -> tuple[str, ...]:
    """Return the columns that must be read to know which records these name.

    A column with the name of the table may be hidden from the user.
    """
    names: list[str] = []
    for column in columns:
        name = column.reference.table_column if column.reference is not None else None
        names += [column.name, *([name] if name and table.column(name) is not None else [])]
    return tuple(dict.fromkeys(names))
