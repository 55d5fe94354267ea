"""Describes of the set-up objects: organization, users, roles, groups, permissions, status lists.

Declares only; the rows are made elsewhere.
"""

from __future__ import annotations

from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.scenarios.chocolate.declared.fields import (
    address,
    audit,
    day,
    email,
    flag,
    instant,
    integer,
    long_area,
    lookup,
    name,
    number,
    owner,
    person_name,
    phone,
    picklist,
    table,
    text,
    url,
)

_LOCALES = ("nl_BE", "fr_BE", "de_DE", "ja_JP", "pt_BR", "en_US")
_ZONES = ("Europe/Brussels", "Europe/Berlin", "Asia/Tokyo", "America/Bahia", "GMT")
_ENCODINGS = ("UTF-8", "ISO-8859-1", "Shift_JIS", "ISO-2022-JP")

ORGANIZATION = table(
    "Organization",
    "00D",
    name(80, unique=False),
    text("Division", 80),
    *address(""),
    phone("Phone"),
    phone("Fax"),
    text("PrimaryContact", 80, label="Primary Contact"),
    picklist("DefaultLocaleSidKey", _LOCALES, label="Locale"),
    picklist("TimeZoneSidKey", _ZONES, label="Time Zone"),
    picklist("LanguageLocaleKey", ("en_US", "nl_NL", "fr", "de", "ja", "pt_BR"), label="Language"),
    flag("ReceivesInfoEmails", label="Info Emails"),
    integer("FiscalYearStartMonth", 9, read_only=True, label="Fiscal Year Starts In"),
    picklist("DefaultAccountAccess", ("None", "Read", "Edit"), read_only=True),
    picklist("DefaultContactAccess", ("None", "Read", "Edit"), read_only=True),
    picklist("DefaultCaseAccess", ("None", "Read", "Edit"), read_only=True),
    *audit(),
    instant("TrialExpirationDate", read_only=True, label="Trial Expiration Date"),
    text("NamespacePrefix", 15, read_only=True, label="Namespace Prefix"),
    picklist("OrganizationType", ("Enterprise Edition", "Developer Edition"), read_only=True),
    text("InstanceName", 5, read_only=True, label="Instance Name"),
    flag("IsSandbox", read_only=True, label="Is Sandbox"),
    flags="Q-U--R-",
    deleted=False,
    plural="Organizations",
    storage_bytes=None,
)

USER = table(
    "User",
    "005",
    text("Username", 80, required=True, unique=True, id_lookup=True),
    *person_name(name_length=121),
    text("CompanyName", 80, label="Company Name"),
    text("Division", 80),
    text("Department", 80),
    text("Title", 80),
    *address(""),
    email("Email", length=128, required=True, id_lookup=True),
    phone("Phone"),
    phone("Fax"),
    phone("MobilePhone", label="Mobile"),
    text("Alias", 8, required=True),
    text("CommunityNickname", 40, required=True, label="Nickname"),
    flag("IsActive", label="Active"),
    picklist("TimeZoneSidKey", _ZONES, label="Time Zone", required=True),
    lookup("UserRoleId", "UserRole", child="Users"),
    picklist("LocaleSidKey", _LOCALES, label="Locale", required=True),
    flag("ReceivesInfoEmails", label="Info Emails"),
    picklist("EmailEncodingKey", _ENCODINGS, label="Email Encoding", required=True),
    lookup("ProfileId", "Profile", child="Users", required=True),
    picklist(
        "UserType",
        ("Standard", "AutomatedProcess", "CloudIntegrationUser", "Guest"),
        read_only=True,
    ),
    picklist("LanguageLocaleKey", ("en_US", "nl_NL", "fr", "de", "ja", "pt_BR"), label="Language"),
    text("EmployeeNumber", 20, label="Employee Number"),
    lookup("DelegatedApproverId", "Group", "User", child=None),
    lookup("ManagerId", "User", child=None, relation="Manager"),
    instant("LastLoginDate", read_only=True, label="Last Login"),
    instant("LastPasswordChangeDate", read_only=True, label="Last Password Change or Reset"),
    *audit(),
    flag("UserPermissionsMarketingUser", label="Marketing User"),
    flag("UserPermissionsOfflineUser", label="Offline User"),
    flag("UserPermissionsKnowledgeUser", label="Knowledge User"),
    flag("ForecastEnabled", label="Allow Forecasting"),
    text("FederationIdentifier", 512, label="SAML Federation ID"),
    long_area("AboutMe", 1_000, label="About Me"),
    url("FullPhotoUrl", length=1_024, read_only=True, label="Url for full-sized Photo"),
    url("SmallPhotoUrl", length=1_024, read_only=True, label="Photo"),
    text("Signature", 1_333, kind="textarea", filterable=False, label="Email Signature"),
    *(
        instant(column, read_only=True, label=column.replace("Date", " Date"))
        for column in ("LastViewedDate", "LastReferencedDate")
    ),
    flags="QCU--RT",
    deleted=False,
    plural="Users",
    storage_bytes=None,
)

USER_ROLE = table(
    "UserRole",
    "00E",
    name(80, unique=False),
    lookup("ParentRoleId", "UserRole", child=None, relation="ParentRole"),
    text("RollupDescription", 80, label="Description"),
    picklist("OpportunityAccessForAccountOwner", ("None", "Read", "Edit"), required=True),
    picklist("CaseAccessForAccountOwner", ("None", "Read", "Edit")),
    lookup("ForecastUserId", "User", child=None),
    text("DeveloperName", 80, label="Developer Name"),
    *audit(created=False),
    flags="QCUD-R-",
    deleted=False,
    label="Role",
    plural="Roles",
    storage_bytes=None,
)

PROFILE = table(
    "Profile",
    "00e",
    name(255, unique=False),
    flag("PermissionsApiEnabled", label="API Enabled"),
    flag("PermissionsViewAllData", label="View All Data"),
    flag("PermissionsModifyAllData", label="Modify All Data"),
    flag("PermissionsViewSetup", label="View Setup and Configuration"),
    flag("PermissionsManageUsers", label="Manage Users"),
    flag("PermissionsQueryAllFiles", label="Query All Files"),
    picklist("UserType", ("Standard", "Guest"), read_only=True),
    text("Description", 255),
    *audit(),
    flags="QCUD-R-",
    deleted=False,
    plural="Profiles",
    storage_bytes=None,
)

PERMISSION_SET = table(
    "PermissionSet",
    "0PS",
    text("Name", 80, required=True, name_field=True, label="API Name"),
    text("Label", 80, required=True),
    text("Description", 255),
    flag("IsOwnedByProfile", read_only=True, label="Is Owned By Profile"),
    lookup("ProfileId", "Profile", child="PermissionSets", read_only=True),
    flag("IsCustom", read_only=True, label="Is Custom"),
    flag("PermissionsApiEnabled", label="API Enabled"),
    flag("PermissionsViewAllData", label="View All Data"),
    flag("PermissionsModifyAllData", label="Modify All Data"),
    flag("PermissionsQueryAllFiles", label="Query All Files"),
    *audit(),
    flags="QCUD---",
    deleted=False,
    plural="Permission Sets",
    storage_bytes=None,
)

PERMISSION_SET_ASSIGNMENT = table(
    "PermissionSetAssignment",
    "0Pa",
    lookup("PermissionSetId", "PermissionSet", child="Assignments", updateable=False),
    lookup("AssigneeId", "User", child="PermissionSetAssignments", relation="Assignee"),
    flag("IsActive", read_only=True, label="Is Active"),
    *audit(created=False, modified=False),
    flags="QCUD---",
    deleted=False,
    plural="Permission Set Assignments",
    storage_bytes=None,
)

GROUP = table(
    "Group",
    "00G",
    name(40, unique=False),
    text("DeveloperName", 80, label="Developer Name"),
    lookup("RelatedId", "User", "UserRole", child=None, relation="Related", read_only=True),
    picklist("Type", ("Regular", "Queue", "Role", "Organization"), updateable=False),
    email("Email", length=255),
    owner("User", "Organization", child=None),
    flag("DoesSendEmailToMembers", label="Send Email to Members"),
    flag("DoesIncludeBosses", label="Include Bosses"),
    *audit(),
    flags="QCUD-R-",
    deleted=False,
    plural="Group",
    storage_bytes=None,
)

GROUP_MEMBER = table(
    "GroupMember",
    "011",
    lookup("GroupId", "Group", child="GroupMembers", updateable=False),
    lookup("UserOrGroupId", "Group", "User", child="UserOrGroup", relation="UserOrGroup"),
    *audit(created=False, modified=False),
    flags="QC-D-R-",
    deleted=False,
    plural="Group Member",
    storage_bytes=None,
)

QUEUE_SOBJECT = table(
    "QueueSobject",
    "03g",
    lookup("QueueId", "Group", child="QueueSobjects", relation="Queue"),
    picklist("SobjectType", ("Case", "Lead", "Order"), required=True),
    *(field for field in audit() if field.name in {"CreatedById", "SystemModstamp"}),
    flags="QC-D-R-",
    deleted=False,
    label="Queue Object",
    plural="Queue Objects",
    storage_bytes=None,
)

RECORD_TYPE = table(
    "RecordType",
    "012",
    name(80, unique=False, label="Record Type Label"),
    text("DeveloperName", 80, required=True, label="Record Type Name"),
    text("NamespacePrefix", 15, read_only=True, label="Namespace Prefix"),
    text("Description", 255),
    picklist("SobjectType", ("Account", "Case", "Opportunity"), required=True, updateable=False),
    flag("IsActive", label="Active"),
    flag("IsPersonType", read_only=True, label="Is Person Type"),
    *audit(),
    flags="QCU--R-",
    deleted=False,
    plural="Record Types",
    storage_bytes=None,
)

BUSINESS_HOURS = table(
    "BusinessHours",
    "01m",
    name(80, unique=False),
    flag("IsActive", label="Active"),
    flag("IsDefault", label="Default Business Hours"),
    picklist("TimeZoneSidKey", _ZONES, label="Time Zone"),
    *audit(),
    flags="QCU--R-",
    deleted=False,
    plural="Business Hours",
    storage_bytes=None,
)

HOLIDAY = table(
    "Holiday",
    "0C0",
    name(80, unique=False, label="Holiday Name"),
    text("Description", 255),
    flag("IsAllDay", label="All Day"),
    day("ActivityDate", label="Holiday Date"),
    flag("IsRecurrence", label="Recurring Holiday"),
    *audit(),
    flags="QCUD---",
    deleted=False,
    plural="Holidays",
    storage_bytes=None,
)


def _status(
    name: str, prefix: str, *, priority: bool = False, api_name: str = "MasterLabel"
) -> ObjectDef:
    """A list of states: a separate table that Bulk refuses (INVALIDENTITY)."""
    kind = "IsHighPriority" if priority else "IsClosed"
    code = (picklist("StatusCode", ("Draft", "Activated"), read_only=True),)
    return table(
        name,
        prefix,
        *(text(column, 255, read_only=True) for column in dict.fromkeys(("MasterLabel", api_name))),
        integer("SortOrder", 9, read_only=True, label="Sort Order"),
        flag("IsDefault", read_only=True, label="Is Default"),
        *(code if name in {"OrderStatus", "ContractStatus"} else ()),
        *(
            ()
            if code and name in {"OrderStatus", "ContractStatus"}
            else (flag(kind, read_only=True),)
        ),
        *audit(),
        flags="Q",
        deleted=False,
        no_prefix=True,
        bulk=False,
        plural=name,
        storage_bytes=None,
    )


CASE_STATUS = _status("CaseStatus", "01J")
TASK_STATUS = _status("TaskStatus", "01K")
TASK_PRIORITY = _status("TaskPriority", "01L", priority=True)
LEAD_STATUS = _status("LeadStatus", "01N")
ORDER_STATUS = _status("OrderStatus", "01O", api_name="ApiName")
CONTRACT_STATUS = _status("ContractStatus", "01P", api_name="ApiName")

OPPORTUNITY_STAGE = table(
    "OpportunityStage",
    "01R",
    text("MasterLabel", 255, read_only=True, label="Master Label"),
    text("ApiName", 255, read_only=True, label="API Name"),
    flag("IsActive", read_only=True, label="Is Active"),
    integer("SortOrder", 9, read_only=True, label="Sort Order"),
    flag("IsClosed", read_only=True, label="Closed"),
    flag("IsWon", read_only=True, label="Won"),
    text("ForecastCategoryName", 40, read_only=True, label="Forecast Category Name"),
    number("DefaultProbability", 3, 0, read_only=True, label="Probability (%)"),
    text("Description", 255, read_only=True),
    *audit(),
    flags="Q",
    deleted=False,
    plural="Opportunity Stage",
    storage_bytes=None,
)

LOGIN_HISTORY = table(
    "LoginHistory",
    "0Ya",
    lookup("UserId", "User", child=None, read_only=True),
    instant("LoginTime", read_only=True, label="Login Time"),
    picklist("LoginType", ("Application", "Remote Access 2.0", "SAML"), read_only=True),
    text("SourceIp", 39, read_only=True, label="Source IP"),
    text("LoginUrl", 120, read_only=True, label="Login URL"),
    text("Browser", 64, read_only=True),
    text("Platform", 64, read_only=True),
    text("Status", 128, read_only=True),
    text("Application", 128, read_only=True),
    flags="Q",
    deleted=False,
    plural="Login History",
    storage_bytes=None,
)

SETUP_AUDIT_TRAIL = table(
    "SetupAuditTrail",
    "0Ym",
    text("Action", 80, read_only=True),
    text("Section", 255, read_only=True),
    *(field for field in audit() if field.name.startswith("Created")),
    text("Display", 1_000, read_only=True),
    text("DelegateUser", 255, read_only=True, label="Delegate User"),
    text("ResponsibleNamespacePrefix", 15, read_only=True, label="Source Namespace Prefix"),
    flags="Q",
    deleted=False,
    plural="Setup Audit Trail Entries",
    storage_bytes=None,
)

OBJECTS: tuple[ObjectDef, ...] = (
    ORGANIZATION,
    USER,
    USER_ROLE,
    PROFILE,
    PERMISSION_SET,
    PERMISSION_SET_ASSIGNMENT,
    GROUP,
    GROUP_MEMBER,
    QUEUE_SOBJECT,
    RECORD_TYPE,
    BUSINESS_HOURS,
    HOLIDAY,
    CASE_STATUS,
    TASK_STATUS,
    TASK_PRIORITY,
    LEAD_STATUS,
    ORDER_STATUS,
    CONTRACT_STATUS,
    OPPORTUNITY_STAGE,
    LOGIN_HISTORY,
    SETUP_AUDIT_TRAIL,
)
