"""The tables of an org, as of its newest backup."""

from dataclasses import dataclass

from unlost.app.access import action
from unlost.app.compose import Application
from unlost.app.records.table_words import TableWords
from unlost.catalog.orgs.orgs import get_org
from unlost.model.access import Right
from unlost.model.written import written


@written(records="held")
@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table; ``records`` counts its records in the newest backup, which ``label`` names."""

    table: str
    label: str
    records: int


@dataclass(frozen=True, slots=True)
class StoredTables:
    """All tables of an org by label; empty before its first backup."""

    org: str
    tables: tuple[StoredTable, ...]


@action("table.list", Right.LOOK)
def tables(app: Application, org: str) -> StoredTables:
    """List the tables in the newest backup of an org; raises NotFound for an unknown org."""
    head = app.vault.newest_backup(get_org(org).oid)
    if head is None:
        return StoredTables(org, ())
    labels = TableWords(head.schema()).plurals
    stored_tables = [
        StoredTable(name, labels.get(name, name), state.alive)
        for name, state in head.tables().items()
    ]
    return StoredTables(
        org,
        tuple(
            sorted(stored_tables, key=lambda stored_table: (stored_table.label, stored_table.table))
        ),
    )
