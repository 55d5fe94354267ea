"""The rights of the backup user, and the gaps that follow from missing ones.

Sources: REST guide (resources-limits), object reference (ContentDocumentLink, UserPermissionAccess,
ObjectPermissions), SOQL guide (sharing).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.http.api import BatchedAnswer, SalesforceApi, query_path
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.http.shapes import DescribedObject, QueryAnswer
from unlost.kit.json_to_arrow import MalformedAnswer, text_of
from unlost.kit.rights import rights_hash
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.schema import ALL_ROWS, ROWS, Table, TableTrait

ALL_DATA = "PermissionsViewAllData"
ALL_FILES = "PermissionsQueryAllFiles"
SETUP = "PermissionsViewSetup"
ENCRYPTED = "PermissionsViewEncryptedData"
FILES = "Content"  # begins the names of the tables of files
USERS = "PermissionsManageUsers"
API = "PermissionsApiEnabled"
QUERIED_PERMISSIONS = (ALL_DATA, ALL_FILES, SETUP, ENCRYPTED, USERS, API)


@dataclass(frozen=True, slots=True)
class UserRights:
    """Rights of the calling user. ``flags`` lacks permissions that Salesforce would not report.

    ``grants`` is everything else that decides which rows are visible: role, profile, permission
    sets, object permissions, in Salesforce's form.
    """

    flags: Mapping[str, bool] = field(default_factory=dict)
    grants: tuple[str, ...] = ()

    def has(self, permission: str) -> bool:
        """True if the permission is known to be granted."""
        return self.flags.get(permission, False)

    def lacks(self, permission: str) -> bool:
        """True if the permission is known to be missing."""
        return self.flags.get(permission) is False

    def fingerprint(self, tables: Iterable[str]) -> str:
        """A hash that changes whenever rows may have become visible or vanished for this user.

        Columns are not part of it: they are compared table by table, and do not affect rows. The
        visible ``tables`` replace the rights if Salesforce does not report them.
        """
        facts = {
            "flags": dict(self.flags),
            "grants": sorted(self.grants),
            "tables": [] if self.flags else sorted(tables),
        }
        return rights_hash(facts)


def grants_by_table(rights: UserRights, tables: Iterable[Table]) -> dict[str, tuple[str, ...]]:
    """The rights on each table. Pure.

    Who may view all data, or all records of an object, sees all its rows, whatever other rights
    change. All files need a permission of their own (object reference, ContentDocumentLink). For
    anyone else each grant counts, except grants on other objects.
    """
    shared: list[str] = []
    by_object: dict[str, list[str]] = {}
    whole: set[str] = set()
    for fact in rights.grants:
        grant = json.loads(fact)
        name = grant.get("SobjectType")
        (shared if name is None else by_object.setdefault(name, [])).append(fact)
        if grant.get("PermissionsViewAllRecords"):
            whole.add(name)
    return {
        table.name: _grants_on(
            rights,
            table,
            scope=(*shared, *by_object.get(table.name, ())),
            whole=table.name in whole,
        )
        for table in tables
    }


def _grants_on(
    rights: UserRights, table: Table, *, scope: tuple[str, ...], whole: bool
) -> tuple[str, ...]:
    every = rights.has(ALL_DATA) or whole
    if table.name.startswith(FILES):
        every = rights.has(ALL_DATA) and rights.has(ALL_FILES)
    digest = hashlib.sha256("\n".join(sorted(scope)).encode()).hexdigest()[:16]
    grants = {ALL_ROWS if every else f"{ROWS}{digest}"}
    if any(column.native == "encryptedstring" for column in table.columns):
        grants |= {ENCRYPTED} & _flags_set(rights)
    if table.has(TableTrait.CONFIGURATION):
        grants |= {SETUP, USERS} & _flags_set(rights)
    return tuple(sorted(grants))


def _flags_set(rights: UserRights) -> set[str]:
    return {name for name, granted in rights.flags.items() if granted}


def read_rights(api: SalesforceApi) -> UserRights:
    """Query the rights of the calling user."""
    user = api.token_field("id").rsplit("/", 1)[-1]
    return UserRights(read_flags(api), tuple(_grants(api, user)))


def read_user_name(api: SalesforceApi) -> str:
    """The name with which the calling user signs in; the user's id if it may not be read."""
    user = api.token_field("id").rsplit("/", 1)[-1]
    try:
        rows = api.query(soql.select(("Username",), "User", soql.equals("Id", user)))
    except SalesforceRefusal:
        return user
    return text_of(rows[0].get("Username")) or user if rows else user


def read_flags(api: SalesforceApi) -> dict[str, bool]:
    """The one row of UserPermissionAccess is about the caller; columns differ by edition."""
    wanted = list(QUERIED_PERMISSIONS)
    try:
        rows = api.query(soql.select(wanted, "UserPermissionAccess"))
    except SalesforceRefusal:
        known = _known_columns(api)
        wanted = [name for name in wanted if name in known]
        try:
            rows = api.query(soql.select(wanted, "UserPermissionAccess")) if wanted else []
        except SalesforceRefusal:
            rows = []
    return {name: bool(rows[0].get(name)) for name in wanted} if rows else {}


def _known_columns(api: SalesforceApi) -> frozenset[str]:
    try:
        describe = api.get_json("sobjects/UserPermissionAccess/describe", DescribedObject)
    except SalesforceRefusal:
        return frozenset()
    return frozenset(field_row["name"] for field_row in describe["fields"])


def _grants(api: SalesforceApi, user: str) -> list[str]:
    """All grants besides the flags that open records, by one call; refused queries are skipped."""
    mine = soql.equals("AssigneeId", user)
    sets = f"ParentId IN (SELECT PermissionSetId FROM PermissionSetAssignment WHERE {mine})"  # noqa: S608
    questions = (
        soql.select(("ProfileId", "UserRoleId"), "User", soql.equals("Id", user)),
        soql.select(("PermissionSetId",), "PermissionSetAssignment", mine),
        soql.select(("GroupId",), "GroupMember", soql.equals("UserOrGroupId", user)),
        soql.select(
            ("SobjectType", "PermissionsRead", "PermissionsViewAllRecords"),
            "ObjectPermissions",
            sets,
        ),
    )
    answers = api.batch([query_path(question, all_rows=False) for question in questions])
    return [
        fact
        for question, answer in zip(questions, answers, strict=True)
        for fact in _facts(api, question, answer)
    ]


def _facts(api: SalesforceApi, question: str, answer: BatchedAnswer) -> list[str]:
    """The facts of a question; it is asked again alone unless its answer is whole."""
    rows = _whole(answer)
    try:
        rows = api.query(question) if rows is None else rows
    except SalesforceRefusal:
        return []
    try:
        return [json.dumps(_plain(row), sort_keys=True) for row in rows]
    except RecursionError:
        raise MalformedAnswer("a value is nested too deeply", call="GET /query") from None


def _whole(answer: BatchedAnswer) -> list[Any] | None:
    if answer.status != 200:
        return None
    page = answer.read(QueryAnswer)
    return list(page.records) if page.done and len(page.records) == page.total_size else None


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "attributes"}


def missing_rights(rights: UserRights) -> list[Finding]:
    """Gaps in protection because of missing permissions."""
    checks = (
        (ALL_DATA, _no_view_all()),
        (ALL_FILES, _no_all_files()),
        (SETUP, _no_setup()),
    )
    findings = [finding for permission, finding in checks if rights.lacks(permission)]
    if not rights.flags:
        findings.append(_unknown())
    return findings


def _no_view_all() -> Finding:
    return Finding.of(
        FindingKind.PERMISSION_MISSING,
        Severity.GAP,
        "The backup user sees only records that are shared with this user. Other records are "
        "not protected.",
        "Grant the permission 'View All Data' to the backup user.",
        detail="View All Data",
    )


def _no_all_files() -> Finding:
    return Finding.of(
        FindingKind.FILES_HIDDEN,
        Severity.GAP,
        "The backup user sees only files that this user can access. Other files are not protected.",
        "Grant the permission 'Query All Files' to the backup user (it needs 'View All Data').",
        detail="Query All Files",
    )


def _no_setup() -> Finding:
    return Finding.of(
        FindingKind.PERMISSION_MISSING,
        Severity.GAP,
        "The backup user cannot view Setup, so hidden columns are not detected.",
        "Grant the permission 'View Setup and Configuration' to the backup user.",
        detail="View Setup and Configuration",
    )


def masked_columns(rights: UserRights, describes: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Encrypted columns that this user gets only as asterisks."""
    if not rights.lacks(ENCRYPTED):
        return []
    return [
        Finding.of(
            FindingKind.COLUMN_UNREADABLE,
            Severity.GAP,
            "{column_label} of {table_label} is encrypted and is delivered as asterisks.",
            "Grant the permission 'View Encrypted Data' to the backup user.",
            table=describe["name"],
            column=field["name"],
            detail="View Encrypted Data",
            column_label=field.get("label") or field["name"],
            table_label=describe.get("label") or describe["name"],
        )
        for describe in describes
        for field in describe["fields"]
        if field["type"] == "encryptedstring"
    ]


def _unknown() -> Finding:
    return Finding.of(
        FindingKind.PERMISSION_MISSING,
        Severity.GAP,
        "Salesforce did not report the permissions of the backup user.",
        "Grant 'View All Data', 'Query All Files' and 'View Setup and Configuration' to the "
        "backup user.",
        detail="UserPermissionAccess",
    )
