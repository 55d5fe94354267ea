"""The simulated org behind the proxy: some hundred records, and what people do in it each day."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from unlost_simulators.kit.blobs import BlobRecipe
from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.salesforce.model import fields as f
from unlost_simulators.salesforce.model.objects import build_object, history_of
from unlost_simulators.salesforce.model.schema import DeleteRule, Sharing
from unlost_simulators.salesforce.model.settings import OrgSettings
from unlost_simulators.salesforce.model.users import BACKUP_PERMISSIONS, Permission, SimUser
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.scenarios.chocolate.declared.objects_access import (
    OBJECTS as ACCESS,
)

OPENING = datetime(2026, 11, 3, 0, 0, tzinfo=UTC)  # a Tuesday
ORG_ID = "00D000000000062EAA"
ADMIN = SimUser("005Dn0000000001IAA", "admin@lies.example", name="Ada Admin")
BACKUP = SimUser(
    "005Dn0000000002IAA",
    "backup@lies.example",
    name="Bo Backup",
    permissions=BACKUP_PERMISSIONS | {Permission.VIEW_ENCRYPTED_DATA},
    consumer_key="lies-backup",
    consumer_secret="not-a-secret",
)
PAGE_ROWS = 40  # of a REST query
FILE_BYTES = 900
EDITED = 10  # records of a table that one day may change
LAST_BUSY_DAY = 2

ORGANIZATION = build_object(
    "Organization",
    prefix="00D",
    flags="Q-U--R-",
    owned=False,
    fields=[
        f.text("Name", name_field=True),
        f.boolean("IsSandbox"),
        f.text("OrganizationType"),
        f.text("TimeZoneSidKey"),
        f.datetime("TrialExpirationDate"),
    ],
)
USER = build_object(
    "User",
    prefix="005",
    flags="QCU--RT",
    owned=False,
    fields=[*f.person_name(), f.text("Username", 80, required=True), f.boolean("IsActive")],
)
ACCOUNT = build_object(
    "Account",
    prefix="001",
    flags="QCUDNRT",
    fields=[
        f.text("Name", 255, required=True, name_field=True),
        f.phone("Phone"),
        f.currency("AnnualRevenue"),
        f.encrypted("Tax_Number__c"),
    ],
)
CONTACT = build_object(
    "Contact",
    prefix="003",
    flags="QCUDNRT",
    fields=[
        f.text("FirstName", 40),
        f.text("LastName", 80, required=True, name_field=True),
        f.email("Email"),
        f.reference("AccountId", "Account", children="Contacts", on_delete=DeleteRule.CASCADE),
    ],
    sharing=Sharing.PRIVATE,
)
CASE = build_object(
    "Case",
    prefix="500",
    flags="QCUDNRT",
    fields=[
        f.autonumber("CaseNumber", "{00000000}", name_field=True),
        f.text("Subject"),
        f.picklist("Priority", "Low", "High"),
        f.reference("AccountId", "Account", children="Cases", on_delete=DeleteRule.RESTRICT),
    ],
    tracked=("Priority",),
)
RECIPE = build_object(
    "Recipe__c",
    prefix="a00",
    flags="QCUDNRT",
    fields=[f.text("Name", 80, name_field=True), f.double("Cocoa__c", precision=18, scale=6)],
)
JUNCTION = build_object(
    "Junction__c",
    prefix="a01",
    flags="QCUD--T",
    owned=False,
    fields=[
        f.text("Name", 80, name_field=True),
        f.reference("Recipe__c", "Recipe__c", children="Junctions__r"),
    ],
)
FEED = build_object(
    "FeedItem",
    prefix="0D5",
    flags="QCUD-RT",
    owned=False,
    fields=[f.text("Body"), f.reference("ParentId", "Account", children="Feeds")],
)
ATTACHMENT = build_object(
    "Attachment",
    prefix="00P",
    flags="QCUDNRT",
    fields=[
        f.text("Name", 255, required=True, name_field=True),
        f.base64("Body"),
        f.integer("BodyLength"),
        f.reference("ParentId", "Account", relationship="Parent", children="Attachments"),
    ],
)
DOCUMENT = build_object(
    "ContentDocument", prefix="069", flags="Q-UDN-T", fields=[f.text("Title", name_field=True)]
)
VERSION = build_object(
    "ContentVersion",
    prefix="068",
    flags="QCU---T",
    fields=[
        f.reference("ContentDocumentId", "ContentDocument", children="ContentVersions"),
        f.text("Title", name_field=True),
        f.integer("ContentSize"),
        f.text("Checksum", 50),
        f.base64("VersionData"),
    ],
)
OBJECTS = (
    ORGANIZATION, USER, ACCOUNT, CONTACT, CASE, history_of(CASE), RECIPE, JUNCTION, FEED,
    ATTACHMENT, DOCUMENT, VERSION, *ACCESS,
)  # fmt: skip
DATA = tuple(one.name for one in OBJECTS if one not in ACCESS)


def open_org() -> Org:
    """An org with its first records, at the opening."""
    org = Org(
        OBJECTS,
        [ADMIN, BACKUP],
        clock=VirtualClock(OPENING),
        id18=ORG_ID,
        settings=OrgSettings(largest_page=PAGE_ROWS, smallest_page=PAGE_ROWS),
    )
    named = {
        "Id": ORG_ID, "Name": "Lies Ltd", "IsSandbox": False, "OrganizationType": "Developer",
        "TimeZoneSidKey": "Europe/Brussels",
    }  # fmt: skip
    org.insert(ADMIN, "Organization", [named])
    people = [
        {"Id": user.id, "LastName": user.name, "Username": user.username, "IsActive": True}
        for user in (ADMIN, BACKUP)
    ]
    org.insert(ADMIN, "User", people)
    _fill(org)
    # longer ago than the overlap of two backups, which would read everything a second time
    org.clock.advance(timedelta(hours=5))
    return org


def _fill(org: Org) -> None:
    accounts = org.insert(ADMIN, "Account", [_account(n) for n in range(130)])
    contacts = [
        {"FirstName": f"First {n}", "LastName": f"Last {n}", "Email": f"c{n}@lies.example"}
        for n in range(200)
    ]
    org.insert(ADMIN, "Contact", contacts)
    cases = [
        {"Subject": f"Case {n}", "Priority": "Low", "AccountId": accounts[n]} for n in range(130)
    ]
    org.insert(ADMIN, "Case", cases)
    recipes = [{"Name": f"Recipe {n}", "Cocoa__c": _cocoa(n)} for n in range(130)]
    made = org.insert(ADMIN, "Recipe__c", recipes)
    links = [{"Name": f"Junction {n}", "Recipe__c": made[n]} for n in range(60)]
    org.insert(ADMIN, "Junction__c", links)
    posts = [{"Body": f"Post {n}", "ParentId": accounts[n]} for n in range(40)]
    org.insert(ADMIN, "FeedItem", posts)
    add_files(org, accounts[0], range(6))


def _account(n: int) -> dict[str, Any]:
    return {
        "Name": f"Account {n}",
        "Phone": f"+32 2 {n:04}",
        "AnnualRevenue": Decimal(n) * 1000,
        "Tax_Number__c": f"BE{n:08}",
    }


def _cocoa(n: int) -> Decimal:
    return Decimal("139.758964") + n


def add_files(org: Org, parent: str, seeds: Sequence[int]) -> None:
    """Attachments and documents with a file each, all of one size."""
    recipes = [BlobRecipe("random", seed, FILE_BYTES) for seed in seeds]
    attached = [
        {"Name": f"{recipe.seed}.bin", "Body": recipe.token(), "BodyLength": recipe.size,
         "ParentId": parent}
        for recipe in recipes
    ]  # fmt: skip
    org.insert(ADMIN, "Attachment", attached)
    documents = org.insert(
        ADMIN, "ContentDocument", [{"Title": f"Document {recipe.seed}"} for recipe in recipes]
    )
    versions = [
        {"ContentDocumentId": document, "Title": f"Version {recipe.seed}",
         "ContentSize": recipe.size, "Checksum": recipe.md5(), "VersionData": recipe.token()}
        for document, recipe in zip(documents, recipes, strict=True)
    ]  # fmt: skip
    org.insert(ADMIN, "ContentVersion", versions)


def live_day(org: Org, day: int) -> None:
    """Live through a day after a backup: soon edits, then the rest of the day.

    Days use different records, so that no later edit repairs what a lie hid. From the third day on
    little happens.
    """
    org.clock.advance(timedelta(minutes=30))
    _edit(org, day)
    if day <= LAST_BUSY_DAY:
        _create_and_delete(org, day)
    org.clock.advance(timedelta(hours=23, minutes=30))


def _edit(org: Org, day: int) -> None:
    count = EDITED // 2 if day <= LAST_BUSY_DAY else 1
    for table, changes in (
        ("Account", {"Phone": f"+49 {day}"}),
        ("Contact", {"Email": f"day{day}@lies.example"}),
        ("Case", {"Priority": "High"}),
        ("Recipe__c", {"Cocoa__c": Decimal(day) / 8}),
        ("FeedItem", {"Body": f"Edited on day {day}"}),
    ):
        chosen = nth(org, table, day)[:count]
        org.update(ADMIN, table, dict.fromkeys(chosen, changes))


def nth(org: Org, table: str, day: int) -> list[str]:
    """The records of a table that only this day may touch."""
    share = 3 if table == "FeedItem" else EDITED
    ids = _first_records(org, table)
    return ids[day * share : (day + 1) * share]


def _first_records(org: Org, table: str) -> list[str]:
    """All records of the opening, deleted ones included, so that places do not shift."""
    rows = org.export(table, deleted=True)
    early = OPENING + timedelta(minutes=1)
    pairs = zip(rows["Id"].to_pylist(), rows["CreatedDate"].to_pylist(), strict=True)
    return [record for record, at in pairs if at.replace(tzinfo=UTC) < early]


def _create_and_delete(org: Org, day: int) -> None:
    accounts = nth(org, "Account", day)
    org.insert(ADMIN, "Account", [_account(1000 + day)])
    new = {"LastName": f"New on day {day}", "Email": "new@lies.example", "AccountId": accounts[0]}
    org.insert(ADMIN, "Contact", [new] * 3)
    cases = [{"Subject": f"New {day}/{n}", "Priority": "Low"} for n in range(3)]
    org.insert(ADMIN, "Case", cases)
    org.insert(ADMIN, "Junction__c", [{"Name": f"New junction {day}"}])
    add_files(org, accounts[0], [100 + day])
    if day > 1:  # what was deleted yesterday
        org.undelete(ADMIN, "Case", nth(org, "Case", day - 1)[6:7])
    org.delete(ADMIN, "Case", nth(org, "Case", day)[6:8])
    org.hard_delete(ADMIN, "Case", nth(org, "Case", day)[8:9])
    org.delete(ADMIN, "Contact", nth(org, "Contact", day)[6:8])
    # two that no list of deletions names
    org.hard_delete(ADMIN, "Junction__c", nth(org, "Junction__c", day)[:2])
