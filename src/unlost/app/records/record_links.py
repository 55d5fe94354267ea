"""Addresses of records' pages in the org itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import list_orgs
from unlost.model.ports.source import Connector
from unlost.model.source.schema import Schema


@dataclass(frozen=True, slots=True)
class RecordLinks:
    """Gives the addresses of records of an org; ``product`` names the SaaS for people."""

    connector: Connector | None
    config: Mapping[str, Any] = field(default_factory=dict)
    opened: frozenset[str] = frozenset()

    @property
    def product(self) -> str:
        """The name of the SaaS; empty if the org is not in this home."""
        return self.connector.label if self.connector is not None else ""

    def of(self, table: str, record: str | None) -> str:
        """Return the address of a live record; empty if it has no page that people open."""
        if self.connector is None or not record or table not in self.opened:
            return ""
        return self.connector.record_address(self.config, table, record)


def record_links(app: Application, oid: str, schema: Schema) -> RecordLinks:
    """Return the links for records of an org, whose schema says which tables people open."""
    org = next((org_row for org_row in list_orgs() if org_row.oid == oid), None)
    if org is None:
        return RecordLinks(None)
    connector = app.connector(org.identity.connector)
    return RecordLinks(connector, org.config, frozenset(connector.loss_rules(schema).tables))
