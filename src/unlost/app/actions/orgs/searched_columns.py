"""Choose further columns of an org to search, take choices back, and list them."""

from dataclasses import dataclass
from enum import StrEnum

from unlost.app.access import action
from unlost.app.compose import Application
from unlost.app.orgs.typed_column import typed_column
from unlost.app.records.record_facts import table_named
from unlost.app.vault.home_copy import after_change
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.orgs.searched_columns import choose_column, chosen_columns, drop_column
from unlost.model.access import Right, Trace
from unlost.model.errors import NotFound, UsageError
from unlost.model.source.schema import Column, Table
from unlost.model.source.searched_columns import is_searchable, searched_as


class ColumnSearch(StrEnum):
    """The reason why the values of a column are searched, if they are."""

    ALWAYS = "always"  # the connector marks it
    CHOSEN = "chosen"
    NO = "no"


@dataclass(frozen=True, slots=True)
class SearchedOfOrg:
    """The columns of an org that were chosen to be searched, as TABLE.COLUMN."""

    org: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableName:
    """A table and its label."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class SearchableColumn:
    """A column with texts or numbers. ``length``: of its longest text, 0 if unknown."""

    name: str
    label: str
    length: int
    search: ColumnSearch


@dataclass(frozen=True, slots=True)
class SearchChoices:
    """Tables of an org's newest backup, and the columns of one table that can be searched."""

    tables: tuple[TableName, ...]
    table: TableName | None = None
    columns: tuple[SearchableColumn, ...] = ()


@action("searched-column.list", Right.MANAGE)
def chosen(app: Application, org: str) -> SearchedOfOrg:  # noqa: ARG001 (every action takes it)
    """List the columns of an org that were chosen to be searched."""
    return _view(get_org(org))


@action("searched-column.choices", Right.MANAGE)
def choices(app: Application, org: str, *, table: str | None = None) -> SearchChoices:
    """List the tables, and the columns of one table with the way in which they are searched.

    Empty before the first backup. Raises NotFound for an unknown table.
    """
    known = get_org(org)
    head = app.vault.newest_backup(known.oid)
    if head is None:
        return SearchChoices(())
    schema = head.schema()
    tables = tuple(sorted((_name(each) for each in schema.tables), key=lambda each: each.label))
    if table is None:
        return SearchChoices(tables)
    described = table_named(schema, table)
    names = chosen_columns(known.oid).by_table.get(described.name, frozenset())
    columns = (_column(each, described, names) for each in described.columns if is_searchable(each))
    ordered = tuple(sorted(columns, key=lambda each: each.label.lower()))
    return SearchChoices(tables, _name(described), ordered)


@action("searched-column.add", Right.MANAGE, trace=Trace.WRITE, subject=("column",))
def choose(app: Application, org: str, column: str) -> SearchedOfOrg:
    """Search a column (TABLE.COLUMN) from the next backup on.

    Maintenance adds the words of earlier backups to the index afterwards. Raises NotFound,
    UsageError (``column-unreadable``, ``column-without-words``).
    """
    known = get_org(org)
    table, name = _named(app, known, column)
    choose_column(known.oid, table, name)
    after_change(app)
    return _view(known)


@action("searched-column.remove", Right.MANAGE, trace=Trace.WRITE, subject=("column",))
def drop(app: Application, org: str, column: str) -> SearchedOfOrg:
    """Stop searching a column in records that change from now on.

    Words that the index has stay in it.     Raises NotFound (``column-not-chosen``).
    """
    known = get_org(org)
    table, _, name = column.partition(".")
    if not drop_column(known.oid, table, name):
        raise NotFound(
            "column-not-chosen",
            "{column!r} was not chosen to be searched in {org}.",
            next_step="List the chosen columns with `unlost org searched`. Columns that the "
            "connector marks are always searched.",
            column=column,
            org=org,
        )
    after_change(app)
    return _view(known)


def _named(app: Application, org: ProtectedOrg, text: str) -> tuple[str, str]:
    """The table and the column of a text, in the spelling of the newest backup."""
    described, column = typed_column(app, org, text)
    if column is None:
        raise NotFound(
            "column-not-found",
            "{table} has no column {name!r}.",
            next_step="See its columns by running `unlost show` on any of its records.",
            table=described.name,
            name=text.partition(".")[2],
        )
    if not is_searchable(column):
        raise UsageError(
            "column-without-words",
            "{table}.{name} has no texts or numbers, so it cannot be searched.",
            next_step="Choose a column with texts or numbers. Dates and files are filters of a "
            "search.",
            table=described.name,
            name=column.name,
        )
    return described.name, column.name


def _column(column: Column, table: Table, names: frozenset[str]) -> SearchableColumn:
    if column.name in names:
        search = ColumnSearch.CHOSEN
    else:
        marked = searched_as(column, table) is not None
        search = ColumnSearch.ALWAYS if marked else ColumnSearch.NO
    return SearchableColumn(column.name, column.label or column.name, column.length, search)


def _name(table: Table) -> TableName:
    return TableName(table.name, table.label or table.name)


def _view(org: ProtectedOrg) -> SearchedOfOrg:
    return SearchedOfOrg(org.name, chosen_columns(org.oid).names)
