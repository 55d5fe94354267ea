"""Creates, updates and upserts: ids, names, required fields, stamps, history, one result a row."""

from datetime import timedelta

import pytest

from simulators.salesforce.writing.record_writer import (
    ALL,
    CLERK_ID,
    SHOP,
    WHOLESALE,
    WRITER_ID,
    RecordWriter,
    code,
    errors,
)
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.writing.request import Channel, RowError, RowResult, Verb

ROLLED_BACK = (
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    (
        "Record rolled back because not all records were valid and the request was using AllOrNone "
        "header"
    ),
    [],
)
NO_ROW = ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])


def unwritable(*names: str) -> tuple[str, str, list[str]]:
    text = (
        f"Unable to create/update fields: {', '.join(names)}. Please check the security settings "
        "of this field and verify that it is read/write for your profile or permission set."
    )
    return ("INVALID_FIELD_FOR_INSERT_UPDATE", text, list(names))


# -- create


def test_results_come_in_the_order_of_the_rows(writer: RecordWriter) -> None:
    results = writer.create("account", {"name": "a"}, {}, {"NAME": "b", "Nam": 1}, {"Name": "c"})
    assert [one.success for one in results] == [True, False, False, True]
    first, empty, odd, last = results
    assert first == RowResult(first.id, success=True)
    assert len(first.id or "") == 18
    assert empty.id is None
    assert empty.created is None
    assert errors(empty) == [
        ("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ["Name"])
    ]
    assert errors(odd) == [("INVALID_FIELD", "No such column 'Nam' on sobject of type Account", [])]
    assert writer.row("Account", str(last.id))["Name"] == "c"


def test_no_rows_no_results(writer: RecordWriter) -> None:
    for verb in Verb:
        assert writer.write(verb, "Account") == []


def test_a_row_that_sets_nothing(writer: RecordWriter) -> None:
    one, two = writer.made("Case", {}, {"attributes": {"type": "Case"}})
    assert [writer.row("Case", key)["CaseNumber"] for key in (one, two)] == ["00000001", "00000002"]


def test_a_new_row_is_stamped_and_owned(writer: RecordWriter, org: Org) -> None:
    (key,) = writer.made("Account", {"Name": "a"})
    row = writer.row("Account", key)
    stamp = org.clock.stamp().replace(tzinfo=None)
    assert row["CreatedDate"] == row["LastModifiedDate"] == row["SystemModstamp"] == stamp
    assert row["OwnerId"] == row["CreatedById"] == row["LastModifiedById"] == WRITER_ID
    assert row["IsDeleted"] is False


def test_owners_are_filled_in_beside_given_ones(writer: RecordWriter) -> None:
    one, two = writer.made("Account", {"Name": "a"}, {"Name": "b", "OwnerId": CLERK_ID[:15]})
    owners = [writer.row("Account", key)["OwnerId"] for key in (one, two)]
    assert owners == [WRITER_ID, CLERK_ID]


@pytest.mark.parametrize("given", ["001Dn0000000009AAA", "junk"])
def test_an_id_cannot_be_chosen(writer: RecordWriter, given: str) -> None:
    (result,) = writer.create("Account", {"Id": given, "Name": "a"})
    text = "cannot specify Id in an insert call"
    assert errors(result) == [("INVALID_FIELD_FOR_INSERT_UPDATE", text, ["Id"])]
    assert writer.made("Account", {"Id": None, "Name": "a"}, {"Id": "", "Name": "b"})


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ({"MasterRecordId": None}, ["MasterRecordId"]),
        ({"Contacts__c": 5, "Shout__c": "X"}, ["Contacts__c", "Shout__c"]),
        ({"BillingAddress": {"city": "Gent"}}, ["BillingAddress"]),
        ({"IsDeleted": False}, ["IsDeleted"]),
        ({"SystemModstamp": "2026-01-01T00:00:00Z"}, ["SystemModstamp"]),
    ],
)
def test_fields_that_nobody_sets(writer: RecordWriter, row: dict, names: list[str]) -> None:
    (result,) = writer.create("Account", {"Name": "a", **row})
    assert errors(result) == [unwritable(*names)]
    (key,) = writer.made("Account", {"Name": "a"})
    (result,) = writer.update("Account", {"Id": key, **row})
    assert errors(result) == [unwritable(*names)]


def test_the_compound_name_and_auto_numbers_are_not_set(writer: RecordWriter) -> None:
    (result,) = writer.create("Contact", {"Name": "Ada L", "LastName": "L"})
    assert errors(result) == [unwritable("Name")]
    (result,) = writer.create("Case", {"CaseNumber": "7"})
    assert errors(result) == [unwritable("CaseNumber")]


def test_what_is_only_createable_is_refused_later(writer: RecordWriter) -> None:
    (key,) = writer.made("Account", {"Name": "a", "Fixed__c": "x"})
    (result,) = writer.update("Account", {"Id": key, "Fixed__c": "x"})
    assert errors(result) == [unwritable("Fixed__c")]


def test_rows_of_an_object_that_takes_none(writer: RecordWriter) -> None:
    (result,) = writer.create("AccountHistory", {"Field": "Name"})
    text = "entity type cannot be inserted: Account History"
    assert errors(result) == [("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text, [])]
    (result,) = writer.update("CaseStatus", {"Id": "0zzDn0000000001AAA", "MasterLabel": "x"})
    text = "entity type cannot be updated: Case Status"
    assert errors(result) == [("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text, [])]
    (result,) = writer.delete("User", CLERK_ID)
    text = "entity type cannot be deleted: User"
    assert errors(result) == [("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text, [])]


@pytest.mark.parametrize("name", ["Nothing", "Account__c"])
def test_an_unknown_object_refuses_the_whole_request(writer: RecordWriter, name: str) -> None:
    with pytest.raises(SalesforceError, match="404 NOT_FOUND"):
        writer.create(name, {"Name": "a"})


# -- record types


@pytest.mark.parametrize(
    ("given", "stored"),
    [({}, SHOP), ({"RecordTypeId": WHOLESALE}, WHOLESALE), ({"RecordTypeId": None}, None),
     ({"RecordTypeId": "012000000000000AAA"}, None)],
)  # fmt: skip
def test_record_types(writer: RecordWriter, given: dict, stored: str | None) -> None:
    (key,) = writer.made("Account", {"Name": "a", **given})
    assert writer.row("Account", key)["RecordTypeId"] == stored


@pytest.mark.parametrize("given", ["012Dn0000000003IAA", "012Dn0000000009IAA"])
def test_record_types_that_are_not_for_the_user(writer: RecordWriter, given: str) -> None:
    (key,) = writer.made("Account", {"Name": "a"})
    text = f"Record Type ID: this ID value isn't valid for the user: {given}"
    wrong = [("INVALID_CROSS_REFERENCE_KEY", text, ["RecordTypeId"])]
    (result,) = writer.create("Account", {"Name": "a", "RecordTypeId": given})
    assert errors(result) == wrong
    (result,) = writer.update("Account", {"Id": key, "RecordTypeId": given})
    assert errors(result) == wrong


# -- update


def test_an_update_changes_what_it_names(writer: RecordWriter, org: Org) -> None:
    (key,) = writer.made("Account", {"Name": "a", "Phone": "1", "OwnerId": CLERK_ID})
    org.clock.advance(timedelta(hours=1))
    (result,) = writer.update("Account", {"id": key[:15], "NAME": "b"})
    assert result == RowResult(key, success=True)
    row = writer.row("Account", key)
    assert (row["Name"], row["Phone"], row["OwnerId"]) == ("b", "1", CLERK_ID)
    assert row["LastModifiedDate"] == row["SystemModstamp"] > row["CreatedDate"]
    (change,) = org.export("AccountHistory").to_pylist()
    assert (change["Field"], change["OldValue"], change["NewValue"]) == ("Name", "a", "b")


def test_an_update_of_nothing_moves_the_stamps(writer: RecordWriter, org: Org) -> None:
    (key,) = writer.made("Account", {"Name": "a"})
    org.clock.advance(timedelta(hours=1))
    assert writer.update("Account", {"Id": key})[0].success
    row = writer.row("Account", key)
    assert row["LastModifiedDate"] > row["CreatedDate"]


def test_updates_of_what_is_not_there(writer: RecordWriter) -> None:
    gone, held = writer.made("Account", {"Name": "a"}, {"Name": "b"})
    writer.delete("Account", gone)
    results = writer.update(
        "Account",
        {"Name": "x"},
        {"Id": None, "Name": "x"},
        {"Id": "24", "Name": "x"},
        {"Id": 24, "Name": "x"},
        {"Id": WRITER_ID, "Name": "x"},
        {"Id": "001Dn0000000009IAA", "Name": "x"},
        {"Id": gone, "Name": "x"},
        {"Id": held, "Name": "x"},
    )
    no_id = ("MISSING_ARGUMENT", "Id not specified in an update call", [])

    def odd(value: object) -> tuple[str, str, list[str]]:
        return ("MALFORMED_ID", f"Account ID: id value of incorrect type: {value}", ["Id"])

    assert [errors(one) for one in results] == [
        [no_id], [no_id], [odd("24")], [odd(24)], [odd(WRITER_ID)], [NO_ROW],
        [("ENTITY_IS_DELETED", "entity is deleted", [])], [],
    ]  # fmt: skip
    assert [one.id for one in results[-3:]] == ["001Dn0000000009IAA", gone, held]


def test_ids_of_custom_objects_are_called_records(writer: RecordWriter) -> None:
    (result,) = writer.update("Score__c", {"Id": "x"})
    text = "Record ID: id value of incorrect type: x"
    assert errors(result) == [("MALFORMED_ID", text, ["Id"])]


def test_a_required_field_is_not_cleared(writer: RecordWriter) -> None:
    (key,) = writer.made("Account", {"Name": "a"})
    (result,) = writer.update("Account", {"Id": key, "Name": None})
    text = "Required fields are missing: [Name]"
    assert errors(result) == [("REQUIRED_FIELD_MISSING", text, ["Name"])]
    assert writer.row("Account", key)["Name"] == "a"


def test_a_record_twice_in_a_request(writer: RecordWriter) -> None:
    one, two = writer.made("Account", {"Name": "a"}, {"Name": "b"})
    rows = [{"Id": key, "Name": name} for key, name in [(one, "1"), (two, "2"), (one, "3")]]
    results = writer.update("Account", *rows)
    assert [code(result) for result in results] == ["ok", "ok", "DUPLICATE_VALUE"]
    assert errors(results[2])[0][1] == f"Duplicate id specified: {one}"
    assert writer.row("Account", one)["Name"] == "1"


def test_a_record_again_in_the_next_chunk(writer: RecordWriter) -> None:
    keys = writer.made("Account", *({"Name": f"a{n}"} for n in range(201)))
    rows = [{"Id": key, "Phone": str(n)} for n, key in enumerate([*keys[:200], keys[0]])]
    assert all(one.success for one in writer.update("Account", *rows))
    assert writer.row("Account", keys[0])["Phone"] == "200"


# -- upsert


def test_upsert_tells_what_it_created(writer: RecordWriter) -> None:
    (key,) = writer.made("Account", {"Name": "a", "Number__c": "Käse-1"})
    results = writer.upsert(
        "Account",
        {"number__c": "KÄSE-1", "Name": "b"},
        {"Number__c": "2", "Name": "new"},
        {"Number__c": "3"},
        {"Name": "no key"},
        external_id="NUMBER__C",
    )
    made = str(results[1].id)
    assert results[0] == RowResult(key, success=True, created=False)
    assert results[1] == RowResult(made, success=True, created=True)
    assert [(one.success, one.created, one.id) for one in results[2:]] == [(False, False, None)] * 2
    assert code(results[2]) == "REQUIRED_FIELD_MISSING"
    assert errors(results[3]) == [("MISSING_ARGUMENT", "Number__c not specified", [])]
    assert writer.row("Account", key)["Number__c"] == "KÄSE-1"
    assert writer.row("Account", made)["Number__c"] == "2"


def test_upsert_minds_case_where_the_key_does(writer: RecordWriter) -> None:
    (key,) = writer.made("Account", {"Name": "a", "Key__c": "x"})
    upper, same = writer.upsert(
        "Account", {"Key__c": "X", "Name": "b"}, {"Key__c": "x", "Name": "c"}, external_id="Key__c"
    )
    assert (upper.created, same.created, same.id) == (True, False, key)


def test_upsert_by_id(writer: RecordWriter) -> None:
    (key,) = writer.made("Account", {"Name": "a"})
    results = writer.upsert(
        "Account", {"Id": key, "Name": "b"}, {"Id": None, "Name": "c"},
        {"Id": "001Dn0000000009IAA", "Name": "d"}, external_id="Id",
    )  # fmt: skip
    assert [(one.success, one.created) for one in results] == [
        (True, False), (True, True), (False, False),
    ]  # fmt: skip
    assert errors(results[2]) == [NO_ROW]


def test_upsert_with_several_matches(writer: RecordWriter) -> None:
    writer.made("Account", {"Name": "a", "Tag__c": "t"}, {"Name": "b", "Tag__c": "T"})
    (result,) = writer.upsert("Account", {"Tag__c": "t", "Name": "c"}, external_id="Tag__c")
    assert errors(result) == [("DUPLICATE_EXTERNAL_ID", "more than one match for upsert", [])]


def test_upsert_twice_by_one_key(writer: RecordWriter) -> None:
    first, again = writer.upsert(
        "Account", {"Number__c": "7", "Name": "a"}, {"Number__c": "7", "Name": "b"},
        external_id="Number__c",
    )  # fmt: skip
    assert (first.created, code(again)) == (True, "DUPLICATE_VALUE")
    assert errors(again)[0][1] == "Duplicate external id specified: 7"
    rows = [{"Number__c": str(n), "Name": f"n{n}"} for n in range(200)]
    results = writer.upsert(
        "Account", *rows, {"Number__c": "0", "Name": "late"}, external_id="Number__c"
    )
    assert (results[-1].success, results[-1].created) == (True, False)
    assert results[0].id == results[-1].id


def test_upsert_that_may_only_update(writer: RecordWriter) -> None:
    (result,) = writer.upsert(
        "Account", {"Number__c": "7", "Name": "a"}, external_id="Number__c", update_only=True
    )
    assert errors(result) == [("NOT_FOUND", "The requested resource does not exist", [])]


def test_deleted_rows_are_no_match(writer: RecordWriter) -> None:
    (key,) = writer.made("Account", {"Name": "a", "Number__c": "7"})
    writer.delete("Account", key)
    (result,) = writer.upsert("Account", {"Number__c": "7", "Name": "b"}, external_id="Number__c")
    assert (result.created, result.id != key) == (True, True)


@pytest.mark.parametrize("field", ["Phone", "Nothing__c"])
def test_upsert_by_what_is_no_key(writer: RecordWriter, field: str) -> None:
    text = f"Provided external ID field does not exist or is not accessible: {field}"
    with pytest.raises(SalesforceError, match=text):
        writer.upsert("Account", {field: "1", "Name": "a"}, external_id=field)


def test_the_empty_id_column_of_an_upsert_by_csv(writer: RecordWriter) -> None:
    (result,) = writer.upsert(
        "Account", {"Id": "", "Number__c": "1", "Name": "a"},
        external_id="Number__c", channel=Channel.BULK,
    )  # fmt: skip
    assert result.created is True


# -- all or none


def test_all_or_none(writer: RecordWriter) -> None:
    results = writer.create("Account", {"Name": "a"}, {}, {"Name": "b"}, all_or_none=ALL)
    assert [errors(one)[0] for one in results] == [
        ROLLED_BACK,
        ("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ["Name"]),
        ROLLED_BACK,
    ]
    assert [one.id for one in results] == [None] * 3
    assert writer.live("Account") == 0
    assert all(one.success for one in writer.create("Account", {"Name": "a"}, all_or_none=ALL))


def test_all_or_none_of_updates_and_upserts(writer: RecordWriter) -> None:
    (key,) = writer.made("Account", {"Name": "a", "Number__c": "1"})
    results = writer.update("Account", {"Id": key, "Name": "b"}, {"Name": "x"}, all_or_none=ALL)
    assert (errors(results[0]), results[0].id) == ([ROLLED_BACK], key)
    results = writer.upsert(
        "Account", {"Number__c": "1", "Name": "b"}, {"Number__c": "2"},
        external_id="Number__c", all_or_none=ALL,
    )  # fmt: skip
    assert [one.created for one in results] == [False, False]
    assert (writer.row("Account", key)["Name"], writer.live("Account")) == ("a", 1)


def test_all_or_none_of_deletes(writer: RecordWriter) -> None:
    one, two = writer.made("Account", {"Name": "a"}, {"Name": "b"})
    writer.made("Case", {"AccountId": two})
    results = writer.delete("Account", one, two, all_or_none=ALL)
    assert [code(each) for each in results] == [ROLLED_BACK[0], "DELETE_FAILED"]
    assert writer.live("Account") == 2


# -- an open transaction


def test_a_transaction_sees_its_own_writes_and_can_be_taken_back(
    writer: RecordWriter, org: Org
) -> None:
    def write() -> None:
        with org.store.transaction():
            (account,) = writer.made("Account", {"Name": "a", "Number__c": "n"})
            (contact,) = writer.made("Contact", {"LastName": "c", "Account": {"Number__c": "N"}})
            soql = f"SELECT Name, (SELECT Id FROM Contacts) FROM Account WHERE Id = '{account}'"
            (found,) = org.query(writer.user, soql).records(0, 5)
            assert found["Contacts"]["records"][0]["Id"] == contact
            assert org.storage.data_bytes() == 4096
            writer.delete("Account", account)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert writer.live("Account") == writer.live("Contact") == 0
    assert org.storage.data_bytes() == 0
    assert org.holds("Account").deleted == 0


def test_a_failed_write_inside_a_transaction_leaves_the_others(
    writer: RecordWriter, org: Org
) -> None:
    with org.store.transaction():
        writer.made("Account", {"Name": "a"})
        (result,) = writer.create("Account", {})
        assert result.errors == (
            RowError("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ("Name",)),
        )
    assert writer.live("Account") == 1
