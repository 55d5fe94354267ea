"""Hide columns from viewers and operators, show them again, and list them."""

from dataclasses import dataclass

from unlost.app.access import action
from unlost.app.compose import Application
from unlost.app.orgs.typed_column import typed_column
from unlost.app.records.record_facts import table_named
from unlost.app.vault.home_copy import after_change
from unlost.catalog.orgs.hidden_columns import hidden_in, hide_column, show_column
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.model.access import Right, Trace
from unlost.model.errors import NotFound


@dataclass(frozen=True, slots=True)
class HiddenOfOrg:
    """The columns of an org that viewers and operators do not see, as TABLE.COLUMN."""

    org: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hideable:
    """Tables of an org's newest backup, and the columns of one table that can be hidden."""

    tables: tuple[str, ...]
    table: str | None = None
    columns: tuple[str, ...] = ()


@action("column.list", Right.MANAGE)
def hidden(app: Application, org: str) -> HiddenOfOrg:  # noqa: ARG001 (every action takes it)
    """List the columns of an org that are hidden from viewers and operators."""
    return _view(get_org(org))


@action("column.choices", Right.MANAGE)
def hideable(app: Application, org: str, *, table: str | None = None) -> Hideable:
    """List the tables and columns that can be hidden from viewers and operators.

    Empty before the first backup. Raises NotFound for an unknown table.
    """
    head = app.vault.newest_backup(get_org(org).oid)
    if head is None:
        return Hideable(())
    schema = head.schema()
    tables = tuple(sorted(schema_table.name for schema_table in schema.tables))
    if table is None:
        return Hideable(tables)
    described = table_named(schema, table)
    names = (column.name for column in described.columns if column.name != described.id_column)
    return Hideable(tables, described.name, tuple(sorted(names)))


@action("column.hide", Right.MANAGE, trace=Trace.WRITE, subject=("column",))
def hide(app: Application, org: str, column: str) -> HiddenOfOrg:
    """Hide a column (TABLE.COLUMN) from viewers and operators.

    Ids cannot be hidden: they identify the record. Raises NotFound, UsageError
    (``column-unreadable``).
    """
    known = get_org(org)
    table, name = _named(app, known, column)
    hide_column(known.oid, table, name)
    after_change(app)
    return _view(known)


@action("column.show", Right.MANAGE, trace=Trace.WRITE, subject=("column",))
def show(app: Application, org: str, column: str) -> HiddenOfOrg:
    """Show a hidden column to viewers and operators again.

    Raises NotFound (``column-not-hidden``).
    """
    known = get_org(org)
    table, _, name = column.partition(".")
    if not show_column(known.oid, table, name):
        raise NotFound(
            "column-not-hidden",
            "{column!r} is not hidden from viewers and operators of {org}.",
            next_step="List the hidden columns with `unlost org hidden`.",
            column=column,
            org=org,
        )
    after_change(app)
    return _view(known)


def _named(app: Application, org: ProtectedOrg, text: str) -> tuple[str, str]:
    described, column = typed_column(app, org, text)
    if column is None or column.name == described.id_column:
        raise NotFound(
            "column-unknown",
            "{table} has no column {name!r} that can be hidden.",
            next_step="See its columns by running `unlost show` on any of its records.",
            table=described.name,
            name=text.partition(".")[2],
        )
    return described.name, column.name


def _view(org: ProtectedOrg) -> HiddenOfOrg:
    return HiddenOfOrg(org.name, hidden_in(org.oid).names)
