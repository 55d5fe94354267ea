"""The describes of the chocolate maker: flags as recorded in a real org, shapes that a backup meets."""

from __future__ import annotations

import pytest

from unlost_simulators.salesforce.model.schema import DeleteRule, FieldType, ObjectDef
from unlost_simulators.salesforce.scenarios import scenario
from unlost_simulators.salesforce.scenarios.chocolate.objects import BY_NAME, OBJECTS

# Recorded flags of a developer org (API 59): queryable, createable, updateable, deletable,
# undeletable, replicateable, triggerable.
RECORDED = {
    "Account": "QCUDNRT", "Contact": "QCUDNRT", "Lead": "QCUDNRT", "Case": "QCUDNRT",
    "Opportunity": "QCUDNRT", "Task": "QCUDNRT", "Event": "QCUDNRT", "EmailMessage": "QCUDNRT",
    "EmailMessageRelation": "QCUD-R-", "Attachment": "QCUDNRT", "Note": "QCUDNRT",
    "Document": "QCUDNR-", "ContentDocument": "Q-UDN-T", "ContentVersion": "QCU---T",
    "ContentDocumentLink": "QCUD--T", "ContentWorkspace": "QCUD---", "ContentWorkspaceDoc": "QCUD---",
    "ContentFolder": "QCUDNR-", "ContentFolderItem": "Q------", "ContentFolderMember": "Q-UD---",
    "CaseComment": "QCUDNRT", "CaseTeamMember": "QCUD-R-", "AccountContactRole": "QCUD-R-",
    "OpportunityContactRole": "QCUD-RT", "OpportunityLineItem": "QCUD-RT", "OrderItem": "QCUD-RT",
    "Order": "QCUDNRT", "Contract": "QCUDNRT", "Asset": "QCUDNRT", "Product2": "QCUDNRT",
    "Pricebook2": "QCUDNRT", "PricebookEntry": "QCUD-R-", "Campaign": "Q----RT",
    "CampaignMember": "QCUD-RT", "User": "QCU--RT", "UserRole": "QCUD-R-", "Profile": "QCUD-R-",
    "Group": "QCUD-R-", "PermissionSet": "QCUD---", "PermissionSetAssignment": "QCUD---",
    "GroupMember": "QC-D-R-", "QueueSobject": "QC-D-R-", "RecordType": "QCU--R-",
    "BusinessHours": "QCU--R-", "Organization": "Q-U--R-", "AccountHistory": "Q----R-",
    "CaseHistory": "Q----R-", "AccountFeed": "Q--D-R-", "AccountShare": "QCUD---",
    "AccountChangeEvent": "------T", "FeedItem": "QCUD-RT", "FeedComment": "QCUD-RT",
    "Idea": "QCUDNRT", "IdeaComment": "QCUDNRT", "Vote": "QCUD-R-", "Topic": "QCUD-RT",
    "TopicAssignment": "QC-D-RT", "LoginHistory": "Q------", "SetupAuditTrail": "Q------",
    "UserRecordAccess": "Q------", "RecentlyViewed": "Q-U----", "OutgoingEmail": "QC-----",
    "CaseStatus": "Q------", "TaskStatus": "Q------", "EventRelation": "QCUD-R-",
    "EmailTemplate": "QCUD-R-", "Name": "-------", "AggregateResult": "-------",
    "ActivityHistory": "-------", "FeedLike": "-------",
}  # fmt: skip
PREFIXES = {
    "Account": "001", "Contact": "003", "Lead": "00Q", "Case": "500", "Opportunity": "006",
    "EmailMessage": "02s", "ContentDocument": "069", "ContentVersion": "068",
    "ContentDocumentLink": "06A", "CaseComment": "00a", "IdeaComment": "00a", "Vote": "083",
    "AccountHistory": None, "AccountFeed": None, "CaseTeamMember": None, "CaseStatus": None,
}  # fmt: skip


def flags_of(one: ObjectDef) -> str:
    values = (
        one.queryable, one.createable, one.updateable, one.deletable, one.undeletable,
        one.replicateable, one.triggerable,
    )  # fmt: skip
    return "".join(
        letter if value else "-" for letter, value in zip("QCUDNRT", values, strict=True)
    )


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_flags_are_those_of_a_real_org(name: str) -> None:
    assert flags_of(BY_NAME[name]) == RECORDED[name]


@pytest.mark.parametrize("name", sorted(PREFIXES))
def test_key_prefixes_are_those_of_a_real_org(name: str) -> None:
    assert BY_NAME[name].prefix == PREFIXES[name]


def test_more_than_forty_tables_can_be_queried_and_names_are_unique() -> None:
    assert sum(one.queryable for one in OBJECTS) >= 60
    assert len({one.name.lower() for one in OBJECTS}) == len(OBJECTS)
    for one in OBJECTS:
        fields = [field.name.lower() for field in one.fields]
        assert len(set(fields)) == len(fields), one.name


def test_every_reference_points_to_declared_objects() -> None:
    for made in ("chocolate", "bench-contacts", "bench-mails", "bench-graph"):
        declared = {one.name for one in scenario(made).objects()}
        for one in scenario(made).objects():
            for field in one.fields:
                assert set(field.targets) <= declared, (made, one.name, field.name)
                assert bool(field.targets) == (field.type is FieldType.REFERENCE)


@pytest.mark.parametrize(("name", "least"), [("Account", 85), ("Contact", 65), ("User", 50)])
def test_wide_standard_objects_have_their_standard_fields(name: str, least: int) -> None:
    one = BY_NAME[name]
    assert len(one.fields) >= least
    for wanted in ("Id", "CreatedDate", "CreatedById", "LastModifiedDate", "SystemModstamp"):
        assert one.field(wanted) is not None


def test_name_is_a_compound_of_people_and_a_real_field_of_accounts() -> None:
    for person in ("Contact", "Lead", "User"):
        whole = BY_NAME[person].field("Name")
        assert whole is not None
        assert whole.computed
        assert not whole.createable
    name = BY_NAME["Account"].field("Name")
    assert name is not None
    assert not name.computed
    assert name.compound == "Name"
    assert name.createable


def test_person_accounts_show_in_the_describe_of_account() -> None:
    account = BY_NAME["Account"]
    for name in ("PersonContactId", "IsPersonAccount"):
        field = account.field(name)
        assert field is not None
        assert not field.createable
        assert not field.updateable
    assert {"PersonEmail", "PersonMailingCity", "Allergies__pc"} <= {f.name for f in account.fields}
    assert [one.developer_name for one in account.record_types].count("Reseller") == 2


def test_customer_number_is_a_unique_external_id() -> None:
    number = BY_NAME["Account"].field("Customer_Number__c")
    assert number is not None
    assert (number.unique, number.external_id, number.id_lookup) == (True, True, True)
    assert number.type is FieldType.STRING


def test_custom_objects_hold_a_cycle_a_junction_a_detail_and_a_setting() -> None:
    batch = BY_NAME["Recipe__c"].field("Current_Batch__c")
    recipe = BY_NAME["Cocoa_Batch__c"].field("Recipe__c")
    assert batch is not None
    assert recipe is not None
    assert (batch.targets, recipe.targets) == (("Cocoa_Batch__c",), ("Recipe__c",))
    masters = [
        one for one in BY_NAME["Recipe_Ingredient__c"].fields if one.master_order is not None
    ]
    assert [one.master_order for one in masters] == [0, 1]
    detail = BY_NAME["Tasting_Score__c"].field("Tasting__c")
    assert detail is not None
    assert detail.on_delete is DeleteRule.CASCADE
    assert detail.required
    assert BY_NAME["Shop_Floor_Settings__c"].custom_setting
    longest = BY_NAME["Quality_Report__c"].field("Protocol__c")
    assert longest is not None
    assert (longest.length, longest.filterable) == (131_072, False)


def test_delete_rules_of_account_are_those_recorded() -> None:
    rules = {
        (one.name, field.name): field.on_delete
        for one in OBJECTS
        for field in one.fields
        if "Account" in field.targets
    }
    cascading = (
        ("Contact", "AccountId"), ("Opportunity", "AccountId"), ("Attachment", "ParentId"),
        ("AccountHistory", "AccountId"), ("ContentDocumentLink", "LinkedEntityId"), ("Task", "WhatId"),
    )  # fmt: skip
    assert {rules[one] for one in cascading} == {DeleteRule.CASCADE}
    assert rules["Case", "AccountId"] is DeleteRule.RESTRICT
    assert rules["Account", "ParentId"] is DeleteRule.SET_NULL
    assert rules["Order", "AccountId"] is DeleteRule.CASCADE_DRAFTS
    assert rules["Contract", "AccountId"] is DeleteRule.CASCADE_DRAFTS
    assert rules["Asset", "AccountId"] is DeleteRule.CASCADE


def test_delete_rules_of_contact_are_those_recorded() -> None:
    rules = {
        (one.name, field.name): field.on_delete
        for one in OBJECTS
        for field in one.fields
        if "Contact" in field.targets
    }
    cascading = (
        ("Asset", "ContactId"), ("CaseTeamMember", "MemberId"), ("EventRelation", "RelationId"),
        ("EmailMessageRelation", "RelationId"), ("AccountContactRole", "ContactId"),
        ("OpportunityContactRole", "ContactId"), ("CampaignMember", "ContactId"),
    )  # fmt: skip
    restricting = (
        ("Case", "ContactId"), ("Contract", "CustomerSignedId"), ("Order", "BillToContactId"),
        ("Order", "CustomerAuthorizedById"), ("Order", "ShipToContactId"),
    )  # fmt: skip
    assert {rules[one] for one in cascading} == {DeleteRule.CASCADE}
    assert {rules[one] for one in restricting} == {DeleteRule.RESTRICT}
    assert rules["Opportunity", "ContactId"] is DeleteRule.SET_NULL


def test_people_are_looked_up_by_their_addresses() -> None:
    keys = [("Contact", "Email"), ("Lead", "Email"), ("User", "Email"), ("User", "Username")]
    for name, column in keys:
        field = BY_NAME[name].field(column)
        assert field is not None
        assert (field.id_lookup, field.external_id) == (True, False)


def test_some_objects_refuse_in_each_way_that_a_backup_meets() -> None:
    assert not BY_NAME["CaseStatus"].bulk
    assert BY_NAME["CaseStatus"].queryable
    assert BY_NAME["OutgoingEmail"].rule.code == "EXTERNAL_OBJECT_UNSUPPORTED_EXCEPTION"
    assert BY_NAME["Vote"].rule.required_filter
    assert BY_NAME["ContentDocumentLink"].rule.lifted_by == "QueryAllFiles"
    assert BY_NAME["FeedItem"].rule.unfilterable == ("SystemModstamp",)
    assert BY_NAME["DataStatistics"].empty_key
    assert not BY_NAME["UserRecordAccess"].retrieveable
    assert not BY_NAME["ActivityHistory"].queryable


def test_tracked_objects_have_a_history_object() -> None:
    for one in OBJECTS:
        if one.tracked:
            assert {field for field in one.tracked if one.field(field) is None} == set()
            history = {
                "Opportunity": "OpportunityFieldHistory",
                "Recipe__c": "Recipe__History",
            }.get(one.name, f"{one.name}History")
            assert history in BY_NAME
