"""The head of a record's page: the number by which people know it, and its address in the org."""

from collections.abc import Mapping
from dataclasses import dataclass

from unlost.app.compose import Application
from unlost.app.records.ids import connector_of, system_label
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.model.source.display import DisplayRule
from unlost.model.source.schema import Table


@dataclass(frozen=True, slots=True)
class RecordHead:
    """A record as people know it. ``number`` and ``address`` are empty if there is none.

    ``number_label`` is the label of the column with the number. ``address`` opens the record in the
    org; ``opens`` is the name of the SaaS.
    """

    number: str = ""
    number_label: str = ""
    address: str = ""
    opens: str = ""


NO_HEAD = RecordHead()


def display_rule(app: Application, org: ProtectedOrg, table: Table) -> DisplayRule:
    """Return the columns of a table that have a role for people."""
    connector = connector_of(app, org)
    return connector.display_rule(table) if connector is not None else DisplayRule()


def record_head(
    app: Application,
    org: ProtectedOrg,
    table: Table,
    record: str,
    *,
    cells: Mapping[str, str | None],
    alive: bool,
) -> RecordHead:
    """Return the head of a record with these values; only a live record has an address."""
    numbers = display_rule(app, org, table).number_columns
    name = next((column for column in numbers if cells.get(column)), None)
    described = table.column(name) if name is not None else None
    address = record_address(app, org, table.name, record) if alive else ""
    return RecordHead(
        number=(cells.get(name) or "") if name is not None else "",
        number_label=(described.label or described.name) if described is not None else "",
        address=address,
        opens=system_label(app, org.identity.connector) if address else "",
    )


def record_address(app: Application, org: ProtectedOrg, table: str, record: str) -> str:
    """Return the address that opens a live record in the org; empty if it is unknown."""
    connector = connector_of(app, org)
    return connector.record_address(org.config, table, record) if connector is not None else ""
