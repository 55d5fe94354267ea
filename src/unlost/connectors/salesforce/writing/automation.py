"""The active automation of objects: triggers, flows, validation rules, workflow rules, processes.

Five calls, whatever the number of objects. Processes are flows that Process Builder made; Salesforce
does not always name their object. Workflow rules are read with the resource Process Rules, which
lists the active ones: the Tooling API shows whether a rule is active for one rule a query.

Sources: Tooling API guide (ApexTrigger, ValidationRule: EntityDefinition, NamespacePrefix), object
reference (FlowDefinitionView: IsActive, ProcessType, TriggerType, TriggerObjectOrEvent,
NamespacePrefix), REST guide (Process Rules). Members of installed packages have a namespace.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypedDict

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.kit.automation import listed_automation
from unlost.kit.json_to_arrow import text_of
from unlost.model.bypass import Automation, AutomationKind, AutomationList

WORKFLOW_RULES = "process/rules"
RECORD_FLOWS = ("RecordBeforeSave", "RecordAfterSave", "RecordBeforeDelete")


@dataclass(frozen=True, slots=True)
class _Listing:
    """One query: its object, the columns of name and entity, and the condition for active ones.

    ``every``: ask about all objects, since the entity may be empty.
    """

    kind: AutomationKind
    source: str
    name: str
    entity: str
    active: str
    tooling: bool = False
    every: bool = False

    def question(self, tables: Sequence[str]) -> str:
        entity = f"{self.entity}.QualifiedApiName"
        columns = (self.name, "NamespacePrefix", entity)
        of_tables = "" if self.every else soql.any_of(entity, tables)
        return soql.select(columns, self.source, self.active, of_tables)

    def item(self, row: Mapping[str, Any]) -> Automation:
        name, namespace = text_of(row.get(self.name)) or "", text_of(row.get("NamespacePrefix"))
        entity = row.get(self.entity)
        table = text_of(entity.get("QualifiedApiName")) if isinstance(entity, Mapping) else None
        return _automation(self.kind, name, table, namespace)


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
    ),
    _Listing(
        AutomationKind.RULE,
        "ValidationRule",
        "ValidationName",
        "EntityDefinition",
        "Active = true",
        tooling=True,
    ),
    _Listing(
        AutomationKind.PROCESS,
        "FlowDefinitionView",
        "ApiName",
        "TriggerObjectOrEvent",
        "IsActive = true AND ProcessType = 'Workflow'",
        every=True,
    ),
)


class ProcessRules(TypedDict, total=False):
    """The active workflow rules of an org, by object."""

    rules: Mapping[str, Sequence[Mapping[str, Any]]]


def automation_of(api: SalesforceApi, tables: Sequence[str]) -> AutomationList:
    """The active automation of these objects; refused kinds are named as unlisted."""
    lists = [(each.kind, partial(_listed, api, each, tables)) for each in LISTINGS]
    workflow_rules = (AutomationKind.WORKFLOW, partial(_workflow_rules, api, tables))
    return listed_automation([*lists, workflow_rules])


def _listed(api: SalesforceApi, listing: _Listing, tables: Sequence[str]) -> Iterator[Automation]:
    rows = api.query(listing.question(tables), tooling=listing.tooling)
    items = (listing.item(row) for row in rows)
    return (item for item in items if not listing.every or item.table in ("", *tables))


def _workflow_rules(api: SalesforceApi, tables: Sequence[str]) -> Iterator[Automation]:
    rules = api.get_json(WORKFLOW_RULES, ProcessRules).get("rules", {})
    for table in tables:
        for rule in rules.get(table, ()):
            name, namespace = text_of(rule.get("name")), text_of(rule.get("namespacePrefix"))
            yield _automation(AutomationKind.WORKFLOW, name or "", table, namespace)


def _automation(
    kind: AutomationKind, name: str, table: str | None, namespace: str | None
) -> Automation:
    full = f"{namespace}__{name}" if namespace else name
    return Automation(kind, full, table or "", managed=bool(namespace))
