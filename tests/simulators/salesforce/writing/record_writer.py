"""An org with a field of every kind, and a writer that writes into it as the API does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from unlost_simulators.salesforce.model import fields as f
from unlost_simulators.salesforce.model.objects import build_object, history_of
from unlost_simulators.salesforce.model.schema import (
    DeleteRule,
    FieldType,
    PicklistValue,
    RecordTypeDef,
    Sharing,
)
from unlost_simulators.salesforce.model.users import Permission, SimUser
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.writing.request import (
    AllOrNone,
    RowResult,
    Verb,
    WriteOptions,
)

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
WRITER_ID = "005Dn0000000001IAA"
CLERK_ID = "005Dn0000000002IAA"
GONE_ID = "005Dn0000000003IAA"
SHOP = "012Dn0000000001IAA"
WHOLESALE = "012Dn0000000002IAA"
CLOSED_TYPE = "012Dn0000000003IAA"

ACCOUNT = build_object(
    "Account",
    prefix="001",
    flags="QCUDNRT",
    fields=[
        f.text("Name", 40, required=True, name_field=True, label="Account Name"),
        f.reference("ParentId", "Account", children="ChildAccounts", label="Parent Account ID"),
        f.reference("RecordTypeId", "RecordType", label="Record Type ID"),
        f.picklist(
            "Office__c", "Gent", "Osaka", PicklistValue("Bruges", active=False),
            restricted_picklist=True, label="Office",
        ),
        f.picklist("Type", "Shop", PicklistValue("Colonial", active=False)),
        f.multipicklist("Days__c", "Mon", "Tue", restricted_picklist=True, label="Days"),
        f.currency("AnnualRevenue", precision=10, scale=2, label="Annual Revenue"),
        f.integer("Employees__c", digits=8, label="Employees"),
        f.percent("Share__c", precision=5, scale=2, label="Share"),
        f.double("Weight__c", precision=18, scale=6, label="Weight"),
        f.integer("Total__c", digits=9),
        f.boolean("Open__c", default=True),
        f.date("Since__c", label="Since"),
        f.datetime("Seen__c", label="Seen"),
        f.time("Opens__c"),
        f.email("Mail__c", label="Mail"),
        f.phone("Phone"),
        f.url("Website"),
        f.textarea("Notes__c", 131_072),
        f.html("Story__c"),
        f.encrypted("Secret__c"),
        *f.address("Billing"),
        f.external_id("Number__c", 18, label="Customer Number"),
        f.external_id("Tag__c", 18, unique=False),
        f.external_id("Key__c", 18, case_sensitive=True),
        f.rollup("Contacts__c", "Contact", "AccountId"),
        f.formula("Shout__c", FieldType.STRING, "upper({Name})", "UPPER(Name)"),
        f.reference("MasterRecordId", "Account", createable=False, updateable=False),
        f.text("Fixed__c", 20, updateable=False),
    ],
    tracked=("Name", "OwnerId"),
    record_types=(
        RecordTypeDef(SHOP, "Shop", "Shop", default=True),
        RecordTypeDef(WHOLESALE, "Wholesale", "Wholesale"),
        RecordTypeDef(CLOSED_TYPE, "Closed", "Closed", active=False, available=False),
    ),
    sharing=Sharing.PRIVATE,
    share_object="AccountShare",
)  # fmt: skip
CONTACT = build_object(
    "Contact",
    prefix="003",
    flags="QCUDNRT",
    fields=[
        *f.person_name(),
        f.reference(
            "AccountId", "Account", children="Contacts", on_delete=DeleteRule.CASCADE,
            label="Account ID",
        ),
        f.reference("ReportsToId", "Contact", children="Reports"),
        f.reference("Mentor__c", "Contact", children="Mentees__r"),
        f.email("Email"),
        f.external_id("Badge__c", 18),
    ],
)  # fmt: skip
CASE = build_object(
    "Case",
    prefix="500",
    flags="QCUDNRT",
    fields=[
        f.autonumber("CaseNumber", "{00000000}", name_field=True),
        f.text("Subject"),
        f.reference("AccountId", "Account", children="Cases", on_delete=DeleteRule.RESTRICT),
        f.picklist("Status", "New", "Closed", default="New"),
    ],
)
TASK = build_object(
    "Task",
    prefix="00T",
    flags="QCUDNRT",
    fields=[
        f.text("Subject"),
        f.reference("WhatId", "Account", "Case", relationship="What", children="Tasks"),
        f.picklist("Status", "Open", "Completed", default="Open"),
    ],
)
SCORE = build_object(
    "Score__c",
    prefix="a01",
    flags="QCUDNRT",
    owned=False,
    label="Score",
    fields=[
        f.autonumber("Name", "S-{0000}", name_field=True),
        f.master_detail("Case__c", "Case", children="Scores__r"),
        f.double("Points__c", precision=6, scale=1),
    ],
)
FILE = build_object(
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
LINE = build_object(
    "OpportunityLineItem",
    prefix="00k",
    flags="QCUD-RT",
    owned=False,
    fields=[f.reference("Case__c", "Case", children="Lines__r", on_delete=DeleteRule.CASCADE)],
)
SHARE = build_object(
    "AccountShare",
    prefix="00r",
    flags="QCUD---",
    owned=False,
    fields=[
        f.reference("AccountId", "Account", on_delete=DeleteRule.CASCADE),
        f.reference("UserOrGroupId", "User"),
    ],
)
USER = build_object(
    "User",
    prefix="005",
    flags="QCU--RT",
    owned=False,
    system=("Id", "SystemModstamp"),
    fields=[*f.person_name(), f.text("Username", 80, required=True), f.boolean("IsActive")],
)
STATUS = build_object("CaseStatus", prefix=None, flags="Q", fields=[f.text("MasterLabel")])
OBJECTS = (
    ACCOUNT, history_of(ACCOUNT), CONTACT, CASE, TASK, SCORE, FILE, LINE, SHARE, USER, STATUS,
)  # fmt: skip

WRITER = SimUser(WRITER_ID, "writer@example.org", permissions=frozenset(Permission))
CLERK = SimUser(
    CLERK_ID,
    "clerk@example.org",
    permissions=frozenset({Permission.API_ENABLED}),
    hidden_fields=frozenset({("Account", "Secret__c")}),
    read_only_fields=frozenset({("Account", "Phone")}),
)
GONE = SimUser(GONE_ID, "gone@example.org", active=False)


@dataclass
class RecordWriter:
    """Writes as one user; ``ok`` insists that every row was taken."""

    org: Org
    user: SimUser
    options: Mapping[str, Any] = field(default_factory=dict)

    def write(self, verb: Verb, name: str, *rows: Mapping[str, Any], **options: Any):
        merged = WriteOptions(**{**self.options, **options})
        return self.org.write(self.user, verb, name, rows, merged)

    def create(self, name: str, *rows: Mapping[str, Any], **options: Any) -> list[RowResult]:
        return self.write(Verb.CREATE, name, *rows, **options)

    def update(self, name: str, *rows: Mapping[str, Any], **options: Any) -> list[RowResult]:
        return self.write(Verb.UPDATE, name, *rows, **options)

    def upsert(self, name: str, *rows: Mapping[str, Any], **options: Any) -> list[RowResult]:
        return self.write(Verb.UPSERT, name, *rows, **options)

    def delete(self, name: str, *keys: str, **options: Any) -> list[RowResult]:
        return self.write(Verb.DELETE, name, *({"Id": one} for one in keys), **options)

    def undelete(self, name: str, *keys: str) -> list[RowResult]:
        return self.write(Verb.UNDELETE, name, *({"Id": one} for one in keys))

    def made(self, name: str, *rows: Mapping[str, Any], **options: Any) -> list[str]:
        """Create rows that must all be taken; gives their ids."""
        results = self.create(name, *rows, **options)
        assert all(one.success for one in results), results
        return [str(one.id) for one in results]

    def row(self, name: str, key: str) -> dict[str, Any]:
        """A stored row, deleted ones too."""
        table = self.org.export(name, deleted=True).to_pylist()
        return next(one for one in table if one["Id"] == key)

    def live(self, name: str) -> int:
        return self.org.holds(name).live


def errors(result: RowResult) -> list[tuple[str, str, list[str]]]:
    return [(one.code, one.message, list(one.fields)) for one in result.errors]


def code(result: RowResult) -> str:
    """The only code of a refused row, ``ok`` for a row that was taken."""
    if result.success:
        assert not result.errors
        return "ok"
    (error,) = result.errors
    return error.code


ALL = AllOrNone.ALL
