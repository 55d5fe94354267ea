"""A small org of a few objects, fresh for each test, on a clock that stands still."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.salesforce.model import fields as f
from unlost_simulators.salesforce.model.objects import build_object, history_of
from unlost_simulators.salesforce.model.schema import (
    DeleteRule,
    FieldType,
    PicklistValue,
    QueryRule,
    RecordTypeDef,
    Sharing,
)
from unlost_simulators.salesforce.model.users import BACKUP_PERMISSIONS, Permission, SimUser
from unlost_simulators.salesforce.org import Org

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
BACKUP_ID = "005Dn0000000001IAA"
NARROW_ID = "005Dn0000000002IAA"

ACCOUNT = build_object(
    "Account",
    prefix="001",
    flags="QCUDNRT",
    fields=[
        f.text("Name", 255, required=True, name_field=True),
        f.reference("ParentId", "Account", children="ChildAccounts"),
        f.picklist("Industry", "Food", PicklistValue("Retail", "Retail trade")),
        f.currency("AnnualRevenue"),
        f.integer("NumberOfEmployees"),
        f.textarea("Description", 32000),
        *f.address("Billing"),
        *f.location("Place__c"),
        f.external_id("Legacy__c"),
        f.rollup("Contact_Count__c", "Contact", "AccountId"),
    ],
    tracked=("Name", "OwnerId", "AnnualRevenue"),
    record_types=(RecordTypeDef("012Dn0000000001IAA", "Shop", "Shop"),),
    sharing=Sharing.PRIVATE,
)
CONTACT = build_object(
    "Contact",
    prefix="003",
    flags="QCUDNRT",
    fields=[
        *f.person_name(),
        f.reference("AccountId", "Account", children="Contacts", on_delete=DeleteRule.CASCADE),
        f.reference("ReportsToId", "Contact", children="Reports"),
        f.reference("Mentor__c", "Contact", children="Mentees__r"),
        f.email("Email"),
        f.date("Birthdate"),
        f.time("Wakes__c"),
        f.multipicklist("Likes__c", "dark", "milk", "white"),
        f.boolean("HasOptedOut"),
        f.encrypted("Secret__c"),
    ],
    sharing=Sharing.PARENT,
    sharing_parent="AccountId",
)
OPPORTUNITY = build_object(
    "Opportunity",
    prefix="006",
    flags="QCUDNRT",
    fields=[
        f.text("Name", 120, required=True, name_field=True),
        f.reference("AccountId", "Account", children="Opportunities", on_delete=DeleteRule.CASCADE),
        f.currency("Amount"),
        f.percent("Probability", precision=3, scale=0),
        f.date("CloseDate"),
        f.picklist("StageName", "Open", "Won", restricted_picklist=True),
        f.formula(
            "Title__c", FieldType.STRING, "{Account.Name} || ': ' || {Name}", "Account.Name & Name"
        ),
    ],
)
LINE = build_object(
    "OpportunityLineItem",
    prefix="00k",
    flags="QCUD-RT",
    owned=False,
    fields=[
        f.master_detail("OpportunityId", "Opportunity", children="OpportunityLineItems"),
        f.double("Quantity", scale=3),
    ],
)
CASE = build_object(
    "Case",
    prefix="500",
    flags="QCUDNRT",
    fields=[
        f.autonumber("CaseNumber", "{00000000}", name_field=True),
        f.text("Subject"),
        f.reference("AccountId", "Account", children="Cases", on_delete=DeleteRule.RESTRICT),
    ],
)
TASK = build_object(
    "Task",
    prefix="00T",
    flags="QCUDNRT",
    fields=[
        f.text("Subject"),
        f.reference("WhatId", "Account", "Opportunity", relationship="What", children="Tasks"),
        f.reference("WhoId", "Contact", relationship="Who", children="Tasks"),
        f.boolean("IsArchived"),
    ],
    archived_by="IsArchived",
)
USER = build_object(
    "User",
    prefix="005",
    flags="QCU--RT",
    owned=False,
    fields=[*f.person_name(), f.text("Username", 80, required=True), f.boolean("IsActive")],
)
DOCUMENT = build_object(
    "ContentDocument",
    prefix="069",
    flags="Q-UDN-T",
    fields=[f.text("Title", name_field=True)],
    sharing=Sharing.FILES,
)
VERSION = build_object(
    "ContentVersion",
    prefix="068",
    flags="QCU---T",
    fields=[
        f.reference(
            "ContentDocumentId",
            "ContentDocument",
            children="ContentVersions",
            on_delete=DeleteRule.CASCADE,
        ),
        f.text("Title"),
        f.integer("ContentSize"),
        f.text("Checksum", 50),
        f.base64("VersionData"),
    ],
    sharing=Sharing.FILES,
)
LINK = build_object(
    "ContentDocumentLink",
    prefix="06A",
    flags="QCUD--T",
    owned=False,
    system=("Id", "IsDeleted", "SystemModstamp"),
    fields=[
        f.reference(
            "ContentDocumentId",
            "ContentDocument",
            children="ContentDocumentLinks",
            on_delete=DeleteRule.CASCADE,
        ),
        f.reference(
            "LinkedEntityId",
            "Account",
            "User",
            relationship="LinkedEntity",
            children="ContentDocumentLinks",
            on_delete=DeleteRule.CASCADE,
        ),
    ],
    sharing=Sharing.FILES,
    rule=QueryRule(
        required_filter=("Id", "ContentDocumentId", "LinkedEntityId"), lifted_by="QueryAllFiles"
    ),
)
STATUS = build_object(
    "CaseStatus", prefix=None, flags="Q", owned=False, fields=[f.text("MasterLabel")], bulk=False
)
FEED = build_object(
    "FeedItem",
    prefix="0D5",
    flags="QCUD-RT",
    owned=False,
    fields=[f.text("Body")],
    rule=QueryRule(
        needs_permission="ViewAllData", unfilterable=("SystemModstamp",), aggregates=False
    ),
)
VIRTUAL = build_object("Name", prefix=None, flags="", owned=False, fields=[f.text("Name")])
VOTE = build_object(
    "Vote",
    prefix="083",
    flags="QCUD-R-",
    owned=False,
    fields=[f.reference("ParentId", "Account", children="Votes", on_delete=DeleteRule.CASCADE)],
    rule=QueryRule(required_filter=("Id", "ParentId"), message="When querying the Vote object"),
)
RECIPE = build_object(
    "Recipe__c",
    prefix="a00",
    flags="QCUDNRT",
    fields=[
        f.text("Name", 80, name_field=True),
        f.reference("Shop__c", "Account", children="Recipes__r"),
        f.double("Cocoa__c", precision=18, scale=6),
        f.text("Code__c", 40, case_sensitive=True),
    ],
    tracked=("Cocoa__c",),
)
OBJECTS = (
    ACCOUNT,
    history_of(ACCOUNT),
    CONTACT,
    OPPORTUNITY,
    LINE,
    CASE,
    TASK,
    USER,
    DOCUMENT,
    VERSION,
    LINK,
    STATUS,
    FEED,
    VIRTUAL,
    VOTE,
    RECIPE,
    history_of(RECIPE),
)

BACKUP = SimUser(BACKUP_ID, "backup@example.org", name="Backup")
NARROW = SimUser(
    NARROW_ID,
    "narrow@example.org",
    permissions=BACKUP_PERMISSIONS
    - {Permission.VIEW_ALL_DATA, Permission.QUERY_ALL_FILES, Permission.VIEW_SETUP},
    hidden_fields=frozenset({("Account", "AnnualRevenue"), ("Contact", "Email")}),
    hidden_objects=frozenset({"Recipe__c"}),
)


@pytest.fixture
def org() -> Iterator[Org]:
    """An org with two users and no further rows."""
    made = Org(OBJECTS, [BACKUP, NARROW], clock=VirtualClock(NOON))
    rows = [
        {"Id": BACKUP_ID, "LastName": "Backup", "Username": BACKUP.username, "IsActive": True},
        {"Id": NARROW_ID, "FirstName": "Nora", "LastName": "Narrow", "Username": "n"},
    ]
    made.insert(BACKUP, "User", rows)
    yield made
    made.close()


@pytest.fixture
def backup(org: Org) -> SimUser:
    """The user with View All Data and Query All Files."""
    return org.users.by_id(BACKUP_ID) or BACKUP


@pytest.fixture
def narrow(org: Org) -> SimUser:
    """The user whose sharing is evaluated and from whom some fields are hidden."""
    return org.users.by_id(NARROW_ID) or NARROW
