"""Columns and tables as the dictionary of an instance describes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

NO_UPDATE = "no_update"
"""Dictionary attribute of tables without the columns of updates."""
NO_AUDIT_DELETE = "no_audit_delete"
CLASS = "sys_class_name"
ID = "sys_id"


class Kind(StrEnum):
    """The internal type of a column."""

    ID = "GUID"
    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    CURRENCY = "currency"
    BOOLEAN = "boolean"
    INSTANT = "glide_date_time"
    DATE = "glide_date"
    DURATION = "glide_duration"
    REFERENCE = "reference"
    LIST = "glide_list"
    DOMAIN = "domain_id"
    CLASS = "sys_class_name"
    DOCUMENT = "document_id"
    TABLE = "table_name"
    HTML = "html"
    XML = "xml"
    URL = "url"
    MAIL = "email"
    JOURNAL = "journal"
    JOURNAL_INPUT = "journal_input"
    JOURNAL_LIST = "journal_list"
    HASH = "password"
    SECRET = "password2"  # noqa: S105 - a type of columns
    ENCRYPTED = "glide_encrypted"


NUMBERS = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.CURRENCY})
ENTRIES = frozenset({Kind.JOURNAL, Kind.JOURNAL_INPUT})
"""Journal columns that store entries."""
JOURNALS = ENTRIES | {Kind.JOURNAL_LIST}
REFERENCES = frozenset({Kind.REFERENCE, Kind.DOMAIN})


class Cascade(StrEnum):
    """The fate of a reference when its target is deleted."""

    NONE = "none"
    CLEAR = "clear"
    DELETE = "delete"
    RESTRICT = "restrict"


@dataclass(frozen=True, slots=True)
class Choice:
    """A stored value and the label that people read."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the table that defines it; descendants inherit it.

    ``virtual`` columns are calculated. ``indexed`` speeds the simulator up and is not in the
    dictionary.
    """

    name: str
    label: str
    kind: Kind = Kind.STRING
    target: str = ""
    max_length: int = 40
    mandatory: bool = False
    read_only: bool = False
    virtual: bool = False
    display: bool = False
    default: str = ""
    choices: tuple[Choice, ...] = ()
    cascade: Cascade = Cascade.NONE
    attributes: str = ""
    indexed: bool = False

    @property
    def refers(self) -> bool:
        """True if the column holds the sys_id of a row of ``target``."""
        return self.kind in REFERENCES and bool(self.target)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDef:
    """A table and the columns that it defines beside those of its ancestors.

    ``number`` is the prefix of its auto numbers, ``audited`` writes changes to sys_audit, and
    ``web_access`` opens it to REST. ``many_to_many`` lists a table in sys_m2m.
    """

    name: str
    label: str
    columns: tuple[Column, ...] = ()
    extends: str = ""
    extendable: bool = False
    number: str = ""
    scope: str = "global"
    attributes: str = ""
    audited: bool = False
    web_access: bool = True
    many_to_many: bool = False

    def has(self, attribute: str) -> bool:
        """Return true for an attribute of the table's dictionary row."""
        return attribute in self.attributes.split(",")

    @property
    def is_system(self) -> bool:
        """True for tables of the platform, whose deletions are mostly not audited."""
        return self.name.startswith("sys_")


def choices(*labels: str, first: int = 1) -> tuple[Choice, ...]:
    """Give numbered choices."""
    return tuple(Choice(str(first + at), label) for at, label in enumerate(labels))


def system_columns(table: TableDef) -> Sequence[Column]:
    """Give the columns that the platform adds to a table without ancestors."""
    stamps = [
        Column(name=ID, label="Sys ID", kind=Kind.ID, max_length=32, read_only=True),
        Column(name="sys_created_on", label="Created", kind=Kind.INSTANT, read_only=True),
        Column(name="sys_created_by", label="Created by", read_only=True),
    ]
    if not table.has(NO_UPDATE):
        stamps += [
            Column(name="sys_updated_on", label="Updated", kind=Kind.INSTANT, read_only=True),
            Column(name="sys_updated_by", label="Updated by", read_only=True),
            Column(name="sys_mod_count", label="Updates", kind=Kind.INTEGER, read_only=True),
        ]
    if table.extendable:
        stamps.append(Column(name=CLASS, label="Class", kind=Kind.CLASS, max_length=80))
    return stamps
