"""The checklist of the External Client App and of the backup user's permission set. Pure.

Sources: Salesforce help, "External Client Apps"; REST guide (resources-limits); object reference
(UserPermissionAccess, ContentDocumentLink).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlost.connectors.salesforce.access.rights import (
    ALL_DATA,
    ALL_FILES,
    API,
    ENCRYPTED,
    SETUP,
    USERS,
)
from unlost.model.finding import Finding, FindingKind
from unlost.model.message import Message, Noun, counted, message
from unlost.model.source.checklist import ChecklistStep, CheckState
from unlost.model.source.quota import Quota

APP = ChecklistStep(
    "app",
    "External Client App",
    "Setup > External Client App Manager > New External Client App. Enable OAuth, enter the "
    "callback address of Unlost, and select the scopes 'Manage user data via APIs (api)' and "
    "'Perform requests at any time (refresh_token, offline_access)'.",
    "Without the app Unlost cannot sign in. Without the second scope the sign-in ends after hours.",
)
PERMISSION_SET = ChecklistStep(
    "api-enabled",
    "API Enabled",
    "Setup > Permission Sets > New. Under System Permissions select 'API Enabled'. Assign the "
    "permission set to the backup user.",
    "Without it nothing can be read.",
)
FLAGS = {
    API: PERMISSION_SET,
    ALL_DATA: ChecklistStep(
        "view-all-data",
        "View All Data",
        "In the permission set, under System Permissions, select 'View All Data'.",
        "Without it only records that are shared with the backup user are protected.",
    ),
    ALL_FILES: ChecklistStep(
        "query-all-files",
        "Query All Files",
        "In the permission set, under System Permissions, select 'Query All Files'.",
        "Without it only files that the backup user can open are protected.",
    ),
    SETUP: ChecklistStep(
        "view-setup",
        "View Setup and Configuration",
        "In the permission set, under System Permissions, select 'View Setup and Configuration'.",
        "Without it hidden columns and tables are not noticed.",
    ),
    ENCRYPTED: ChecklistStep(
        "view-encrypted-data",
        "View Encrypted Data",
        "In the permission set, under System Permissions, select 'View Encrypted Data'.",
        "Without it encrypted fields are stored as asterisks.",
    ),
    USERS: ChecklistStep(
        "manage-users",
        "Manage Users",
        "In the permission set, under System Permissions, select 'Manage Users'.",
        "Without it some editions do not show the storage that is used.",
    ),
}
TABLES = ChecklistStep(
    "tables",
    "Read access to all objects",
    "In the permission set, under Object Settings, select 'Read' and 'View All Records' for each "
    "object.",
    "Tables without it are not protected.",
)
FIELDS = ChecklistStep(
    "fields",
    "Read access to all fields",
    "In the permission set, under Object Settings, select 'Read Access' for each field.",
    "Fields without it are not protected.",
)
STORAGE = ChecklistStep(
    "storage",
    "Storage figures",
    "In the permission set, under System Permissions, select 'View Setup and Configuration' and "
    "'Manage Users'.",
    "Without them Unlost cannot warn before the storage of the org is full.",
)
CALLS = ChecklistStep(
    "calls",
    "API calls",
    "Setup > System Overview shows the API calls of the last 24 hours.",
    "Backups wait while the org has no calls left.",
)
CALLS_QUOTA = "API calls a day"


@dataclass(frozen=True, slots=True)
class SetupFacts:
    """The facts from which the checklist is made; ``flags`` as in ``UserRights``."""

    user: str
    flags: Mapping[str, bool]
    findings: Sequence[Finding]
    quotas: Sequence[Quota]


def checklist(facts: SetupFacts) -> list[ChecklistStep]:
    """All steps with their state; the sign-in has succeeded."""
    return [
        _with(APP, CheckState.DONE, _signed_in(facts)),
        *(_with(step, _flag(facts, flag)) for flag, step in FLAGS.items()),
        _tables(facts),
        _fields(facts),
        _storage(facts),
        _calls(facts),
    ]


def _with(step: ChecklistStep, state: CheckState, seen: Message | None = None) -> ChecklistStep:
    return ChecklistStep(step.name, step.title, step.how, step.why, state, seen)


def _signed_in(facts: SetupFacts) -> Message:
    return message("signed-in", "Unlost is signed in as {user}.", user=facts.user)


def _flag(facts: SetupFacts, flag: str) -> CheckState:
    granted = facts.flags.get(flag)
    if granted is None:
        return CheckState.UNKNOWN
    return CheckState.DONE if granted else CheckState.MISSING


def _tables(facts: SetupFacts) -> ChecklistStep:
    hidden = [
        finding
        for finding in facts.findings
        if finding.kind is FindingKind.PERMISSION_MISSING and finding.table
    ]
    if not hidden:
        known = _flag(facts, SETUP) is CheckState.DONE
        return _with(TABLES, CheckState.DONE if known else CheckState.UNKNOWN)
    seen = message(
        "tables-hidden",
        "{tables} with records cannot be read, such as {first}.",
        tables=counted(len(hidden), Noun.TABLE),
        first=hidden[0].table,
    )
    return _with(TABLES, CheckState.MISSING, seen)


def _fields(facts: SetupFacts) -> ChecklistStep:
    hidden = [finding for finding in facts.findings if finding.kind is FindingKind.COLUMN_HIDDEN]
    if not hidden:
        known = _flag(facts, SETUP) is CheckState.DONE
        return _with(FIELDS, CheckState.DONE if known else CheckState.UNKNOWN)
    first = hidden[0]
    seen = message(
        "columns-hidden",
        "{columns} cannot be read, such as {column} of {table}.",
        columns=counted(len(hidden), Noun.COLUMN),
        column=first.column,
        table=first.table,
    )
    return _with(FIELDS, CheckState.MISSING, seen)


def _storage(facts: SetupFacts) -> ChecklistStep:
    shown = any(quota.is_storage for quota in facts.quotas)
    return _with(STORAGE, CheckState.DONE if shown else CheckState.MISSING)


def _calls(facts: SetupFacts) -> ChecklistStep:
    quota = next((quota for quota in facts.quotas if quota.name == CALLS_QUOTA), None)
    if quota is None:
        return _with(CALLS, CheckState.UNKNOWN)
    seen = message(
        "calls-used",
        "{used:,} of {limit:,} calls of the last 24 hours are used.",
        used=int(quota.used),
        limit=int(quota.limit),
    )
    return _with(CALLS, CheckState.DONE if quota.share < 1 else CheckState.MISSING, seen)
