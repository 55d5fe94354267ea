"""What a user without View All Data sees, and the objects that ask for special filters."""

from dataclasses import replace

import pytest

from unlost_simulators.salesforce.model import fields as f
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.objects import build_object
from unlost_simulators.salesforce.model.schema import DeleteRule, QueryRule
from unlost_simulators.salesforce.model.users import Permission, SimUser
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.soql.rules import LINK_FILTER, LINK_OTHER


def names(org: Org, user: SimUser, soql: str) -> list:
    found = org.query(user, soql).records(0, 2000)
    return [list(one.values())[-1] for one in found]


def refused(org: Org, user: SimUser, soql: str) -> SalesforceError:
    with pytest.raises(SalesforceError) as caught:
        org.query(user, soql)
    return caught.value


def test_private_rows_belong_to_their_owner(org: Org, backup: SimUser, narrow: SimUser) -> None:
    (theirs,) = org.insert(backup, "Account", [{"Name": "theirs"}])
    (mine,) = org.insert(narrow, "Account", [{"Name": "mine"}])
    assert names(org, narrow, "SELECT Name FROM Account") == ["mine"]
    assert names(org, backup, "SELECT Name FROM Account") == ["theirs", "mine"]
    org.insert(backup, "Contact", [{"LastName": "a", "AccountId": theirs}])
    org.insert(backup, "Contact", [{"LastName": "b", "AccountId": mine}, {"LastName": "c"}])
    assert names(org, narrow, "SELECT LastName FROM Contact") == ["b", "c"]
    assert org.get_many(narrow, "Account", [theirs, mine], ["Name"])[0] is None
    with pytest.raises(SalesforceError, match="NOT_FOUND"):
        org.get(narrow, "Account", theirs)


def test_public_objects_need_no_share(org: Org, backup: SimUser, narrow: SimUser) -> None:
    org.insert(backup, "Opportunity", [{"Name": "o"}])
    assert names(org, narrow, "SELECT Name FROM Opportunity") == ["o"]


def test_shares_and_groups_open_rows(org: Org, backup: SimUser, narrow: SimUser) -> None:
    share = build_object(
        "AccountShare",
        prefix="00r",
        flags="QCUD---",
        owned=False,
        system=("Id", "IsDeleted"),
        fields=[
            f.reference("AccountId", "Account", on_delete=DeleteRule.CASCADE),
            f.reference("UserOrGroupId", "User", relationship="UserOrGroup"),
        ],
    )
    org.add_object(share)
    org.change_object("Account", share_object="AccountShare")
    one, two = org.insert(backup, "Account", [{"Name": "a"}, {"Name": "b"}])
    assert names(org, narrow, "SELECT Name FROM Account") == []
    org.insert(backup, "AccountShare", [{"AccountId": two, "UserOrGroupId": narrow.id}])
    assert names(org, narrow, "SELECT Name FROM Account") == ["b"]
    queue = "00GDn0000000001IAA"
    org.update(backup, "Account", {one: {"OwnerId": queue}})
    org.users.put(replace(narrow, group_ids=frozenset({queue})))
    assert names(org, narrow, "SELECT Name FROM Account") == ["a", "b"]


def test_hidden_fields_do_not_exist(org: Org, backup: SimUser, narrow: SimUser) -> None:
    for soql in (
        "SELECT AnnualRevenue FROM Account",
        "SELECT Id FROM Account WHERE AnnualRevenue > 1",
        "SELECT Id FROM Account ORDER BY annualrevenue",
        "SELECT Account.AnnualRevenue FROM Contact",
        "SELECT (SELECT Email FROM Contacts) FROM Account",
        "SELECT SUM(AnnualRevenue) FROM Account",
    ):
        assert refused(org, narrow, soql).code == "INVALID_FIELD"
        assert org.query(backup, soql)
    described = [one["name"] for one in org.describe(narrow, "Account").body["fields"]]
    assert "AnnualRevenue" not in described
    (mine,) = org.insert(narrow, "Account", [{"Name": "m", "AnnualRevenue": 5}])
    assert "AnnualRevenue" not in org.get(narrow, "Account", mine)
    org.show_field(narrow, "Account", "AnnualRevenue")
    assert "AnnualRevenue" in org.get(narrow, "Account", mine)
    org.hide_field(narrow, "Account", "annualrevenue")
    assert "AnnualRevenue" not in org.export("Account", user=narrow).column_names


def test_hidden_objects_do_not_exist(org: Org, backup: SimUser, narrow: SimUser) -> None:
    error = refused(org, narrow, "SELECT Id FROM Recipe__c")
    assert error.code == "INVALID_TYPE"
    assert "sObject type 'Recipe__c' is not supported" in error.message
    assert refused(org, narrow, "SELECT (SELECT Id FROM Recipes__r) FROM Account").code == (
        "INVALID_TYPE"
    )
    listed = {one.name for one in org.objects(narrow)}
    assert "Recipe__c" not in listed
    with pytest.raises(SalesforceError, match="NOT_FOUND"):
        org.describe(narrow, "Recipe__c")
    org.show_object(narrow, "Recipe__c")
    assert org.query(narrow, "SELECT Id FROM Recipe__c").total == 0
    org.hide_object(backup, "Recipe__c")
    assert refused(org, backup, "SELECT Id FROM Recipe__c").code == "INVALID_TYPE"
    assert refused(org, backup, "SELECT Parent.Name FROM Recipe__History").code == "INVALID_FIELD"


@pytest.fixture
def files(org: Org, backup: SimUser, narrow: SimUser) -> dict[str, str]:
    (shop,) = org.insert(narrow, "Account", [{"Name": "shop"}])
    made = org.insert(
        backup, "ContentDocument", [{"Title": one} for one in ("plain", "linked", "shop")]
    )
    (own,) = org.insert(narrow, "ContentDocument", [{"Title": "own"}])
    org.insert(backup, "ContentVersion", [{"Title": "v", "ContentDocumentId": one} for one in made])
    links = [
        {"ContentDocumentId": made[1], "LinkedEntityId": narrow.id},
        {"ContentDocumentId": made[2], "LinkedEntityId": shop},
        {"ContentDocumentId": made[0], "LinkedEntityId": backup.id},
    ]
    org.insert(backup, "ContentDocumentLink", links)
    return {"plain": made[0], "linked": made[1], "shop": made[2], "own": own, "account": shop}


def test_files_need_query_all_files(org, backup, narrow, files) -> None:
    soql = "SELECT Title FROM ContentDocument"
    assert names(org, backup, soql) == ["plain", "linked", "shop", "own"]
    assert names(org, narrow, soql) == ["linked", "own"], "a file of a record is missed"
    assert org.query(narrow, "SELECT Id FROM ContentVersion").total == 1
    org.set_permission(narrow, Permission.VIEW_ALL_DATA, granted=True)
    assert names(org, narrow, soql) == ["linked", "own"], "View All Data is not enough"
    org.set_permission(narrow, Permission.QUERY_ALL_FILES, granted=True)
    assert names(org, narrow, soql) == ["plain", "linked", "shop", "own"]


def test_links_need_a_filter(org, backup, narrow, files) -> None:
    assert org.query(backup, "SELECT Id FROM ContentDocumentLink").total == 3
    for tail in ("", " WHERE ContentDocumentId != null", " WHERE Id > '06A000000000000'"):
        error = refused(org, narrow, f"SELECT Id FROM ContentDocumentLink{tail}")
        assert (error.code, error.message) == ("MALFORMED_QUERY", LINK_FILTER)
    by_entity = f"WHERE LinkedEntityId = '{files['account']}'"
    assert names(org, narrow, f"SELECT ContentDocumentId FROM ContentDocumentLink {by_entity}") == [
        files["shop"]
    ]
    both = f"WHERE ContentDocumentId IN ('{files['plain']}', '{files['linked']}')"
    assert names(org, narrow, f"SELECT ContentDocumentId FROM ContentDocumentLink {both}") == [
        files["linked"]
    ]


def test_links_refuse_other_conditions_beside_in(org, backup, files) -> None:
    since = "SystemModstamp > 2020-01-01T00:00:00Z"
    listed = f"ContentDocumentId IN ('{files['plain']}')"
    error = refused(org, backup, f"SELECT Id FROM ContentDocumentLink WHERE {listed} AND {since}")
    assert (error.code, error.message) == ("MALFORMED_QUERY", LINK_OTHER)
    one = f"LinkedEntityId = '{files['account']}' AND {since}"
    assert org.query(backup, f"SELECT Id FROM ContentDocumentLink WHERE {one}").total == 1


def test_feed_items(org: Org, backup: SimUser, narrow: SimUser) -> None:
    org.insert(backup, "FeedItem", [{"Body": "b"}])
    assert refused(org, narrow, "SELECT Id FROM FeedItem").code == "INSUFFICIENT_ACCESS"
    assert org.query(backup, "SELECT Id FROM FeedItem WHERE CreatedDate = TODAY").total == 1
    stamp = refused(org, backup, "SELECT Id FROM FeedItem WHERE SystemModstamp = TODAY")
    assert stamp.code == "INVALID_FIELD"
    assert stamp.message.endswith("field 'SystemModstamp' can not be filtered in a query call")
    assert refused(org, backup, "SELECT COUNT(Id) FROM FeedItem").code == "MALFORMED_QUERY"


def test_objects_that_require_a_filter(org: Org, backup: SimUser) -> None:
    (shop,) = org.insert(backup, "Account", [{"Name": "a"}])
    org.insert(backup, "Vote", [{"ParentId": shop}])
    error = refused(org, backup, "SELECT Id FROM Vote")
    assert error.code == "MALFORMED_QUERY"
    assert error.message == "When querying the Vote object"
    assert refused(org, backup, "SELECT Id FROM Vote WHERE CreatedDate = TODAY").code == error.code
    assert refused(org, backup, f"SELECT Id FROM Vote WHERE Id != '{shop}' OR ParentId = null")
    assert org.query(backup, f"SELECT Id FROM Vote WHERE ParentId = '{shop}'").total == 1
    assert org.query(backup, f"SELECT Id FROM Vote WHERE Vote.ParentId IN ('{shop}')").total == 1


def test_objects_without_filters_and_single_ids(org: Org, backup: SimUser) -> None:
    org.change_object(
        "Vote",
        rule=QueryRule(
            filters=False, code="EXTERNAL_OBJECT_UNSUPPORTED_EXCEPTION", message="no filter"
        ),
    )
    error = refused(org, backup, "SELECT Id FROM Vote WHERE ParentId = null")
    assert error.code == "EXTERNAL_OBJECT_UNSUPPORTED_EXCEPTION"
    assert org.query(backup, "SELECT Id FROM Vote").total == 0
    org.change_object("Vote", rule=QueryRule(required_filter=("Id", "ParentId"), allow_in=False))
    error = refused(org, backup, "SELECT Id FROM Vote WHERE ParentId IN ('001Dn0000000001')")
    assert error.message == (
        "Implementation restriction: Vote requires a filter by a single Id, Id or ParentId using "
        "the equals operator"
    )


def test_wide_activity_reads_are_too_large(org: Org, backup: SimUser, narrow: SimUser) -> None:
    org.configure(distinct_parents=2)
    shops = org.insert(narrow, "Account", [{"Name": one} for one in "abc"])
    org.insert(narrow, "Task", [{"Subject": "s", "WhatId": one} for one in shops])
    error = refused(org, narrow, "SELECT Subject, What.Name FROM Task")
    assert (error.code, error.message) == ("OPERATION_TOO_LARGE", "exceeded 2 distinct who/what's")
    assert org.query(narrow, "SELECT Subject FROM Task").total == 3
    assert org.query(narrow, "SELECT What.Name FROM Task WHERE Subject = 'x'").total == 0
    assert org.query(backup, "SELECT Subject, What.Name FROM Task").total == 3


def test_attachments_are_counted_too(org: Org, narrow: SimUser) -> None:
    org.add_object(
        build_object("Attachment", prefix="00P", flags="QCUDNRT", fields=[f.text("Name")])
    )
    org.configure(distinct_parents=1)
    org.insert(narrow, "Attachment", [{"Name": "a"}, {"Name": "b"}])
    for soql in ("SELECT Id FROM Attachment", "SELECT COUNT() FROM Attachment"):
        error = refused(org, narrow, soql)
        assert (error.code, error.message) == ("OPERATION_TOO_LARGE", "exceeded 1 distinct ids")
    assert org.query(narrow, "SELECT Id FROM Attachment LIMIT 1")


def test_virtual_objects(org: Org, backup: SimUser, narrow: SimUser) -> None:
    org.add_object(
        build_object(
            "UserPermissionAccess",
            prefix="0B0",
            flags="Q",
            owned=False,
            system=("Id",),
            empty_key=True,
            fields=[f.boolean("PermissionsBulkApiHardDelete"), f.boolean("PermissionsViewAllData")],
        )
    )
    soql = "SELECT PermissionsBulkApiHardDelete, PermissionsViewAllData FROM UserPermissionAccess"
    (row,) = org.query(backup, soql).records(0, 5)
    assert row["attributes"]["url"].endswith("/UserPermissionAccess/000000000000000AAA")
    assert (row["PermissionsBulkApiHardDelete"], row["PermissionsViewAllData"]) == (False, True)
    org.set_permission(narrow, Permission.BULK_HARD_DELETE, granted=True)
    (row,) = org.query(narrow, soql).records(0, 5)
    assert (row["PermissionsBulkApiHardDelete"], row["PermissionsViewAllData"]) == (True, False)


def test_entity_and_field_definitions(org: Org, backup: SimUser, narrow: SimUser) -> None:
    entity = build_object(
        "EntityDefinition",
        prefix="4ie",
        flags="Q",
        owned=False,
        system=("Id",),
        empty_key=True,
        fields=[f.text("DurableId"), f.text("QualifiedApiName"), f.boolean("IsQueryable")],
    )
    field = build_object(
        "FieldDefinition",
        prefix="0pt",
        flags="Q",
        owned=False,
        system=("Id",),
        empty_key=True,
        fields=[
            f.text("DurableId"),
            f.text("QualifiedApiName"),
            f.reference("EntityDefinitionId", "EntityDefinition"),
        ],
        rule=QueryRule(required_filter=("EntityDefinitionId", "DurableId"), message="reified"),
    )
    org.add_object(entity)
    org.add_object(field)
    soql = "SELECT QualifiedApiName FROM EntityDefinition WHERE IsQueryable = true"
    assert "Account" in names(org, backup, soql)
    assert "Recipe__c" in names(org, backup, soql)
    assert "Recipe__c" not in names(org, narrow, soql)
    assert refused(org, narrow, "SELECT Id FROM FieldDefinition").message == "reified"
    by_name = (
        "SELECT QualifiedApiName FROM FieldDefinition "
        "WHERE EntityDefinition.QualifiedApiName = 'Account'"
    )
    assert "AnnualRevenue" in names(org, narrow, by_name), "hidden fields are still defined"
    assert "Subject" not in names(org, narrow, by_name)
