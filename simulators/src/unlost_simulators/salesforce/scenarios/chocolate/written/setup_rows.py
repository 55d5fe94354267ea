"""Written-out rows of the set-up objects: the org, its people, roles, groups and lists of states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from unlost_simulators.company.employees import BY_HANDLE, COMPANY, OFFICES, mail_of
from unlost_simulators.company.vocabulary import BELGIUM
from unlost_simulators.salesforce.scenarios.chocolate import story
from unlost_simulators.salesforce.scenarios.chocolate.declared.objects_sales import (
    PROBABILITIES,
    STAGES,
)
from unlost_simulators.salesforce.scenarios.chocolate.declared.objects_service import CASE_STATUSES
from unlost_simulators.salesforce.scenarios.chocolate.declared.record_types import RECORD_TYPES
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed import FixedRows, Ref

BACKUP_USER = Ref("User", "backup")


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the org."""

    handle: str
    username: str
    first: str | None
    last: str
    office: int
    role: str
    title: str
    profile: str = "standard"
    active: bool = True
    kind: str = "Standard"


def _staff(handle: str, role: str, profile: str = "standard") -> Person:
    """A user who works at the company."""
    employee = BY_HANDLE[handle]
    return Person(
        handle, employee.mail, employee.first, employee.last, employee.office, role, employee.title,
        profile, employee.active,
    )  # fmt: skip


PEOPLE = (
    Person("backup", story.BACKUP_USERNAME, None, "Backup", BELGIUM, "it", "Integration", "backup"),
    Person("narrow", story.NARROW_USERNAME, None, "Narrow", BELGIUM, "it", "Integration", "narrow"),
    _staff("lotte", "it", "admin"),
    _staff("kenji", "sales-jp"),
    _staff("wim", "sales-be"),
    Person("auto", mail_of("automatedprocess"), None, "Automated Process", BELGIUM, "it", "System",
           kind="AutomatedProcess"),
    _staff("inge", "ceo"),
    _staff("thijs", "sales-be"),
    _staff("elodie", "service-be"),
    _staff("sabine", "sales-de"),
    _staff("joerg", "sales-de"),
    _staff("anne", "service-de"),
    _staff("yuki", "sales-jp"),
    _staff("hana", "service-jp"),
    _staff("takeshi", "sales-jp"),
    _staff("rafael", "sales-br"),
    _staff("camila", "service-br"),
    _staff("tiago", "cocoa"),
)  # fmt: skip


def owners() -> dict[int, list[Ref]]:
    """The active people of each office who own records."""
    return {
        office: [
            Ref("User", person.handle)
            for person in PEOPLE
            if person.office == office and person.active and person.profile != "backup"
            and person.handle not in {"narrow", "auto"}
        ]
        for office in OFFICES
    }  # fmt: skip


def write(fixed: FixedRows) -> None:
    """All set-up rows."""
    _organization(fixed)
    _profiles(fixed)
    _roles(fixed)
    _people(fixed)
    _groups(fixed)
    _permission_sets(fixed)
    _record_types(fixed)
    _hours(fixed)
    _status_lists(fixed)
    _logs(fixed)


def _organization(fixed: FixedRows) -> None:
    fixed.add(
        "Organization", "org", days_ago=3_000, Name=COMPANY, Street="Kouter 17\nbus 2",
        City="Gent", State="Oost-Vlaanderen", PostalCode="9000", Country="Belgium",
        Phone="+32 9 0170017", PrimaryContact="Inge Kwinten", DefaultLocaleSidKey="nl_BE",
        TimeZoneSidKey="Europe/Brussels", LanguageLocaleKey="nl_NL", FiscalYearStartMonth=1,
        DefaultAccountAccess="None", DefaultContactAccess="None", DefaultCaseAccess="None",
        OrganizationType="Enterprise Edition", InstanceName="SIM1", IsSandbox=False,
    )  # fmt: skip


def _profiles(fixed: FixedRows) -> None:
    everything = {
        "PermissionsApiEnabled": True, "PermissionsViewAllData": True, "PermissionsViewSetup": True,
        "PermissionsManageUsers": True, "PermissionsQueryAllFiles": True,
    }  # fmt: skip
    profiles: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("admin", "System Administrator", everything | {"PermissionsModifyAllData": True}),
        ("backup", "Backup (read only)", everything),
        ("narrow", "Read Only, narrow", {"PermissionsApiEnabled": True}),
        ("standard", "Kwinten Sales and Service", {"PermissionsApiEnabled": True}),
        ("guest", "Webshop Guest", {}),
    )
    for handle, name, flags in profiles:
        kind = "Guest" if handle == "guest" else "Standard"
        fixed.add("Profile", handle, days_ago=2_900, Name=name, UserType=kind, **flags)


def _roles(fixed: FixedRows) -> None:
    roles = (
        ("ceo", "CEO", None), ("it", "IT", "ceo"), ("cocoa", "Cocoa Purchasing", "ceo"),
        ("sales-be", "Sales Belgium", "ceo"), ("sales-de", "Vertrieb Deutschland", "ceo"),
        ("sales-jp", "日本営業", "ceo"), ("sales-br", "Vendas Brasil", "ceo"),
        ("service-be", "Service Belgium", "sales-be"), ("service-de", "Kundendienst", "sales-de"),
        ("service-jp", "お客様窓口", "sales-jp"), ("service-br", "SAC Brasil", "sales-br"),
    )  # fmt: skip
    for handle, name, above in roles:
        fixed.add(
            "UserRole", handle, days_ago=2_800, Name=name, RollupDescription=name,
            ParentRoleId=Ref("UserRole", above) if above else None,
            DeveloperName=handle.replace("-", "_"), OpportunityAccessForAccountOwner="Edit",
            CaseAccessForAccountOwner="Read",
        )  # fmt: skip


def _people(fixed: FixedRows) -> None:
    for number, person in enumerate(PEOPLE):
        office = OFFICES[person.office]
        name = person.username.partition("@")[0]
        fixed.add(
            "User", person.handle, days_ago=2_500 - number, Username=person.username,
            FirstName=person.first, LastName=person.last, CompanyName=COMPANY, Title=person.title,
            City=office.city, Country=office.country, Email=person.username, Phone=f"+32 9 01700{number:02d}",
            Alias=name.replace(".", "")[:8], CommunityNickname=name, IsActive=person.active,
            TimeZoneSidKey=office.time_zone, LocaleSidKey=office.locale,
            LanguageLocaleKey=office.language,
            EmailEncodingKey="UTF-8", UserType=person.kind, ProfileId=Ref("Profile", person.profile),
            UserRoleId=Ref("UserRole", person.role), EmployeeNumber=f"{number + 7:06d}",
            ManagerId=None if person.handle == "inge" else Ref("User", "inge"),
            UserPermissionsMarketingUser=person.handle in {"backup", "lotte", "inge"},
        )  # fmt: skip


def _groups(fixed: FixedRows) -> None:
    queues = (
        ("leads", "Lead Queue", "Lead"),
        ("cases-jp", "日本ケース", "Case"),
        ("cases", "Cases", "Case"),
    )
    for handle, name, about in queues:
        queue = fixed.add(
            "Group", handle, Name=name, DeveloperName=handle.replace("-", "_"), Type="Queue",
            Email=f"{handle}@chocolate.example", DoesSendEmailToMembers=True,
        )  # fmt: skip
        fixed.add("QueueSobject", QueueId=queue, SobjectType=about)
    tasters = fixed.add(
        "Group", "tasters", Name="Tasting Panel 🍫", DeveloperName="Tasting_Panel", Type="Regular"
    )
    fixed.add(
        "Group",
        "all",
        Name="All Internal Users",
        DeveloperName="AllInternalUsers",
        Type="Organization",
    )
    members = (
        ("leads", "thijs"), ("leads", "sabine"), ("cases-jp", "hana"), ("cases-jp", "yuki"),
        ("cases", "elodie"), ("cases", "anne"), ("cases", "camila"),
    )  # fmt: skip
    for queue_handle, member in members:
        fixed.add(
            "GroupMember", GroupId=Ref("Group", queue_handle), UserOrGroupId=Ref("User", member)
        )
    for member in ("inge", "tiago", "takeshi"):
        fixed.add("GroupMember", GroupId=tasters, UserOrGroupId=Ref("User", member))
    fixed.add("GroupMember", GroupId=tasters, UserOrGroupId=Ref("Group", "cases"))


def _permission_sets(fixed: FixedRows) -> None:
    sets: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("files", "Query_All_Files", "Query All Files", {"PermissionsQueryAllFiles": True}),
        ("export", "Weekly_Export", "Weekly Export", {"PermissionsApiEnabled": True}),
    )
    for handle, name, label, flags in sets:
        fixed.add("PermissionSet", handle, Name=name, Label=label, IsCustom=True, **flags)
    for handle in ("admin", "backup", "narrow", "standard", "guest"):
        fixed.add(
            "PermissionSet", f"profile-{handle}", Name=f"X00ex{handle}", Label=f"00ex{handle}",
            IsOwnedByProfile=True, ProfileId=Ref("Profile", handle),
        )  # fmt: skip
    for handle in ("profile-admin", "profile-backup", "profile-standard", "profile-narrow"):
        for about in ("Account", "Contact", "Case", "Opportunity"):
            writes = handle in {"profile-admin", "profile-standard"}
            fixed.add(
                "ObjectPermissions",
                ParentId=Ref("PermissionSet", handle),
                SobjectType=about,
                PermissionsRead=True,
                PermissionsCreate=writes,
                PermissionsEdit=writes,
                PermissionsViewAllRecords=handle in {"profile-admin", "profile-backup"},
            )
    for person in PEOPLE:
        handles = [f"profile-{person.profile}"]
        handles += ["files", "export"] if person.handle == "backup" else []
        for handle in handles:
            fixed.add(
                "PermissionSetAssignment", PermissionSetId=Ref("PermissionSet", handle),
                AssigneeId=Ref("User", person.handle), IsActive=person.active,
            )  # fmt: skip


def _record_types(fixed: FixedRows) -> None:
    # Position 0 of RecordType would be counter 0 of the key prefix; the types count from 1.
    fixed.add(
        "RecordType", "retired", Name="Retired", DeveloperName="Retired", SobjectType="Case",
        IsActive=False,
    )  # fmt: skip
    for row in RECORD_TYPES:
        fixed.add(
            "RecordType", Name=row.info.name, DeveloperName=row.info.developer_name,
            SobjectType=row.object, IsActive=row.info.active, IsPersonType=row.person,
        )  # fmt: skip


def _hours(fixed: FixedRows) -> None:
    for number, office in enumerate(OFFICES.values()):
        fixed.add(
            "BusinessHours", f"hours-{number}", Name=f"Office {office.city}", IsActive=True,
            IsDefault=number == 0, TimeZoneSidKey=office.time_zone,
        )  # fmt: skip
    for name in ("Sinterklaas", "Tag der Deutschen Einheit", "文化の日", "Carnaval"):
        fixed.add("Holiday", Name=name, IsAllDay=True, IsRecurrence=True)


def _status_lists(fixed: FixedRows) -> None:
    lists = {
        "CaseStatus": CASE_STATUSES,
        "TaskStatus": ("Not Started", "In Progress", "Completed", "Waiting"),
        "LeadStatus": ("Open - Not Contacted", "Working - Contacted", "Closed - Converted"),
    }
    for table, labels in lists.items():
        for order, label in enumerate(labels, start=1):
            closed = label in {"Closed", "Completed", "Closed - Converted"}
            fixed.add(
                table, MasterLabel=label, SortOrder=order, IsDefault=order == 1, IsClosed=closed
            )
    for order, label in enumerate(("High", "Normal", "Low"), start=1):
        fixed.add(
            "TaskPriority", MasterLabel=label, SortOrder=order, IsDefault=label == "Normal",
            IsHighPriority=label == "High",
        )  # fmt: skip
    for table in ("OrderStatus", "ContractStatus"):
        for order, label in enumerate(("Draft", "Activated"), start=1):
            fixed.add(
                table, MasterLabel=label, ApiName=label, SortOrder=order, IsDefault=order == 1,
                StatusCode=label,
            )  # fmt: skip
    for order, (label, likely) in enumerate(zip(STAGES, PROBABILITIES, strict=True), start=1):
        fixed.add(
            "OpportunityStage", MasterLabel=label, ApiName=label, IsActive=True, SortOrder=order,
            IsClosed=label.startswith("Closed"), IsWon=label == "Closed Won",
            DefaultProbability=float(likely),
        )  # fmt: skip


def _logs(fixed: FixedRows) -> None:
    for number, person in enumerate(PEOPLE):
        if person.active and person.kind == "Standard":
            fixed.add(
                "LoginHistory", UserId=Ref("User", person.handle), LoginType="Application",
                SourceIp=f"192.0.2.{number + 10}", Status="Success", Browser="Chrome 141",
                Platform="Windows 11", LoginTime=fixed.rows["User"][number].at,
            )  # fmt: skip
    for number, action in enumerate(("createdUser", "changedProfile", "queueMembership")):
        fixed.add(
            "SetupAuditTrail", days_ago=90.0 - number, by=Ref("User", "lotte"), Action=action,
            Section="Manage Users", Display=f"{action} for Wim Claeys",
        )  # fmt: skip
