"""References: the right object, a record that lives and is seen, external ids, hierarchies."""

import pytest

from simulators.salesforce.writing.record_writer import (
    CLERK_ID,
    GONE_ID,
    WRITER_ID,
    RecordWriter,
    code,
    errors,
)
from unlost_simulators.salesforce.model.users import Permission
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.writing.request import Channel
from unlost_simulators.salesforce.writing.values.cells import POLYMORPHIC


def test_a_reference_to_nobody(writer: RecordWriter) -> None:
    (result,) = writer.create("Contact", {"LastName": "a", "AccountId": "001Dn0000000009IAA"})
    assert errors(result) == [("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])]


def test_a_reference_to_a_deleted_record(writer: RecordWriter) -> None:
    (key,) = writer.made("Account", {"Name": "a"})
    writer.delete("Account", key)
    (result,) = writer.create("Contact", {"LastName": "a", "AccountId": key})
    assert errors(result) == [("ENTITY_IS_DELETED", "entity is deleted", [])]


def test_what_is_known_of_a_record_ends_when_it_changes(writer: RecordWriter, org: Org) -> None:
    (key,) = writer.made("Account", {"Name": "a"})
    rows = [{"LastName": "a", "AccountId": key, "OwnerId": CLERK_ID}]
    told = []
    for change in (
        lambda: None,
        lambda: writer.delete("Account", key),
        lambda: writer.undelete("Account", key),
        lambda: org.update(writer.user, "User", {CLERK_ID: {"IsActive": False}}),
        lambda: org.update(writer.user, "User", {CLERK_ID: {"IsActive": True}}),
        lambda: org.hard_delete(writer.user, "Account", [key]),
    ):
        change()
        told.append(code(writer.create("Contact", *rows)[0]))
    assert told == [
        "ok", "ENTITY_IS_DELETED", "ok", "INACTIVE_OWNER_OR_USER", "ok",
        "INVALID_CROSS_REFERENCE_KEY",
    ]  # fmt: skip


def test_what_a_call_that_was_taken_back_made_is_not_known(writer: RecordWriter) -> None:
    (key,) = writer.made("Account", {"Name": "a"})
    memo = writer.org.store.memo("Account", "test")
    memo["known"] = True
    writer.made("Account", {"Name": "b", "ParentId": key})
    assert writer.org.store.memo("Account", "test") == {"known": True}, "rows were added"
    with pytest.raises(ZeroDivisionError), writer.org.store.transaction():
        assert writer.made("Account", {"Name": "c", "ParentId": key}) == 1 / 0
    assert writer.org.store.memo("Account", "test") == {}, "they may be among what was taken back"
    assert writer.org.store.memo("Account", "deleted") == {}


def test_a_reference_to_another_object(writer: RecordWriter) -> None:
    (result,) = writer.create("Contact", {"LastName": "a", "AccountId": WRITER_ID})
    text = f"Account ID: id value of incorrect type: {WRITER_ID}"
    assert errors(result) == [("FIELD_INTEGRITY_EXCEPTION", text, ["AccountId"])]


def test_a_reference_that_the_user_does_not_see(writer: RecordWriter, clerk: RecordWriter) -> None:
    (key,) = writer.made("Account", {"Name": "a"})
    (result,) = clerk.create("Contact", {"LastName": "a", "AccountId": key})
    text = f"insufficient access rights on cross-reference id: {key[:15]}"
    assert errors(result) == [("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", text, [])]


def test_a_polymorphic_reference(writer: RecordWriter) -> None:
    (account,) = writer.made("Account", {"Name": "a"})
    (case,) = writer.made("Case", {"Subject": "s"})
    one, two, three = writer.create(
        "Task", {"WhatId": account[:15]}, {"WhatId": case}, {"WhatId": WRITER_ID}
    )
    assert [code(each) for each in (one, two, three)] == ["ok", "ok", "FIELD_INTEGRITY_EXCEPTION"]
    assert writer.row("Task", str(one.id))["WhatId"] == account


def test_a_detail_needs_its_master(writer: RecordWriter) -> None:
    (result,) = writer.create("Score__c", {"Points__c": 1})
    text = "Required fields are missing: [Case__c]"
    assert errors(result) == [("REQUIRED_FIELD_MISSING", text, ["Case__c"])]
    (case,) = writer.made("Case", {})
    (score,) = writer.made("Score__c", {"Case__c": case})
    (result,) = writer.update("Score__c", {"Id": score, "Case__c": None})
    assert code(result) == "REQUIRED_FIELD_MISSING"


# -- owners


def test_inactive_owners(writer: RecordWriter, org: Org) -> None:
    (key,) = writer.made("Account", {"Name": "a"})
    text = f"operation performed with inactive user [{GONE_ID[:15]}] as owner of account"
    refused = [("INACTIVE_OWNER_OR_USER", text, [])]
    (result,) = writer.create("Account", {"Name": "a", "OwnerId": GONE_ID})
    assert errors(result) == refused
    (result,) = writer.update("Account", {"Id": key, "OwnerId": GONE_ID})
    assert result.success, "Update Records with Inactive Owners"
    org.set_permission(writer.user, Permission.UPDATE_INACTIVE_OWNER, granted=False)
    (result,) = writer.update("Account", {"Id": key, "OwnerId": GONE_ID})
    assert errors(result) == refused
    (result,) = writer.update("Account", {"Id": key, "Phone": "1"})
    assert result.success, "the owner is not part of the change"


def test_the_permission_does_not_reach_every_object(writer: RecordWriter) -> None:
    (key,) = writer.made("Task", {"Subject": "a"})
    (result,) = writer.update("Task", {"Id": key, "OwnerId": GONE_ID})
    assert code(result) == "INACTIVE_OWNER_OR_USER"


# -- by external id


def test_references_by_external_id(writer: RecordWriter) -> None:
    (key,) = writer.made("Account", {"Name": "a", "Number__c": "C1"})
    one, two = writer.made(
        "Contact",
        {"LastName": "a", "Account": {"Number__c": "c1"}},
        {"LastName": "b", "account": {"attributes": {"type": "Account"}, "number__c": "C1"}},
    )
    assert writer.row("Contact", one)["AccountId"] == writer.row("Contact", two)["AccountId"] == key
    (result,) = writer.update("Contact", {"Id": one, "Account": None})
    assert result.success
    assert writer.row("Contact", one)["AccountId"] is None


def test_custom_relationships_by_external_id(writer: RecordWriter) -> None:
    writer.made("Contact", {"LastName": "m", "Badge__c": "B1"})
    (key,) = writer.made("Contact", {"LastName": "a", "Mentor__r": {"Badge__c": "B1"}})
    assert writer.row("Contact", key)["Mentor__c"] is not None


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
def test_external_ids_that_lead_nowhere(writer: RecordWriter, account: dict, error: tuple) -> None:
    writer.made("Account", {"Name": "a", "Tag__c": "t"}, {"Name": "b", "Tag__c": "t"})
    (result,) = writer.create("Contact", {"LastName": "a", "Account": account})
    assert errors(result) == [error]


def test_a_relationship_is_an_object(writer: RecordWriter) -> None:
    (result,) = writer.create("Contact", {"LastName": "a", "Account": "C1"})
    assert code(result) == "JSON_PARSER_ERROR"


def test_a_polymorphic_relationship_names_its_type(writer: RecordWriter) -> None:
    (key,) = writer.made("Account", {"Name": "a", "Number__c": "C1"})
    (task,) = writer.made("Task", {"What": {"attributes": {"type": "Account"}, "Number__c": "C1"}})
    assert writer.row("Task", task)["WhatId"] == key
    for what in ({"Number__c": "C1"}, {"type": "Contact", "Badge__c": "1"}):
        (result,) = writer.create("Task", {"What": what})
        assert result.errors == (POLYMORPHIC,)


def test_an_empty_relationship_column_leaves_the_reference(writer: RecordWriter) -> None:
    (account,) = writer.made("Account", {"Name": "a", "Number__c": "C1"})
    (key,) = writer.made("Contact", {"LastName": "a", "AccountId": account})
    row = {"Id": key, "Account": {"Number__c": ""}}
    (result,) = writer.update("Contact", row, channel=Channel.BULK)
    assert result.success
    assert writer.row("Contact", key)["AccountId"] == account


# -- hierarchies


def test_nobody_is_above_himself(writer: RecordWriter) -> None:
    top, middle, low = writer.made("Account", {"Name": "1"}, {"Name": "2"}, {"Name": "3"})
    writer.update("Account", {"Id": middle, "ParentId": top}, {"Id": low, "ParentId": middle})
    refused = [("CIRCULAR_DEPENDENCY", "attempt to violate hierarchy constraints", [])]
    for parent in (top, middle, low):
        (result,) = writer.update("Account", {"Id": top, "ParentId": parent})
        assert errors(result) == refused
    results = writer.update(
        "Account", {"Id": top, "ParentId": low}, {"Id": middle, "ParentId": None}
    )
    assert results[0].success, "the request itself opens the circle"


def test_two_rows_that_form_a_circle(writer: RecordWriter) -> None:
    one, two = writer.made("Account", {"Name": "1"}, {"Name": "2"})
    results = writer.update("Account", {"Id": one, "ParentId": two}, {"Id": two, "ParentId": one})
    assert [code(each) for each in results] == ["CIRCULAR_DEPENDENCY"] * 2


def test_custom_lookups_may_run_in_a_circle(writer: RecordWriter) -> None:
    one, two = writer.made("Contact", {"LastName": "1"}, {"LastName": "2"})
    results = writer.update("Contact", {"Id": one, "Mentor__c": two}, {"Id": two, "Mentor__c": one})
    assert all(each.success for each in results)


def test_users_are_known_without_a_user_object(writer: RecordWriter, org: Org) -> None:
    org.drop_object("User")
    assert writer.made("Account", {"Name": "a", "OwnerId": CLERK_ID})
    (result,) = writer.create("Account", {"Name": "a", "OwnerId": GONE_ID})
    assert code(result) == "INACTIVE_OWNER_OR_USER"
