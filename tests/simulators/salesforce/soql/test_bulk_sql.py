"""Queries of Bulk API 2.0: CSV forms of values, headers, refusals."""

import pytest

from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.org import Org


def rows(org: Org, user: SimUser, soql: str, **options: bool) -> list[dict]:
    select = org.bulk_sql(user, soql, **options)
    table = org.store.cursor().sql(select.sql).to_arrow_table()
    assert tuple(table.column_names) == select.headers
    assert {str(one.type) for one in table.schema} == {"string"}
    return table.to_pylist()


def test_values(org: Org, backup: SimUser) -> None:
    row = {
        "LastName": 'q"\x00,\n #N/A',
        "Birthdate": "1999-12-31",
        "Wakes__c": "10:15:00Z",
        "HasOptedOut": True,
        "Likes__c": "dark;milk",
    }
    org.insert(backup, "Contact", [row, {"LastName": "b"}])
    one, two = rows(
        org,
        backup,
        "SELECT lastname, Birthdate, Wakes__c, HasOptedOut, Likes__c, CreatedDate FROM Contact",
    )
    assert one == {
        "LastName": 'q"\x00,\n #N/A',
        "Birthdate": "1999-12-31",
        "Wakes__c": "10:15:00.000Z",
        "HasOptedOut": "true",
        "Likes__c": "dark;milk",
        "CreatedDate": "2026-11-01T12:00:00.000Z",
    }
    assert (two["Birthdate"], two["HasOptedOut"], two["Likes__c"]) == ("", "false", "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("50000", "50000.0"),
        ("90000000", "9.0E7"),
        ("0.01", "0.01"),
        ("-12345678.25", "-1.234567825E7"),
        ("1234567890123456.78", "1.2345678901234568E15"),
        ("0", "0.0"),
    ],
)
def test_numbers_as_java_prints_them(org: Org, backup: SimUser, value: str, text: str) -> None:
    org.insert(backup, "Account", [{"Name": "a", "AnnualRevenue": value, "NumberOfEmployees": 42}])
    (row,) = rows(org, backup, "SELECT AnnualRevenue, NumberOfEmployees FROM Account")
    assert row == {"AnnualRevenue": text, "NumberOfEmployees": "42"}


def test_small_numbers_have_an_exponent(org: Org, backup: SimUser) -> None:
    org.insert(backup, "Recipe__c", [{"Cocoa__c": "0.0005"}, {"Cocoa__c": "0.001"}])
    found = rows(org, backup, "SELECT Cocoa__c FROM Recipe__c")
    assert [one["Cocoa__c"] for one in found] == ["5.0E-4", "0.001"]


def test_parents_are_columns(org: Org, backup: SimUser) -> None:
    (shop,) = org.insert(backup, "Account", [{"Name": "Acme"}])
    org.insert(backup, "Contact", [{"LastName": "a", "AccountId": shop}, {"LastName": "b"}])
    select = org.bulk_sql(backup, "SELECT Id, account.name, Account.Owner.Name FROM contact")
    assert (select.object, select.headers) == (
        "Contact",
        ("Id", "Account.Name", "Account.Owner.Name"),
    )
    found = {
        one["Id"][14]: one for one in rows(org, backup, "SELECT Id, Account.Name FROM Contact")
    }
    assert sorted(one["Account.Name"] for one in found.values()) == ["", "Acme"]


def test_deleted_rows_and_order(org: Org, backup: SimUser) -> None:
    made = org.insert(backup, "Contact", [{"LastName": n} for n in "abc"])
    org.delete(backup, "Contact", made[:1])
    assert len(rows(org, backup, "SELECT Id FROM Contact")) == 2
    assert len(rows(org, backup, "SELECT Id FROM Contact", all_rows=True)) == 3
    assert org.bulk_sql(backup, "SELECT Id FROM Contact WHERE LastName = 'a'").ordered is False
    assert org.bulk_sql(backup, "SELECT Id FROM Contact LIMIT 5").ordered is True
    ordered = "SELECT LastName FROM Contact ORDER BY LastName DESC"
    assert [one["LastName"] for one in rows(org, backup, ordered)] == ["c", "b"]
    assert org.bulk_sql(backup, ordered).ordered is True


@pytest.mark.parametrize(
    ("soql", "code", "message"),
    [
        (
            "SELECT BillingAddress FROM Account",
            "API_ERROR",
            "Selecting compound data not supported in Bulk Query",
        ),
        (
            "SELECT Place__c FROM Account",
            "API_ERROR",
            "Selecting compound data not supported in Bulk Query",
        ),
        (
            "SELECT VersionData FROM ContentVersion",
            "API_ERROR",
            "Binary fields are not supported in Bulk Query",
        ),
        (
            "SELECT Id FROM CaseStatus",
            "INVALIDENTITY",
            "Entity 'CaseStatus' is not supported by the Bulk API.",
        ),
        (
            "SELECT COUNT(Id) FROM Account",
            "API_ERROR",
            "Aggregate Relationships not supported in Bulk Query",
        ),
        (
            "SELECT COUNT() FROM Account",
            "API_ERROR",
            "Aggregate Relationships not supported in Bulk Query",
        ),
        ("SELECT Name FROM Account GROUP BY Name", "API_ERROR", "GROUP BY"),
        ("SELECT Id FROM Account OFFSET 5", "API_ERROR", "OFFSET"),
        ("SELECT FIELDS(ALL) FROM Account LIMIT 5", "API_ERROR", "FIELDS"),
        ("SELECT (SELECT Id FROM Contacts) FROM Account", "API_ERROR", "nested queries"),
        ("SELECT TYPEOF What WHEN Account THEN Id END FROM Task", "API_ERROR", "TYPEOF"),
        ("SELECT Id FROM Name", "INVALID_TYPE_FOR_OPERATION", "does not support query"),
        ("SELECT Id FROM Nope", "INVALID_TYPE", "sObject type 'Nope' is not supported."),
        ("SELECT Id, Nope FROM Account", "INVALID_FIELD", "No such column 'Nope'"),
        ("SELECT Id, id FROM Account", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT Id FROM", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
    ],
)
def test_refusals(org: Org, backup: SimUser, soql: str, code: str, message: str) -> None:
    with pytest.raises(SalesforceError) as caught:
        org.bulk_sql(backup, soql)
    assert (caught.value.status, caught.value.code) == (400, code)
    assert message in caught.value.message


def test_bulk_knows_sharing_and_hidden_fields(org: Org, backup: SimUser, narrow: SimUser) -> None:
    org.insert(backup, "Account", [{"Name": "theirs"}])
    org.insert(narrow, "Account", [{"Name": "mine"}])
    assert rows(org, narrow, "SELECT Name FROM Account") == [{"Name": "mine"}]
    with pytest.raises(SalesforceError, match="No such column 'AnnualRevenue'"):
        org.bulk_sql(narrow, "SELECT AnnualRevenue FROM Account")
