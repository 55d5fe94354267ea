"""Describe: exact key sets, flags, child relationships, record types, entity tags."""

import json

import pytest

from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.users import Permission, SimUser
from unlost_simulators.salesforce.org import Org

ENTRY_KEYS = {
    "activateable",
    "associateEntityType",
    "associateParentEntity",
    "createable",
    "custom",
    "customSetting",
    "deepCloneable",
    "deletable",
    "deprecatedAndHidden",
    "feedEnabled",
    "hasSubtypes",
    "isInterface",
    "isSubtype",
    "keyPrefix",
    "label",
    "labelPlural",
    "layoutable",
    "mergeable",
    "mruEnabled",
    "name",
    "queryable",
    "replicateable",
    "retrieveable",
    "searchable",
    "triggerable",
    "undeletable",
    "updateable",
    "urls",
}
OBJECT_KEYS = ENTRY_KEYS | {
    "actionOverrides",
    "childRelationships",
    "compactLayoutable",
    "defaultImplementation",
    "extendedBy",
    "extendsInterfaces",
    "fields",
    "implementedBy",
    "implementsInterfaces",
    "listviewable",
    "lookupLayoutable",
    "namedLayoutInfos",
    "networkScopeFieldName",
    "recordTypeInfos",
    "searchLayoutable",
    "sobjectDescribeOption",
    "supportedScopes",
}
FIELD_KEYS = {
    "aggregatable",
    "aiPredictionField",
    "autoNumber",
    "byteLength",
    "calculated",
    "calculatedFormula",
    "cascadeDelete",
    "caseSensitive",
    "compoundFieldName",
    "controllerName",
    "createable",
    "custom",
    "defaultValue",
    "defaultValueFormula",
    "defaultedOnCreate",
    "dependentPicklist",
    "deprecatedAndHidden",
    "digits",
    "displayLocationInDecimal",
    "encrypted",
    "externalId",
    "extraTypeInfo",
    "filterable",
    "filteredLookupInfo",
    "formulaTreatNullNumberAsZero",
    "groupable",
    "highScaleNumber",
    "htmlFormatted",
    "idLookup",
    "inlineHelpText",
    "label",
    "length",
    "mask",
    "maskType",
    "name",
    "nameField",
    "namePointing",
    "nillable",
    "permissionable",
    "picklistValues",
    "polymorphicForeignKey",
    "precision",
    "queryByDistance",
    "referenceTargetField",
    "referenceTo",
    "relationshipName",
    "relationshipOrder",
    "restrictedDelete",
    "restrictedPicklist",
    "scale",
    "searchPrefilterable",
    "soapType",
    "sortable",
    "type",
    "unique",
    "updateable",
    "writeRequiresMasterRead",
}


def field(org: Org, user: SimUser, name: str, wanted: str) -> dict:
    fields = org.describe(user, name).body["fields"]
    return next(one for one in fields if one["name"] == wanted)


def test_key_counts_are_those_of_recorded_answers() -> None:
    assert (len(ENTRY_KEYS), len(FIELD_KEYS)) == (28, 57)


def test_global_describe(org: Org, backup: SimUser) -> None:
    body = org.describe_global(backup, version="v60.0").body
    assert (body["encoding"], body["maxBatchSize"]) == ("UTF-8", 200)
    names = [one["name"] for one in body["sobjects"]]
    assert names == sorted(names)
    assert all(set(one) == ENTRY_KEYS for one in body["sobjects"])
    account = next(one for one in body["sobjects"] if one["name"] == "Account")
    assert account["keyPrefix"] == "001"
    assert account["urls"]["describe"] == "/services/data/v60.0/sobjects/Account/describe"
    assert account["urls"]["rowTemplate"] == "/services/data/v60.0/sobjects/Account/{ID}"
    history = next(one for one in body["sobjects"] if one["name"] == "AccountHistory")
    assert (history["keyPrefix"], history["createable"]) == (None, False)
    assert (history["associateEntityType"], history["associateParentEntity"]) == (
        "History",
        "Account",
    )
    assert set(history["urls"]) == {"rowTemplate", "describe", "sobject"}
    recipe = next(one for one in body["sobjects"] if one["name"] == "Recipe__c")
    assert recipe["custom"] is True


def test_object_describe_has_all_keys(org: Org, backup: SimUser) -> None:
    for one in org.objects(backup):
        body = org.describe(backup, one.name).body
        assert set(body) == OBJECT_KEYS
        assert all(set(each) == FIELD_KEYS for each in body["fields"])
        json.dumps(body)


def test_names_mind_no_case_and_unknown_ones_are_not_found(org: Org, backup: SimUser) -> None:
    assert org.describe(backup, "aCCount").body["name"] == "Account"
    with pytest.raises(SalesforceError) as caught:
        org.describe(backup, "Nope")
    assert caught.value.status == 404
    assert caught.value.body() == [
        {"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}
    ]


def test_field_facts(org: Org, backup: SimUser) -> None:
    name = field(org, backup, "Account", "Name")
    assert (name["length"], name["byteLength"], name["nameField"]) == (255, 765, True)
    assert (name["type"], name["soapType"], name["nillable"]) == ("string", "xsd:string", False)
    revenue = field(org, backup, "Account", "AnnualRevenue")
    assert (revenue["precision"], revenue["scale"], revenue["soapType"]) == (18, 2, "xsd:double")
    city = field(org, backup, "Account", "BillingCity")
    assert city["compoundFieldName"] == "BillingAddress"
    address = field(org, backup, "Account", "BillingAddress")
    assert (address["type"], address["createable"], address["soapType"]) == (
        "address",
        False,
        "urn:address",
    )
    full_name = field(org, backup, "Contact", "Name")
    assert (full_name["createable"], full_name["calculated"]) == (False, False)
    last = field(org, backup, "Contact", "LastName")
    assert (last["compoundFieldName"], last["nillable"]) == ("Name", False)
    number = field(org, backup, "Case", "CaseNumber")
    assert (number["autoNumber"], number["createable"], number["nillable"]) == (True, False, False)
    formula = field(org, backup, "Opportunity", "Title__c")
    assert (formula["calculated"], formula["calculatedFormula"]) == (True, "Account.Name & Name")
    rollup = field(org, backup, "Account", "Contact_Count__c")
    assert (rollup["calculated"], rollup["calculatedFormula"]) == (True, None)
    what = field(org, backup, "Task", "WhatId")
    assert what["referenceTo"] == ["Account", "Opportunity"]
    assert (what["relationshipName"], what["namePointing"]) == ("What", True)
    assert what["polymorphicForeignKey"] is True
    account = field(org, backup, "Contact", "AccountId")
    assert account["cascadeDelete"] is False, "its rule is that of the relationship"
    line = field(org, backup, "OpportunityLineItem", "OpportunityId")
    assert (line["relationshipOrder"], line["cascadeDelete"]) == (0, True)
    assert line["writeRequiresMasterRead"] is True
    stage = field(org, backup, "Opportunity", "StageName")
    assert stage["restrictedPicklist"] is True
    assert stage["picklistValues"][0] == {
        "active": True,
        "defaultValue": False,
        "label": "Open",
        "validFor": None,
        "value": "Open",
    }
    blob = field(org, backup, "ContentVersion", "VersionData")
    assert (blob["type"], blob["soapType"]) == ("base64", "xsd:base64Binary")
    history = field(org, backup, "AccountHistory", "OldValue")
    assert (history["type"], history["soapType"]) == ("anyType", "xsd:anyType")


def test_system_fields(org: Org, backup: SimUser) -> None:
    for name in [
        "Id",
        "IsDeleted",
        "CreatedDate",
        "CreatedById",
        "LastModifiedDate",
        "SystemModstamp",
    ]:
        one = field(org, backup, "Account", name)
        assert one["nillable"] is False
        assert one["defaultedOnCreate"] is True
        assert (one["createable"], one["updateable"]) == (False, False)
    owner = field(org, backup, "Account", "OwnerId")
    assert (owner["createable"], owner["updateable"], owner["defaultedOnCreate"]) == (
        True,
        True,
        True,
    )


def test_audit_fields_open_with_the_permission(org: Org, backup: SimUser) -> None:
    org.set_permission(backup, Permission.SET_AUDIT_FIELDS, granted=True)
    for name in ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"):
        for of in ("Account", "Recipe__c"):
            one = field(org, backup, of, name)
            assert (one["createable"], one["updateable"]) == (True, False)
        assert field(org, backup, "OpportunityLineItem", name)["createable"] is False
        assert field(org, backup, "FeedItem", name)["createable"] is False
    assert field(org, backup, "Account", "SystemModstamp")["createable"] is False


def test_child_relationships(org: Org, backup: SimUser, narrow: SimUser) -> None:
    found = {
        (one["childSObject"], one["field"]): one
        for one in org.describe(backup, "Account").body["childRelationships"]
    }
    keys = {
        "cascadeDelete",
        "childSObject",
        "deprecatedAndHidden",
        "field",
        "junctionIdListNames",
        "junctionReferenceTo",
        "relationshipName",
        "restrictedDelete",
    }
    assert all(set(one) == keys for one in found.values())
    contact = found["Contact", "AccountId"]
    assert (contact["cascadeDelete"], contact["relationshipName"]) == (True, "Contacts")
    case = found["Case", "AccountId"]
    assert (case["cascadeDelete"], case["restrictedDelete"]) == (False, True)
    itself = found["Account", "ParentId"]
    assert (itself["cascadeDelete"], itself["restrictedDelete"]) == (False, False)
    assert ("Recipe__c", "Shop__c") in found
    seen = org.describe(narrow, "Account").body["childRelationships"]
    assert "Recipe__c" not in {one["childSObject"] for one in seen}


def test_record_types(org: Org, backup: SimUser) -> None:
    infos = org.describe(backup, "Account").body["recordTypeInfos"]
    assert [one["developerName"] for one in infos] == ["Shop", "Master"]
    assert infos[1]["recordTypeId"] == "012000000000000AAA"
    assert (infos[1]["master"], infos[1]["defaultRecordTypeMapping"]) == (True, True)
    assert infos[0]["urls"]["layout"].endswith(f"/describe/layouts/{infos[0]['recordTypeId']}")


def test_entity_tag_follows_the_content(org: Org, backup: SimUser, narrow: SimUser) -> None:
    first = org.describe(backup, "Account")
    assert first.etag == org.describe(backup, "Account").etag
    assert first.etag != org.describe(narrow, "Account").etag
    assert first.etag.startswith('"')
    org.rename_field("Account", "Legacy__c", "Old__c")
    after = org.describe(backup, "Account")
    assert after.etag != first.etag
    assert after.last_modified >= first.last_modified
