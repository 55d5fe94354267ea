"""Inserts, updates and mass edits: values, stamps, history, refusals."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from unlost_simulators.salesforce.editing import Expression
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.org import Org


def naive(*parts: int) -> datetime:
    """An instant as the store holds it: UTC without a zone."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


def rows(org: Org, soql: str, user: SimUser) -> list[dict]:
    found = org.query(user, soql, all_rows=True).records(0, 2000)
    return [{key: value for key, value in one.items() if key != "attributes"} for one in found]


def test_insert_coerces_json_and_python_values(org: Org, backup: SimUser) -> None:
    (made,) = org.insert(
        backup,
        "contact",
        [
            {
                "lastname": "  Vogt\u00a0 ",
                "FirstName": "",
                "Birthdate": "1990-02-03",
                "Wakes__c": "06:30:00.000Z",
                "HasOptedOut": "true",
                "Likes__c": "dark;milk",
            }
        ],
    )
    row = org.export("Contact").to_pylist()[0]
    assert row["Id"] == made
    assert made.startswith("003Dn")
    assert row["LastName"] == "Vogt\u00a0"
    assert row["FirstName"] is None
    assert row["Birthdate"] == date(1990, 2, 3)
    assert row["Wakes__c"] == time(6, 30)
    assert row["HasOptedOut"] is True


def test_insert_stamps_and_owns(org: Org, narrow: SimUser) -> None:
    org.insert(narrow, "Account", [{"Name": "a"}])
    row = org.export("Account").to_pylist()[0]
    stamp = naive(2026, 11, 1, 12)
    assert row["CreatedDate"] == row["LastModifiedDate"] == row["SystemModstamp"] == stamp
    assert row["OwnerId"] == row["CreatedById"] == row["LastModifiedById"] == narrow.id
    assert row["IsDeleted"] is False


def test_stamp_may_be_given(org: Org, backup: SimUser) -> None:
    past = datetime(2020, 5, 1, 8, 30, tzinfo=UTC)
    org.insert(backup, "Account", [{"Name": "a"}, {"Name": "b"}], stamp=past)
    stamps = org.export("Account").column("SystemModstamp").to_pylist()
    assert stamps == [past.replace(tzinfo=None)] * 2


def test_system_fields_may_be_given(org: Org, backup: SimUser) -> None:
    org.insert(backup, "Account", [{"Name": "a", "CreatedDate": "2019-01-02T03:04:05.000+0200"}])
    assert org.export("Account").column("CreatedDate")[0].as_py() == naive(2019, 1, 2, 1, 4, 5)


def test_auto_numbers_count(org: Org, backup: SimUser) -> None:
    org.insert(backup, "Case", [{"Subject": "x"}, {"Subject": "y"}])
    org.insert(backup, "Case", [{}])
    numbers = org.export("Case").column("CaseNumber").to_pylist()
    assert numbers == ["00000001", "00000002", "00000003"]


def test_update_moves_stamps_and_writes_history(org: Org, backup: SimUser, narrow: SimUser) -> None:
    (made,) = org.insert(backup, "Account", [{"Name": "old", "AnnualRevenue": 1}])
    org.clock.advance(timedelta(hours=1, milliseconds=700))
    org.update(narrow, "Account", {made[:15]: {"name": "new", "Industry": "Food"}})
    row = org.export("Account").to_pylist()[0]
    later = naive(2026, 11, 1, 13)
    assert (row["Name"], row["Industry"], row["AnnualRevenue"]) == ("new", "Food", Decimal("1.00"))
    assert row["CreatedDate"] == naive(2026, 11, 1, 12)
    assert row["LastModifiedDate"] == row["SystemModstamp"] == later
    assert (row["CreatedById"], row["LastModifiedById"]) == (backup.id, narrow.id)
    (change,) = org.export("AccountHistory").to_pylist()
    assert (change["AccountId"], change["Field"]) == (made, "Name")
    assert (change["OldValue"], change["NewValue"]) == ("old", "new")
    assert (change["CreatedById"], change["CreatedDate"]) == (narrow.id, later)


def test_history_names_lookups_without_id(org: Org, backup: SimUser, narrow: SimUser) -> None:
    (made,) = org.insert(backup, "Account", [{"Name": "a"}])
    org.update(backup, "Account", {made: {"OwnerId": narrow.id, "Name": "a"}})
    (change,) = org.export("AccountHistory").to_pylist()
    assert (change["Field"], change["DataType"]) == ("Owner", "EntityId")
    assert (change["OldValue"], change["NewValue"]) == (backup.id, narrow.id)


def test_custom_history_hangs_on_parent_id(org: Org, backup: SimUser) -> None:
    (made,) = org.insert(backup, "Recipe__c", [{"Name": "r", "Cocoa__c": 0.5}])
    org.update(backup, "Recipe__c", {made: {"Cocoa__c": "0.7"}})
    (change,) = org.export("Recipe__History").to_pylist()
    assert (change["ParentId"], change["OldValue"]) == (made, "0.500000")


def test_each_row_keeps_what_it_does_not_set(org: Org, backup: SimUser) -> None:
    one, two = org.insert(
        backup, "Account", [{"Name": "1", "Industry": "Food"}, {"Name": "2", "Industry": "Food"}]
    )
    org.update(backup, "Account", {one: {"Industry": None}, two: {"Name": "zwei"}})
    found = {row["Id"]: row for row in org.export("Account").to_pylist()}
    assert (found[one]["Name"], found[one]["Industry"]) == ("1", None)
    assert (found[two]["Name"], found[two]["Industry"]) == ("zwei", "Food")


def test_update_where_with_values_and_expressions(org: Org, backup: SimUser) -> None:
    parent = org.insert(backup, "Account", [{"Name": "top"}])[0]
    org.insert(backup, "Account", [{"Name": f"shop {n}", "ParentId": parent} for n in range(5)])
    changed = org.update_where(
        backup,
        "Account",
        "Name LIKE 'shop%'",
        {"Industry": "Retail", "Description": Expression("{Name} || ' of ' || {Parent.Name}")},
    )
    assert changed == 5
    found = rows(org, "SELECT Name, Industry, Description FROM Account ORDER BY Name", backup)
    assert found[0] == {"Name": "shop 0", "Industry": "Retail", "Description": "shop 0 of top"}
    assert found[-1]["Industry"] is None


def test_update_where_takes_the_first_rows_only(org: Org, backup: SimUser) -> None:
    org.insert(backup, "Account", [{"Name": f"a{n}"} for n in range(10)])
    assert org.update_where(backup, "Account", None, {"Industry": "Food"}, limit=3) == 3
    found = rows(org, "SELECT Name FROM Account WHERE Industry = 'Food'", backup)
    assert [one["Name"] for one in found] == ["a0", "a1", "a2"]


def test_mass_edit_writes_history(org: Org, backup: SimUser) -> None:
    org.insert(backup, "Account", [{"Name": f"a{n}"} for n in range(20)])
    org.update_where(backup, "Account", "Name != 'a0'", {"Name": "overwritten"})
    assert org.holds("AccountHistory").live == 19


def test_ids_where(org: Org, backup: SimUser) -> None:
    made = org.insert(backup, "Account", [{"Name": "a"}, {"Name": "b"}, {"Name": "c"}])
    assert org.ids_where("Account", "Name IN ('c', 'B')") == [made[1], made[2]]
    assert org.ids_where("Account", None, limit=1) == [made[0]]


@pytest.mark.parametrize(
    ("name", "row", "code", "part"),
    [
        ("Account", {}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]"),
        ("Account", {"Name": "x" * 256}, "STRING_TOO_LONG", "Name: data value too large: xxx"),
        ("Account", {"Name": "a", "Nam": 1}, "INVALID_FIELD", "No such column 'Nam' on sobject"),
        ("Account", {"Name": "a", "ParentId": "x"}, "MALFORMED_ID", "id value of incorrect type"),
        ("Account", {"Name": "a", "AnnualRevenue": "1e17"}, "NUMBER_OUTSIDE_VALID_RANGE", ""),
        ("Account", {"Name": "a", "AnnualRevenue": "x"}, "INVALID_FIELD", "xsd:double"),
        ("Account", {"Name": "a", "NumberOfEmployees": 2**31}, "NUMBER_OUTSIDE_VALID_RANGE", ""),
        ("Account", {"Name": "a", "NumberOfEmployees": "x"}, "INVALID_FIELD", "xsd:int"),
        ("Account", {"Name": 5}, "INVALID_FIELD", "xsd:string"),
        ("Account", {"Name": "a", "Contact_Count__c": 5}, "INVALID_FIELD", "No such column"),
        ("Contact", {"LastName": "a", "Birthdate": "soon"}, "INVALID_FIELD", "xsd:date"),
        ("Contact", {"LastName": "a", "Wakes__c": "soon"}, "INVALID_FIELD", "xsd:time"),
        ("Contact", {"LastName": "a", "HasOptedOut": 7}, "INVALID_FIELD", "xsd:boolean"),
        ("Contact", {"LastName": "a", "CreatedDate": "x"}, "INVALID_FIELD", "xsd:dateTime"),
        (
            "Opportunity",
            {"Name": "a", "StageName": "Foo"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Stage Name: bad value for restricted picklist field: Foo",
        ),
    ],
)
def test_refused_rows(
    org: Org, backup: SimUser, name: str, row: dict, code: str, part: str
) -> None:
    with pytest.raises(SalesforceError) as caught:
        org.insert(backup, name, [{**row}])
    assert caught.value.status == 400
    assert caught.value.code == code
    assert part in caught.value.message
    assert org.holds(name).live == 0


def test_update_of_unknown_or_deleted_rows_is_refused(org: Org, backup: SimUser) -> None:
    (made,) = org.insert(backup, "Account", [{"Name": "a"}])
    org.delete(backup, "Account", [made])
    with pytest.raises(SalesforceError, match="entity is deleted") as caught:
        org.update(backup, "Account", {made: {"Name": "b"}})
    assert (caught.value.status, caught.value.code) == (404, "ENTITY_IS_DELETED")


def test_no_rows_no_change(org: Org, backup: SimUser) -> None:
    assert org.insert(backup, "Account", []) == []
    org.update(backup, "Account", {})
    assert org.holds("Account").live == 0


def test_uploaded_bytes_are_kept(org: Org, backup: SimUser) -> None:
    body = bytes(range(256)) * 5000
    (made,) = org.insert(backup, "ContentVersion", [{"Title": "t", "VersionData": body}])
    blob = org.blob(backup, "contentversion", made, "versiondata")
    assert (blob.size, blob.content_type) == (len(body), "application/octetstream")
    assert b"".join(blob.chunks) == body


def test_a_blob_that_is_not_there(org: Org, backup: SimUser) -> None:
    (made,) = org.insert(backup, "ContentVersion", [{"Title": "t"}])
    assert b"".join(org.blob(backup, "ContentVersion", made, "VersionData").chunks) == b""
    for record, field in [(made, "Title"), ("068Dn0000000009AAA", "VersionData"), ("x", "Id")]:
        with pytest.raises(SalesforceError, match="NOT_FOUND"):
            org.blob(backup, "ContentVersion", record, field)
