"""Describes of the scenario through the simulator's own describe: complete for every object."""

from __future__ import annotations

from typing import Any

import pytest

from unlost_simulators.salesforce.describe import describe, describe_global
from unlost_simulators.salesforce.model.schema import Schema
from unlost_simulators.salesforce.model.users import SimUser, normal
from unlost_simulators.salesforce.scenarios import scenario, scenario_names
from unlost_simulators.salesforce.scenarios.chocolate import story
from unlost_simulators.salesforce.scenarios.chocolate.objects import BY_NAME, OBJECTS

VERSION = "v66.0"
# The keys that recorded answers of a real org have, always all of them.
ENTRY_KEYS = frozenset(
    """activateable associateEntityType associateParentEntity createable custom customSetting
    deepCloneable deletable deprecatedAndHidden feedEnabled hasSubtypes isInterface isSubtype
    keyPrefix label labelPlural layoutable mergeable mruEnabled name queryable replicateable
    retrieveable searchable triggerable undeletable updateable urls""".split()  # noqa: SIM905
)
FIELD_KEYS = frozenset(
    """aggregatable aiPredictionField autoNumber byteLength calculated calculatedFormula
    cascadeDelete caseSensitive compoundFieldName controllerName createable custom defaultValue
    defaultValueFormula defaultedOnCreate dependentPicklist deprecatedAndHidden digits
    displayLocationInDecimal encrypted externalId extraTypeInfo filterable filteredLookupInfo
    formulaTreatNullNumberAsZero groupable highScaleNumber htmlFormatted idLookup inlineHelpText
    label length mask maskType name nameField namePointing nillable permissionable picklistValues
    polymorphicForeignKey precision queryByDistance referenceTargetField referenceTo
    relationshipName relationshipOrder restrictedDelete restrictedPicklist scale
    searchPrefilterable soapType sortable type unique updateable
    writeRequiresMasterRead""".split()  # noqa: SIM905
)
SCHEMA = Schema(OBJECTS)


def user(name: str) -> SimUser:
    """The user as the org registers him (names of hidden fields in lower case)."""
    return normal(next(one for one in scenario("chocolate").users() if one.username == name))


def described(name: str, *, by: str = story.BACKUP_USERNAME) -> dict[str, Any]:
    return describe(SCHEMA, user(by), BY_NAME[name], VERSION)


def fields_of(name: str, *, by: str = story.BACKUP_USERNAME) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in described(name, by=by)["fields"]}


def test_there_are_28_and_57_keys() -> None:
    assert (len(ENTRY_KEYS), len(FIELD_KEYS)) == (28, 57)


@pytest.mark.parametrize("name", scenario_names())
def test_every_entry_of_the_global_describe_has_the_28_keys(name: str) -> None:
    made = scenario(name)
    entries = describe_global(Schema(tuple(made.objects())), made.users()[0], VERSION)["sobjects"]
    assert len(entries) == len(made.objects())
    assert {frozenset(one) for one in entries} == {ENTRY_KEYS}


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_field_has_the_57_keys_and_a_label(name: str) -> None:
    whole = described(name)
    assert whole["fields"]
    assert {frozenset(one) for one in whole["fields"]} == {FIELD_KEYS}
    assert all(one["label"] for one in whole["fields"])
    assert whole.keys() >= ENTRY_KEYS


def test_the_wide_tables_are_wide() -> None:
    assert len(fields_of("Account")) >= 85
    assert len(fields_of("Contact")) >= 65


def test_field_level_security_hides_fields_of_the_narrow_user() -> None:
    hidden = fields_of("Contact").keys() - fields_of("Contact", by=story.NARROW_USERNAME).keys()
    assert hidden == {"Birthdate", "Allergies__c"}
    lost = fields_of("Account").keys() - fields_of("Account", by=story.NARROW_USERNAME).keys()
    assert lost == {"Credit_Limit__c"}


def test_account_tells_its_children_with_their_delete_rules() -> None:
    children = {
        (one["childSObject"], one["field"]): one
        for one in described("Account")["childRelationships"]
    }
    assert children["Contact", "AccountId"]["relationshipName"] == "Contacts"
    assert children["Contact", "AccountId"]["cascadeDelete"] is True
    assert children["Case", "AccountId"]["restrictedDelete"] is True
    parent = children["Account", "ParentId"]
    assert (parent["cascadeDelete"], parent["restrictedDelete"]) == (False, False)


def test_contracts_and_orders_go_with_their_account_and_hold_it() -> None:
    children = {
        (one["childSObject"], one["field"]): (one["cascadeDelete"], one["restrictedDelete"])
        for one in described("Account")["childRelationships"]
    }
    assert children["Contract", "AccountId"] == children["Order", "AccountId"] == (True, True)
    assert children["Asset", "AccountId"] == (True, False)
    # Recorded answers name these rules in childRelationships alone, except for custom fields.
    for name in ("Contract", "Order", "Asset"):
        field = fields_of(name)["AccountId"]
        assert (field["cascadeDelete"], field["restrictedDelete"]) == (False, False)
    assert fields_of("Tasting_Score__c")["Tasting__c"]["cascadeDelete"] is True
    assert fields_of("Cocoa_Batch__c")["Supplier__c"]["restrictedDelete"] is True


@pytest.mark.parametrize(
    ("name", "column", "flags"),
    [
        # createable, updateable, nillable, namePointing, polymorphicForeignKey
        ("Lead", "OwnerId", (True, True, False, True, True)),
        ("Case", "OwnerId", (True, True, False, True, True)),
        ("Order", "OwnerId", (True, True, False, True, True)),
        ("Account", "OwnerId", (True, True, False, False, False)),
        ("Event", "WhoId", (True, True, True, True, True)),
        ("Case", "ContactId", (True, True, True, False, False)),
        ("Opportunity", "ContactId", (True, False, True, False, False)),
        ("OpportunityContactRole", "ContactId", (True, True, False, False, False)),
        ("OpportunityContactRole", "OpportunityId", (True, False, False, False, False)),
        ("AccountContactRole", "ContactId", (True, True, False, False, False)),
        ("CampaignMember", "ContactId", (True, False, True, False, False)),
        ("CaseTeamMember", "MemberId", (True, False, False, True, True)),
        ("EmailMessageRelation", "EmailMessageId", (True, False, False, False, False)),
        ("EmailMessageRelation", "RelationId", (True, True, True, True, True)),
        ("EventRelation", "EventId", (True, False, False, False, False)),
        ("EventRelation", "RelationId", (True, False, False, True, True)),
        ("Order", "OriginalOrderId", (True, False, True, False, False)),
    ],
)
def test_references_are_writable_and_polymorphic_as_in_real_orgs(
    name: str, column: str, flags: tuple[bool, ...]
) -> None:
    field = fields_of(name, by=story.ADMIN_USERNAME)[column]
    keys = ("createable", "updateable", "nillable", "namePointing", "polymorphicForeignKey")
    assert tuple(field[key] for key in keys) == flags


def test_the_contact_of_an_opportunity_is_no_path_for_queries() -> None:
    assert fields_of("Opportunity")["ContactId"]["relationshipName"] is None


def test_fields_show_their_kinds() -> None:
    account, contact = fields_of("Account"), fields_of("Contact")
    assert account["Customer_Number__c"]["externalId"] is True
    assert account["BillingAddress"]["type"] == "address"
    assert account["BillingCity"]["compoundFieldName"] == "BillingAddress"
    assert account["Office_Code__c"]["calculated"] is True
    assert contact["Name"]["createable"] is False
    assert contact["Languages__c"]["type"] == "multipicklist"
    retired = [one for one in account["Type"]["picklistValues"] if not one["active"]]
    assert [one["value"] for one in retired] == ["Colonial Goods"]
    assert len(fields_of("Task")["WhatId"]["referenceTo"]) > 5
    assert fields_of("Case")["CaseNumber"]["autoNumber"] is True
    assert fields_of("ContentVersion")["VersionData"]["soapType"] == "xsd:base64Binary"
    assert fields_of("Tasting_Score__c")["Aroma__c"]["controllerName"] == "Texture__c"
    assert fields_of("Recipe__c")["Secret_Ingredient__c"]["type"] == "encryptedstring"
    assert fields_of("Cocoa_Batch__c")["Farm__c"]["type"] == "location"
