"""The dictionary of an instance: tables, their ancestors, columns and choices.

A column is described in the table that defines it, and again in a descendant that changes it
(ServiceNow docs, "System dictionary" and "Table extension and classes"). A row is stored once, in
the table of its class, with the columns of all ancestors.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from unlost.connectors.servicenow.http.api import ServiceNowApi
from unlost.connectors.servicenow.http.walk import RowCondition, WalkQuery, known_rows, whole

TABLES, COLUMNS, CHOICES = "sys_db_object", "sys_dictionary", "sys_choice"
LINKS, VIEWS = "sys_m2m", "sys_db_view"
COLLECTION = "collection"  # the type of the dictionary row that describes the table itself
LANGUAGE = "en"
TABLE_FIELDS = ("name", "label", "super_class", "ws_access")
COLUMN_FIELDS = (
    "name", "element", "internal_type", "column_label", "reference", "max_length", "mandatory",
    "virtual", "display", "attributes", "active", "reference_cascade_rule", "audit", "read_only",
    "default_value", "dependent",
)  # fmt: skip
CHOICE_FIELDS = ("name", "element", "value", "label", "language", "inactive", "sequence")

type Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DictionaryColumn:
    """A column as its nearest table describes it.

    ``choices``: values and labels, in order. ``default``: the value of a row that does not set it.
    ``dependent``: the column that names the table of the record in this one.
    """

    name: str
    internal_type: str
    label: str = ""
    target: str = ""
    length: int = 0
    mandatory: bool = False
    virtual: bool = False
    display: bool = False
    cascade: str = ""
    read_only: bool = False
    default: str = ""
    dependent: str = ""
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DictionaryTable:
    """A table with all its columns. ``lineage``: the table and its ancestors, the nearest first.

    ``audited``: its changes are written to sys_audit. ``open``: REST may read it. ``links``: its
    rows only join records of two tables. ``in_hierarchy``: it extends a table, or is extended.
    """

    name: str
    label: str
    lineage: tuple[str, ...]
    columns: Mapping[str, DictionaryColumn]
    attributes: frozenset[str] = frozenset()
    audited: bool = False
    open: bool = True
    links: bool = False
    in_hierarchy: bool = True


@dataclass(slots=True)
class InstanceDictionary:
    """All rows that describe tables, by the table that they describe."""

    tables: dict[str, Cells] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    extended: frozenset[str] = frozenset()
    collections: dict[str, Cells] = field(default_factory=dict)
    columns: dict[str, dict[str, Cells]] = field(default_factory=dict)
    choices: dict[tuple[str, str], list[Cells]] = field(default_factory=dict)
    links: frozenset[str] = frozenset()
    views: frozenset[str] = frozenset()

    def lineage(self, name: str) -> tuple[str, ...]:
        """A table and its ancestors, the nearest first; a circle ends where it closes."""
        names = [name]
        while (parent := self.parents.get(names[-1], "")) and parent not in names:
            names.append(parent)
        return tuple(names)

    def table(self, name: str) -> DictionaryTable:
        """A table with inherited columns; the description of the nearest table counts."""
        lineage = self.lineage(name)
        cells: dict[str, Cells] = {}
        for each in reversed(lineage):
            cells |= self.columns.get(each, {})
        described = [self.collections.get(each, {}) for each in lineage]
        row = self.tables[name]
        return DictionaryTable(
            name,
            row.get("label") or name,
            lineage,
            {element: self._column(lineage, element, row) for element, row in cells.items()},
            frozenset(
                part for cells in described for part in cells.get("attributes", "").split(",")
            ),
            audited=any(_is_true(cells.get("audit")) for cells in described),
            open=row.get("ws_access", "") != "false",
            links=name in self.links,
            in_hierarchy=len(lineage) > 1 or name in self.extended,
        )

    def _column(self, lineage: Iterable[str], element: str, row: Cells) -> DictionaryColumn:
        length = row.get("max_length", "")
        choices = (self.choices.get((each, element)) for each in lineage)
        nearest = next((rows for rows in choices if rows), [])
        return DictionaryColumn(
            element,
            row.get("internal_type", ""),
            row.get("column_label", ""),
            row.get("reference", ""),
            int(length) if length.isdecimal() else 0,
            _is_true(row.get("mandatory")),
            _is_true(row.get("virtual")),
            _is_true(row.get("display")),
            row.get("reference_cascade_rule", ""),
            _is_true(row.get("read_only")),
            row.get("default_value", ""),
            row.get("dependent", ""),
            tuple((each.get("value", ""), each.get("label", "")) for each in nearest),
        )


def read_dictionary(api: ServiceNowApi) -> InstanceDictionary:
    """Read the rows that describe all tables, also those that this user may not read.

    Raises SourceRefused if the user may not read them all: a table that is not described would not
    be missed.
    """
    described = InstanceDictionary()
    names: dict[str, str] = {}
    for row in whole(api, WalkQuery(TABLES, TABLE_FIELDS)):
        described.tables[row["name"]] = row
        names[row["sys_id"]] = row["name"]
    described.parents = {
        name: names.get(row.get("super_class", ""), "") for name, row in described.tables.items()
    }
    described.extended = frozenset(described.parents.values())
    for row in whole(api, WalkQuery(COLUMNS, COLUMN_FIELDS)):
        _add(described, row)
    language = RowCondition("language", among=(LANGUAGE,))
    choices = whole(api, WalkQuery(CHOICES, CHOICE_FIELDS, (language,)))
    for row in sorted(choices, key=_place):
        if not _is_true(row.get("inactive")):
            described.choices.setdefault((row["name"], row["element"]), []).append(row)
    described.links = _named(api, LINKS, "m2m_to_table")
    described.views = _named(api, VIEWS, "name")
    return described


def _add(described: InstanceDictionary, row: Cells) -> None:
    if row.get("internal_type") == COLLECTION or "element" not in row:
        described.collections[row["name"]] = row
    elif row.get("active") != "false":
        described.columns.setdefault(row["name"], {})[row["element"]] = row


def _place(row: Cells) -> int:
    sequence = row.get("sequence", "")
    return int(sequence) if sequence.isdecimal() else 0


def _named(api: ServiceNowApi, table: str, column: str) -> frozenset[str]:
    """The names in a column of a table that an instance may lack; then none."""
    rows = known_rows(api, WalkQuery(table, (column,))) or ()
    return frozenset(row.get(column, "") for row in rows)


def _is_true(text: str | None) -> bool:
    return text == "true"
