"""Records: parents, children, TYPEOF, aggregates, FIELDS, addresses, blobs, order, pages."""

from datetime import timedelta

import pyarrow as pa
import pytest

from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.numbers import write_json
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.soql.result import QueryResult

PATH = "/services/data/v66.0/sobjects"


@pytest.fixture
def shop(org: Org, backup: SimUser) -> dict[str, str]:
    (top,) = org.insert(backup, "Account", [{"Name": "Top", "BillingStreet": "A\nB"}])
    (account,) = org.insert(
        backup, "Account", [{"Name": "Acme", "ParentId": top, "AnnualRevenue": 12345678.5}]
    )
    contacts = org.insert(
        backup,
        "Contact",
        [{"LastName": n, "FirstName": "X", "AccountId": account} for n in ("Ann", "Bob", "Cyd")],
    )
    (deal,) = org.insert(
        backup,
        "Opportunity",
        [{"Name": "Deal", "AccountId": account, "Amount": 1000, "StageName": "Won"}],
    )
    org.insert(
        backup,
        "Task",
        [
            {"Subject": "1", "WhatId": account, "WhoId": contacts[0]},
            {"Subject": "2", "WhatId": deal},
            {"Subject": "3"},
            {"Subject": "old", "WhatId": deal, "IsArchived": True},
        ],
    )
    return {"top": top, "account": account, "deal": deal, "contact": contacts[0]}


def records(org: Org, user: SimUser, soql: str, **options: bool) -> list[dict]:
    return list(org.query(user, soql, **options).records(0, 2000))


def test_record_in_select_order_with_the_spelling_of_describe(org, backup, shop) -> None:
    (record,) = records(org, backup, "SELECT name, ID, createddate FROM account WHERE name='acme'")
    assert list(record) == ["attributes", "Name", "Id", "CreatedDate"]
    assert record == {
        "attributes": {"type": "Account", "url": f"{PATH}/Account/{shop['account']}"},
        "Name": "Acme",
        "Id": shop["account"],
        "CreatedDate": "2026-11-01T12:00:00.000+0000",
    }


def test_version_of_the_addresses(org, backup, shop) -> None:
    found = org.query(backup, "SELECT Id FROM Account").records(0, 1, version="v59.0")
    assert found[0]["attributes"]["url"].startswith("/services/data/v59.0/sobjects/Account/")


def test_parents_nest_and_may_be_null(org, backup, shop) -> None:
    found = records(
        org, backup, "SELECT Name, Parent.Name, Parent.Owner.Name, Parent.Parent.Id FROM Account"
    )
    assert found[0]["Parent"] is None
    parent = found[1]["Parent"]
    assert parent["attributes"] == {"type": "Account", "url": f"{PATH}/Account/{shop['top']}"}
    assert list(parent) == ["attributes", "Name", "Owner", "Parent"]
    assert parent["Owner"]["Name"] == "Backup"
    assert parent["Parent"] is None


def test_five_parents_and_not_six(org, backup, shop) -> None:
    path = ".".join(["Parent"] * 5)
    assert records(org, backup, f"SELECT {path}.Name FROM Account")[0]["Parent"] is None
    with pytest.raises(SalesforceError, match="maximum of 5 levels"):
        org.query(backup, f"SELECT {path}.Parent.Name FROM Account")


def test_alias_and_object_name_as_prefix(org, backup, shop) -> None:
    found = records(org, backup, "SELECT a.Name, Account.Id FROM Account a WHERE a.Name = 'Top'")
    assert list(found[0]) == ["attributes", "Name", "Id"]


def test_children(org, backup, shop) -> None:
    found = records(
        org,
        backup,
        "SELECT Name, (SELECT LastName, Account.Name FROM Contacts WHERE LastName != 'Bob' "
        "ORDER BY LastName DESC), (SELECT Id FROM Opportunities LIMIT 1) FROM Account",
    )
    assert found[0]["Contacts"] is None
    assert found[0]["Opportunities"] is None
    children = found[1]["Contacts"]
    assert (children["totalSize"], children["done"]) == (2, True)
    assert [one["LastName"] for one in children["records"]] == ["Cyd", "Ann"]
    assert children["records"][0]["Account"]["Name"] == "Acme"
    assert found[1]["Opportunities"]["records"][0]["Id"] == shop["deal"]


def test_limit_of_children_counts_for_each_parent(org, backup) -> None:
    shops = org.insert(backup, "Account", [{"Name": "a"}, {"Name": "b"}])
    rows = [{"LastName": f"{n}", "AccountId": one} for one in shops for n in range(4)]
    org.insert(backup, "Contact", rows)
    found = records(org, backup, "SELECT (SELECT LastName FROM Contacts LIMIT 2) FROM Account")
    names = [[one["LastName"] for one in each["Contacts"]["records"]] for each in found]
    assert names == [["0", "1"], ["0", "1"]]


def test_many_children_continue_on_a_cursor(org, backup) -> None:
    (shop,) = org.insert(backup, "Account", [{"Name": "a"}])
    names = pa.array([f"n{one}" for one in range(2500)])
    org.store.load("Contact", pa.table({"LastName": names, "AccountId": [shop] * 2500}))
    kept: list[tuple[QueryResult, int]] = []

    def cursor(rest: QueryResult, offset: int) -> str:
        kept.append((rest, offset))
        return "/next"

    result = org.query(backup, "SELECT (SELECT LastName FROM Contacts) FROM Account")
    children = result.records(0, 1, child_cursor=cursor)[0]["Contacts"]
    assert (children["totalSize"], children["done"]) == (2500, False)
    assert children["nextRecordsUrl"] == "/next"
    assert len(children["records"]) == 2000
    ((rest, offset),) = kept
    tail = rest.records(offset, 2000)
    assert [one["LastName"] for one in tail] == [f"n{one}" for one in range(2000, 2500)]
    assert rest.total == 2500


def test_polymorphic_parents_are_names(org, backup, shop) -> None:
    found = records(org, backup, "SELECT What.Name, What.Type, Who.Name, Who.LastName FROM Task")
    assert found[0]["What"] == {
        "attributes": {"type": "Name", "url": f"{PATH}/Account/{shop['account']}"},
        "Name": "Acme",
        "Type": "Account",
    }
    assert found[0]["Who"]["Name"] == "X Ann"
    assert found[1]["What"]["attributes"]["url"] == f"{PATH}/Opportunity/{shop['deal']}"
    assert found[2]["What"] is None
    assert (
        records(org, backup, "SELECT Subject FROM Task WHERE What.Type = 'Opportunity'")[0][
            "Subject"
        ]
        == "2"
    )


def test_typeof(org, backup, shop) -> None:
    found = records(
        org,
        backup,
        "SELECT Subject, TYPEOF What WHEN Account THEN Name, AnnualRevenue "
        "WHEN Opportunity THEN Amount, Account.Name END FROM Task",
    )
    assert found[0]["What"]["attributes"]["type"] == "Account"
    assert list(found[0]["What"]) == ["attributes", "Name", "AnnualRevenue"]
    assert list(found[1]["What"]) == ["attributes", "Amount", "Name"]
    assert found[2]["What"] is None
    other = records(org, backup, "SELECT TYPEOF What WHEN Account THEN Name END FROM Task")
    assert list(other[1]["What"]) == ["attributes"]
    assert other[1]["What"]["attributes"]["type"] == "Opportunity"
    both = records(
        org, backup, "SELECT TYPEOF What WHEN Account THEN Id ELSE Name, Type END FROM Task"
    )
    assert (both[1]["What"]["Name"], both[1]["What"]["Type"]) == ("Deal", "Opportunity")


def test_archived_and_deleted_rows_need_query_all(org, backup, shop) -> None:
    assert org.query(backup, "SELECT COUNT() FROM Task").total == 3
    assert org.query(backup, "SELECT COUNT() FROM Task", all_rows=True).total == 4
    org.delete(backup, "Contact", [shop["contact"]])
    assert org.query(backup, "SELECT Id FROM Contact").total == 2
    flags = records(org, backup, "SELECT IsDeleted FROM Contact", all_rows=True)
    assert [one["IsDeleted"] for one in flags] == [True, False, False]


def test_addresses_and_locations(org, backup) -> None:
    rows = [
        {"Name": "a", "BillingStreet": "S", "BillingLatitude": 50.1234567},
        {"Name": "b", "Place__Latitude__s": 1.5, "Place__Longitude__s": 2},
    ]
    org.insert(backup, "Account", rows)
    one, two = records(org, backup, "SELECT BillingAddress, Place__c FROM Account")
    assert list(one["BillingAddress"]) == [
        "city",
        "country",
        "geocodeAccuracy",
        "latitude",
        "longitude",
        "postalCode",
        "state",
        "street",
    ]
    assert one["BillingAddress"]["street"] == "S"
    assert one["BillingAddress"]["city"] is None
    assert float(one["BillingAddress"]["latitude"]) == 50.1234567
    assert one["Place__c"] is None
    assert two["BillingAddress"] is None
    assert {key: float(value) for key, value in two["Place__c"].items()} == {
        "latitude": 1.5,
        "longitude": 2.0,
    }


def test_blob_fields_show_their_address(org, backup) -> None:
    made = org.insert(backup, "ContentVersion", [{"VersionData": b"x"}, {"Title": "link"}])
    one, two = records(org, backup, "SELECT VersionData FROM ContentVersion")
    assert one["VersionData"] == f"{PATH}/ContentVersion/{made[0]}/VersionData"
    assert two["VersionData"] is None


def test_json_forms_of_values(org, backup) -> None:
    row = {
        "LastName": 'q"\x00\\é😀\r\n',
        "Birthdate": "1999-12-31",
        "Wakes__c": "10:15:00Z",
        "HasOptedOut": True,
    }
    org.insert(backup, "Contact", [row])
    (found,) = records(
        org, backup, "SELECT LastName, Birthdate, Wakes__c, HasOptedOut, Email FROM Contact"
    )
    assert found["LastName"] == 'q"\x00\\é😀'
    assert found["Birthdate"] == "1999-12-31"
    assert found["Wakes__c"] == "10:15:00.000Z"
    assert found["HasOptedOut"] is True
    assert found["Email"] is None
    assert b"\\u0000" in write_json(found)


def test_computed_fields(org, backup, shop) -> None:
    (deal,) = records(org, backup, "SELECT Title__c FROM Opportunity WHERE Title__c LIKE 'acme%'")
    assert deal["Title__c"] == "Acme: Deal"
    counts = records(org, backup, "SELECT Contact_Count__c FROM Account ORDER BY Id")
    assert [int(one["Contact_Count__c"]) for one in counts] == [0, 3]
    org.clock.advance(timedelta(hours=1))
    org.update(backup, "Account", {shop["account"]: {"Name": "New"}})
    (deal,) = records(org, backup, "SELECT Title__c, SystemModstamp FROM Opportunity")
    assert deal["Title__c"] == "New: Deal"
    assert deal["SystemModstamp"] == "2026-11-01T12:00:00.000+0000"


def test_encrypted_fields_are_masked(org, backup) -> None:
    from unlost_simulators.salesforce.model.users import Permission

    org.insert(backup, "Contact", [{"LastName": "a", "Secret__c": "1234"}, {"LastName": "b"}])
    soql = "SELECT Secret__c FROM Contact"
    assert [one["Secret__c"] for one in records(org, backup, soql)] == ["****", None]
    org.set_permission(backup, Permission.VIEW_ENCRYPTED_DATA, granted=True)
    assert [one["Secret__c"] for one in records(org, backup, soql)] == ["1234", None]


def test_order_and_nulls(org, backup) -> None:
    rows = [{"Name": n, "AnnualRevenue": r} for n, r in [("b", 2), ("A", None), ("c", 1)]]
    org.insert(backup, "Account", rows)

    def names(order: str) -> list[str]:
        return [one["Name"] for one in records(org, backup, f"SELECT Name FROM Account {order}")]

    assert names("ORDER BY Name") == ["A", "b", "c"]
    assert names("ORDER BY Name DESC") == ["c", "b", "A"]
    assert names("ORDER BY AnnualRevenue") == ["A", "c", "b"]
    assert names("ORDER BY AnnualRevenue ASC NULLS LAST") == ["c", "b", "A"]
    assert names("ORDER BY AnnualRevenue DESC") == ["A", "b", "c"]
    assert names("ORDER BY AnnualRevenue DESC NULLS LAST, Name") == ["b", "c", "A"]
    assert names("ORDER BY Name LIMIT 1 OFFSET 1") == ["b"]
    assert names("LIMIT 0") == []


def test_counts(org, backup, shop) -> None:
    result = org.query(backup, "SELECT COUNT() FROM Contact WHERE LastName > 'b'")
    assert (result.total, result.returned, list(result.records(0, 10))) == (2, 0, [])
    assert org.query(backup, "SELECT count() FROM Contact LIMIT 1").total == 1
    (row,) = records(org, backup, "SELECT COUNT(Id) FROM Contact")
    assert row == {"attributes": {"type": "AggregateResult"}, "expr0": 3}


def test_aggregates(org, backup, shop) -> None:
    org.insert(backup, "Opportunity", [{"Name": "p", "Amount": 500}, {"Name": "q"}])
    (row,) = records(
        org,
        backup,
        "SELECT COUNT(Id) n, COUNT(Amount), SUM(Amount), AVG(Amount) mean, MIN(Name), "
        "MAX(CreatedDate), COUNT_DISTINCT(AccountId) FROM Opportunity",
    )
    assert list(row) == ["attributes", "n", "expr0", "expr1", "mean", "expr2", "expr3", "expr4"]
    assert (row["n"], row["expr0"], row["expr4"]) == (3, 2, 1)
    assert write_json([row["expr1"], row["mean"]]) == b"[1500.00,750.0]"
    assert (row["expr2"], row["expr3"]) == ("Deal", "2026-11-01T12:00:00.000+0000")


def test_groups(org, backup, shop) -> None:
    org.insert(backup, "Opportunity", [{"Name": n, "Amount": 5} for n in "pq"])
    found = records(
        org,
        backup,
        "SELECT StageName, Account.Name, COUNT(Id) c FROM Opportunity "
        "GROUP BY StageName, Account.Name HAVING COUNT(Id) >= 1 ORDER BY COUNT(Id) DESC",
    )
    assert [(one["StageName"], one["Name"], one["c"]) for one in found] == [
        (None, None, 2),
        ("Won", "Acme", 1),
    ]
    few = records(
        org,
        backup,
        "SELECT StageName FROM Opportunity GROUP BY StageName "
        "HAVING SUM(Amount) > 10 AND StageName != null",
    )
    assert [one["StageName"] for one in few] == ["Won"]
    by_year = records(
        org,
        backup,
        "SELECT CALENDAR_YEAR(CreatedDate), CALENDAR_MONTH(CreatedDate) m, COUNT(Id) "
        "FROM Opportunity GROUP BY CALENDAR_YEAR(CreatedDate), CALENDAR_MONTH(CreatedDate)",
    )
    assert [one["expr0"] for one in by_year] == [2026]
    assert (by_year[0]["m"], by_year[0]["expr1"]) == (11, 3)
    rolled = records(
        org, backup, "SELECT StageName, COUNT(Id) c FROM Opportunity GROUP BY ROLLUP(StageName)"
    )
    assert sorted(one["c"] for one in rolled) == [1, 2, 3]


def test_labels_and_formats(org, backup) -> None:
    org.insert(backup, "Account", [{"Name": "a", "Industry": "Retail", "AnnualRevenue": 1234.5}])
    (one,) = records(
        org,
        backup,
        "SELECT toLabel(Industry), FORMAT(AnnualRevenue), FORMAT(CreatedDate) FROM Account",
    )
    assert one["Industry"] == "Retail trade"
    assert one["AnnualRevenue"] == "1,234.50"


def test_fields_functions(org, backup, narrow, shop) -> None:
    (row,) = records(org, backup, "SELECT FIELDS(ALL) FROM Account LIMIT 1")
    described = {one["name"] for one in org.describe(backup, "Account").body["fields"]}
    assert set(row) - {"attributes"} == described
    (custom,) = records(org, backup, "SELECT FIELDS(CUSTOM), Id FROM Account LIMIT 1")
    assert set(custom) == {
        "attributes",
        "Place__c",
        "Place__Latitude__s",
        "Place__Longitude__s",
        "Legacy__c",
        "Contact_Count__c",
        "Id",
    }
    standard = records(org, backup, "SELECT FIELDS(STANDARD), Legacy__c FROM Account")
    assert len(standard) == 2
    assert "Legacy__c" in standard[0]
    org.insert(narrow, "Account", [{"Name": "mine"}])
    (hidden,) = records(org, narrow, "SELECT FIELDS(ALL) FROM Account LIMIT 200")
    assert "AnnualRevenue" not in hidden


@pytest.fixture
def many(org: Org) -> Org:
    names = pa.array([f"n{one:06d}" for one in range(45_000)])
    org.store.load("Account", pa.table({"Name": names}))
    return org


def test_pages_of_a_large_result_are_a_snapshot(many: Org, backup: SimUser) -> None:
    result = many.query(backup, "SELECT Name FROM Account ORDER BY Name")
    many.update_where(backup, "Account", None, {"Name": "overwritten"})
    many.delete(backup, "Account", many.ids_where("Account", None, limit=100))
    assert (result.total, result.page_size) == (45_000, 2000)
    names = []
    for offset in range(0, result.total, result.page_size):
        names += [one["Name"] for one in result.records(offset, result.page_size)]
    assert names == [f"n{one:06d}" for one in range(45_000)]
    assert [one["Name"] for one in result.records(2047, 3)] == ["n002047", "n002048", "n002049"]
    assert result.records(44_999, 2000)[0]["Name"] == "n044999"
    result.close()
    assert list(result.records(0, 10)) == []
    assert many.query(backup, "SELECT COUNT() FROM Account").total == 44_900


def test_page_sizes(org: Org, backup: SimUser) -> None:
    def size(soql: str, wanted: int | None = None) -> int:
        return org.query(backup, soql, batch_size=wanted).page_size

    assert size("SELECT Id FROM Account") == 2000
    assert size("SELECT Id FROM Account", 500) == 500
    assert size("SELECT Id FROM Account", 10) == 200
    assert size("SELECT Id FROM Account", 9000) == 2000
    assert size("SELECT Id, Description FROM Account") == 1000
    assert size("SELECT Id, Description FROM Account", 1500) == 1000
    assert size("SELECT Id, Description, Parent.Description FROM Account") == 500
