"""Explanations of some errors of the ServiceNow connector beyond their own text, by code."""

NOTES = {
    "servicenow-condition": (
        "ServiceNow leaves out a condition that a query ACL refuses, and returns the records of the "
        "rest of the query. Unlost compares each record with the conditions, and reads nothing from a "
        "table whose conditions do not count. The vault keeps what it has of this table."
    ),
    "servicenow-hidden": (
        "ServiceNow counts records that access rules (ACLs) hide from the backup user. A list without "
        "them cannot prove that a record was deleted, so no deletion is inferred."
    ),
    "servicenow-cancelled": (
        "ServiceNow reports some failures with HTTP 200: the text of a cancelled transaction, or an "
        "error beside the records. Unlost then asks for half as many records, down to ten."
    ),
}
