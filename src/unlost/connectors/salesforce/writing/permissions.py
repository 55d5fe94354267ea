"""Permissions that the write user lacks, in words for the org's administrator.

Sources: REST guide (sObject Describe: createable, updateable), object reference
(UserPermissionAccess).
"""

from collections.abc import Callable, Sequence

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.access.rights import read_rights
from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.writing.capability import Describe, is_written_by_users
from unlost.connectors.salesforce.writing.rules import never, rule_for
from unlost.model.errors import NotAllowed
from unlost.model.source.schema import Table, TableTrait
from unlost.model.source.writing import Birth, MissingPermission, WriteOp

# Rows that are created and removed, never changed (object reference).
ONLY_CREATED = frozenset({"TopicAssignment", "GroupMember", "QueueSobject"})
# Lists of values that are maintained in Setup.
SETUP_ENDINGS = ("Status", "Priority", "Stage")


# Written only by the platform, for any user (object reference: supported calls).
PLATFORM_ONLY = frozenset({
    "ContentFolderItem", "ContentFolderLink", "LoginHistory", "RecentlyViewed",
    "SetupAuditTrail", "UserRecordAccess",
})  # fmt: skip


def _of_setup(name: str) -> bool:
    ends = name.endswith(SETUP_ENDINGS) and not name.endswith("__c")
    return ends or name in PLATFORM_ONLY


HARD_DELETE = "PermissionsBulkApiHardDelete"
WANTED = {
    "PermissionsApiEnabled": "API Enabled",
}
# The requirements of an operation: the flag of describe, and the permission's name.
FLAGS = ("createable", "updateable", "deletable")
NEEDED = ((WriteOp.CREATE, "createable", "Create"), (WriteOp.UPDATE, "updateable", "Edit"))


def missing_for(
    api: SalesforceApi, tables: Sequence[Table], *, describe: Callable[[str], Describe]
) -> list[MissingPermission]:
    """Permissions that are missing for these tables."""
    missing = _general(api)
    for table in tables:
        missing += _of_table(table, describe)
    return missing


def check_hard_delete(api: SalesforceApi) -> None:
    """Raise NotAllowed if the user is known to lack 'Bulk API Hard Delete'.

    Some editions do not report it. Then Salesforce decides when the job is opened.
    """
    try:
        rows = api.query(soql.select((HARD_DELETE,), "UserPermissionAccess"))
    except SalesforceRefusal:
        return
    if rows and rows[0].get(HARD_DELETE) is False:
        raise no_hard_delete()


def no_hard_delete() -> NotAllowed:
    """Return the error for a user who may not delete without the recycle bin."""
    return NotAllowed(
        "write-no-hard-delete",
        "The policy deletes records without the recycle bin, and the write user lacks the permission "
        "'Bulk API Hard Delete'. This call deleted nothing.",
        next_step="Grant it to the write user, or plan again by a policy without hard delete.",
    )


def _general(api: SalesforceApi) -> list[MissingPermission]:
    rights = read_rights(api)
    return [
        MissingPermission(label, f"The write user lacks the permission '{label}'.")
        for flag, label in WANTED.items()
        if rights.lacks(flag)
    ]


def _of_table(table: Table, describe: Callable[[str], Describe]) -> list[MissingPermission]:
    if never(table.name) or table.has(TableTrait.CONFIGURATION) or _of_setup(table.name):
        return []
    if rule_for(table.name).birth is not Birth.DIRECT:
        return []
    try:
        described = describe(table.name)
    except SalesforceRefusal:
        return [_permission(table, "Read", None)]
    if not is_written_by_users(described) and not any(described.get(flag) for flag in FLAGS):
        return []  # no user may write it, so no permission helps
    return [
        _permission(table, word, op)
        for op, flag, word in NEEDED
        if not described.get(flag) and not (op is WriteOp.UPDATE and table.name in ONLY_CREATED)
    ]


def _permission(table: Table, word: str, op: WriteOp | None) -> MissingPermission:
    return MissingPermission(
        f"{word} on {table.label or table.name}",
        f"The write user lacks '{word}' for records of {table.label or table.name}.",
        table.name,
        op,
    )
