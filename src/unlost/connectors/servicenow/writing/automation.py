"""The rules of an instance about writing: automation of tables, and the identification of items.

Sources: ServiceNow docs, "Business rules", "Workflow versions", "Data policy", "Email notifications",
"SLA definitions", "Identification rules"; columns of flow triggers and identifier entries as public
applications export them. An instance without a plug-in lacks its tables. A flow trigger has no name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from unlost.connectors.servicenow.http.api import ServiceNowApi
from unlost.connectors.servicenow.http.walk import ID, RowCondition, WalkQuery, known_rows, whole
from unlost.connectors.servicenow.schema.dictionary import InstanceDictionary
from unlost.connectors.servicenow.schema.tables import CLASS
from unlost.kit.automation import listed_automation
from unlost.model.bypass import Automation, AutomationKind, AutomationList

ENTRIES = "cmdb_identifier_entry"
CLASS_OF_ENTRY = "identifier.applies_to"
WRITES = ("action_insert", "action_update", "action_delete")
TRUE = ("true",)


@dataclass(frozen=True, slots=True)
class _Listing:
    """A table with a kind of automation, and the columns of its name and its table."""

    kind: AutomationKind
    source: str
    name: str
    table: str
    active: str = "active"


LISTINGS = (
    _Listing(AutomationKind.TRIGGER, "sys_script", "name", "collection"),
    _Listing(AutomationKind.FLOW, "sys_flow_record_trigger", ID, "table"),
    _Listing(AutomationKind.WORKFLOW, "wf_workflow_version", "name", "table", "published"),
    _Listing(AutomationKind.WORKFLOW, "sysevent_email_action", "name", "collection"),
    _Listing(AutomationKind.PROCESS, "contract_sla", "name", "collection"),
    _Listing(AutomationKind.RULE, "sys_data_policy2", "short_description", "model_table"),
)


def automation_of(
    api: ServiceNowApi, dictionary: InstanceDictionary, lineages: Mapping[str, Sequence[str]]
) -> AutomationList:
    """The active automation of tables with these ancestors; refused kinds are named as unlisted."""
    return listed_automation(
        (each.kind, partial(_listed, api, each, lineages))
        for each in LISTINGS
        if each.source in dictionary.tables
    )


def _listed(
    api: ServiceNowApi, listing: _Listing, lineages: Mapping[str, Sequence[str]]
) -> Iterator[Automation]:
    """Automation of a table also acts on records of its descendants."""
    active = RowCondition(listing.active, among=TRUE)
    columns = (listing.name, listing.table, "action_query", *WRITES)
    for row in whole(api, WalkQuery(listing.source, columns, (active,))):
        if row.get("action_query") == "true" and "true" not in map(row.get, WRITES):
            continue  # it only acts when rows are read
        for table, lineage in lineages.items():
            if row.get(listing.table) in lineage:
                yield Automation(listing.kind, row.get(listing.name, row[ID]), table)


def identifiers_of(
    api: ServiceNowApi, dictionary: InstanceDictionary
) -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """The columns by which the instance identifies items, by class, the strongest first.

    Entries that look into other tables are left out.
    """
    if ENTRIES not in dictionary.tables:
        return {}
    columns = ("attributes", "table", "order", CLASS_OF_ENTRY)
    active = RowCondition("active", among=TRUE)
    rows = known_rows(api, WalkQuery(ENTRIES, columns, (active,))) or ()
    keys: dict[str, tuple[tuple[str, ...], ...]] = {}
    for row in sorted(rows, key=lambda each: int(each.get("order", "0"))):
        of_class = row.get(CLASS_OF_ENTRY, "")
        names = tuple(each for each in row.get("attributes", "").split(",") if each != CLASS)
        if names and row.get("table") in ("", None, of_class):
            keys[of_class] = (*keys.get(of_class, ()), names)
    return keys
