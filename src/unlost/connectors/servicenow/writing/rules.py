"""Rules of single tables that the dictionary does not show: data, each with its source.

Sources: ServiceNow docs, "Service Catalog" (a new request starts its flow, which asks for approvals
and creates tasks), "Service Level Management" (SLAs are attached when a task fulfills their
condition), "Roles" (inherited roles are rows with ``inherited``), "System properties". That a restored
request starts its flow again is an inference.
"""

from unlost.connectors.servicenow.schema.dictionary import DictionaryTable
from unlost.connectors.servicenow.schema.tables import DATA, EVIDENCE, JOURNAL

REQUESTS = frozenset({"sc_request", "sc_req_item", "sc_task", "sysapproval_approver"})
MADE_BY_INSTANCE = {"task_sla": "ServiceNow attaches SLAs to tasks automatically."}
UNIQUE = {"sys_user": ("user_name",)}
SERIAL = ("serial_number",)
ITEMS, TASKS = "cmdb_ci", "task"
INHERITED = ("inherited", "true")
STATE = "state"
ENTRY_ADDED = (
    "The write user adds the journal entries again, with the present time. The first line of each "
    "entry names its author and time."
)


def never_written(table: DictionaryTable) -> str:
    """The reason why no record of a table is written; empty if some are."""
    if table.name in EVIDENCE - {JOURNAL}:
        return "ServiceNow writes it automatically. The vault keeps the old records."
    if table.name.startswith("sys_") and not DATA & {table.name, *table.lineage}:
        return "It is configuration, which Unlost compares and does not restore."
    return MADE_BY_INSTANCE.get(table.name, "")


def not_created(table: DictionaryTable, *, requests: bool) -> str:
    """The reason why records of a table are changed, and not created; ``requests``: they may be."""
    if REQUESTS & set(table.lineage) and not requests:
        return (
            "A request that is created again may start its flow, approval mails and SLAs again. To "
            "allow it, select “Create requests” in the settings of the write user."
        )
    return ""
