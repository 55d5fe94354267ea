"""A column that a person typed as TABLE.COLUMN."""

from unlost.app.compose import Application
from unlost.app.records.record_facts import table_named
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.model.errors import UsageError
from unlost.model.source.schema import Column, Table


def typed_column(app: Application, org: ProtectedOrg, text: str) -> tuple[Table, Column | None]:
    """Return the table of the newest backup and its column, in any case; None if it has no such.

    Raises UsageError (``column-unreadable``), NotFound for an unknown table.
    """
    table, _, name = text.partition(".")
    head = app.vault.newest_backup(org.oid)
    if not table or not name or head is None:
        raise UsageError(
            "column-unreadable",
            "{text!r} is not a column in a backup of {org}.",
            next_step="Write it as TABLE.COLUMN, such as Contact.Phone. Columns are known "
            "after the first backup.",
            text=text,
            org=org.name,
        )
    described = table_named(head.schema(), table)
    column = next((each for each in described.columns if each.name.lower() == name.lower()), None)
    return described, column
