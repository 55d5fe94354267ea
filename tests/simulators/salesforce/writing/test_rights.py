"""Who may write what: sharing, object permissions, field-level security, audit fields."""

from datetime import timedelta

import pytest

from simulators.salesforce.writing.record_writer import (
    CLERK,
    CLERK_ID,
    GONE_ID,
    RecordWriter,
    code,
    errors,
)
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.users import ObjectOperation, Permission
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.writing.request import Verb

PAST = "2019-01-02T03:04:05.000+0000"
LATER = "2020-01-02T03:04:05.000+0000"
NO_ACCESS = [("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", [])]
NO_ROW = [("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])]


# -- sharing


def test_a_row_that_the_user_does_not_see_does_not_exist(
    writer: RecordWriter, clerk: RecordWriter
) -> None:
    (key,) = writer.made("Account", {"Name": "a"})
    (result,) = clerk.update("Account", {"Id": key, "Name": "b"})
    assert errors(result) == NO_ROW
    (result,) = clerk.delete("Account", key)
    assert errors(result) == NO_ROW


def test_seeing_all_is_not_changing_all(
    writer: RecordWriter, clerk: RecordWriter, org: Org
) -> None:
    (key,) = writer.made("Account", {"Name": "a"})
    org.set_permission(CLERK, Permission.VIEW_ALL_DATA, granted=True)
    (result,) = clerk.update("Account", {"Id": key, "Name": "b"})
    assert errors(result) == NO_ACCESS
    (result,) = clerk.delete("Account", key)
    assert errors(result) == NO_ACCESS
    org.set_permission(CLERK, Permission.MODIFY_ALL_DATA, granted=True)
    (result,) = clerk.update("Account", {"Id": key, "Name": "b"})
    assert result.success


def test_own_and_shared_rows_can_be_changed(writer: RecordWriter, clerk: RecordWriter) -> None:
    own, shared = writer.made("Account", {"Name": "a", "OwnerId": CLERK_ID}, {"Name": "b"})
    writer.made("AccountShare", {"AccountId": shared, "UserOrGroupId": CLERK_ID})
    results = clerk.update("Account", *({"Id": key, "Name": "c"} for key in (own, shared)))
    assert [code(one) for one in results] == ["ok", "ok"]


# -- object permissions and field-level security


@pytest.mark.parametrize("of", ["Account", "*"])
def test_denied_operations(clerk: RecordWriter, org: Org, of: str) -> None:
    (key,) = clerk.made("Account", {"Name": "a"})
    for operation in ObjectOperation:
        org.users.deny(CLERK_ID, of, operation)
    (created,) = clerk.create("Account", {"Name": "b"})
    (updated,) = clerk.update("Account", {"Id": key, "Name": "b"})
    (deleted,) = clerk.delete("Account", key)
    refused = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    assert errors(created) == [(refused, "entity type cannot be inserted: Account", [])]
    assert errors(updated) == [(refused, "entity type cannot be updated: Account", [])]
    assert errors(deleted) == [(refused, "entity type cannot be deleted: Account", [])]
    described = org.describe(org.users.current(CLERK), "Account").body
    flags = [described[one] for one in ("createable", "updateable", "deletable", "queryable")]
    assert flags == [False, False, False, True]
    assert not any(one["createable"] or one["updateable"] for one in described["fields"])
    listed = org.describe_global(org.users.current(CLERK)).body["sobjects"]
    assert next(one for one in listed if one["name"] == "Account")["createable"] is False
    for operation in ObjectOperation:
        org.users.allow(CLERK_ID, of, operation)
    (deleted,) = clerk.delete("Account", key)
    assert deleted.success


def test_an_upsert_needs_the_right_for_what_it_does(clerk: RecordWriter, org: Org) -> None:
    clerk.made("Account", {"Name": "a", "Number__c": "1"})
    org.users.deny(CLERK_ID, "Account", ObjectOperation.CREATE)
    rows = [{"Number__c": one, "Name": "b"} for one in ("1", "2")]
    old, new = clerk.upsert("Account", *rows, external_id="Number__c")
    assert (code(old), code(new)) == ("ok", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")


def test_hidden_fields_do_not_exist_and_locked_ones_are_read_only(
    clerk: RecordWriter, org: Org
) -> None:
    hidden, locked = clerk.create(
        "Account", {"Name": "a", "Secret__c": "x"}, {"Name": "a", "Phone": "1"}
    )
    text = "No such column 'Secret__c' on sobject of type Account"
    assert errors(hidden) == [("INVALID_FIELD", text, [])]
    assert (code(locked), locked.errors[0].fields) == (
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        ("Phone",),
    )
    field = {one["name"]: one for one in org.describe(CLERK, "Account").body["fields"]}["Phone"]
    assert (field["createable"], field["updateable"]) == (False, False)
    org.users.lock_field(CLERK_ID, "account", "WEBSITE")
    (result,) = clerk.create("Account", {"Name": "a", "Website": "w"})
    assert result.errors[0].fields == ("Website",)


def test_hidden_objects_do_not_exist(clerk: RecordWriter, org: Org) -> None:
    org.hide_object(CLERK, "Account")
    with pytest.raises(SalesforceError, match="NOT_FOUND"):
        clerk.create("Account", {"Name": "a"})
    (result,) = clerk.create("Contact", {"LastName": "a", "Account": {"Number__c": "1"}})
    assert code(result) == "INVALID_FIELD"


# -- audit fields


def test_audit_fields_of_an_insert(writer: RecordWriter) -> None:
    audit = {
        "CreatedDate": PAST,
        "CreatedById": CLERK_ID,
        "LastModifiedDate": LATER,
        "LastModifiedById": CLERK_ID,
    }
    one, two = writer.made("Account", {"Name": "a", **audit}, {"Name": "b"})
    row, fresh = writer.row("Account", one), writer.row("Account", two)
    assert row["CreatedDate"].year == 2019
    assert row["LastModifiedDate"].year == 2020
    assert row["SystemModstamp"] == fresh["SystemModstamp"] == fresh["CreatedDate"]
    assert (row["CreatedById"], row["LastModifiedById"]) == (CLERK_ID, CLERK_ID)
    assert fresh["CreatedById"] == writer.user.id


@pytest.mark.parametrize("name", ["CreatedDate", "CreatedById", "LastModifiedDate"])
def test_audit_fields_are_refused(writer: RecordWriter, org: Org, name: str) -> None:
    value = CLERK_ID if name.endswith("Id") else PAST
    (key,) = writer.made("Account", {"Name": "a", "Number__c": "1"})
    (line,) = writer.made("Case", {})
    text = (
        f"Unable to create/update fields: {name}. Please check the security settings of this "
        "field and verify that it is read/write for your profile or permission set."
    )
    refused = [("INVALID_FIELD_FOR_INSERT_UPDATE", text, [name])]
    (result,) = writer.update("Account", {"Id": key, name: value})
    assert errors(result) == refused, "an update never sets them"
    (result,) = writer.upsert("Account", {"Number__c": "1", name: value}, external_id="Number__c")
    assert errors(result) == refused
    (result,) = writer.create("OpportunityLineItem", {"Case__c": line, name: value})
    assert errors(result) == refused, "an object that is not in the list"
    org.configure(audit_fields=False)
    (result,) = writer.create("Account", {"Name": "b", name: value})
    assert errors(result) == refused, "the org's preference is off"
    org.configure(audit_fields=True)
    org.set_permission(writer.user, Permission.SET_AUDIT_FIELDS, granted=False)
    (result,) = writer.create("Account", {"Name": "b", name: value})
    assert errors(result) == refused, "the user has no permission"


@pytest.mark.parametrize(
    ("audit", "field"),
    [
        ({"CreatedDate": "2026-11-01T12:00:01Z"}, "CreatedDate"),
        ({"CreatedDate": PAST, "LastModifiedDate": "2027-01-01T00:00:00Z"}, "LastModifiedDate"),
        ({"CreatedDate": LATER, "LastModifiedDate": PAST}, "LastModifiedDate"),
        ({"LastModifiedDate": PAST}, "LastModifiedDate"),
        ({"CreatedDate": "1969-12-31T23:59:59Z"}, "CreatedDate"),
    ],
)
def test_audit_times_that_cannot_be(writer: RecordWriter, audit: dict, field: str) -> None:
    (result,) = writer.create("Account", {"Name": "a", **audit})
    assert {one.code for one in result.errors} == {"FIELD_INTEGRITY_EXCEPTION"}
    assert field in {name for one in result.errors for name in one.fields}


def test_an_audit_author_who_is_nobody(writer: RecordWriter) -> None:
    (result,) = writer.create("Account", {"Name": "a", "CreatedById": "005Dn0000000009IAA"})
    assert errors(result) == NO_ROW
    assert writer.made("Account", {"Name": "a", "CreatedById": GONE_ID})


def test_a_change_moves_audit_fields_on(writer: RecordWriter, org: Org) -> None:
    (key,) = writer.made("Account", {"Name": "a", "CreatedDate": PAST, "LastModifiedDate": LATER})
    org.clock.advance(timedelta(hours=1))
    writer.update("Account", {"Id": key, "Name": "b"})
    row = writer.row("Account", key)
    assert row["CreatedDate"].year == 2019
    assert row["LastModifiedDate"] == org.clock.stamp().replace(tzinfo=None)


# -- hard delete


def test_hard_delete_needs_its_permission(writer: RecordWriter, org: Org) -> None:
    (key,) = writer.made("Account", {"Name": "a"})
    org.set_permission(writer.user, Permission.BULK_HARD_DELETE, granted=False)
    text = "hardDelete operation requires special user profile permission, please contact your"
    with pytest.raises(SalesforceError, match=text) as caught:
        writer.write(Verb.HARD_DELETE, "Account", {"Id": key})
    assert (caught.value.status, caught.value.code) == (400, "FEATURENOTENABLED")
    org.set_permission(writer.user, Permission.BULK_HARD_DELETE, granted=True)
    (result,) = writer.write(Verb.HARD_DELETE, "Account", {"Id": key})
    assert result.success
    assert (org.holds("Account").live, org.holds("Account").deleted) == (0, 0)
