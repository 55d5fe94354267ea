"""Tables that a backup leaves out, with the reason. Their rows are made again, or are no data.

Sources: ServiceNow docs, "Tables excluded from auditing", "Import sets", "Table rotation", "History
sets" and "Text indexing". Which tables an instance has differs, so the lists are an inference.
"""

from unlost.connectors.servicenow.http.walk import ID
from unlost.connectors.servicenow.schema.dictionary import DictionaryTable
from unlost.model.finding import Finding, FindingKind, Severity

ATTACHMENT_PARTS = "sys_attachment_doc"
ARCHIVE = "ar_"
LOGS = frozenset({
    "syslog", "syslog_app_scope", "syslog_transaction", "sys_email_log", "sys_outbound_http_log",
    "sys_flow_log", "sys_rest_transaction_log", "diagnostics_event", "sys_ui_notification",
})  # fmt: skip
QUEUES = frozenset({
    "sysevent", "ecc_queue", "sys_mutex", "sys_cache_flush", "sys_trigger", "sys_progress_worker",
    "sys_execution_tracker", "sys_user_session", "sys_semaphore", "sys_cluster_state",
    "sys_flow_context", "sys_metadata_delete", "sys_rollback_context", "sys_rollback_log",
})  # fmt: skip
DERIVED = frozenset({
    ATTACHMENT_PARTS, "sys_history_set", "sys_history_line", "sys_audit_relation",
    "sys_text_index", "sys_table_rotation_schedule",
})  # fmt: skip
DERIVED_BEGINNINGS = ("ts_", "v_", "sys_replication", "sys_rollback_sequence")
STAGING = "sys_import_set_row"


def reason_of(table: DictionaryTable, *, views: frozenset[str]) -> str:
    """The reason to leave a table out; empty for tables that are read."""
    if table.name in views:
        return "it is a database view"
    if STAGING in table.lineage:
        return "it holds rows of an import on their way to another table"
    if table.name in LOGS:
        return "it is a log"
    if table.name in QUEUES:
        return "it is a queue or a state of the platform"
    if table.name in DERIVED or table.name.startswith(DERIVED_BEGINNINGS):
        return "its data is made from other tables"
    return "" if ID in table.columns else "its rows have no id"


def closed(table: str) -> Finding:
    """The gap of a table that no user may read over REST."""
    return Finding.of(
        FindingKind.TABLE_REFUSED,
        Severity.GAP,
        "{label} is closed to REST and is not protected.",
        "Select “Allow access to this table via web services” on the table, or exclude it.",
        table=table,
        label=table,
    )
