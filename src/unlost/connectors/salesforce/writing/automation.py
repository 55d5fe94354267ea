"""The active automation of objects: Apex triggers, flows that records start, validation rules.

Three queries, whatever the number of objects. Rules and processes of Workflow and Process Builder,
which Salesforce no longer supports, are not listed.

Sources: Tooling API guide (ApexTrigger, ValidationRule: EntityDefinition, NamespacePrefix), object
reference (FlowDefinitionView: IsActive, TriggerType, TriggerObjectOrEvent, NamespacePrefix). Members
of installed packages have a namespace.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.kit.json_to_arrow import text_of
from unlost.model.bypass import Automation, AutomationKind, AutomationList

RECORD_FLOWS = ("RecordBeforeSave", "RecordAfterSave", "RecordBeforeDelete")


@dataclass(frozen=True, slots=True)
class _Listing:
    """One query: its object, the columns of name and entity, and the condition for active ones."""

    kind: AutomationKind
    source: str
    name: str
    entity: str
    active: str
    tooling: bool

    def question(self, tables: Sequence[str]) -> str:
        entity = f"{self.entity}.QualifiedApiName"
        columns = (self.name, "NamespacePrefix", entity)
        return soql.select(columns, self.source, self.active, soql.any_of(entity, tables))

    def item(self, row: Mapping[str, Any]) -> Automation:
        name, namespace = text_of(row.get(self.name)) or "", text_of(row.get("NamespacePrefix"))
        entity = row.get(self.entity)
        table = text_of(entity.get("QualifiedApiName")) if isinstance(entity, Mapping) else None
        full = f"{namespace}__{name}" if namespace else name
        return Automation(self.kind, full, table or "", managed=bool(namespace))


LISTINGS = (
    _Listing(
        AutomationKind.TRIGGER,
        "ApexTrigger",
        "Name",
        "EntityDefinition",
        soql.equals("Status", "Active"),
        tooling=True,
    ),
    _Listing(
        AutomationKind.FLOW,
        "FlowDefinitionView",
        "ApiName",
        "TriggerObjectOrEvent",
        f"IsActive = true AND {soql.any_of('TriggerType', RECORD_FLOWS)}",
        tooling=False,
    ),
    _Listing(
        AutomationKind.RULE,
        "ValidationRule",
        "ValidationName",
        "EntityDefinition",
        "Active = true",
        tooling=True,
    ),
)


def automation_of(api: SalesforceApi, tables: Sequence[str]) -> AutomationList:
    """The active automation of these objects; refused queries are named as unlisted."""
    items: list[Automation] = []
    unlisted: list[AutomationKind] = []
    for listing in LISTINGS:
        try:
            items += _listed(api, listing, tables)
        except SalesforceRefusal:
            unlisted.append(listing.kind)
    return AutomationList(tuple(items), tuple(unlisted))


def _listed(api: SalesforceApi, listing: _Listing, tables: Sequence[str]) -> Iterator[Automation]:
    rows = api.query(listing.question(tables), tooling=listing.tooling)
    return (listing.item(row) for row in rows)
