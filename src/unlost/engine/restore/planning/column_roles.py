"""The roles of a table's columns in a restore."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from unlost.engine.restore.values.edits import swappable
from unlost.model.source.schema import Column, ColumnTrait, FileColumn, Reference, Table, WireKind
from unlost.model.source.writing import Gather, WriteCapability


@dataclass(frozen=True)
class ColumnRoles:
    """The roles of a table's columns, for one snapshot.

    ``typed`` columns have a typed value for some record: the snapshot may not have them.
    """

    shape: Table
    table: Table
    capability: WriteCapability
    gatherers: tuple[tuple[str, Gather], ...]
    typed: frozenset[str] = frozenset()

    @cached_property
    def references(self) -> Mapping[str, Reference]:
        """References that are set or gathered, or that identify a by-product."""
        wanted = set(self.capability.settable | self.capability.changeable)
        wanted |= {product.column for product in self.capability.by_products}
        for _, gather in self.gatherers:
            wanted |= {gather.parent_column, gather.value_column}
        later = [c for c in self.table.columns if c.name in self.later]
        return {
            column.name: column.reference
            for column in (*self.shape.columns, *later)
            if column.reference is not None
            and column.reference.tables
            and column.reference.key_column is None
            and column.name in wanted
        }

    @cached_property
    def keyed(self) -> Mapping[str, Reference]:
        """References by key: texts that are set as they are, and that name records."""
        written = self.capability.settable | self.capability.changeable
        return {
            column.name: column.reference
            for column in self.shape.columns
            if column.reference is not None
            and column.reference.key_column is not None
            and column.name in written
        }

    @cached_property
    def table_columns(self) -> frozenset[str]:
        """Columns that name the tables of references."""
        references = (*self.references.values(), *self.keyed.values())
        return frozenset(filter(None, (reference.table_column for reference in references)))

    @cached_property
    def later(self) -> frozenset[str]:
        """Columns with typed values that the snapshot does not have: they were added later."""
        return frozenset(name for name in self.typed if self.shape.column(name) is None)

    @cached_property
    def swappable(self) -> frozenset[str]:
        """References in which people may replace one person by another."""
        return swappable(self.table, self.capability) & self.references.keys()

    @cached_property
    def plain(self) -> tuple[str, ...]:
        """Columns other than references that can be compared with the org and set there."""
        return tuple(
            name
            for name in self._shared
            if name in self.capability.changeable and name not in self.references
        )

    @cached_property
    def fixed(self) -> tuple[str, ...]:
        """Columns that can only be set on create."""
        once = self.capability.settable - self.capability.changeable
        return tuple(n for n in self._shared if n in once and n not in self.references)

    @cached_property
    def _shared(self) -> tuple[str, ...]:
        return tuple(
            column.name
            for column in self.table.columns
            if column.name != self.table.id_column
            and column.kind is not WireKind.BINARY
            and not column.has(ColumnTrait.VOLATILE)
            and (self.shape.column(column.name) is not None or column.name in self.later)
        )

    @cached_property
    def unsettable(self) -> tuple[str, ...]:
        """Columns of the wanted state whose values cannot be set."""
        names = {never.column for never in self.capability.never} - {self.table.id_column}
        return tuple(c.name for c in self._restorable if c.name in names)

    @cached_property
    def vanished_columns(self) -> tuple[str, ...]:
        """Columns of the wanted state that the org no longer has."""
        known = {column.name for column in self.table.columns} | self.capability.settable
        known |= {*self.unsettable, *self.table.hidden}
        return tuple(c.name for c in self._restorable if c.name not in known)

    @cached_property
    def _restorable(self) -> tuple[Column, ...]:
        return tuple(c for c in self.shape.columns if c.kind is not WireKind.BINARY)

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """Columns for which the org requires a value on create."""
        born = {late.column for late in self.capability.late if late.born is not None}
        lists = {gather.column for gather in self.capability.gathers}
        return tuple(sorted(self.capability.needs_value - born - lists))

    @cached_property
    def file(self) -> FileColumn | None:
        """The column with a record's file, if the table has one that can be written."""
        file_column = self.capability.file_column
        return next((file for file in self.table.files if file.column == file_column), None)

    @property
    def size_column(self) -> str | None:
        """The column with the size of a record's file."""
        return self.file.size_column if self.file is not None else None

    @property
    def checksum_column(self) -> str | None:
        """The column with the checksum of a record's file."""
        return self.file.checksum_column if self.file is not None else None

    @property
    def read_columns(self) -> tuple[str, ...]:
        """Columns that are read from the org."""
        return (*self.plain, *self.fixed, *self.references)
