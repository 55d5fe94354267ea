"""Schema of an org: its tables and columns, as its connector describes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from unlost.model.finding import Finding


class WireKind(StrEnum):
    """The meaning of a cell's text; decides when two texts are equal."""

    TEXT = "text"
    ID = "id"
    REFERENCE = "reference"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    TIME = "time"
    INSTANT = "instant"
    MULTI = "multi"  # several values in one text, separated by ';'
    JSON = "json"
    BINARY = "binary"  # never a cell: its bytes are a file


class ColumnTrait(StrEnum):
    """Facts about a column that engine and vault use."""

    VOLATILE = "volatile"  # recomputed or per user: never makes a new version
    NAME = "name"
    UNIQUE = "unique"
    EXTERNAL_ID = "external-id"
    AUTO_NUMBER = "auto-number"
    EMAIL = "email"
    PHONE = "phone"
    REQUIRED = "required"
    CREATABLE = "creatable"
    UPDATABLE = "updatable"
    CALCULATED = "calculated"
    SUMMARY = "summary"  # calculated from the records that refer to this one
    CASE_SENSITIVE = "case-sensitive"


class SearchedAs(StrEnum):
    """The way in which people search for the values of a column."""

    WORDS = "words"
    HOST = "host"  # of web addresses and domains


class TableRank(StrEnum):
    """The order in which people look for the records of a table."""

    MAIN = "main"  # what they look for first, such as customers
    OTHER = "other"
    DETAIL = "detail"  # parts and logs of other records, such as order lines


class DeleteRule(StrEnum):
    """The effect on a referring record when the record it refers to is deleted."""

    CASCADE = "cascade"
    RESTRICT = "restrict"
    SET_NULL = "set-null"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TableFamily:
    """A name in a cell that stands for several tables, such as a base table and its extensions."""

    name: str
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A column that refers to records of one or several ``tables``.

    ``table_column``: the column of the same row that names the table of the record. A name is that
    of a table or of one of ``families``. ``key_column``: the column of the target tables that a
    cell repeats, in place of the id. ``separator``: stands between the names in a cell that refers to several records.
    ``model.named_records`` reads the cells. See docs/adr/0067.
    """

    tables: tuple[str, ...]
    rule: DeleteRule = DeleteRule.UNKNOWN
    table_column: str | None = None
    key_column: str | None = None
    separator: str | None = None
    families: tuple[TableFamily, ...] = ()

    @property
    def holds_one_id(self) -> bool:
        """True if each cell holds the id of one record."""
        return self.key_column is None and self.separator is None

    @property
    def is_plain(self) -> bool:
        """True if each cell holds one id, and its row does not name the table."""
        return self.holds_one_id and self.table_column is None


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the source describes it.

    ``native``: the source's own name of its type. ``length``: in characters, 0 if unknown.
    ``choices`` are the values of a list; ``labels`` name them for people, in the same order, if they
    differ from the values.

    ``search``: how people search for its values. The connector decides it, by the names or types of
    columns:

        name of a record            ``Table.name_column`` or NAME, also without ``search``
        number, key                 AUTO_NUMBER, EXTERNAL_ID or UNIQUE, also without ``search``
        e-mail address, telephone   EMAIL, PHONE, also without ``search``
        web address, domain         ``SearchedAs.HOST``
        address, subject, file name, name of a company
                                    ``SearchedAs.WORDS``
        anything else               None, unless an admin chooses it

    The columns that lists and pages show are those of ``Connector.display_rule``.
    """

    name: str
    kind: WireKind
    label: str = ""
    native: str = ""
    length: int = 0
    traits: frozenset[ColumnTrait] = frozenset()
    reference: Reference | None = None
    choices: tuple[str, ...] = ()
    search: SearchedAs | None = None
    labels: tuple[str, ...] = ()

    def has(self, trait: ColumnTrait) -> bool:
        """Return true if the column has this trait."""
        return trait in self.traits

    def label_of(self, value: str) -> str:
        """Return the labels of the list values in a cell; empty if they are not labelled."""
        if not self.labels:
            return ""
        values = value.split(";") if self.kind is WireKind.MULTI else [value]
        names = dict(zip(self.choices, self.labels, strict=False))
        labels = [names.get(part, part) for part in values if part]
        return "" if labels == values else ", ".join(labels)


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column whose bytes are a file, and the columns with its name, size and checksum."""

    column: str
    size_column: str | None = None
    checksum_column: str | None = None
    name_column: str | None = None
    type_column: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeLog:
    """The ``table`` in which the source itself logs the changes of another table's records.

    ``order_column`` has a number that grows with the changes of a record. It orders changes of the
    same time; without it they come in the order of their ids.
    """

    table: str
    record_column: str
    field_column: str
    old_column: str
    new_column: str
    at_column: str
    by_column: str
    order_column: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are needed to read a change."""
        named = (
            self.record_column, self.field_column, self.old_column, self.new_column,
            self.at_column, self.by_column,
        )  # fmt: skip
        return named if self.order_column is None else (*named, self.order_column)


@dataclass(frozen=True, slots=True)
class Remarks:
    """The ``table`` with what people wrote about another table's records, such as comments.

    ``kind_column`` says which kind of remark it is; ``kinds`` are its values, each with a label.
    """

    table: str
    record_column: str
    kind_column: str
    text_column: str
    at_column: str
    by_column: str
    kinds: tuple[tuple[str, str], ...] = ()

    @property
    def columns(self) -> frozenset[str]:
        """The columns that are needed to read a remark."""
        return frozenset({
            self.record_column, self.kind_column, self.text_column, self.at_column, self.by_column,
        })  # fmt: skip

    def label(self, kind: str) -> str:
        """Return the label of a kind."""
        return dict(self.kinds).get(kind, kind)


class TableTrait(StrEnum):
    """Abilities of a table that matter for a backup."""

    INCREMENTAL = "incremental"  # has a cursor: changed rows can be asked for
    REPORTS_DELETES = "reports-deletes"  # deleted rows are delivered or listed, for a while
    CENSUS = "census"  # its live ids can be listed completely
    NEW_ONLY = "new-only"  # its cursor is a time of creation: rows that come back are not delivered
    ROW_CHECK = "id-ranges"  # unchanged rows can be requested, a part of the table at a time
    UNDELETE = "undelete"
    CONFIGURATION = "configuration"  # set-up data rather than business data
    OPENED = "opened"  # people open its records, and look for them


ROWS = "rows:"  # begins a grant that decides which rows are visible
ALL_ROWS = "rows:all"  # the grant of every row, with which no other grant of rows matters


class _Indexed:
    """Looks items up by name, by an index that is built at the first call and no part of the value."""

    __slots__ = ("_index",)
    _index: Mapping[str, Any]

    def _named[T: (Column, Table)](self, items: tuple[T, ...], name: str) -> T | None:
        try:
            item: T | None = self._index.get(name)
        except AttributeError:  # first call
            index = {item.name: item for item in reversed(items)}
            object.__setattr__(self, "_index", index)
            return index.get(name)
        return item


@dataclass(frozen=True, slots=True)
class Table(_Indexed):
    """A table of an org.

    ``strategy``: the connector's name for the way it reads the table, shown to people. ``hidden``:
    existing columns that this user may not see. ``stamp_column``: the time of the last change of
    any kind, also by the system, which no user can set. ``merged_into_column``: of a deleted record,
    the record of the same table into which it was merged. Attributes that name columns contain source
    columns. Ids are made canonical by the connector. ``grants``: the rights of this user on the
    table, sorted, among them ``ALL_ROWS`` or others that begin with ``ROWS``; empty if the connector
    only knows the rights on all tables together. ``image_columns``: texts that show images which the
    source stores beside the record (``model.source.images``).
    """

    name: str
    columns: tuple[Column, ...]
    label: str = ""
    plural: str = ""
    strategy: str = ""
    id_column: str = "Id"
    name_column: str | None = None
    modified_column: str | None = None
    modified_by_column: str | None = None
    traits: frozenset[TableTrait] = frozenset()
    files: tuple[FileColumn, ...] = ()
    change_log: ChangeLog | None = None
    hidden: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    stamp_column: str | None = None
    merged_into_column: str | None = None
    rank: TableRank = TableRank.OTHER
    image_columns: tuple[str, ...] = ()
    remarks: Remarks | None = None

    def has(self, trait: TableTrait) -> bool:
        """Return true if the table has this trait."""
        return trait in self.traits

    def column(self, name: str) -> Column | None:
        """Return the column of this name, or None."""
        return self._named(self.columns, name)


@dataclass(frozen=True, slots=True)
class Schema(_Indexed):
    """All tables that a run reads, and findings about data that it cannot see.

    ``fingerprint`` changes whenever the rights of the reading user change. Rows that become
    visible change no timestamp, so that changed rights require a full read: of the tables whose
    ``grants`` differ, or of all tables without grants.
    """

    tables: tuple[Table, ...]
    fingerprint: str
    findings: tuple[Finding, ...] = ()

    def table(self, name: str) -> Table | None:
        """Return the table of this name, or None."""
        return self._named(self.tables, name)

    def opened_tables(self) -> tuple[Table, ...]:
        """Return the tables that people open; if none is marked, all but set-up data and logs.

        Schemas of earlier versions mark none. Losses and mass changes are judged in these tables.
        """
        opened = tuple(table for table in self.tables if table.has(TableTrait.OPENED))
        logs = {table.change_log.table for table in self.tables if table.change_log is not None}
        return opened or tuple(
            table
            for table in self.tables
            if not table.has(TableTrait.CONFIGURATION) and table.name not in logs
        )

    def grants(self) -> dict[str, frozenset[str]]:
        """Return the rights on each table; where none are known, the fingerprint stands for them."""
        return {table.name: frozenset(table.grants or (self.fingerprint,)) for table in self.tables}
