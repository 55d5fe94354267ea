"""Exact bodies of refused queries."""

import pytest

from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.org import Org

CUSTOM_FIELD = (
    "If you are attempting to use a custom field, be sure to append the '__c' after the custom "
    "field name. Please reference your WSDL or the describe call for the appropriate names."
)
CUSTOM_OBJECT = (
    "If you are attempting to use a custom object, be sure to append the '__c' after the entity "
    "name. Please reference your WSDL or the describe call for the appropriate names."
)
CUSTOM_RELATIONSHIP = (
    "If you are attempting to use a custom relationship, be sure to append the '__r' after the "
    "custom relationship name. Please reference your WSDL or the describe call for the "
    "appropriate names."
)


def refusal(org: Org, user: SimUser, soql: str, **options: int) -> SalesforceError:
    with pytest.raises(SalesforceError) as caught:
        org.query(user, soql, **options)
    return caught.value


def test_unknown_object(org: Org, backup: SimUser) -> None:
    error = refusal(org, backup, "SELECT Id FROM XYZZY")
    message = (
        "\nSELECT Id FROM XYZZY\n               ^\nERROR at Row:1:Column:16\n"
        f"sObject type 'XYZZY' is not supported. {CUSTOM_OBJECT}"
    )
    assert error.status == 400
    assert error.body() == [{"message": message, "errorCode": "INVALID_TYPE"}]


def test_unknown_field(org: Org, backup: SimUser) -> None:
    error = refusal(org, backup, "SELECT Id, Dispenser__c FROM Account")
    message = (
        "\nSELECT Id, Dispenser__c FROM Account\n           ^\nERROR at Row:1:Column:12\n"
        f"No such column 'Dispenser__c' on entity 'Account'. {CUSTOM_FIELD}"
    )
    assert error.body() == [{"message": message, "errorCode": "INVALID_FIELD"}]


def test_long_queries_are_quoted_in_part(org: Org, backup: SimUser) -> None:
    head = "SELECT Id, Name, Industry, AnnualRevenue, NumberOfEmployees, "
    error = refusal(org, backup, f"{head}Nope FROM Account WHERE Name = 'a long story'")
    _, excerpt, caret, position, _ = error.message.split("\n")
    assert (
        excerpt
        == "stry, AnnualRevenue, NumberOfEmployees, Nope FROM Account WHERE Name = 'a long s"
    )
    assert excerpt[len(caret) - 1 :].startswith("Nope")
    assert position == f"ERROR at Row:1:Column:{len(head) + 1}"


@pytest.mark.parametrize(
    ("soql", "code", "tail"),
    [
        (
            "SELECT Account.Nope FROM Contact",
            "INVALID_FIELD",
            f"No such column 'Nope' on entity 'Account'. {CUSTOM_FIELD}",
        ),
        (
            "SELECT Nope.Name FROM Contact",
            "INVALID_FIELD",
            f"Didn't understand relationship 'Nope' in field path. {CUSTOM_RELATIONSHIP}",
        ),
        (
            "SELECT (SELECT Id FROM Nopes) FROM Account",
            "INVALID_TYPE",
            (
                "Didn't understand relationship 'Nopes' in FROM part of query call. "
                f"{CUSTOM_RELATIONSHIP}"
            ),
        ),
        (
            "SELECT Id FROM Name",
            "INVALID_TYPE_FOR_OPERATION",
            "entity type Name does not support query",
        ),
        (
            "SELECT Id FROM Account WHERE Description = 'x'",
            "INVALID_FIELD",
            "field 'Description' can not be filtered in a query call",
        ),
        (
            "SELECT Id FROM Account WHERE BillingAddress = 'x'",
            "INVALID_FIELD",
            "field 'BillingAddress' can not be filtered in a query call",
        ),
        (
            "SELECT Id FROM Account ORDER BY Description",
            "MALFORMED_QUERY",
            "field 'Description' can not be sorted in a query call",
        ),
        (
            "SELECT COUNT(Id) FROM Account GROUP BY AnnualRevenue",
            "MALFORMED_QUERY",
            "field 'AnnualRevenue' can not be grouped in a query call",
        ),
        (
            "SELECT Name, COUNT(Id) FROM Account",
            "MALFORMED_QUERY",
            "Field must be grouped or aggregated: Name",
        ),
        (
            "SELECT Id FROM Account WHERE COUNT(Id) > 1",
            "MALFORMED_QUERY",
            "Aggregate functions are not allowed in WHERE",
        ),
        (
            "SELECT SUM(Name) FROM Account",
            "MALFORMED_QUERY",
            "field Name does not support aggregate operator SUM",
        ),
        (
            "SELECT Id FROM Account WHERE Name = 5",
            "INVALID_FIELD",
            (
                "value of filter criterion for field 'Name' must be of type string and should be "
                "enclosed in quotes"
            ),
        ),
        (
            "SELECT Id FROM Account WHERE AnnualRevenue = '5'",
            "INVALID_FIELD",
            (
                "value of filter criterion for field 'AnnualRevenue' must be of type double and "
                "should not be enclosed in quotes"
            ),
        ),
        (
            "SELECT Id FROM Account WHERE CreatedDate > '2026-01-01T00:00:00Z'",
            "INVALID_FIELD",
            (
                "value of filter criterion for field 'CreatedDate' must be of type dateTime and "
                "should not be enclosed in quotes"
            ),
        ),
        (
            "SELECT Id FROM Account WHERE CreatedDate > 2026-01-01",
            "INVALID_FIELD",
            (
                "value of filter criterion for field 'CreatedDate' must be of type dateTime and "
                "should not be enclosed in quotes"
            ),
        ),
        (
            "SELECT Id FROM Account WHERE IsDeleted = 'true'",
            "INVALID_FIELD",
            (
                "value of filter criterion for field 'IsDeleted' must be of type boolean and should "
                "not be enclosed in quotes"
            ),
        ),
        (
            "SELECT Id FROM Account WHERE Id = 'abc'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid ID field: abc",
        ),
        (
            "SELECT Id FROM Account WHERE Id LIKE '001%'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid ID field: 001%",
        ),
        (
            "SELECT Id FROM Account WHERE IsDeleted > false",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator",
        ),
        (
            "SELECT Id FROM Account WHERE Name INCLUDES ('a')",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator",
        ),
        (
            "SELECT Id FROM Account WHERE CreatedDate = SOMEDAY",
            "MALFORMED_QUERY",
            "unexpected token: 'SOMEDAY'",
        ),
        (
            "SELECT Id FROM Account WHERE Name = 'a' OR Id IN (SELECT AccountId FROM Contact)",
            "MALFORMED_QUERY",
            "Semi join sub-selects are not allowed with the 'OR' operator",
        ),
        (
            (
                "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE AccountId IN "
                "(SELECT Id FROM Account))"
            ),
            "MALFORMED_QUERY",
            "Nesting of semi join sub-selects is not supported",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT LastName FROM Contact)",
            "MALFORMED_QUERY",
            "Semi join sub-selects can only query id fields, cannot use: 'LastName'",
        ),
        (
            "SELECT Id FROM Account WHERE Name IN (SELECT AccountId FROM Contact)",
            "MALFORMED_QUERY",
            "Semi join sub-selects can only query id fields, cannot use: 'Name'",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT Id, AccountId FROM Contact)",
            "MALFORMED_QUERY",
            "Semi join sub-selects must select exactly one field",
        ),
        (
            "SELECT FIELDS(ALL) FROM Account",
            "MALFORMED_QUERY",
            "The SOQL FIELDS function must have a LIMIT of at most 200",
        ),
        (
            "SELECT FIELDS(CUSTOM) FROM Account LIMIT 201",
            "MALFORMED_QUERY",
            "The SOQL FIELDS function must have a LIMIT of at most 200",
        ),
        (
            "SELECT Id FROM Account OFFSET 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Maximum SOQL offset allowed is 2000",
        ),
        ("SELECT Id, Id FROM Account", "INVALID_FIELD", "duplicate field selected: Id"),
        (
            "SELECT Name n FROM Account",
            "MALFORMED_QUERY",
            "only aggregate expressions use field aliasing",
        ),
        ("SELECT NOPE(Name) FROM Account", "MALFORMED_QUERY", "Unknown function: NOPE"),
        (
            "SELECT DAY_ONLY(Name) FROM Account",
            "MALFORMED_QUERY",
            "field Name does not support function DAY_ONLY",
        ),
        (
            "SELECT (SELECT Id, (SELECT Id FROM Reports) FROM Contacts) FROM Account",
            "MALFORMED_QUERY",
            "SOQL relationships of more than one level of children are not supported",
        ),
        (
            "SELECT TYPEOF Owner WHEN User THEN Name END FROM Account",
            "INVALID_FIELD",
            f"Didn't understand relationship 'Owner' in field path. {CUSTOM_RELATIONSHIP}",
        ),
        (
            "SELECT TYPEOF What WHEN Case THEN Subject END FROM Task",
            "INVALID_TYPE",
            f"sObject type 'Case' is not supported. {CUSTOM_OBJECT}",
        ),
        (
            "SELECT What.Subject FROM Task",
            "INVALID_FIELD",
            f"No such column 'Subject' on entity 'Name'. {CUSTOM_FIELD}",
        ),
    ],
)
def test_refusals(org: Org, backup: SimUser, soql: str, code: str, tail: str) -> None:
    error = refusal(org, backup, soql)
    assert error.status == 400
    assert error.code == code
    assert error.message.endswith(tail)
    assert error.fields is None


def test_aggregates_have_no_second_page(org: Org, backup: SimUser) -> None:
    import pyarrow as pa

    names = pa.array([f"n{one}" for one in range(2001)])
    org.store.load("Account", pa.table({"Name": names}))
    error = refusal(org, backup, "SELECT Name, COUNT(Id) FROM Account GROUP BY Name")
    assert error.code == "EXCEEDED_ID_LIMIT"
    assert error.message == (
        "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a "
        "single batch"
    )
    few = org.query(backup, "SELECT Name, COUNT(Id) FROM Account GROUP BY Name LIMIT 2000")
    assert few.total == 2000


def test_timeout_unless_the_window_is_narrow(org: Org, backup: SimUser) -> None:
    org.configure(query_windows={"Account": 7})
    soql = "SELECT Id FROM Account"
    wide = [
        soql,
        f"{soql} WHERE CreatedDate >= 2026-10-01T00:00:00Z",
        f"{soql} WHERE CreatedDate < 2026-10-01T00:00:00Z",
        f"{soql} WHERE CreatedDate >= 2026-01-01T00:00:00Z AND CreatedDate < 2026-01-09T00:00:00Z",
        f"{soql} WHERE Name = 'x' OR CreatedDate = TODAY",
        "SELECT COUNT() FROM Account",
    ]
    for one in wide:
        error = refusal(org, backup, one)
        assert (error.status, error.code) == (400, "QUERY_TIMEOUT")
        assert error.message == "Your query request was running for too long."
    narrow = [
        f"{soql} WHERE CreatedDate >= 2026-10-26T00:00:00Z",
        f"{soql} WHERE SystemModstamp = LAST_N_DAYS:3 AND Name = 'x'",
        f"{soql} WHERE CreatedDate > 2026-01-01T00:00:00Z AND CreatedDate < 2026-01-08T00:00:00Z",
    ]
    for one in narrow:
        assert org.query(backup, one).total == 0
