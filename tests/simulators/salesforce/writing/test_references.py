"""References: the right object, a record that lives and is seen, external ids, hierarchies."""

import pytest

from simulators.salesforce.writing.hand import CLERK_ID, GONE_ID, WRITER_ID, Hand, code, errors
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.users import Permission
from unlost_simulators.salesforce.writing.cells import POLYMORPHIC
from unlost_simulators.salesforce.writing.request import Channel


def test_a_reference_to_nobody(hand: Hand) -> None:
    (result,) = hand.create("Contact", {"LastName": "a", "AccountId": "001Dn0000000009IAA"})
    assert errors(result) == [("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])]


def test_a_reference_to_a_deleted_record(hand: Hand) -> None:
    (key,) = hand.made("Account", {"Name": "a"})
    hand.delete("Account", key)
    (result,) = hand.create("Contact", {"LastName": "a", "AccountId": key})
    assert errors(result) == [("ENTITY_IS_DELETED", "entity is deleted", [])]


def test_what_is_known_of_a_record_ends_when_it_changes(hand: Hand, org: Org) -> None:
    (key,) = hand.made("Account", {"Name": "a"})
    rows = [{"LastName": "a", "AccountId": key, "OwnerId": CLERK_ID}]
    told = []
    for change in (
        lambda: None,
        lambda: hand.delete("Account", key),
        lambda: hand.undelete("Account", key),
        lambda: org.update(hand.user, "User", {CLERK_ID: {"IsActive": False}}),
        lambda: org.update(hand.user, "User", {CLERK_ID: {"IsActive": True}}),
        lambda: org.hard_delete(hand.user, "Account", [key]),
    ):
        change()
        told.append(code(hand.create("Contact", *rows)[0]))
    assert told == [
        "ok", "ENTITY_IS_DELETED", "ok", "INACTIVE_OWNER_OR_USER", "ok",
        "INVALID_CROSS_REFERENCE_KEY",
    ]  # fmt: skip


def test_what_a_call_that_was_taken_back_made_is_not_known(hand: Hand) -> None:
    (key,) = hand.made("Account", {"Name": "a"})
    memo = hand.org.store.memo("Account", "test")
    memo["known"] = True
    hand.made("Account", {"Name": "b", "ParentId": key})
    assert hand.org.store.memo("Account", "test") == {"known": True}, "rows were added"
    with pytest.raises(ZeroDivisionError), hand.org.store.transaction():
        assert hand.made("Account", {"Name": "c", "ParentId": key}) == 1 / 0
    assert hand.org.store.memo("Account", "test") == {}, "they may be among what was taken back"
    assert hand.org.store.memo("Account", "deleted") == {}


def test_a_reference_to_another_object(hand: Hand) -> None:
    (result,) = hand.create("Contact", {"LastName": "a", "AccountId": WRITER_ID})
    text = f"Account ID: id value of incorrect type: {WRITER_ID}"
    assert errors(result) == [("FIELD_INTEGRITY_EXCEPTION", text, ["AccountId"])]


def test_a_reference_that_the_user_does_not_see(hand: Hand, clerk: Hand) -> None:
    (key,) = hand.made("Account", {"Name": "a"})
    (result,) = clerk.create("Contact", {"LastName": "a", "AccountId": key})
    text = f"insufficient access rights on cross-reference id: {key[:15]}"
    assert errors(result) == [("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", text, [])]


def test_a_polymorphic_reference(hand: Hand) -> None:
    (account,) = hand.made("Account", {"Name": "a"})
    (case,) = hand.made("Case", {"Subject": "s"})
    one, two, three = hand.create(
        "Task", {"WhatId": account[:15]}, {"WhatId": case}, {"WhatId": WRITER_ID}
    )
    assert [code(each) for each in (one, two, three)] == ["ok", "ok", "FIELD_INTEGRITY_EXCEPTION"]
    assert hand.row("Task", str(one.id))["WhatId"] == account


def test_a_detail_needs_its_master(hand: Hand) -> None:
    (result,) = hand.create("Score__c", {"Points__c": 1})
    text = "Required fields are missing: [Case__c]"
    assert errors(result) == [("REQUIRED_FIELD_MISSING", text, ["Case__c"])]
    (case,) = hand.made("Case", {})
    (score,) = hand.made("Score__c", {"Case__c": case})
    (result,) = hand.update("Score__c", {"Id": score, "Case__c": None})
    assert code(result) == "REQUIRED_FIELD_MISSING"


# -- owners


def test_inactive_owners(hand: Hand, org: Org) -> None:
    (key,) = hand.made("Account", {"Name": "a"})
    text = f"operation performed with inactive user [{GONE_ID[:15]}] as owner of account"
    refused = [("INACTIVE_OWNER_OR_USER", text, [])]
    (result,) = hand.create("Account", {"Name": "a", "OwnerId": GONE_ID})
    assert errors(result) == refused
    (result,) = hand.update("Account", {"Id": key, "OwnerId": GONE_ID})
    assert result.success, "Update Records with Inactive Owners"
    org.set_permission(hand.user, Permission.UPDATE_INACTIVE_OWNER, granted=False)
    (result,) = hand.update("Account", {"Id": key, "OwnerId": GONE_ID})
    assert errors(result) == refused
    (result,) = hand.update("Account", {"Id": key, "Phone": "1"})
    assert result.success, "the owner is not part of the change"


def test_the_permission_does_not_reach_every_object(hand: Hand) -> None:
    (key,) = hand.made("Task", {"Subject": "a"})
    (result,) = hand.update("Task", {"Id": key, "OwnerId": GONE_ID})
    assert code(result) == "INACTIVE_OWNER_OR_USER"


# -- by external id


def test_references_by_external_id(hand: Hand) -> None:
    (key,) = hand.made("Account", {"Name": "a", "Number__c": "C1"})
    one, two = hand.made(
        "Contact",
        {"LastName": "a", "Account": {"Number__c": "c1"}},
        {"LastName": "b", "account": {"attributes": {"type": "Account"}, "number__c": "C1"}},
    )
    assert hand.row("Contact", one)["AccountId"] == hand.row("Contact", two)["AccountId"] == key
    (result,) = hand.update("Contact", {"Id": one, "Account": None})
    assert result.success
    assert hand.row("Contact", one)["AccountId"] is None


def test_custom_relationships_by_external_id(hand: Hand) -> None:
    hand.made("Contact", {"LastName": "m", "Badge__c": "B1"})
    (key,) = hand.made("Contact", {"LastName": "a", "Mentor__r": {"Badge__c": "B1"}})
    assert hand.row("Contact", key)["Mentor__c"] is not None


@pytest.mark.parametrize(
    ("account", "error"),
    [
        ({"Number__c": "no"},
         ("INVALID_FIELD",
          "Foreign key external ID: no not found for field Number__c in entity Account", [])),
        ({"Number__c": None},
         ("INVALID_FIELD",
          "Foreign key external ID: None not found for field Number__c in entity Account", [])),
        ({"Tag__c": "t"},
         ("INVALID_FIELD",
          "More than one record found for external id field: Tag__c value t in Account", [])),
        ({"Phone": "1"},
         ("INVALID_FIELD",
          "The field Phone in entity Account is not an external ID or indexed field", ["Phone"])),
        ({"Nothing": "1"},
         ("INVALID_FIELD", "No such column 'Nothing' on sobject of type Account", [])),
        ({"Number__c": "1", "Tag__c": "2"}, (POLYMORPHIC.code, POLYMORPHIC.message, [])),
        ({"Number__c": "x" * 19},
         ("STRING_TOO_LONG",
          f"Customer Number: data value too large: {'x' * 19} (max length=18)", ["Number__c"])),
    ],
)  # fmt: skip
def test_external_ids_that_lead_nowhere(hand: Hand, account: dict, error: tuple) -> None:
    hand.made("Account", {"Name": "a", "Tag__c": "t"}, {"Name": "b", "Tag__c": "t"})
    (result,) = hand.create("Contact", {"LastName": "a", "Account": account})
    assert errors(result) == [error]


def test_a_relationship_is_an_object(hand: Hand) -> None:
    (result,) = hand.create("Contact", {"LastName": "a", "Account": "C1"})
    assert code(result) == "JSON_PARSER_ERROR"


def test_a_polymorphic_relationship_names_its_type(hand: Hand) -> None:
    (key,) = hand.made("Account", {"Name": "a", "Number__c": "C1"})
    (task,) = hand.made("Task", {"What": {"attributes": {"type": "Account"}, "Number__c": "C1"}})
    assert hand.row("Task", task)["WhatId"] == key
    for what in ({"Number__c": "C1"}, {"type": "Contact", "Badge__c": "1"}):
        (result,) = hand.create("Task", {"What": what})
        assert result.errors == (POLYMORPHIC,)


def test_an_empty_relationship_column_leaves_the_reference(hand: Hand) -> None:
    (account,) = hand.made("Account", {"Name": "a", "Number__c": "C1"})
    (key,) = hand.made("Contact", {"LastName": "a", "AccountId": account})
    row = {"Id": key, "Account": {"Number__c": ""}}
    (result,) = hand.update("Contact", row, channel=Channel.BULK)
    assert result.success
    assert hand.row("Contact", key)["AccountId"] == account


# -- hierarchies


def test_nobody_is_above_himself(hand: Hand) -> None:
    top, middle, low = hand.made("Account", {"Name": "1"}, {"Name": "2"}, {"Name": "3"})
    hand.update("Account", {"Id": middle, "ParentId": top}, {"Id": low, "ParentId": middle})
    refused = [("CIRCULAR_DEPENDENCY", "attempt to violate hierarchy constraints", [])]
    for parent in (top, middle, low):
        (result,) = hand.update("Account", {"Id": top, "ParentId": parent})
        assert errors(result) == refused
    results = hand.update("Account", {"Id": top, "ParentId": low}, {"Id": middle, "ParentId": None})
    assert results[0].success, "the request itself opens the circle"


def test_two_rows_that_form_a_circle(hand: Hand) -> None:
    one, two = hand.made("Account", {"Name": "1"}, {"Name": "2"})
    results = hand.update("Account", {"Id": one, "ParentId": two}, {"Id": two, "ParentId": one})
    assert [code(each) for each in results] == ["CIRCULAR_DEPENDENCY"] * 2


def test_custom_lookups_may_run_in_a_circle(hand: Hand) -> None:
    one, two = hand.made("Contact", {"LastName": "1"}, {"LastName": "2"})
    results = hand.update("Contact", {"Id": one, "Mentor__c": two}, {"Id": two, "Mentor__c": one})
    assert all(each.success for each in results)


def test_users_are_known_without_a_user_object(hand: Hand, org: Org) -> None:
    org.drop_object("User")
    assert hand.made("Account", {"Name": "a", "OwnerId": CLERK_ID})
    (result,) = hand.create("Account", {"Name": "a", "OwnerId": GONE_ID})
    assert code(result) == "INACTIVE_OWNER_OR_USER"
